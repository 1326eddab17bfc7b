"""TIFFs that aren't supported are refused with the reason."""

import pytest

from media_processor.errors import UnsupportedPicture

from .conftest import ApplyWatermark
from .tiffs import Tags, ramps, tiff

SIZE = (123, 90)
REFUSED: dict[str, tuple[Tags, str]] = {
    "other depths": ({258: (5, 6, 5)}, "differ in depth"),
    "7 bits": ({258: (7, 7, 7)}, "whole numbers of 7 bits"),
    "tiny floats": ({258: (8,) * 3, 339: (3, 3, 3)}, "floating-point numbers of 8 bits"),
    "differences": ({258: (24,) * 3, 259: (8,), 317: (2,)}, "predictor 2. of 24 bits"),
    "planes of differences": (
        {258: (16,) * 3, 259: (8,), 284: (2,), 317: (3,), 339: (3, 3, 3)},
        "in planes with predictor 3",
    ),
    "complex": ({258: (64,) * 3, 339: (6, 6, 6)}, "complex numbers of 64 bits"),
    "sensor": ({262: (32803,)}, "raw sensor data"),
    "inks": ({262: (5,)}, "3 samples a pixel instead of 4"),
    "JPEG 2000": ({259: (34712,)}, r"JPEG 2000 inside .compression 34712."),
    "LERC": ({259: (34887,)}, "LERC"),
    "JBIG": ({259: (34661,)}, "JBIG"),
    "JPEG XL": ({259: (50002,)}, "JPEG XL inside"),
    "NeXT": ({258: (2,), 259: (32766,), 262: (1,), 277: (1,), 339: (1,)}, "NeXT's compression"),
    "LogLuv": ({259: (34676,), 262: (32845,)}, "LogLuv colours"),
    "another compression": ({259: (60_000,)}, r"unknown compression .compression 60000."),
    "a mask": ({262: (4,)}, "a transparency mask"),
    "YCbCr planes": ({262: (6,), 284: (2,)}, "in planes"),
    "deep JPEG": ({258: (12,) * 3, 259: (7,)}, "JPEGs of 12 bits"),
    "old JPEG in parts": ({259: (6,)}, "an old JPEG without its tables"),
    "deep planes": ({258: (12,) * 3, 284: (2,)}, "12 bits in planes"),
    "many samples": ({258: (8,) * 99, 277: (99,), 339: (1,) * 99}, "99 samples a pixel"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_stays_refused_says_why(name: str, apply_watermark: ApplyWatermark) -> None:
    tags, told = REFUSED[name]
    with pytest.raises(UnsupportedPicture, match=told) as caught:
        apply_watermark(tiff(ramps(SIZE, 3, 255, "u1"), tags=tags))
    assert caught.value.detail.count(".") == 1
