"""The fonts that a line of text is drawn in: one for all of it, else one for each run of it."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import lru_cache, partial
from importlib import import_module
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, TypeAlias

from PIL import ImageFont

from media_processor.errors import LogoUnavailable
from media_processor.images.info import Size

MEASURED_AT = 100

# Of pymupdf-fonts (OFL), which the extra "formats" brings: FiraGO has most living alphabets,
# Noto Sans more of Latin, Greek and Cyrillic, the others signs.
_PACKAGED = (
    "FiraGO_Regular",
    "NotoSans_Regular",
    "NotoSansSymbols_Regular",
    "NotoSansSymbols2_Regular",
)
# No package on PyPI has Chinese, Japanese and Korean in less than 20 MB. So these are the
# system's, if it has one: of Debian's fonts-noto-cjk, fonts-droid-fallback, fonts-wqy-microhei,
# fonts-wqy-zenhei, fonts-dejavu-core (faces) and fonts-symbola, with the same names elsewhere.
_OF_THE_SYSTEM = (
    "NotoSansCJK-Regular.ttc",
    "DroidSansFallbackFull.ttf",
    "DroidSansFallback.ttf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DejaVuSans.ttf",
    "Symbola_hint.ttf",
    "Symbola.ttf",
)
_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
# Never a character, so a font draws what it draws for all that it lacks.
_NO_CHARACTER = "\uffff"

Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont
FontOfSize: TypeAlias = Callable[[int], Font]


class Run(NamedTuple):
    font: FontOfSize
    text: str


class Choice(NamedTuple):
    """``missing`` are the characters that no font has, for which boxes are drawn."""

    runs: tuple[Run, ...]
    missing: str


@lru_cache(maxsize=16)
def choose(file: Path | None, line: str) -> Choice:
    """The font of ``file``, or Pillow's own (Aileron); if that lacks a character the first one
    that has them all, else for each word, and where need be for each character."""
    lacks = [(font, _lacks(font, line)) for font in _until_complete(file, line)]
    last, missing = lacks[-1]
    if not missing:
        return Choice((Run(last, line),), "")
    if is_from_the_right(line):  # its runs would have to be put in order first
        best, fewest = min(lacks, key=lambda each: len(each[1]))
        return Choice((Run(best, line),), fewest)
    pieces = [piece for word in re.split(r"(\s+)", line) if word for piece in _split(lacks, word)]
    runs = [
        Run(font, "".join(piece.text for piece in same))
        for font, same in groupby(pieces, key=lambda piece: piece.font)
    ]
    return Choice(tuple(runs), "".join(c for c in missing if all(c in each for _, each in lacks)))


def is_from_the_right(line: str) -> bool:
    return any(unicodedata.bidirectional(c) in ("R", "AL") for c in line)


def _until_complete(file: Path | None, line: str) -> Iterator[FontOfSize]:
    """The fonts up to the first that has every character."""
    for font in _fonts(file):
        yield font
        if not _lacks(font, line):
            return


def _split(lacks: list[tuple[FontOfSize, str]], word: str) -> Iterable[Run]:
    for font, missing in lacks:
        if not set(word) & set(missing):
            return [Run(font, word)]
    if len(word) == 1:
        return [Run(lacks[0][0], word)]
    return [run for character in word for run in _split(lacks, character)]


def _fonts(file: Path | None) -> Iterator[FontOfSize]:
    yield partial(_own, file)
    for name in _PACKAGED:
        try:
            yield partial(_packaged, import_module(f"pymupdf_fonts.{name}").fontbuffer)
        except ImportError:
            break
    for path in _installed():
        with suppress(OSError):  # it is damaged
            font = partial(ImageFont.truetype, path)
            font(MEASURED_AT)
            yield font


@lru_cache(maxsize=1)
def _installed() -> list[Path]:
    found = {
        path.name: path
        for folder in _FOLDERS
        for path in folder.rglob("*.tt[cf]")
        if path.name in _OF_THE_SYSTEM
    }
    return [found[name] for name in _OF_THE_SYSTEM if name in found]


def _own(file: Path | None, points: int) -> Font:
    try:
        return ImageFont.truetype(file, points) if file else ImageFont.load_default(points)
    except OSError as error:
        raise LogoUnavailable(f"The font can't be used: {error.strerror or error}.") from None


def _packaged(content: bytes, points: int) -> Font:
    return ImageFont.truetype(BytesIO(content), points)


@lru_cache(maxsize=16)
def _lacks(font_of_size: FontOfSize, line: str) -> str:
    font = font_of_size(MEASURED_AT)
    box = _glyph(font, _NO_CHARACTER)
    return "".join(dict.fromkeys(c for c in line if not c.isspace() and _glyph(font, c) == box))


def _glyph(font: Font, character: str) -> tuple[Size, bytes]:
    drawn = font.getmask(character)
    return drawn.size, bytes(drawn)
