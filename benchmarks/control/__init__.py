"""The control: the original specification built literally, to compare against."""
