"""``status``: what became of a picture, once or live."""
