"""Picture work in guarded child processes: for the workers, and for the gateway's views."""
