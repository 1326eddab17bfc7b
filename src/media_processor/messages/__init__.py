"""Every shape that crosses a process boundary: HTTP bodies, spool records, sandbox tasks.

Times are UTC. Digests are SHA-256 in lower-case hex. Sizes are bytes.
"""
