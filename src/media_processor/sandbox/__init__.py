"""Picture work in guarded child processes: for the workers, and for the fast server's views."""
