"""The central server's HTTP API."""

import asyncio
import hmac
import logging
import re
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse
from sqlalchemy.exc import SQLAlchemyError

from media_processor.central_server.archive import Archive, Delivery
from media_processor.central_server.audit import CheckedLog
from media_processor.central_server.catalogue import Entry
from media_processor.errors import (
    CatalogueUnavailable,
    DigestMismatch,
    DuplicatePart,
    EmptyFile,
    InvalidField,
    MediaConflict,
    MediaNotFound,
    MediaProcessorError,
    MissingPart,
    NotMultipart,
    StorageFailing,
    StorageFull,
    UploadTooLarge,
    UploadTooSlow,
)
from media_processor.filenames import MAX_STORED_FILENAME_BYTES, safe_filename, safe_worker_name
from media_processor.http.files import DOWNLOAD, PictureFile
from media_processor.http.multipart import ReceivedForm, receive_form
from media_processor.http.problems import answers
from media_processor.http.readiness import answer_ready, check_storage
from media_processor.ids import is_media_id, new_media_id
from media_processor.messages.archive import (
    ActivityPage,
    ArchiveQuery,
    CheckpointPage,
    DeliveryFields,
    LogVerdict,
    StoredMedia,
    StoredPage,
)
from media_processor.messages.base import Check, Health, Readiness
from media_processor.messages.media import Receipt
from media_processor.settings import CentralServerSettings

log = logging.getLogger(__name__)
router = APIRouter()

# A watermarked PNG or lossless picture may be larger than the upload.
_GROWTH = 4

_FIELDS = DeliveryFields.model_json_schema()
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", *_FIELDS["required"]],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        **_FIELDS["properties"],
                    },
                }
            }
        },
    }
}


def archive_of(request: Request) -> Archive:
    return cast(Archive, request.state.archive)


def settings_of(request: Request) -> CentralServerSettings:
    return cast(CentralServerSettings, request.state.settings)


def checked_log_of(request: Request) -> CheckedLog:
    return cast(CheckedLog, request.state.checked_log)


_Archive = Annotated[Archive, Depends(archive_of)]
_Settings = Annotated[CentralServerSettings, Depends(settings_of)]


def stored_entry(media_id: str, archive: _Archive) -> Entry:
    entry = archive.catalogue.find(media_id) if is_media_id(media_id) else None
    if entry is None:
        raise MediaNotFound("The archive has no picture with this id.")
    return entry


_Stored = Annotated[Entry, Depends(stored_entry)]


@router.post(
    "/upload-final",
    status_code=201,
    openapi_extra=_FORM,
    responses={
        200: {
            "model": Receipt,
            "description": "Already stored; returns the receipt of the first delivery.",
        },
        **answers(
            MissingPart,
            DuplicatePart,
            EmptyFile,
            MediaConflict,
            UploadTooLarge,
            UploadTooSlow,
            NotMultipart,
            InvalidField,
            DigestMismatch,
            StorageFull,
            StorageFailing,
            CatalogueUnavailable,
        ),
    },
)
async def upload_final(
    request: Request, response: Response, archive: _Archive, settings: _Settings
) -> Receipt:
    """Store a finished picture. 201 means that its file, catalogue row and log line are durable."""
    limit = settings.max_upload_bytes * _GROWTH
    await asyncio.to_thread(_check_room, archive, settings)
    async with receive_form(request, archive.storage, max_file_bytes=limit) as form:
        delivery = _delivery(form)
        receipt, is_new = await asyncio.to_thread(archive.store, delivery)
    if is_new:
        log.info("🗄️ %s stored as %s", receipt.media_id, receipt.stored_path)
    else:
        response.status_code = 200
        log.info("🗄️ %s was already stored", receipt.media_id)
    return receipt


def _check_room(archive: Archive, settings: CentralServerSettings) -> None:
    free = archive.storage.free_bytes()
    if free is not None and free < settings.min_free_bytes:
        raise StorageFull("The archive's disk has too little room. Send the picture again later.")


