"""A result that isn't what it should be is an error, never kept."""

from pathlib import Path

import pytest
from PIL import Image

from media_processor.errors import BrokenPicture, WrongResult
from media_processor.images import watermark as steps
from media_processor.images.codecs import Encoded
from media_processor.images.info import PictureInfo
from media_processor.images.overlay import Overlay
from media_processor.images.probe import guarded
from media_processor.images.profile import DEFAULT
from media_processor.images.result_check import check_result

from .pictures import LIMITS, animated, encoded, orientation_exif, photo, quartered_logo


def test_pixels_of_another_size_than_the_headers_get_no_overlay() -> None:
    overlay = Overlay([quartered_logo()], DEFAULT, PictureInfo("PNG", 80, 60))
    with pytest.raises(BrokenPicture, match="another size"):
        overlay.draw(Image.new("RGB", (80, 61)))


RESULTS = {
    "an orientation": encoded(photo((80, 60)), "PNG", exif=orientation_exif(6)),
    "another size": encoded(photo((80, 61)), "PNG"),
    "another format": encoded(photo((80, 60)), "JPEG"),
    "a lost animation": encoded(photo((64, 48)), "PNG"),
    "half a file": encoded(photo((80, 60)), "PNG")[:1000],
    "nothing": b"",
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_wrong_result_is_never_kept(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = animated("PNG") if "animation" in name else encoded(photo((80, 60)), "PNG")
    monkeypatch.setattr(
        steps, "_draw_overlay", lambda *_: (Encoded(RESULTS[name], "PNG"), _Placed(), None)
    )
    (tmp_path / "in").write_bytes(data)
    with pytest.raises(WrongResult, match=r"came out as|is damaged") as caught:
        steps.watermark(tmp_path / "in", tmp_path / "out", [quartered_logo()], DEFAULT, LIMITS)
    assert caught.value.retry == "never"
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


class _Placed:
    boxes = ()
    contrast = None


def test_a_tiff_may_lose_its_previews(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(animated("TIFF", 2))
    check_result(tmp_path / "out", PictureInfo("TIFF", 64, 48, frames=3))


def test_a_result_may_be_beyond_the_limits(tmp_path: Path) -> None:
    """A spliced JPEG may be, if its result grows a little."""
    (tmp_path / "out").write_bytes(encoded(Image.new("1", (11_000, 10_000)), "PNG"))
    check_result(tmp_path / "out", PictureInfo("PNG", 11_000, 10_000))


@pytest.mark.parametrize(
    ("message", "raised"),
    [
        ("out of memory --- size == 90MB\nunable to copy to memory", MemoryError),
        ("Memory allocation error", MemoryError),
        ("tile read error\nunable to copy to memory", BrokenPicture),
    ],
)
def test_damage_is_told_from_a_lack_of_memory(message: str, raised: type[Exception]) -> None:
    with pytest.raises(raised), guarded("damaged"):
        raise OSError(message)
