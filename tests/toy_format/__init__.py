"""A file format that doesn't exist, for the test that adds one: a container and a codec."""
