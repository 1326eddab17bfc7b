"""Every format: the overlay is drawn upright on every frame, all else stays as it was.

docs/formats.md is the table of these figures.
"""

import math
import struct
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageSequence

from media_processor.images.geometry import Box

from .conftest import ApplyWatermark
from .pictures import (
    QUARTERS,
    animated,
    encoded,
    heic,
    is_near,
    is_same_outside,
    opened,
    orientation_exif,
    photo,
    png_16_bit_grey,
    psnr_outside,
    quarters,
)

Array = np.ndarray[Any, np.dtype[Any]]


def frames(data: bytes) -> list[Image.Image]:
    return [frame.convert("RGBA") for frame in ImageSequence.Iterator(opened(data))]


def shows_the_mark(image: Image.Image, box: Box, by: int = 6) -> bool:
    found = quarters(image, box)
    return all(is_near(*pair, by=by) for pair in zip(found, QUARTERS, strict=True))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_a_tiff_stays_bit_for_bit_outside_the_overlay(
    mode: str, compression: str | None, apply_watermark: ApplyWatermark
) -> None:
    picture = photo((400, 300)).convert("RGBA" if mode == "LA" else "RGB").convert(mode)
    data = encoded(picture, "TIFF", compression=compression, dpi=(300, 300))
    out, made = apply_watermark(data)
    before, after = opened(data), opened(out)
    if mode in "1P":
        before = before.convert("L" if mode == "1" else "RGB")
    assert is_same_outside(before, after, made.box)
    assert after.info["dpi"] == (300, 300)
    if before.mode in ("RGB", "RGBA"):
        assert shows_the_mark(after, made.box)
    grows = mode in "1P"  # so it is compressed
    assert (after.info["compression"] == "raw") == (compression is None and not grows)


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_pages_of_a_tiff_stay(order: str, apply_watermark: ApplyWatermark) -> None:
    data = animated("TIFF", 4, compression="tiff_lzw")
    if order == ">":
        pages = pyvips.Image.new_from_buffer(data, "", n=-1)
        data = _big_endian(pages)
    out, made = apply_watermark(data)
    before, after = frames(data), frames(out)
    assert len(after) == len(before) == 4
    assert shows_the_mark(after[0], made.box, 20)
    assert not shows_the_mark(after[1], made.box, 20)
    assert [page.tobytes() for page in after[1:]] == [page.tobytes() for page in before[1:]]


def _big_endian(pages: pyvips.Image) -> bytes:
    # libtiff writes Intel's order only, so the structure is written by hand.
    height = pages.get("page-height")
    out = bytearray(b"MM\0*" + bytes(4))
    link = 4
    for number in range(pages.height // height):
        raw = bytes(pages.crop(0, number * height, pages.width, height).write_to_memory())
        start, bands = len(out), pages.bands
        out += raw + bytes(len(raw) % 2)
        bits = len(out)
        out += struct.pack(f">{bands}H", *[8] * bands)
        entries = [
            (256, 4, 1, pages.width),
            (257, 4, 1, height),
            (258, 3, bands, bits),
            (259, 3, 1, 1 << 16),
            (262, 3, 1, 2 << 16),
            (273, 4, 1, start),
            (277, 3, 1, bands << 16),
            (278, 4, 1, height),
            (279, 4, 1, len(raw)),
        ]
        if bands == 4:
            entries.append((338, 3, 1, 2 << 16))
        out[link : link + 4] = struct.pack(">I", len(out))
        out += struct.pack(">H", len(entries))
        for entry in entries:
            out += struct.pack(">HHII", *entry)
        link = len(out)
        out += bytes(4)
    return bytes(out)


def deep_array(data: bytes) -> Array:
    image = pyvips.Image.new_from_buffer(data, "")
    assert image.format == "ushort"
    return np.ndarray((image.height, image.width, image.bands), "u2", image.write_to_memory())


def deep_picture(bands: int, kind: str, **options: Any) -> bytes:
    size = (300, 200)
    ramps = [
        np.add.outer(np.arange(200) * 131, np.arange(300) * (7 + band)) for band in range(bands)
    ]
    values = (np.stack(ramps, axis=2) * 37 % 65536).astype("u2")
    if bands in (2, 4):
        values[:, :, -1] = 65_535 - values[:, :, -1] // 8
    image = pyvips.Image.new_from_memory(values.tobytes(), *size, bands, "ushort")
    image = image.copy(interpretation="grey16" if bands < 3 else "rgb16")
    save = {"PNG": image.pngsave_buffer, "TIFF": image.tiffsave_buffer}[kind]
    return bytes(save(**({"bitdepth": 16} if kind == "PNG" else {}), **options))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_sixteen_bits_stay_sixteen(bands: int, kind: str, apply_watermark: ApplyWatermark) -> None:
    options = {"interlace": True} if kind == "PNG" else {"compression": "lzw"}
    data = deep_picture(bands, kind, **options)
    out, made = apply_watermark(data)
    before, after = deep_array(data), deep_array(out).copy()
    box = made.box
    area = (slice(box.top, box.top + box.height), slice(box.left, box.left + box.width))
    if bands > 2:
        for (row, column), wanted in zip(((0, 0), (0, 1), (1, 0), (1, 1)), QUARTERS, strict=True):
            y = box.top + box.height * (2 * row + 1) // 4
            x = box.left + box.width * (2 * column + 1) // 4
            assert is_near(
                tuple(int(v) for v in after[y, x, :3]), tuple(v * 257 for v in wanted), 400
            )
    assert not np.array_equal(after[area], before[area])
    after[area] = before[area]
    assert np.array_equal(after, before)


def test_sixteen_bits_in_motorolas_order(apply_watermark: ApplyWatermark) -> None:
    width, height = 80, 60
    values = (np.add.outer(np.arange(height) * 977, np.arange(width) * 31) % 65536).astype(">u2")
    raw = values.tobytes()
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 16 << 16),
        (259, 3, 1, 1 << 16),
        (262, 3, 1, 1 << 16),
        (273, 4, 1, 8),
        (277, 3, 1, 1 << 16),
        (279, 4, 1, len(raw)),
    ]
    data = b"MM\0*" + struct.pack(">I", 8 + len(raw)) + raw + struct.pack(">H", len(entries))
    data += b"".join(struct.pack(">HHII", *entry) for entry in entries) + bytes(4)
    out, made = apply_watermark(data)
    assert out[:4] == b"MM\0*"
    after = deep_array(out).copy()[:, :, 0]
    area = (slice(made.box.top, None), slice(made.box.left, made.box.left + made.box.width))
    after[area] = values[area]
    assert np.array_equal(after, values)


