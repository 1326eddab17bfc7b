"""Every shape that crosses a process boundary: HTTP answers, spool records, child process.

Times are UTC. Digests are SHA-256 in lower-case hex. Sizes are bytes.
"""
