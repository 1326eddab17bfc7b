"""``profiles list`` and ``preview``, and the pictures in the documents."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from media_processor.images.logo import bundled_logo_path
from media_processor.images.profile import Profile
from tests.cli.shell import run

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "profiles"


def test_list_tells_what_each_profile_sets(tmp_path: Path) -> None:
    file = tmp_path / "watermarks.toml"
    file.write_text("[half]\nscale = 0.5\n")
    done = run("profiles", "list", WATERMARKS=str(file))
    assert done.returncode == 0, done.stderr
    assert "the logo, at most 20 %" in done.stdout
    assert "scale = 0.5" in done.stdout
    file.write_text("[half]\nscale = 5\n")
    failed = run("profiles", "list", WATERMARKS=str(file))
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)
    assert "line 2" in failed.stderr


def test_preview_draws_one_sheet(tmp_path: Path) -> None:
    file = tmp_path / "watermarks.toml"
    file.write_text('[small]\nskip_below = 100\n[lost]\nlogo = "nowhere.png"\n')
    env = {"WATERMARKS": str(file), "GOOGLE_LOGO": str(bundled_logo_path())}
    done = run("profiles", "preview", "small", cwd=tmp_path, **env)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "small.png") as sheet:
        assert sheet.size == (1580, 680)
        assert len(sheet.convert("RGB").getcolors(1 << 24) or ()) > 1000
    for arguments, told in (
        (("gold",), "no profile 'gold'"),
        (("lost",), "nowhere.png: The logo's file can't be read"),
        (("small", "-o", "sheet.txt"), "must end in .png"),
        (("small", "-o", "nowhere/sheet.png"), "can't be written"),
    ):
        failed = run("profiles", "preview", *arguments, cwd=tmp_path, **env)
        assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)
        assert told in failed.stderr


@pytest.mark.slow
def test_every_key_has_its_section_and_its_picture(tmp_path: Path) -> None:
    keys = set(Profile.__dataclass_fields__) - {"name"}
    page = (ROOT / "docs" / "profiles.md").read_text()
    assert set(re.findall(r"^### `(\w+)`", page, re.MULTILINE)) == keys
    sample = tomllib.loads((DOCS / "watermarks.toml").read_text())
    assert set(sample) == keys
    assert all(key in sample[key] for key in keys)
    subprocess.run(
        [sys.executable, "-m", "scripts.profile_pictures", str(tmp_path)],
        cwd=ROOT,
        check=True,
        timeout=100,
    )
    for key in {*keys, "default"}:
        with Image.open(DOCS / f"{key}.webp") as old, Image.open(tmp_path / f"{key}.webp") as new:
            change = ImageStat.Stat(ImageChops.difference(old.convert("RGB"), new.convert("RGB")))
            # With the native core and without it they differ a little.
            assert max(change.mean) < 2, f"make {key}.webp anew with scripts/profile_pictures.py"
