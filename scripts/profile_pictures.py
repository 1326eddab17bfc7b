"""Draw the pictures of docs/profiles.md with the profiles of docs/profiles/watermarks.toml.

`python -m scripts.profile_pictures [FOLDER]`, by default into docs/profiles. The logos are
drawn here and aren't kept.
"""

import os
import shutil
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageDraw, ImageFont

from media_processor.cli.profiles.preview import DAY, draw_scene
from media_processor.cli.watermark.batch import watermark_files

HERE = Path(__file__).resolve().parents[1] / "docs" / "profiles"
_SIZE = (480, 300)
_TAKEN = 1_768_478_400  # 2026-01-15, noon


def make(folder: Path, names: list[str]) -> None:
    """Write `<name>.webp` for each profile; WATERMARKS and the logos are set by the caller."""
    with TemporaryDirectory() as temporary:
        source = Path(temporary) / "photo.jpg"
        draw_scene(_SIZE, DAY).save(source, quality=95)
        os.utime(source, (_TAKEN, _TAKEN))
        for name in names:
            watermarked = Path(temporary) / f"watermarked-{name}"
            if watermark_files([source, watermarked], None, name):
                sys.exit(f"{name} can't be drawn")
            with Image.open(watermarked) as image:
                image.convert("RGB").save(folder / f"{name}.webp", quality=75, method=6)


def logos(folder: Path) -> None:
    for name, colour in (("light", "white"), ("dark", "black")):
        word("your logo", colour).save(folder / f"{name}.png")
    square = Image.new("RGBA", (120, 120), (208, 48, 60, 255))
    ImageDraw.Draw(square).ellipse((24, 24, 96, 96), fill="white")
    square.save(folder / "square.png")
    font = ImageFont.load_default(20)
    if not isinstance(font, ImageFont.FreeTypeFont):
        sys.exit("Pillow was built without FreeType")
    font.path.seek(0)  # type: ignore[union-attr]
    (folder / "font.ttf").write_bytes(font.path.read())  # type: ignore[union-attr]


def word(text: str, colour: str) -> Image.Image:
    font = ImageFont.load_default(80)
    left, top, right, bottom = (round(side) for side in font.getbbox(text))
    image = Image.new("RGBA", (right - left, bottom - top))
    ImageDraw.Draw(image).text((-left, -top), text, font=font, fill=colour)
    return image


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    with TemporaryDirectory() as temporary:
        watermark = Path(temporary)
        shutil.copy(HERE / "watermarks.toml", watermark)
        logos(watermark)
        os.environ["WATERMARKS"] = str(watermark / "watermarks.toml")
        os.environ["GOOGLE_LOGO"] = str(watermark / "light.png")
        names = list(tomllib.loads((HERE / "watermarks.toml").read_text()))
        make(folder, ["default", *names])


if __name__ == "__main__":
    main()
