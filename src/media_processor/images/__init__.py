"""Pictures in, watermarked pictures out. Pure: no network, no queue, no event loop."""
