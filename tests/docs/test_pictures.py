"""The documents' pictures are what the software draws today."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

ROOT = Path(__file__).parents[2]


def test_the_picture_of_the_splice_is_up_to_date(tmp_path: Path) -> None:
    pytest.importorskip("media_processor_native", reason="there is no cargo here")
    command = [sys.executable, "-m", "scripts.splice_picture", str(tmp_path / "new.webp")]
    subprocess.run(command, cwd=ROOT, check=True, timeout=100)
    with Image.open(ROOT / "docs" / "splice.webp") as old, Image.open(tmp_path / "new.webp") as new:
        assert old.size == new.size
        change = ImageStat.Stat(ImageChops.difference(old.convert("RGB"), new.convert("RGB")))
    assert max(change.mean) < 1, "make it anew with python -m scripts.splice_picture"
