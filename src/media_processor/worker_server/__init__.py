"""The ARQ worker: stage 1 brands a picture, stage 2 ships it."""
