"""Places where a test may have a process die at once, as if the power were cut to it alone.

The environment variable CRASH_AT names a file; when it holds the name of a point, the
first process that reaches this point removes the file and is gone, without a goodbye.
Unset, as it is outside of ``media-processor chaos`` and tests, a point does nothing.
"""

import os
from pathlib import Path

VARIABLE = "CRASH_AT"
EXIT_STATUS = 99

POINTS: dict[str, str] = {
    "upload-received": "fast server: the upload is written, not synced",
    "file-synced": "fast server: original and record are synced, not in place",
    "file-renamed": "fast server: the original is in place, its record is not",
    "record-kept": "fast server: the media is durable, nothing is enqueued",
    "job-enqueued": "fast server: the job is enqueued, 202 is not sent",
    "job-claimed": "worker: a job is claimed",
    "watermarking": "worker: a picture process is at work",
    "watermark-noted": "worker: the watermarked picture is noted, not in place",
    "watermark-kept": "worker: the watermarked picture is in place",
    "upload-enqueued": "worker: stage 2 is enqueued, stage 1 is not finished",
    "receipt-received": "worker: the archive's receipt is there, the record is open",
    "record-closed": "worker: the record is closed, the job is not finished",
    "delivery-received": "central server: the picture is written, not synced",
    "picture-stored": "central server: the picture is in place, without a row",
    "row-added": "central server: the row is there, the log knows nothing",
    "chain-written": "central server: the chain entry is there, its line is not",
    "line-written": "central server: all is stored, the reply is not sent",
}
"""Every point, in the order in which a picture passes them, and what it cuts short."""


def crash_point(name: str) -> None:
    """Die here, if this point is the one that is meant."""
    armed = os.environ.get(VARIABLE)
    if armed and _is_meant(Path(armed), name):
        os._exit(EXIT_STATUS)


def _is_meant(file: Path, name: str) -> bool:
    try:
        if file.read_text() != name:
            return False
        file.unlink()
    except FileNotFoundError:
        return False
    return True
