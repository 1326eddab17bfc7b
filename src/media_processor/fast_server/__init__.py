"""The fast server: accepts pictures, reports their state, serves the web page."""