def test_a_sixteen_bit_grey_png_keeps_its_low_byte(apply_watermark: ApplyWatermark) -> None:
    data = encoded(png_16_bit_grey((120, 90)), "PNG")
    out, made = apply_watermark(data)
    assert is_same_outside(opened(data), opened(out), made.box)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_a_bmp_stays_bit_for_bit_outside_the_overlay(
    mode: str, apply_watermark: ApplyWatermark
) -> None:
    data = encoded(photo((400, 300)).convert(mode), "BMP", dpi=(240, 240))
    out, made = apply_watermark(data)
    before, after = opened(data), opened(out)
    before = before.convert({"1": "L", "P": "RGB"}.get(mode, before.mode))
    assert is_same_outside(before, after, made.box)
    assert round(after.info["dpi"][0]) == 240


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("disposal", [0, 1, 2])
def test_an_animation_keeps_its_frames_and_timing(
    kind: str, disposal: int, apply_watermark: ApplyWatermark
) -> None:
    options = {"disposal": disposal, "loop": 3} if kind != "WEBP" else {"loop": 3, "lossless": True}
    data = animated(kind, 5, (160, 120), **options)
    out, made = apply_watermark(data)
    before, after = opened(data), opened(out)
    assert after.n_frames == before.n_frames == 5  # type: ignore[attr-defined]
    assert after.info["loop"] == before.info["loop"]
    for number, (old, new) in enumerate(zip(frames(data), frames(out), strict=True)):
        for animation in (before, after):
            animation.seek(number)
            animation.load()
        assert after.info["duration"] == before.info["duration"], number
        assert shows_the_mark(new, made.box, 12), number
        assert is_same_outside(old, new, made.box), number


def test_the_still_picture_of_an_apng_is_watermarked_too(apply_watermark: ApplyWatermark) -> None:
    first, *others = [photo((90, 60)), photo((90, 60)).rotate(180), photo((90, 60)).rotate(90)]
    data = encoded(
        first, "PNG", save_all=True, append_images=others, default_image=True, duration=50
    )
    out, made = apply_watermark(data)
    after = frames(out)
    assert len(after) == len(frames(data)) == 3
    assert all(shows_the_mark(frame, made.box) for frame in after)


@pytest.mark.parametrize("colours", [16, 256])
def test_a_gif_keeps_its_colours_outside_the_overlay(
    colours: int, apply_watermark: ApplyWatermark
) -> None:
    picture = photo((400, 300)).quantize(colours, dither=Image.Dither.NONE)
    data = encoded(picture, "GIF")
    out, made = apply_watermark(data)
    before, after = frames(data)[0], frames(out)[0]
    assert shows_the_mark(after, made.box, 12)
    likeness = psnr_outside(before.convert("RGB"), after.convert("RGB"), made.box, 0)
    assert likeness == math.inf if colours == 16 else likeness > 40


def test_frames_of_a_gif_that_the_overlay_does_not_touch_stay_to_the_byte(
    apply_watermark: ApplyWatermark,
) -> None:
    still = photo((200, 150)).quantize(64)
    moving = still.copy()
    moving.paste(3, (20, 100, 40, 120))
    data = encoded(still, "GIF", save_all=True, append_images=[moving], duration=80)
    out, _ = apply_watermark(data)
    second = data.index(b"\x21\xf9", data.index(b"\x21\xf9") + 1)
    assert out.endswith(data[second:])


