"""What ends a benchmark early."""


class BenchmarkError(Exception):
    """A system doesn't start, refuses a picture or takes longer than the bound."""
