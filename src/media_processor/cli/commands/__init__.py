"""What each subcommand is called, takes and tells of itself. What it does is imported late."""
