"""``doctor``: checks this machine and the servers, and says what to do."""
