"""Which logo and profile a job uses."""
