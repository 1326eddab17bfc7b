"""A result that is damaged in its middle is an error, whatever its header says."""

import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from media_processor.errors import WrongResult
from media_processor.images import watermark as steps
from media_processor.images.containers import gif, png, webp
from media_processor.images.profile import DEFAULT

from .hdr_files import ultra_hdr
from .pictures import LIMITS, animated, encoded, heic, photo, quartered_logo

Garble = Callable[[bytearray], object]

BIG = photo((160, 120))


def _at(share: float, new: bytes) -> Garble:
    """Bytes overwritten there."""

    def garble(data: bytearray) -> None:
        at = int(len(data) * share)
        data[at : at + len(new)] = new

    return garble


def _cut(share: float) -> Garble:
    def garble(data: bytearray) -> None:
        del data[int(len(data) * share) :]

    return garble


def _append(data: bytearray) -> None:
    data += b"more"


def _field(before: bytes, offset: int, new: bytes, *, last: bool = False) -> Garble:
    """What stands ``offset`` behind a mark."""

    def garble(data: bytearray) -> None:
        at = (data.rindex if last else data.index)(before) + offset
        data[at : at + len(new)] = new

    return garble


def _chunk(name: bytes, change: Callable[[bytes], bytes], number: int = 0) -> Garble:
    """A PNG's chunk with other content and the right checksum."""

    def garble(data: bytearray) -> None:
        whole = bytes(data)
        chunk = [each for each in png.chunks(whole) if each.name == name][number]
        new = png.data_chunk(name, change(whole[chunk.start : chunk.end]))
        data[chunk.start - 8 : chunk.end + 4] = new

    return garble


