"""The ARQ worker: stage 1 watermarks a picture, stage 2 ships it."""
