"""``watermark``: watermarks pictures on this machine, without a server."""
