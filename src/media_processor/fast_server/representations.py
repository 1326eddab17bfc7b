"""A media as the API returns it."""

from collections.abc import Callable

from media_processor.messages.media import AcceptedMedia, MediaLinks, MediaStatus, Result, Step
from media_processor.pipeline.stages import NAMES
from media_processor.work.media import Media

LinkOf = Callable[[str], str]
"""The address of a stored picture, by its id."""


def links(media_id: str) -> MediaLinks:
    return MediaLinks(
        self=f"/media/{media_id}",
        original=f"/media/{media_id}/original",
        watermarked=f"/media/{media_id}/watermarked",
        events=f"/media/{media_id}/events",
    )


def accepted_media(media: Media) -> AcceptedMedia:
    return AcceptedMedia.model_validate(
        media.record.model_dump() | {"status": media.status, "links": links(media.record.id)}
    )


def media_status(media: Media, link_of: LinkOf) -> MediaStatus:
    record, progress = media.record, media.progress
    return MediaStatus.model_validate(
        record.model_dump()
        | {
            "status": media.status,
            "links": links(record.id),
            "attempts": dict.fromkeys(NAMES, 0) | progress.attempts.root,
            "worker": progress.worker,
            "steps": (Step(step="accepted", at=record.accepted_at), *progress.steps),
            "next_attempt_at": progress.next_attempt_at,
            "error": progress.error,
            "result": _result(media, link_of),
        }
    )


def _result(media: Media, link_of: LinkOf) -> Result | None:
    receipt, made = media.progress.receipt, media.progress.watermarked
    if media.status != "stored" or receipt is None:
        return None
    return Result(
        sha256=receipt.sha256,
        size=receipt.size,
        stored_path=receipt.stored_path,
        stored_at=receipt.stored_at,
        link=link_of(receipt.media_id),
        content_type=made.content_type if made else None,
        method=made.method if made else None,
        declined=made.declined if made else None,
        notes=made.notes if made else (),
        profile_digest=made.profile_digest if made else None,
        logos=made.logos if made else (),
        contrast=made.contrast if made else None,
    )
