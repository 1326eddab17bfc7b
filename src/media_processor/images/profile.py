"""A profile: a named way to watermark a picture. Its fields are the keys of ``watermarks.toml``."""

import json
import re
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any, Literal

from media_processor import formats
from media_processor.images.metadata import Motion, Strip
from media_processor.messages import json_lines

Anchor = Literal[
    "top-left",
    "top",
    "top-right",
    "left",
    "center",
    "right",
    "bottom-left",
    "bottom",
    "bottom-right",
]
Blend = Literal["normal", "multiply", "screen"]
ScaleOf = Literal["box", "width", "height", "short-side", "area"]
Length = int | str
"""Pixels, or a share of the picture's short side as ``"2.5%"``."""

_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?)%")
_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")
_TOKEN = re.compile(r"\{([^{}]*)\}")
_MOST_TEXT = 200
_RANGES = {
    "min_size": (1, 65_500),
    "max_size": (1, 65_500),
    "opacity": (0, 1),
    "rotate": (-360, 360),
    "quality": (1, 100),
}
TOKENS = ("filename", "date", "id", "exif.artist")
"""What a ``text`` may name in braces."""


@dataclass(frozen=True)
class Tile:
    """The overlay repeated over the picture, ``spacing`` apart, in rows that rise by ``angle``
    degrees."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - pydantic's name for it

    spacing: Length = "10%"
    angle: float = 0.0

    def __post_init__(self) -> None:
        check_length("spacing", self.spacing)
        _check_range("angle", self.angle, -180, 180)


@dataclass(frozen=True)
class Variants:
    """A ``light`` and a ``dark`` logo; the one with the higher contrast is drawn."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    light: str
    dark: str


@dataclass(frozen=True)
class Profile:
    """How a picture is watermarked. The defaults are the specification's.

    What is drawn: ``logo``, a file or URL, by default LOGO; or ``variants`` of it; or
    ``text``, in ``font`` (a file), ``colour`` and ``shadow`` (``#rrggbb`` or ``#rrggbbaa``).
    How large: ``scale`` is the share (above 0, at most 1) of what ``scale_of`` names, with at
    least ``min_size`` and at most ``max_size`` pixels on its longer side. Where: at
    ``anchor``, ``margin`` from the edges, or as a ``tile``. How: ``opacity`` 0 to 1,
    ``rotate`` degrees counterclockwise, ``blend``. What comes out: pictures whose short side
    is below ``skip_below`` pixels as they came; lossy formats with ``quality`` 1 to 100
    instead of the source's; without what ``strip`` names; with the video of a motion photo unless
    ``motion`` is ``drop``; in ``format``.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    name: str
    logo: str | None = None
    variants: Variants | None = None
    text: str | None = None
    font: str | None = None
    colour: str = "#ffffff"
    shadow: str | None = None
    scale: float = 0.20
    scale_of: ScaleOf = "box"
    min_size: int | None = None
    max_size: int | None = None
    anchor: Anchor = "top-right"
    margin: Length = 10
    tile: Tile | None = None
    opacity: float = 1.0
    rotate: float = 0.0
    blend: Blend = "normal"
    skip_below: int = 0
    quality: int | None = None
    strip: Strip = "none"
    motion: Motion = "keep"
    format: str = "keep"

    def __post_init__(self) -> None:
        check_length("margin", self.margin)
        if not 0 < self.scale <= 1:
            raise ValueError("scale: must be above 0 and at most 1")
        if self.text is not None and not 1 <= len(self.text) <= _MOST_TEXT:
            raise ValueError(f"text: must be 1 to {_MOST_TEXT} characters long")
        if self.skip_below < 0:
            raise ValueError("skip_below: must be 0 or more")
        for key, (low, high) in _RANGES.items():
            _check_range(key, getattr(self, key), low, high)
        named = [key for key in ("logo", "variants", "text") if getattr(self, key) is not None]
        if len(named) > 1:
            raise ValueError(f"{named[1]}: can't be combined with {named[0]}")
        for key in ("colour", "shadow"):
            value = getattr(self, key)
            if value is not None and not _COLOUR.fullmatch(value):
                raise ValueError(f"{key}: must be #rrggbb or #rrggbbaa")
        for token in _TOKEN.findall(self.text or ""):
            if token not in TOKENS:
                known = ", ".join(f"{{{name}}}" for name in TOKENS)
                raise ValueError(f"text: unknown placeholder {{{token}}}; known are {known}")
        if self.format != "keep" and self.format not in formats.writable():
            known = ", ".join(formats.writable())
            raise ValueError(f"format: unknown format {self.format!r}; known are keep, {known}")
        if self.min_size and self.max_size and self.min_size > self.max_size:
            raise ValueError("min_size: must not be larger than max_size")

    @property
    def digest(self) -> str:
        """SHA-256 of everything that is set, in hex; the name doesn't count."""
        settled = asdict(replace(self, name=""))
        if self.motion == "keep":
            del settled["motion"]  # digests recorded by version 0.2 don't have it
        return sha256(json.dumps(settled, sort_keys=True).encode()).hexdigest()

    @property
    def logos(self) -> tuple[str | None, ...]:
        """The addresses of the logos it needs; None is the default logo, none for a text."""
        if self.text is not None:
            return ()
        if self.variants:
            return (self.variants.light, self.variants.dark)
        return (self.logo,)


def as_message(profile: Profile) -> dict[str, Any]:
    return asdict(profile)


def from_message(message: dict[str, Any]) -> Profile:
    """Raises ValueError for what ``as_message`` didn't make."""
    return json_lines.read(Profile, message)


def check_length(key: str, value: Length) -> None:
    if isinstance(value, int) and 0 <= value <= 65_500:
        return
    share = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if not share or float(share[1]) > 100:
        raise ValueError(
            f'{key}: must be pixels, such as 10, or a share of the short side, such as "2.5%"'
        )


def _check_range(key: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise ValueError(f"{key}: must be {low} to {high}")


def pixels(value: Length, side: int) -> int:
    return value if isinstance(value, int) else round(float(value.rstrip("%")) / 100 * side)


def fill_tokens(text: str, tokens: dict[str, Any]) -> str:
    return _TOKEN.sub(lambda found: str(tokens.get(found[1], "")), text)


DEFAULT = Profile("default")
"""The specification's: 20 % of width and height, top right, 10 px from the edges."""
