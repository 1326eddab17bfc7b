"""The worker server: takes jobs from the queues and runs the stages of the pipeline."""
