"""Tells of the process that it runs in, then does as its arguments say."""

import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path
from uuid import uuid4


def main() -> None:
    told = {
        "arguments": sys.argv[1:],
        "environment": dict(os.environ),
        "directory": str(Path.cwd()),
        "session": os.getsid(0),
        "pid": os.getpid(),
        "descriptors": sorted(os.listdir("/proc/self/fd"), key=int),
        "threads": threading.active_count(),
        "random": [random.random(), str(uuid4())],
        "zone": time.strftime("%z"),
        "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        "input": sys.stdin.read() if "--read" in sys.argv else None,
    }
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stderr.write("to standard error\n")
    if "--wait" in sys.argv:
        sys.stdout.flush()
        signal.pause()
    if "--raise" in sys.argv:
        raise ValueError("raised on purpose")
    sys.exit(7 if "--seven" in sys.argv else None)


if __name__ == "__main__":
    main()
