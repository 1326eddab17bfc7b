"""The guarded child process: says it is ready, then reads one task a line from stdin
and answers one reply a line.

It is started by sandbox/pool.py as ``python -m …picture_process MEMORY SECONDS
FOLDER`` and lives as long as its stdin. It can write into the folder alone. Whatever a
hostile picture does, it does it here.
"""

import os
import resource
import signal
import sys
import warnings
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from media_processor.atomic_files import write_atomically
from media_processor.errors import BrokenPicture, MediaProcessorError, OutOfMemory
from media_processor.formats import extension_of
from media_processor.images.logo import Logo, SvgLogo, load_logo
from media_processor.images.probe import probe
from media_processor.images.profile import from_message
from media_processor.images.watermark import watermark
from media_processor.installation import missing_part
from media_processor.messages import json_lines
from media_processor.messages.results import Failure, WatermarkResult
from media_processor.messages.sandbox import (
    SANDBOX_READY,
    DifferenceTask,
    SandboxReply,
    SandboxTask,
    TaskLine,
    ThumbnailTask,
    WatermarkTask,
)
from media_processor.processes import die_with_parent
from media_processor.sandbox.confinement import confine
from media_processor.sandbox.memory import free_memory
from media_processor.storage.disk_errors import disk_errors

# A start costs what a few small pictures do.
_MOST_PICTURES = 1000

_NO_MEMORY = SandboxReply(
    failure=Failure(
        code=OutOfMemory.code,
        detail="The picture needs more memory than a picture process may use.",
    )
)


def main() -> None:
    # What Pillow thinks of a picture's EXIF is none of an operator's business.
    warnings.simplefilter("ignore")
    memory, seconds = int(sys.argv[1]), int(sys.argv[2])
    guards = _guard(memory, Path(sys.argv[3]))
    # Replies go to a copy of stdout, so that no library's print can break the protocol.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    replies.write(SANDBOX_READY + " ".join(("", *guards)).encode() + b"\n")
    replies.flush()
    for number, line in enumerate(sys.stdin.buffer, start=1):
        _allow_cpu(seconds)
        task = json_lines.decode(TaskLine, line).task
        reply = _answer(task)
        is_spent = number >= _MOST_PICTURES or free_memory() < task.limits.memory
        replies.write(json_lines.encode(replace(reply, is_spent=is_spent)))
        replies.flush()


def _guard(memory: int, folder: Path) -> tuple[str, ...]:
    # A signal to the whole group must not cut a picture short; our parent decides.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A worker that is killed must not leave us holding its output open.
    die_with_parent(signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (memory, memory))  # a result was in memory before
    # libvips would write what is large to a file that it may not write.
    os.environ["VIPS_DISC_THRESHOLD"] = "64g"
    os.environ["VIPS_CONCURRENCY"] = "1"
    return confine(folder)


def _allow_cpu(seconds: int) -> None:
    # The kernel kills a process that uses more with SIGXCPU.
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(usage.ru_utime + usage.ru_stime) + 1 + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


def _answer(task: SandboxTask) -> SandboxReply:
    free = free_memory()
    try:
        with disk_errors():
            return _run(task)
    except BrokenPicture as error:
        if _may_need(task, free):  # few libraries tell a lack of memory from damage
            return _NO_MEMORY
        return SandboxReply(failure=Failure(code=error.code, detail=error.detail))
    except MediaProcessorError as error:
        return SandboxReply(failure=Failure(code=error.code, detail=error.detail))
    except ImportError as error:
        if (missing := missing_part(error)) is None:
            raise
        return SandboxReply(failure=Failure(code=missing.code, detail=missing.detail))
    except OSError as error:
        detail = f"The picture can't be written: {error.strerror}."
        return SandboxReply(failure=Failure(code=MediaProcessorError.code, detail=detail))
    except MemoryError:
        return _NO_MEMORY


def _may_need(task: SandboxTask, free: int) -> bool:
    """Whether the picture may need more memory than was ``free``."""
    if isinstance(task, DifferenceTask):
        return False
    try:
        return probe(Path(task.source), task.limits).memory > free
    except (MediaProcessorError, OSError):
        return False


def _run(task: SandboxTask) -> SandboxReply:
    match task:
        case WatermarkTask():
            return SandboxReply(watermarked=_watermark(task))
        case ThumbnailTask():
            from media_processor.images.thumbnail import make_thumbnail

            make_thumbnail(Path(task.source), Path(task.target), task.side, task.limits)
            return SandboxReply()
        case DifferenceTask():
            from media_processor.images.difference import difference

            found = difference(Path(task.before), Path(task.after), task.limits)
            write_atomically(Path(task.target), json_lines.encode(found))
            return SandboxReply()


def _watermark(task: WatermarkTask) -> WatermarkResult:
    profile = from_message(task.profile)
    files = [Path(logo) for logo in task.logos]
    logos = [_logo(file, file.stat().st_mtime_ns) for file in files]
    made = watermark(
        Path(task.source),
        Path(task.target),
        logos,
        profile,
        task.limits,
        task.tokens,
        Path(task.font) if task.font else None,
    )
    return WatermarkResult(
        content_type=made.content_type,
        sha256=made.sha256,
        size=made.size,
        width=made.width,
        height=made.height,
        method=made.method,
        declined=made.declined,
        extension=extension_of(made.content_type) if made.is_converted else None,
        notes=(*task.notes, *made.notes),
        profile_digest=profile.digest,
        logos=tuple(logo.digest for logo in logos),
        contrast=made.contrast,
    )


@lru_cache(maxsize=4)
def _logo(path: Path, changed: int) -> Logo | SvgLogo:  # noqa: ARG001 - a changed file is another logo
    return load_logo(path)


if __name__ == "__main__":
    main()
