"""Draw the picture of docs/splice.md: which blocks of a watermarked JPEG aren't the source's.

`python -m scripts.splice_picture [FILE]`, by default docs/splice.webp. Needs the native core.
"""

import sys
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageEnhance
from scripts.profile_pictures import word

from media_processor.cli.profiles.preview import DAY, draw_scene
from media_processor.images import splice
from media_processor.images.codecs import Options
from media_processor.images.logo import Logo
from media_processor.images.overlay import Overlay
from media_processor.images.probe import probe
from media_processor.images.profile import DEFAULT
from media_processor.limits import Limits

FILE = Path(__file__).resolve().parents[1] / "docs" / "splice.webp"
_SIZE = (480, 304)
_BLOCK, _ZOOM = 8, 4
_TOUCHED = "#e8590c"


def main() -> None:
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    source, watermarked = _pictures()
    blocks = _changed(source, watermarked)
    whole = _shown(watermarked, blocks, 1)
    left, top, right, bottom = _around(blocks, watermarked.size)
    near = watermarked.crop((left, top, right, bottom))
    moved = [(x - left, y - top) for x, y in blocks]
    close = _shown(near.resize((near.width * _ZOOM, near.height * _ZOOM), 0), moved, _ZOOM)
    sheet = Image.new(
        "RGB", (whole.width + 8 + close.width, max(whole.height, close.height)), "white"
    )
    sheet.paste(whole, (0, 0))
    sheet.paste(close, (whole.width + 8, 0))
    sheet.save(file, quality=80, method=6)


def _pictures() -> tuple[Image.Image, Image.Image]:
    data = BytesIO()
    draw_scene(_SIZE, DAY).save(data, "JPEG", quality=92, subsampling=0)
    info, limits = probe(data.getvalue(), Limits()), Limits()
    overlay = Overlay([Logo(word("your logo", "#7b1e3a"), "")], DEFAULT, info)
    out = splice.watermark(data.getvalue(), info, overlay, Options(limits)).data
    return Image.open(data), Image.open(BytesIO(out))


def _changed(source: Image.Image, watermarked: Image.Image) -> list[tuple[int, int]]:
    difference = ImageChops.difference(source, watermarked)
    corners = [
        (x, y) for y in range(0, source.height, _BLOCK) for x in range(0, source.width, _BLOCK)
    ]
    return [(x, y) for x, y in corners if difference.crop((x, y, x + _BLOCK, y + _BLOCK)).getbbox()]


def _around(blocks: list[tuple[int, int]], size: tuple[int, int]) -> tuple[int, int, int, int]:
    # Zoomed it is as high as the picture.
    xs, ys = [x for x, _ in blocks], [y for _, y in blocks]
    left, top = max(0, min(xs) - 2 * _BLOCK), max(0, min(ys) - _BLOCK)
    return left, top, min(size[0], max(xs) + 3 * _BLOCK), top + size[1] // _ZOOM


def _shown(picture: Image.Image, blocks: list[tuple[int, int]], zoom: int) -> Image.Image:
    shown = ImageEnhance.Brightness(
        ImageEnhance.Color(picture.convert("RGB")).enhance(0.3)
    ).enhance(1.25)
    draw = ImageDraw.Draw(shown)
    for x, y in blocks:
        box = (x * zoom, y * zoom, (x + _BLOCK) * zoom, (y + _BLOCK) * zoom)
        shown.paste(picture.crop(box), box[:2])
        draw.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), outline=_TOUCHED)
    return shown


if __name__ == "__main__":
    main()
