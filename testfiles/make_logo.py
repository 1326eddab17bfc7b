"""Draw the logo that ships with the package: `python make_logo.py`, with Pillow alone.

Run it again after a change and commit the PNG that it writes.
"""

from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFont

TARGET = (
    Path(__file__).resolve().parent.parent
    / "src"
    / "media_processor"
    / "media"
    / "bundled_logo.png"
)
SIZE = (544, 184)
FINER = 4  # drawn this much larger, then reduced: smooth edges


def scaled(*values: float) -> tuple[float, ...]:
    return tuple(value * FINER for value in values)


def sunset(size: tuple[int, int]) -> Image.Image:
    # Even rows keep the PNG small.
    top, bottom = Image.new("RGB", size, (255, 150, 84)), Image.new("RGB", size, (112, 50, 235))
    return Image.composite(bottom, top, Image.linear_gradient("L").resize(size))


def badge(canvas: Image.Image) -> None:
    draw = ImageDraw.Draw(canvas)
    draw.rounded_rectangle(scaled(2, 2, 542, 182), 40 * FINER, fill=(255, 255, 255, 90))
    draw.rounded_rectangle(scaled(5, 5, 539, 179), 37 * FINER, fill=(18, 22, 40, 222))


def mark(canvas: Image.Image) -> None:
    tile = Image.new("L", canvas.size)
    ImageDraw.Draw(tile).rounded_rectangle(scaled(30, 34, 146, 150), 28 * FINER, fill=255)
    overlay = Image.new("L", canvas.size)
    ImageDraw.Draw(overlay).ellipse(scaled(111, 21, 159, 69), fill=255)
    tile = ImageChops.subtract(tile, overlay)
    watermark = Image.new("RGB", canvas.size)
    watermark.paste(sunset((116 * FINER, 116 * FINER)), (30 * FINER, 34 * FINER))
    canvas.paste(watermark, mask=tile)
    hills = Image.new("L", canvas.size)
    draw = ImageDraw.Draw(hills)
    for level, corners in (
        (160, [(30, 138), (68, 86), (104, 136), (104, 152), (30, 152)]),
        (240, [(72, 152), (112, 100), (150, 146), (150, 152)]),
    ):
        draw.polygon([scaled(*corner) for corner in corners], fill=level)
    canvas.paste((255, 255, 255, 255), mask=ImageChops.multiply(hills, tile))
    ImageDraw.Draw(canvas).ellipse(scaled(118, 28, 152, 62), fill=(255, 204, 92, 255))
    tick = [scaled(126, 45), scaled(133, 52), scaled(145, 38)]
    ImageDraw.Draw(canvas).line(tick, fill=(40, 26, 70, 255), width=5 * FINER, joint="curve")


def words(canvas: Image.Image) -> None:
    draw = ImageDraw.Draw(canvas)
    for text, top, colour in (("media", 24, (255, 255, 255)), ("processor", 80, (255, 190, 120))):
        font = ImageFont.load_default(size=64 * FINER)
        draw.text(
            (178 * FINER, top * FINER), text, (*colour, 255), font, stroke_width=FINER, anchor="la"
        )


def main() -> None:
    canvas = Image.new("RGBA", (SIZE[0] * FINER, SIZE[1] * FINER))
    badge(canvas)
    mark(canvas)
    words(canvas)
    logo = canvas.resize(SIZE, Image.Resampling.BOX)
    coarse = [round(v / 5) * 5 for v in range(256)]  # fewer shades: a quarter off the file
    logo.point(coarse * 4).save(TARGET, "PNG", optimize=True, compress_type=0)
    print(f"{TARGET}  {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
