"""Whole systems for tests, benchmarks and chaos: started, waited for, loaded, checked."""
