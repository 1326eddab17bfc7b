"""Pictures in, branded pictures out. Pure: no network, no queue, no event loop."""
