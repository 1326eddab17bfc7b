"""The file of profiles: every mistake is told with its line, a change is seen."""

import os
from pathlib import Path

import pytest

from media_processor.errors import SetupError, UnknownProfile
from media_processor.images.profile import (
    DEFAULT,
    Profile,
    Tile,
    Variants,
    as_message,
    from_message,
)
from media_processor.watermarks.profiles import Profiles, resolve


def written(folder: Path, text: str) -> Path:
    file = folder / "watermarks.toml"
    file.write_text(text)
    return file


def test_the_default_is_the_specifications() -> None:
    assert Profile("default", scale=0.20, margin=10, anchor="top-right") == DEFAULT
    assert Profiles(None).all() == {"default": DEFAULT}


def test_an_unknown_profile_is_reported_with_the_known_ones() -> None:
    with pytest.raises(UnknownProfile) as caught:
        Profiles(None).get("nosuch\n" + "x" * 5000)
    assert "default" in caught.value.detail
    assert len(caught.value.detail) < 200
    assert "\n" not in caught.value.detail


def test_every_key_is_read(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        [small]
        logo = "logo.png"
        scale = 0.1
        scale_of = "short-side"
        min_size = 20
        max_size = 400
        anchor = "bottom"
        margin = "3%"
        tile = { spacing = 20, angle = 30 }
        opacity = 0.5
        rotate = 10
        blend = "multiply"
        skip_below = 100
        quality = 80
        strip = "gps"
        format = "webp"
        motion = "drop"

        [signed]
        text = "© {exif.artist} {date}"
        font = "font.ttf"
        colour = "#ff0000"
        shadow = "#00000080"

        [either]
        variants = { light = "light.png", dark = "https://example.org/dark.png" }
        """,
    )
    found = Profiles(file).all()
    assert list(found) == ["default", "small", "signed", "either"]
    assert found["small"] == Profile(
        "small",
        "logo.png",
        scale=0.1,
        scale_of="short-side",
        min_size=20,
        max_size=400,
        anchor="bottom",
        margin="3%",
        tile=Tile(20, 30.0),
        opacity=0.5,
        rotate=10.0,
        blend="multiply",
        skip_below=100,
        quality=80,
        strip="gps",
        format="webp",
        motion="drop",
    )
    assert found["signed"].logos == ()
    assert found["either"].variants == Variants("light.png", "https://example.org/dark.png")
    named = {key for line in file.read_text().split("\n") for key in [line.split("=")[0].strip()]}
    assert set(Profile.__dataclass_fields__) - {"name"} <= named


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("[a]\n# more\n\nscale = 2\n", 4, "a.scale: must be above 0 and at most 1"),
        ("[a]\nscale = 0.1\n\n[b]\nscale = 0\n", 5, "b.scale: must be above 0 and at most 1"),
        ("[a]\nanchor = 'nowhere'\n", 2, "a.anchor: input should be 'top-left'"),
        ("[a]\nscale = 0.2\n[a.tile]\nspacing = 'x'\n", 4, "a.tile.spacing: must be pixels"),
        ("[a]\ntile = { spaces = 1 }\n", 2, "a.tile.spaces: unknown key; known are a"),
        ("[a]\ncolor = 'red'\n", 2, "a.color: unknown key"),
        ("[a]\ncolour = 'red'\n", 2, "a.colour: must be #rrggbb"),
        ("[a]\ntext = '{foo}'\n", 2, "a.text: unknown placeholder {foo}; known are {filename}"),
        ("[a]\nlogo = 'x'\ntext = 'y'\n", 3, "a.text: can't be combined with logo"),
        ("[a]\nvariants = { light = 'x' }\n", 2, "a.variants.dark: field required"),
        ("[a]\nopacity = '1'\n", 2, "a.opacity: input should be a valid number"),
        ("[a]\nmin_size = 9\nmax_size = 8\n", 2, "a.min_size: must not be larger than max_size"),
        ("[a]\nmargin = '101%'\n", 2, "a.margin: must be pixels"),
        ("[a]\nname = 'b'\n", 2, "a.name: unknown key; the name of a profile is in the brackets"),
        ("[a\n", 1, "Expected ']'"),
        ("[default]\nscale = 0.1\n", 1, "default: can't be changed"),
        ("[a]\n\n['B c']\n", 3, "must be 1 to 40 characters"),
        ("a = 3\n", 1, "must be a table"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_line(
    text: str, line: int, told: str, tmp_path: Path
) -> None:
    with pytest.raises(SetupError) as caught:
        Profiles(written(tmp_path, text))
    assert f"line {line}" in caught.value.detail
    assert told in caught.value.detail
    assert caught.value.detail.startswith("WATERMARKS: ")
    assert "\n" not in caught.value.detail


def test_a_file_that_can_not_be_read_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="can't be read: No such file"):
        Profiles(tmp_path / "nowhere.toml")
    (tmp_path / "latin.toml").write_bytes(b"# gr\xfcn")
    with pytest.raises(SetupError, match="isn't UTF-8"):
        Profiles(tmp_path / "latin.toml")
    (tmp_path / "large.toml").write_text("#" * 1_000_001)
    with pytest.raises(SetupError, match="larger than 1,000,000 bytes"):
        Profiles(tmp_path / "large.toml")


def test_a_change_is_seen_and_a_mistake_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = written(tmp_path, "[a]\nscale = 0.1\n")
    profiles = Profiles(file)
    first = profiles.get("a")
    file.write_text("[a]\nscale = 0.3\n[b]\n")
    os.utime(file, ns=(1, 1))
    assert profiles.get("a").scale == 0.3
    assert profiles.get("a").digest != first.digest
    file.write_text("[a]\nscale = 7\n")
    assert profiles.get("a").scale == 0.3
    assert profiles.get("b").name == "b"
    assert "line 2" in caplog.text
    file.unlink()
    assert profiles.get("a").scale == 0.3


def test_a_profile_crosses_to_another_process() -> None:
    profile = Profile("a", tile=Tile("5%", 10.0), strip="all")
    assert from_message(as_message(profile)) == profile
    assert from_message(as_message(profile)).digest == profile.digest
    assert Profile("other name", tile=Tile("5%", 10.0), strip="all").digest == profile.digest


def test_a_path_is_relative_to_the_file() -> None:
    file = Path("/etc/watermark/watermarks.toml")
    assert resolve("logo.png", file) == "/etc/watermark/logo.png"
    assert resolve("/srv/logo.png", file) == "/srv/logo.png"
    assert resolve("https://example.org/logo.png", file) == "https://example.org/logo.png"
