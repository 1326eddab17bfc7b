"""Every error that the system reports: code, status, title, whose fault, whether to retry.

    MediaProcessorError                 code                     status  fault     retry
    ├── RequestError                                                     client
    │   ├── NotMultipart                not_multipart            415
    │   ├── MalformedUpload             malformed_upload         400
    │   ├── MissingPart                 missing_part             400
    │   ├── DuplicatePart               duplicate_part           400
    │   ├── InvalidField                invalid_field            422
    │   ├── UploadTooLarge              upload_too_large         413
    │   ├── UploadTooSlow               upload_too_slow          408
    │   ├── UnknownProfile              unknown_profile          422               never
    │   ├── IdempotencyConflict         idempotency_conflict     409
    │   ├── MediaNotFound               media_not_found          404
    │   ├── NotReadyYet                 not_ready_yet            409
    │   ├── NotFailed                   not_failed               409
    │   ├── UnknownHost                 unknown_host             421
    │   ├── CrossSiteRequest            cross_site_request       403
    │   ├── DigestMismatch              digest_mismatch          422
    │   └── MediaConflict               media_conflict           409
    ├── PictureError                                                     client    never
    │   ├── EmptyFile                   empty_file               400
    │   ├── UnsupportedPicture          unsupported_picture      415
    │   ├── BrokenPicture               broken_picture           422
    │   ├── TooManyPixels               too_many_pixels          422
    │   ├── TooManyFrames               too_many_frames          422
    │   └── ImageBomb                   image_bomb               422
    ├── SandboxError                                                     client    counted
    │   ├── DecoderCrash                decoder_crash            422
    │   ├── OutOfMemory                 out_of_memory            422
    │   └── TooSlow                     too_slow                 422
    ├── WrongResult                     wrong_result             500               never
    ├── LogoUnavailable                 logo_unavailable         503     operator
    ├── SpoolDamaged                    spool_damaged            500     operator  never
    ├── StorageError                                                     operator
    │   ├── StorageFull                 storage_full             507
    │   └── StorageFailing              storage_failing          503
    ├── Overloaded                      overloaded               503     operator
    ├── CatalogueUnavailable            catalogue_unavailable    503     operator
    ├── QueueUnavailable                queue_unavailable        503     operator
    ├── CentralUnavailable              central_unavailable      503     upstream  counted
    ├── CentralRefused                  central_refused          502     upstream  never
    ├── ServerUnreachable               server_unreachable       503     upstream
    ├── ServerRefused                   server_refused           502     upstream
    └── SetupError                      setup_error              500     operator

An error has a stable ``code`` for programs, an HTTP ``status``, a ``detail`` for the person
who meets it (what happened and, last, what to do), and says whose ``fault`` it is and whether a
stage that met it may ``retry`` (forever, unless it says otherwise).
``media_processor.http.problems`` encodes it as an RFC 9457 document; ``error_of`` decodes it on
the other side.
"""

from functools import cache
from typing import ClassVar, Literal

Fault = Literal["client", "operator", "upstream", "ours"]

Retry = Literal["forever", "counted", "never"]
"""What becomes of a media whose stage failed with the error: tried until it works, tried so many
times, or given up at once."""


