"""What became of a picture: how it was watermarked, or why not."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """Why a step failed; ``code`` is stable, for programs."""

    code: str
    detail: str


@dataclass(frozen=True)
class WatermarkResult:
    """A watermarked picture. Width and height are as displayed, in pixels.

    ``extension`` is set if the format isn't the source's; ``notes`` say what of the source
    couldn't be kept; ``profile_digest`` is that of the profile it was made with, ``logos``
    are the digests of their files; ``contrast`` (1 to 21) is the chosen variant's; ``method``
    is splice, decode or skip, and ``declined`` says why it isn't splice.
    """

    content_type: str
    sha256: str
    size: int
    width: int
    height: int
    method: str
    declined: str | None = None
    extension: str | None = None
    notes: tuple[str, ...] = ()
    profile_digest: str | None = None
    logos: tuple[str, ...] = ()
    contrast: float | None = None

    @property
    def way(self) -> str:
        """``splice`` or, for example, ``decode (animated)``."""
        return describe_way(self.method, self.declined)


def describe_way(method: str, declined: str | None) -> str:
    return f"{method} ({declined})" if declined else method
