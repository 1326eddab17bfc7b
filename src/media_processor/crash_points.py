"""Named places at which tests can make a process exit at once, without any cleanup.

The environment variable CRASH_AT names a file. When the file holds the name of a point, the first
process that reaches the point removes the file and exits. Only ``media-processor chaos`` and tests
set it; unset, a point does nothing.
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
    "watermarking": "worker: a picture process is working",
    "watermark-noted": "worker: the progress names the watermarked picture, which is not in place",
    "watermark-kept": "worker: the watermarked picture is in place",
    "next-enqueued": "worker: the next stage is enqueued, this one is not finished",
    "receipt-received": "worker: the receipt is there, the record is open",
    "record-closed": "worker: the record is closed, the job is not finished",
    "delivery-received": "central server: the picture is written, not synced",
    "picture-stored": "central server: the picture is in place, without a row",
    "row-added": "central server: the row is there, chain entry and line are not",
    "chain-written": "central server: the chain entry is there, its line is not",
    "line-written": "central server: everything is stored, the reply is not sent",
}
"""Every point, in the order in which a picture passes them, and the state at that point."""


def crash_point(name: str) -> None:
    armed = os.environ.get(VARIABLE)
    if armed and _is_named(Path(armed), name):
        os._exit(EXIT_STATUS)


def _is_named(file: Path, name: str) -> bool:
    try:
        if file.read_text() != name:
            return False
        file.unlink()
    except FileNotFoundError:
        return False
    return True
