"""Text in alphabets that a font lacks: another font draws it, or the result names them."""

from pathlib import Path

import pytest
from PIL import features

from media_processor.images.pillow import open_image
from media_processor.images.profile import Profile
from media_processor.images.text import Text
from media_processor.images.watermark import watermark
from media_processor.limits import Limits
from tests.images.pictures import encoded, photo


@pytest.mark.parametrize(
    "text", ["© Müller 2026", "Δημήτρης", "Фото", "वैदिक", "ภาพ", "ქართული", "☎ 12", "📷"]
)
def test_a_font_is_found_for_most_alphabets_and_signs(text: str) -> None:
    found = Text(text, None, "#ffffff", None)
    assert found.missing == ""
    assert found.resize_to((200, 40)).getbbox()


def test_what_no_font_has_is_noted(tmp_path: Path) -> None:
    source, target = tmp_path / "a.jpg", tmp_path / "b.jpg"
    source.write_bytes(encoded(photo((300, 200)), "JPEG"))
    made = watermark(source, target, (), Profile("text", text="朝日 press"), Limits())
    assert made.notes == ("the text's font lacks 朝日: boxes were drawn instead; set another font",)
    assert open_image(target.read_bytes(), "JPEG").size == (300, 200)


def test_text_that_runs_from_the_right_needs_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda name: name != "fribidi")
    (note,) = Text("שלום", None, "#ffffff", None).notes
    assert "libfribidi isn't installed" in note
    assert Text("Frieden", None, "#ffffff", None).notes == ()
