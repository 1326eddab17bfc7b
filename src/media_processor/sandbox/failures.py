"""Errors that crossed a process boundary as a code and a sentence, made errors again."""

from media_processor.errors import (
    DecoderCrash,
    MediaProcessorError,
    OutOfMemory,
)
from media_processor.messages import Failure


def error_of(failure: Failure) -> MediaProcessorError:
    """The error that ``failure`` was made of."""
    if failure.code == OutOfMemory.code:  # a process that was killed doesn't answer
        return OutOfMemory(failure.detail, for_good=True)
    kind = _BY_CODE.get(failure.code, DecoderCrash)
    return kind(failure.detail)


def _subclasses(kind: type[MediaProcessorError]) -> list[type[MediaProcessorError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _subclasses(child))]


_BY_CODE = {kind.code: kind for kind in _subclasses(MediaProcessorError)}
