"""What has no place in the format that a profile asks for is reported."""

import pytest

from media_processor.images.profile import Profile

from .conftest import ApplyWatermark
from .part import MAKERS, SECRET
from .parts import tagged_exif
from .pictures import encoded, photo
from .test_kept import COLUMNS, IPTC, SIZE


def test_a_conversion_reports_what_has_no_place(apply_watermark: ApplyWatermark) -> None:
    data = MAKERS["JPEG"](exif=tagged_exif(), comment=SECRET)
    _, made = apply_watermark(data, profile=Profile("p", format="bmp"))
    assert "dropped, as the new format has no place for it: comments, EXIF" in made.notes


def test_a_converted_gif_keeps_profile_and_xmp(apply_watermark: ApplyWatermark) -> None:
    for column in ("profile", "XMP"):
        data = COLUMNS[column].make["GIF"]()
        out, _ = apply_watermark(data, profile=Profile("p", format="png"))
        assert COLUMNS[column].is_there(out)


@pytest.mark.parametrize(
    ("tag", "value", "named"),
    [
        (33723, IPTC, "IPTC"),
        (270, "words", "description"),
        (271, "a maker", "camera"),
        (319, (0.68, 0.32) * 3, "description of colours"),
        (286, 12.5, "place on the page"),
        (50341, b"mine", "tag 50341"),
    ],
)
def test_a_converted_tiff_names_its_tags(
    tag: int, value: object, named: str, apply_watermark: ApplyWatermark
) -> None:
    data = encoded(photo(SIZE), "TIFF", tiffinfo={tag: value})
    _, made = apply_watermark(data, profile=Profile("p", format="webp"))
    assert f"dropped, as the new format has no place for it: {named}" in made.notes


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP"])
def test_a_conversion_reports_the_resolution(kind: str, apply_watermark: ApplyWatermark) -> None:
    data = encoded(photo(SIZE), kind, dpi=(300, 300))
    _, made = apply_watermark(data, profile=Profile("p", format="webp"))
    assert "the resolution was dropped" in made.notes