def _inflated(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda coded: zlib.compress(change(zlib.decompress(coded)))


def _sub_block(data: bytearray) -> None:
    """The length of a GIF's second sub-block of pixels is one too many."""
    whole = gif.read(bytes(data), LIMITS)
    at = data.index(whole.frames[-1].pixels) + 1
    data[at + 1 + data[at]] -= 1


def _shorter_pixels(data: bytearray) -> None:
    """A GIF's chain of blocks is sound, but the codes end early."""
    whole = gif.read(bytes(data), LIMITS)
    *others, last = whole.frames
    half = last.pixels[1] // 2
    short = bytes((last.pixels[0], half)) + last.pixels[2 : 2 + half] + b"\0"
    data[:] = gif.write(
        replace(whole, frames=(*others, replace(last, pixels=short))), whole.metadata
    )


def _without_palettes(data: bytearray) -> None:
    whole = gif.read(bytes(data), LIMITS)
    screen = whole.screen[:4] + b"\0" + whole.screen[5:]
    frames = tuple(replace(frame, palette=b"") for frame in whole.frames)
    data[:] = gif.write(replace(whole, screen=screen, palette=b"", frames=frames), whole.metadata)


def _smaller_frame(data: bytearray) -> None:
    """The pixels of a WebP's last frame are of another size than its header says."""
    frame = list(webp.chunks(bytes(data)))[-1]
    data[frame.start + 6 : frame.start + 9] = (9).to_bytes(3, "little")


def _frame_beyond(data: bytearray) -> None:
    frame = list(webp.chunks(bytes(data)))[-1]
    data[frame.start : frame.start + 3] = (500).to_bytes(3, "little")


def _raw_tiff() -> bytes:
    return encoded(BIG, "TIFF")


def _deflated_tiff() -> bytes:
    return encoded(BIG, "TIFF", compression="tiff_adobe_deflate")


CMYK = encoded(BIG.convert("CMYK"), "JPEG")
JPEG = encoded(BIG, "JPEG")
PALETTE = encoded(BIG.quantize(64), "PNG")
PNG = encoded(BIG, "PNG")
WEBP = encoded(BIG, "WEBP", quality=80)

GARBLED: dict[str, tuple[bytes, Garble]] = {
    "JPEG, its end": (JPEG, _cut(0.7)),
    "JPEG, a marker among its pixels": (JPEG, _at(0.6, b"\xff\xc4")),
    "JPEG, an end in its middle": (JPEG, _at(0.5, b"\xff\xd9")),
    "JPEG, something behind": (JPEG, _append),
    "progressive JPEG, its end": (encoded(BIG, "JPEG", progressive=True), _cut(0.9)),
    "JPEG decoded, its end": (CMYK, _cut(0.7)),
    "JPEG decoded, a marker among its pixels": (CMYK, _at(0.8, b"\xff\xc4")),
    "gain map, its end": (ultra_hdr(), lambda data: data.__delitem__(slice(-2, None))),
    "gain map, something before it": (ultra_hdr(), _field(b"\xff\xd9\xff\xd8", 0, b"\0\0")),
    "gain map, its start": (ultra_hdr(), _field(b"\xff\xd9\xff\xd8", 2, b"\0\0")),
    "HEIC, the end of its JPEG": (heic(BIG), _cut(0.9)),
    "PNG, its end": (PNG, _cut(0.9)),
    "PNG, something behind": (PNG, _append),
    "PNG, a length": (PNG, _field(b"IDAT", -4, b"\0\0\0\x20")),
    "PNG decoded, a bit": (PALETTE, _at(0.5, b"\x55\xaa")),
    "PNG decoded, its stream cut": (PALETTE, _chunk(b"IDAT", lambda coded: coded[:-20])),
    "PNG decoded, its stream damaged": (
        PALETTE,
        _chunk(b"IDAT", lambda coded: coded[:800] + bytes(40) + coded[840:]),
    ),
    "PNG decoded, a row less": (
        PALETTE,
        _chunk(b"IDAT", _inflated(lambda rows: rows[: -(160 * 3 + 1)])),
    ),
    "PNG decoded, an unknown filter": (
        PALETTE,
        _chunk(b"IDAT", _inflated(lambda rows: rows[: 50 * 481] + b"\x09" + rows[50 * 481 + 1 :])),
    ),
    "APNG, a frame's stream": (
        animated("PNG"),
        _chunk(b"fdAT", lambda part: part[:20] + bytes(8) + part[28:], 1),
    ),
    "APNG, a frame's size": (
        animated("PNG"),
        _chunk(b"fcTL", lambda part: part[:4] + (3).to_bytes(4) + part[8:], 2),
    ),
    "APNG, a frame's number": (
        animated("PNG"),
        _chunk(b"fcTL", lambda part: (7).to_bytes(4) + part[4:], 1),
    ),
    "WebP, its end": (WEBP, _cut(0.8)),
    "WebP, its length": (WEBP, _append),
    "WebP, its first part": (WEBP, _field(b"VP8 ", 8, b"\xf0\xff\xff")),
    "WebP, the size of its pixels": (
        encoded(BIG, "WEBP", quality=80, exif=Image.Exif().tobytes() or b"Exif\0\0"),
        _field(b"\x9d\x01\x2a", 3, b"\x20\0"),
    ),
    "animated WebP, a frame's size": (animated("WEBP"), _smaller_frame),
    "animated WebP, a frame's place": (animated("WEBP"), _frame_beyond),
    "animated WebP, a frame's chunks": (
        animated("WEBP"),
        _field(b"VP8", 4, b"\x10\0\0\0", last=True),
    ),
    "GIF, its trailer": (animated("GIF"), lambda data: data.__delitem__(slice(-1, None))),
    "GIF, a sub-block's length": (encoded(BIG, "GIF"), _sub_block),
    "GIF, its codes end early": (encoded(BIG, "GIF"), _shorter_pixels),
    "animated GIF, the last frame's codes": (animated("GIF", size=(160, 120)), _shorter_pixels),
    "GIF, no colours": (encoded(BIG, "GIF"), _without_palettes),
    "TIFF, its strips": (_raw_tiff(), _cut(0.5)),
    "TIFF, codes of its last strip": (_deflated_tiff(), _at(0.9, bytes(60))),
    "JPEG-in-TIFF, the end of a strip": (
        encoded(BIG, "TIFF", compression="jpeg"),
        _field(b"\xff\xd9", 0, b"\0\0"),
    ),
    "BMP, its end": (encoded(BIG, "BMP"), _cut(0.9)),
    "BMP, where its pixels are": (encoded(BIG, "BMP"), _at(0, b"BM\0\0\0\0\0\0\0\0\x40")),
    "AVIF, its pixels": (encoded(BIG, "AVIF"), _field(b"mdat", 20, b"\xff" * 8)),
    "animated AVIF, a frame": (animated("AVIF", size=(160, 120)), _at(0.93, bytes(100))),
}


@pytest.mark.parametrize("name", GARBLED)
def test_a_result_damaged_in_its_middle_is_never_kept(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, garble = GARBLED[name]
    draw = steps._draw_overlay

    def draw_and_garble(*given: Any) -> Any:
        made, overlay, declined = draw(*given)
        data = bytearray(made.data)
        garble(data)
        assert bytes(data) != bytes(made.data)
        return replace(made, data=bytes(data)), overlay, declined

    (tmp_path / "in").write_bytes(source)
    _watermark(tmp_path)
    (tmp_path / "out").unlink()
    monkeypatch.setattr(steps, "_draw_overlay", draw_and_garble)
    with pytest.raises(WrongResult, match=r"came out as|is damaged"):
        _watermark(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def _watermark(folder: Path) -> None:
    steps.watermark(folder / "in", folder / "out", [quartered_logo()], DEFAULT, LIMITS)
