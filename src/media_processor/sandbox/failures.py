"""What the failure that a picture process reports means, or that it ends or doesn't start."""

import errno
import os
import signal

from media_processor import errors
from media_processor.errors import DecoderCrash, MediaProcessorError, OutOfMemory, TooSlow
from media_processor.messages.results import Failure


def error_of(failure: Failure) -> MediaProcessorError:
    if failure.code == OutOfMemory.code:  # a process that was killed doesn't answer
        return OutOfMemory(failure.detail, for_good=True)
    return errors.error_of(failure.code, failure.detail) or DecoderCrash(failure.detail)


def error_of_end(returncode: int | None) -> DecoderCrash | OutOfMemory | TooSlow:
    """Of a process that didn't answer; None if it went on all the same."""
    if returncode is None:
        return DecoderCrash("The picture process stopped answering.")
    if returncode == -signal.SIGXCPU:
        return TooSlow("The picture used more CPU time than allowed.")
    if returncode == -signal.SIGKILL:  # the kernel's out-of-memory killer
        return OutOfMemory("The picture process was killed, most likely because memory ran out.")
    return DecoderCrash(f"The picture process died (exit status {returncode}).")


def describe(error: OSError | RuntimeError) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number is None:
        return str(error)
    return f"{os.strerror(number)} ({errno.errorcode.get(number, number)})"


def ending(returncode: int | None) -> str:
    if returncode is not None and returncode < 0:
        return f"it was ended by {signal.Signals(-returncode).name}"
    return f"it ended with exit status {returncode}"
