"""A media: received, accepted, and where it is on its way."""

from dataclasses import dataclass
from typing import Literal

from media_processor.ids import media_time, now
from media_processor.messages.media import MAIN_OWNER, MediaRecord, Progress, Status
from media_processor.storage.incoming import Incoming

Place = Literal["open", "stored", "failed", "parked"]
"""Being worked on; in the archive; failed for good; failed until the archive is back."""


@dataclass(frozen=True)
class NewMedia:
    """A received picture, not yet accepted."""

    original: Incoming
    filename: str
    size: int
    sha256: str
    content_type: str
    width: int
    height: int
    profile: str
    profile_digest: str | None = None
    owner: str = MAIN_OWNER


@dataclass(frozen=True)
class Media:
    record: MediaRecord
    place: Place
    progress: Progress

    @property
    def status(self) -> Status:
        # The place of the record outranks the progress, which may have been lost.
        if self.place == "parked":
            return "failed"
        if self.place != "open":
            return self.place
        if self.progress.status in ("stored", "failed"):  # noted, and about to be moved there
            return "uploading" if self.progress.watermarked else "watermarking"
        return self.progress.status


def age_seconds(media_id: str) -> float:
    return max(0.0, (now() - media_time(media_id)).total_seconds())
