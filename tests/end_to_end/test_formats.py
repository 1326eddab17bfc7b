"""Every format through the whole system, by its real name and media type."""

import pytest

from media_processor.formats import FORMATS, extension_of
from media_processor.images import splice
from tests.images.pictures import animated, encoded, heic, opened, photo
from tests.system import System

PICTURES = {
    "image/jpeg": encoded(photo(), "JPEG"),
    "image/png": animated("PNG"),
    "image/webp": animated("WEBP"),
    "image/gif": animated("GIF"),
    "image/tiff": animated("TIFF"),
    "image/bmp": encoded(photo(), "BMP"),
    "image/avif": encoded(photo(), "AVIF"),
    "image/heic": heic(),
}


@pytest.mark.parametrize("kind", [each.content_type for each in FORMATS])
def test_a_picture_of_every_format_is_stored(kind: str, running: System) -> None:
    extension = extension_of(kind)
    media = running.upload(PICTURES[kind], f"my photo{extension}", content_type=kind)
    assert media.content_type == kind
    stored = running.wait_for(media.id, "stored")
    assert stored.result
    is_spliced = splice.is_installed() and kind == "image/jpeg"
    assert stored.result.method == ("splice" if is_spliced else "decode")
    assert (stored.result.declined is None) == is_spliced
    is_heic = kind == "image/heic"
    comes_out = "image/jpeg" if is_heic else kind
    assert stored.result.content_type == comes_out
    assert bool(stored.result.notes) == is_heic
    name = f"watermarked_my photo{'.jpg' if is_heic else extension}"
    assert stored.result.stored_path.endswith(f"/{media.id}/{name}")
    watermarked = running.http.get(media.links.watermarked)
    assert watermarked.headers["content-type"] == comes_out
    assert name.replace(" ", "%20") in watermarked.headers["content-disposition"].replace(
        " ", "%20"
    )
    assert opened(watermarked.content).size == (stored.width, stored.height)
    original = running.http.get(media.links.original)
    assert original.content == PICTURES[kind]
    assert original.headers["content-type"] == kind
