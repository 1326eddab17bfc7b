"""The only package that knows ARQ and Redis: enqueue, status, the worker loop.

ARQ keeps a sorted set a queue and a key a job. Here a job's score in the set is when it
may next be claimed: the time it is due or, while it runs, the end of its lease. So a
claim is one look at the head of the set, however many jobs run elsewhere; a worker that
dies gives its jobs up by not renewing its lease. All times are the Redis server's own.
"""

from media_processor.lazy_imports import defer_import

# redis imports PyJWT, and that cryptography, for a way to log in that isn't used here: 0.1 s of
# CPU at every start.
defer_import("jwt")