class MediaProcessorError(Exception):
    """Root of the tree; ``detail`` is public, so it names no path, secret or traceback."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    fault: ClassVar[Fault] = "ours"
    retry: Retry = "forever"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class RequestError(MediaProcessorError):
    code = "bad_request"
    status = 400
    title = "The request is invalid"
    fault = "client"


class NotMultipart(RequestError):
    code = "not_multipart"
    status = 415
    title = "The body must be multipart/form-data"


class MalformedUpload(RequestError):
    code = "malformed_upload"
    title = "The multipart body is malformed"


class MissingPart(RequestError):
    code = "missing_part"
    title = "A part of the form is missing"


class DuplicatePart(RequestError):
    code = "duplicate_part"
    title = "A part of the form appears twice"


class InvalidField(RequestError):
    code = "invalid_field"
    status = 422
    title = "A field has an invalid value"


class UploadTooLarge(RequestError):
    code = "upload_too_large"
    status = 413
    title = "The upload is too large"


class UploadTooSlow(RequestError):
    code = "upload_too_slow"
    status = 408
    title = "The upload is too slow"


class UnknownProfile(RequestError):
    code = "unknown_profile"
    status = 422
    title = "Unknown profile"
    retry = "never"


class IdempotencyConflict(RequestError):
    code = "idempotency_conflict"
    status = 409
    title = "The Idempotency-Key was already used for another upload"


class MediaNotFound(RequestError):
    code = "media_not_found"
    status = 404
    title = "Picture not found"


class NotReadyYet(RequestError):
    code = "not_ready_yet"
    status = 409
    title = "The picture isn't ready yet"


class NotFailed(RequestError):
    code = "not_failed"
    status = 409
    title = "Only a failed picture can be retried"


class UnknownHost(RequestError):
    code = "unknown_host"
    status = 421
    title = "The server isn't known by this name"


class CrossSiteRequest(RequestError):
    code = "cross_site_request"
    status = 403
    title = "Requests from pages of other sites are refused"


class DigestMismatch(RequestError):
    code = "digest_mismatch"
    status = 422
    title = "The file doesn't match its digest"


class MediaConflict(RequestError):
    code = "media_conflict"
    status = 409
    title = "This media_id is already stored with different content"


class PictureError(MediaProcessorError):
    code = "picture_error"
    status = 422
    title = "The picture can't be used"
    fault = "client"
    retry = "never"


class EmptyFile(PictureError):
    code = "empty_file"
    status = 400
    title = "The file is empty"


class UnsupportedPicture(PictureError):
    code = "unsupported_picture"
    status = 415
    title = "Unsupported file type"


class BrokenPicture(PictureError):
    code = "broken_picture"
    title = "The picture is damaged"


class TooManyPixels(PictureError):
    code = "too_many_pixels"
    title = "The picture has too many pixels"


class TooManyFrames(PictureError):
    code = "too_many_frames"
    title = "The picture has too many frames"


class ImageBomb(PictureError):
    """Small, but it would take too much time or memory to open."""

    code = "image_bomb"
    title = "The picture would take too much time or memory to open"


class SandboxError(MediaProcessorError):
    """The guarded child process failed on a picture."""

    code = "sandbox_error"
    status = 422
    title = "The picture can't be processed"
    fault = "client"
    retry: Retry = "counted"


class DecoderCrash(SandboxError):
    code = "decoder_crash"
    title = "The picture crashed its decoder"


class OutOfMemory(SandboxError):
    """``for_good`` if the process reached its own limit, and would again. One that the kernel
    killed may have been a bystander."""

    code = "out_of_memory"
    title = "The picture needs too much memory"

    def __init__(self, detail: str, *, for_good: bool = False) -> None:
        super().__init__(detail)
        self.for_good = for_good
        if for_good:
            self.retry = "never"


class TooSlow(SandboxError):
    code = "too_slow"
    title = "Processing the picture took too long"


class WrongResult(MediaProcessorError):
    """What came out isn't the picture that was meant, so it was thrown away."""

    code = "wrong_result"
    title = "The watermarked picture came out wrong"
    retry = "never"


class LogoUnavailable(MediaProcessorError):
    code = "logo_unavailable"
    status = 503
    title = "The logo is unavailable"
    fault = "operator"


class SpoolDamaged(MediaProcessorError):
    code = "spool_damaged"
    title = "A spool file is missing or damaged"
    fault = "operator"
    retry = "never"


class StorageError(MediaProcessorError):
    """Bytes couldn't be kept; whoever can go on without them catches this."""

    code = "storage_error"
    status = 503
    title = "The storage can't be written"
    fault = "operator"


class StorageFull(StorageError):
    code = "storage_full"
    status = 507
    title = "The disk is full"


class StorageFailing(StorageError):
    """What was being written is in doubt, so it was set aside."""

    code = "storage_failing"
    title = "The disk reports errors"


class Overloaded(MediaProcessorError):
    """``retry_after`` is the number of seconds to wait."""

    code = "overloaded"
    status = 503
    title = "Too many unfinished pictures"
    fault = "operator"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class CatalogueUnavailable(MediaProcessorError):
    code = "catalogue_unavailable"
    status = 503
    title = "The catalogue's database can't be reached"
    fault = "operator"


class QueueUnavailable(MediaProcessorError):
    code = "queue_unavailable"
    status = 503
    title = "Redis can't be reached"
    fault = "operator"


class CentralUnavailable(MediaProcessorError):
    code = "central_unavailable"
    status = 503
    title = "The central server can't be reached"
    fault = "upstream"
    retry = "counted"


class CentralRefused(MediaProcessorError):
    code = "central_refused"
    status = 502
    title = "The central server refused the picture"
    fault = "upstream"
    retry = "never"


class ServerUnreachable(MediaProcessorError):
    """The client got no answer from the fast server."""

    code = "server_unreachable"
    status = 503
    title = "The fast server can't be reached"
    fault = "upstream"


class ServerRefused(MediaProcessorError):
    """The fast server refused with an unknown code or an unreadable answer."""

    code = "server_refused"
    status = 502
    title = "The fast server refused the request"
    fault = "upstream"


class SetupError(MediaProcessorError):
    code = "setup_error"
    title = "The system can't start"
    fault = "operator"


def error_of(code: str, detail: str, *, retry_after: int = 60) -> MediaProcessorError | None:
    """None if no error has this ``code``; ``retry_after`` is for an Overloaded."""
    kind = _by_code().get(code)
    if kind is Overloaded:
        return Overloaded(detail, retry_after=retry_after)
    return kind(detail) if kind else None


def leaves() -> list[type[MediaProcessorError]]:
    """Every error of the tree that has none below it."""
    kinds = _by_code().values()
    parents = {kind.__base__ for kind in kinds}
    return [kind for kind in kinds if kind not in parents]


@cache
def _by_code() -> dict[str, type[MediaProcessorError]]:
    kinds = [MediaProcessorError]
    for kind in kinds:  # grows while it is walked
        kinds += [child for child in kind.__subclasses__() if child.__module__ == __name__]
    return {kind.code: kind for kind in kinds}
