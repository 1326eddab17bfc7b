"""Turns the failure that a picture process reported back into an error."""

from media_processor import errors
from media_processor.errors import DecoderCrash, MediaProcessorError, OutOfMemory
from media_processor.messages.results import Failure


def error_of(failure: Failure) -> MediaProcessorError:
    if failure.code == OutOfMemory.code:  # a process that was killed doesn't answer
        return OutOfMemory(failure.detail, for_good=True)
    return errors.error_of(failure.code, failure.detail) or DecoderCrash(failure.detail)
