"""A picture process starts with what every picture needs, and loads the rest under its guards."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from media_processor import formats
from media_processor.images import splice
from tests.images.pictures import animated, encoded, heic, photo, png_16_bit_grey

from .test_pool import sandbox, task

HEAVY = {"asyncio", "httpx2", "numpy", "pi_heif", "pydantic", "pyvips", "ssl", "uuid"}

PICTURES = {
    "JPEG": encoded(photo((80, 60)), "JPEG"),
    "JPEG of inks": encoded(photo((80, 60), "CMYK"), "JPEG"),
    "PNG": encoded(photo((80, 60)), "PNG"),
    "PNG of 16 bits": encoded(png_16_bit_grey((80, 60)), "PNG"),
    "TIFF of 16 bits": encoded(png_16_bit_grey((80, 60)), "TIFF"),
    "APNG": animated("PNG"),
    "WebP": encoded(photo((80, 60)), "WEBP"),
    "GIF": animated("GIF"),
    "TIFF": encoded(photo((80, 60)), "TIFF"),
    "BMP": encoded(photo((80, 60)), "BMP"),
    "AVIF": encoded(photo((80, 60)), "AVIF"),
    "HEIC": heic(photo((80, 60))),
}


def _loaded_after(code: str) -> set[str]:
    shown = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", shown], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_it_starts_with_what_every_picture_needs() -> None:
    loaded = _loaded_after("import media_processor.sandbox.picture_process")
    assert not loaded & HEAVY
    assert not [name for name in loaded if name.startswith("PIL.") and "Plugin" in name]
    assert not [name for name in loaded if name.startswith("media_processor.images.codecs.")]


@pytest.mark.skipif(not splice.is_installed(), reason="the native core isn't built")
def test_a_spliced_jpeg_loads_the_logos_plugin_only(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(PICTURES["JPEG"])
    loaded = _loaded_after(f"""
from pathlib import Path
from media_processor.images.logo import bundled_logo_path, load_logo
from media_processor.images.profile import DEFAULT
from media_processor.images.watermark import watermark
from media_processor.limits import Limits
logo = load_logo(bundled_logo_path())
folder = Path({str(tmp_path)!r})
assert watermark(folder / "in", folder / "out", [logo], DEFAULT, Limits()).method == "splice"
""")
    assert not loaded & HEAVY
    plugins = {name for name in loaded if name.startswith("PIL.") and name.endswith("Plugin")}
    assert plugins == {"PIL.PngImagePlugin"}
    assert "media_processor.images.codecs.jpeg" not in loaded


async def test_what_a_format_needs_is_loaded_under_the_guards(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as box:
        for name, content in PICTURES.items():
            made = await box.watermark(task(tmp_path, content))
            assert made.size == (tmp_path / "out").stat().st_size, name
        for target in formats.writable():
            profile = task(tmp_path).profile | {"format": target}
            made = await box.watermark(replace(task(tmp_path), profile=profile))
            assert made.content_type == f"image/{target}"
        text = task(tmp_path).profile | {"text": "hello {exif.artist}"}
        assert (await box.watermark(task(tmp_path, profile=text, logos=()))).size
