"""Text in alphabets that a font lacks: another font draws it, or the result names them."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from PIL import features

from media_processor.images import fonts
from media_processor.images.pillow import open_image
from media_processor.images.profile import Profile
from media_processor.images.text import Text
from media_processor.images.watermark import watermark
from media_processor.limits import Limits
from tests.images.pictures import encoded, photo


@pytest.fixture(autouse=True)
def no_fonts_of_the_system(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(fonts, "_FOLDERS", ())
    _forget()
    yield
    _forget()


def _forget() -> None:
    fonts._installed.cache_clear()
    fonts.choose.cache_clear()


@pytest.mark.parametrize(
    "text", ["© Müller 2026", "Δημήτρης", "Фото", "वैदिक", "ภาพ", "ქართული", "☎ 12", "📷"]
)
def test_a_font_is_found_for_most_alphabets_and_signs(text: str) -> None:
    found = Text(text, None, "#ffffff", None)
    assert found.missing == ""
    assert found.resize_to((200, 40)).getbbox()


@pytest.mark.parametrize("text", ["📷 Фото", "ภาพ 🔒 Müller", "ქარ☎თული", "❤️ भा"])
def test_a_line_may_need_several_fonts(text: str) -> None:
    """No font has all of it."""
    found = Text(text, None, "#ffffff", None)
    assert (found.missing, found.notes) == ("", ())
    assert len(fonts.choose(None, found._line).runs) > 1


def test_runs_stand_side_by_side() -> None:
    both, letters, sign = (Text(text, None, "#ffffff", None) for text in ("Фото📷", "Фото", "📷"))
    (_, font, _), (right, *_) = both._runs(fonts.MEASURED_AT)
    assert right == font.getlength("Фото")
    assert both.size[0] == pytest.approx(letters.size[0] + sign.size[0], abs=20)
    assert both.size[1] >= max(letters.size[1], sign.size[1])


def test_fonts_of_the_system_come_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    symbols = import_module("pymupdf_fonts.NotoSansSymbols2_Regular")
    (tmp_path / "truetype").mkdir()
    (tmp_path / "truetype" / "DroidSansFallbackFull.ttf").write_bytes(symbols.fontbuffer)
    (tmp_path / "truetype" / "DejaVuSans.ttf").write_bytes(b"no font")
    monkeypatch.setattr(fonts, "_PACKAGED", ())
    monkeypatch.setattr(fonts, "_FOLDERS", (tmp_path,))
    _forget()
    assert fonts.choose(None, "a 📷 日").missing == "日"


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