def test_a_transparent_gif_stays_transparent(apply_watermark: ApplyWatermark) -> None:
    picture = Image.new("P", (100, 80), 1)
    picture.putpalette([0, 0, 0, 200, 30, 60, 10, 200, 40])
    picture.paste(0, (0, 0, 100, 40))
    data = encoded(picture, "GIF", transparency=0)
    out, made = apply_watermark(data)
    after = frames(out)[0]
    assert after.getpixel((5, 5)) == (0, 0, 0, 0) or after.getpixel((5, 5))[3] == 0  # type: ignore[index]
    assert after.getpixel((5, 70)) == (200, 30, 60, 255)
    assert shows_the_mark(after, made.box, 12)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_an_avif_stays_alike(mode: str, apply_watermark: ApplyWatermark) -> None:
    data = encoded(photo((400, 300), mode), "AVIF", exif=orientation_exif(6), quality=80)
    out, made = apply_watermark(data)
    assert (made.width, made.height) == (300, 400)
    after = opened(out)
    assert after.mode == mode
    assert after.getexif()[0x0112] == 6
    stored = Box(
        made.box.top, 300 - made.box.left - made.box.width, made.box.height, made.box.width
    )
    assert psnr_outside(opened(data).convert("RGB"), after.convert("RGB"), stored, 8) > 38


def test_an_animated_avif_keeps_its_frames(apply_watermark: ApplyWatermark) -> None:
    data = animated("AVIF", 3, (160, 120))
    out, made = apply_watermark(data)
    after = frames(out)
    assert len(after) == 3
    assert all(shows_the_mark(frame, made.box, 12) for frame in after)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_heic_comes_out_as_jpeg(mode: str, apply_watermark: ApplyWatermark) -> None:
    picture = photo((320, 240)).convert(mode)
    out, made = apply_watermark(heic(picture, quality=95))
    after = opened(out)
    assert (after.format, made.format, made.content_type) == ("JPEG", "JPEG", "image/jpeg")
    assert made.is_converted
    assert made.notes
    assert mode == "L" or shows_the_mark(after, made.box, 20)
    if mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    assert psnr_outside(picture.convert("RGB"), after.convert("RGB"), made.box, 8) > 34


def vips_of(picture: Image.Image) -> pyvips.Image:
    bands = len(picture.getbands())
    return pyvips.Image.new_from_memory(picture.tobytes(), *picture.size, bands, "uchar").copy(
        interpretation="srgb" if bands > 2 else "b-w"
    )


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_tiled_tiff_stays_bit_for_bit(mode: str, apply_watermark: ApplyWatermark) -> None:
    picture = photo((300, 200), mode)
    tiles = {"tile": True, "tile_width": 64, "tile_height": 64, "compression": "lzw"}
    data = bytes(vips_of(picture).tiffsave_buffer(**tiles))
    out, made = apply_watermark(data)
    assert is_same_outside(picture, opened(out), made.box)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_an_interlaced_png_stays_bit_for_bit(mode: str, apply_watermark: ApplyWatermark) -> None:
    picture = photo((300, 200), mode)
    data = bytes(vips_of(picture).pngsave_buffer(interlace=True))
    assert data[28] == 1
    out, made = apply_watermark(data)
    assert out[28] == 0
    assert is_same_outside(picture, opened(out), made.box)


def test_a_run_length_bmp_stays_bit_for_bit(apply_watermark: ApplyWatermark) -> None:
    """RLE8: a count and a value, (0, 0) ends a line, (0, 1) the picture."""
    width, height = 120, 90
    runs = b"".join(bytes((100, y % 256, 20, 255 - y)) + b"\0\0" for y in range(height)) + b"\0\1"
    palette = b"".join(bytes((n, 255 - n, n // 2, 0)) for n in range(256))
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0)
    start = 14 + 40 + len(palette)
    data = struct.pack("<2sIHHI", b"BM", start + len(runs), 0, 0, start) + info + palette + runs
    out, made = apply_watermark(data)
    assert is_same_outside(opened(data).convert("RGB"), opened(out), made.box)


def test_an_avif_of_ten_bits_comes_out_in_eight(apply_watermark: ApplyWatermark) -> None:
    picture = photo((200, 150))
    deep = (vips_of(picture) * 257).cast("ushort").copy(interpretation="rgb16")
    data = bytes(deep.heifsave_buffer(compression="av1", bitdepth=10, Q=90))
    out, made = apply_watermark(data)
    assert psnr_outside(picture, opened(out).convert("RGB"), made.box, 8) > 33


def test_an_animated_webp_with_loss_keeps_its_frames(apply_watermark: ApplyWatermark) -> None:
    data = animated("WEBP", 4, (160, 120), quality=80)
    out, made = apply_watermark(data)
    for old, new in zip(frames(data), frames(out), strict=True):
        assert shows_the_mark(new, made.box, 20)
        assert psnr_outside(old.convert("RGB"), new.convert("RGB"), made.box, 8) > 33
