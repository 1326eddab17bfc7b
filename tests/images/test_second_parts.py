"""Of what a picture should have once, a second one is reported."""

import pytest
from PIL import Image

from .conftest import ApplyWatermark
from .part import webp_with
from .parts import raw_profile
from .pictures import encoded, photo, png_with
from .test_kept import ICC, SIZE, extension, gif_with

PNG = encoded(photo(SIZE), "PNG")


def tiff_of(words: str) -> bytes:
    made = Image.Exif()
    made[0x010E] = words
    return made.tobytes().removeprefix(b"Exif\0\0")


def gif_twice(name: bytes, payload: bytes) -> bytes:
    data, one = gif_with(name, payload), extension(name, payload)
    return data.replace(one, one + one)


EXIF_TWICE = [(b"eXIf", tiff_of(words)) for words in ("one", "another")]


SECOND_PACKET = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><other/></x:xmpmeta>"


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (png_with(PNG, *EXIF_TWICE), "a second block of EXIF was dropped"),
        (
            png_with(
                encoded(photo(SIZE), "PNG"), EXIF_TWICE[0], raw_profile(b"exif", EXIF_TWICE[1][1])
            ),
            "a second block of EXIF was dropped",
        ),
        (webp_with(b"EXIF", EXIF_TWICE[0][1]), "a second block of EXIF was dropped"),
        (gif_twice(b"XMP DataXMP", SECOND_PACKET), "a second XMP packet was dropped"),
        (gif_twice(b"ICCRGBG1012", ICC), "a second colour profile was dropped"),
    ],
    ids=["PNG", "PNG as text", "WebP", "GIF XMP", "GIF profile"],
)
def test_the_second_of_two_is_reported(
    data: bytes, note: str, apply_watermark: ApplyWatermark
) -> None:
    _, made = apply_watermark(data)
    assert made.notes == (note,)
