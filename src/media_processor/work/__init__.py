"""The spool: every accepted picture and its record: open, stored, failed or parked."""
