"""The spool: the record of every accepted picture until it is stored."""