def _delivery(form: ReceivedForm) -> Delivery:
    file = form.file
    if file.size == 0:
        raise EmptyFile("The file is empty.")
    if not form.fields.get("worker_name"):
        raise MissingPart("The form field 'worker_name' is missing or empty.")
    fields = DeliveryFields.model_validate(form.fields)
    announced = file.sha256 if fields.sha256 is None else fields.sha256
    for name, digest in (("sha256", announced), ("original_sha256", fields.original_sha256)):
        if digest is not None and not re.fullmatch("[0-9a-f]{64}", digest):
            raise InvalidField(f"The field '{name}' must be 64 lower-case hexadecimal digits.")
    if not hmac.compare_digest(announced, file.sha256):
        raise DigestMismatch(
            "The received file doesn't match the digest in 'sha256'. Send it again."
        )
    media_id = fields.media_id or new_media_id()
    if not is_media_id(media_id):
        raise InvalidField("The field 'media_id' must be a UUIDv7. Omit it to get a new one.")
    # Refused, as a cleaned name could be another owner's.
    if fields.owner != safe_worker_name(fields.owner):
        raise InvalidField(
            "The field 'owner' must be printable, at most 200 bytes, without '|', '/' or '\\'."
        )
    return Delivery(
        picture=file.incoming,
        media_id=media_id,
        filename=safe_filename(file.filename, MAX_STORED_FILENAME_BYTES),
        worker_name=safe_worker_name(fields.worker_name),
        owner=fields.owner,
        sha256=file.sha256,
        size=file.size,
        original_sha256=fields.original_sha256,
    )


@router.get("/media", responses=answers(InvalidField, CatalogueUnavailable))
def list_stored(archive: _Archive, query: Annotated[ArchiveQuery, Query()]) -> StoredPage:
    """Search the stored pictures."""
    stored = archive.catalogue.search(query)
    page = stored[: query.limit]
    more = len(stored) > query.limit
    return StoredPage(items=tuple(page), next=page[-1].media_id if more else None)


@router.get(
    "/media/{media_id}",
    responses=answers(MediaNotFound, StorageFull, StorageFailing, CatalogueUnavailable),
)
def get_stored(entry: _Stored, archive: _Archive) -> StoredMedia:
    """One stored picture. As with 201, its file, catalogue row and log line are durable."""
    archive.confirm(entry)
    return entry.media


@router.get(
    "/media/{media_id}/file",
    response_class=FileResponse,
    responses={**DOWNLOAD, **answers(MediaNotFound, CatalogueUnavailable)},
)
def get_file(entry: _Stored, archive: _Archive) -> FileResponse:
    """The file of a stored picture. Supports `Range` and `If-None-Match`."""
    media = entry.media
    try:
        file = archive.picture(media)
    except FileNotFoundError:
        log.error("❌ %s is in the catalogue, but its file is missing", media.media_id)
        raise MediaNotFound("The file of this picture is missing from the archive.") from None
    return PictureFile(
        file, filename=media.filename, content_type=media.content_type, sha256=media.sha256
    )


@router.get("/activity", responses=answers(InvalidField))
def activity(archive: _Archive, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> ActivityPage:
    """The last lines of the activity log, newest first."""
    return ActivityPage(lines=tuple(archive.log.last(limit)))


@router.get("/audit")
async def audit(checked_log: Annotated[CheckedLog, Depends(checked_log_of)]) -> LogVerdict:
    """Whether the activity log still agrees with its hash chain."""
    return await checked_log.verdict()


@router.get("/audit/checkpoints", responses=answers(InvalidField, CatalogueUnavailable))
def checkpoints(
    archive: _Archive,
    after: Annotated[
        int,
        Query(ge=0, lt=2**63, description="Return only checkpoints after this sequence number."),
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> CheckpointPage:
    """Signed checkpoints of the log, oldest first; the last one covers the log's current end."""
    return CheckpointPage(checkpoints=tuple(archive.checkpoints(after, limit)))


@router.get("/health")
async def health() -> Health:
    """200 while the process is alive."""
    return Health()


@router.get(
    "/ready", responses={503: {"model": Readiness, "description": "At least one check failed."}}
)
def ready(archive: _Archive, settings: _Settings, response: Response) -> Readiness:
    """Whether storage, disk and catalogue are ready to store a picture."""
    checks = check_storage(archive.storage, settings.min_free_bytes)
    checks["catalogue"] = _check_catalogue(archive)
    return answer_ready(Readiness.of(checks), response)


def _check_catalogue(archive: Archive) -> Check:
    try:
        archive.catalogue.database.ping()
    except (MediaProcessorError, SQLAlchemyError) as error:
        return Check(
            ok=False, detail=f"can't be reached: {type(error.__cause__ or error).__name__}"
        )
    return Check(ok=True, detail="reachable")
