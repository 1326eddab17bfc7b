"""Everything on one machine, in processes that are kept running."""
