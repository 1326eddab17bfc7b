"""Draw the sample pictures: `python make_pictures.py [FOLDER]`, with Pillow alone.

Every picture is drawn from a fixed seed, so two machines get the same scenes. A picture
that lies in the folder already is left as it is.
"""

import argparse
import io
import math
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random

from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Size = tuple[int, int]

HERE = Path(__file__).resolve().parent


# --- watermark box -----------------------------------------------------------------------


def gradient(size: Size, stops: list[tuple[float, Colour]]) -> Image.Image:
    """A vertical gradient; ``stops`` are (height from 0 at the top to 1, colour)."""
    height = 512
    column = Image.new("RGB", (1, height))
    for y in range(height):
        at = y / (height - 1)
        index = max(i for i, (start, _) in enumerate(stops) if start <= at or i == 0)
        (start, above), (end, below) = stops[index], stops[min(index + 1, len(stops) - 1)]
        part = 0.0 if end == start else (at - start) / (end - start)
        mixed = [round(a + (b - a) * part) for a, b in zip(above, below, strict=True)]
        column.putpixel((0, y), (mixed[0], mixed[1], mixed[2]))
    return column.resize(size, Image.Resampling.BICUBIC)


def grain(size: Size, random: Random) -> Image.Image:
    """White noise, mode L, mean 128."""
    return Image.frombytes("L", size, random.randbytes(size[0] * size[1]))


def clouds(size: Size, random: Random, cells: Size, octaves: int) -> Image.Image:
    """Fractal noise, mode L, whose largest lumps are ``cells`` to a side."""
    total: Image.Image | None = None
    for octave in range(octaves):
        lumps = (cells[0] << octave, cells[1] << octave)
        layer = grain(lumps, random).resize(size, Image.Resampling.BICUBIC)
        total = layer if total is None else Image.blend(total, layer, 0.5 ** (octave * 0.6 + 0.8))
    assert total is not None
    return total


def stretch(image: Image.Image, low: int, high: int) -> Image.Image:
    return image.point([min(255, max(0, (v - low) * 255 // (high - low))) for v in range(256)])


def glow(size: Size, centre: tuple[float, float], radius: float) -> Image.Image:
    """A soft round light, mode L, brightest at ``centre``."""
    rim = 173  # the darkest grey that Pillow's gradient has in the middle of its sides
    fall = [round(255 * max(0.0, 1 - v / rim) ** 1.8) for v in range(256)]
    disc = Image.radial_gradient("L").point(fall)
    side = round(radius * 2)
    light = Image.new("L", size)
    corner = (round(centre[0] - radius), round(centre[1] - radius))
    light.paste(disc.resize((side, side), Image.Resampling.BICUBIC), corner)
    return light


def ridge(width: int, random: Random, base: float, swing: float, rough: float) -> list[float]:
    """The skyline of a mountain range: one height for each column."""
    waves = []
    for octave in range(9):
        count = 3 * 2**octave + 2
        waves.append([random.uniform(-1, 1) for _ in range(count)])
    skyline = []
    for x in range(width):
        height = 0.0
        for octave, wave in enumerate(waves):
            at = x / width * (len(wave) - 1.001)
            left = int(at)
            part = at - left
            part = part * part * (3 - 2 * part)
            height += (wave[left] * (1 - part) + wave[left + 1] * part) * rough**octave
        skyline.append(base + swing * height)
    return skyline


def below(size: Size, skyline: list[float]) -> Image.Image:
    mask = Image.new("L", size)
    outline = [(x, y) for x, y in enumerate(skyline)]
    ImageDraw.Draw(mask).polygon([*outline, (size[0], size[1]), (0, size[1])], fill=255)
    return mask


def pines(mask: Image.Image, skyline: list[float], random: Random, height: float) -> None:
    draw = ImageDraw.Draw(mask)
    x = 0.0
    while x < len(skyline):
        tall = height * random.uniform(0.35, 1) * (0.6 + 0.4 * math.sin(x / len(skyline) * 9))
        foot = skyline[min(int(x), len(skyline) - 1)] + height * 0.1
        for tier in range(6):
            top = foot - tall * (1 - tier / 7.5)
            half = tall * 0.045 * (tier + 1.2)
            low = top + tall * 0.27
            draw.polygon([(x, top), (x - half, low), (x + half, low)], fill=255)
        x += height * random.uniform(0.10, 0.34)


def film(image: Image.Image, random: Random, strength: float) -> Image.Image:
    """Add the grain of a sensor, ``strength`` in grey levels of standard deviation."""
    noise = grain(image.size, random)
    amount = strength / 74  # uniform bytes have a standard deviation of 74
    noise = noise.point([round(128 + (v - 127.5) * amount) for v in range(256)])
    return ImageChops.add(image, Image.merge("RGB", [noise] * 3), 1, -128)


# --- scenes --------------------------------------------------------------------------


def lake(size: Size) -> Image.Image:
    random = Random(4000)
    width, shore = size[0], round(size[1] * 0.60)
    upper = (width, shore)
    scene = gradient(
        upper,
        [
            (0.0, (38, 62, 118)),
            (0.35, (98, 122, 176)),
            (0.62, (236, 172, 138)),
            (0.82, (255, 206, 132)),
            (1.0, (255, 226, 170)),
        ],
    )
    veil = stretch(clouds(upper, random, (3, 9), 6), 118, 205)
    fade = Image.linear_gradient("L").resize(upper).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    scene.paste((255, 226, 204), mask=ImageChops.multiply(veil, fade.point(lambda v: v * 0.9)))
    sun = (width * 0.36, shore * 0.66)
    scene.paste((255, 232, 170), mask=glow(upper, sun, width * 0.34))
    scene.paste((255, 252, 232), mask=stretch(glow(upper, sun, width * 0.05), 70, 110))
    layers: list[tuple[float, float, Colour, float]] = [
        (0.70, 0.115, (150, 138, 172), 0.0),
        (0.78, 0.085, (112, 106, 148), 0.0),
        (0.86, 0.065, (74, 82, 116), 0.0),
        (0.93, 0.040, (42, 62, 78), 0.055),
        (0.985, 0.018, (20, 38, 42), 0.100),
    ]
    for base, swing, colour, trees in layers:
        skyline = ridge(width, random, shore * base, shore * swing, 0.52)
        mask = below(upper, skyline)
        if trees:
            pines(mask, skyline, random, shore * trees)
        rock = clouds(upper, random, (12, 9), 6)
        haze = Image.new("RGB", upper, colour)
        lit = tuple(min(255, c + 46) for c in colour)
        haze.paste(lit, mask=stretch(rock, 110, 190).point(lambda v: v * 0.45))
        scene.paste(haze, mask=mask)
    return _with_water(scene, size, random)


def _with_water(scene: Image.Image, size: Size, random: Random) -> Image.Image:
    depth = size[1] - scene.height
    mirror = scene.transpose(Image.Transpose.FLIP_TOP_BOTTOM).crop((0, 0, size[0], depth))
    mirror = mirror.filter(ImageFilter.BoxBlur((size[0] / 900, size[0] / 160)))
    mirror = Image.blend(mirror, Image.new("RGB", mirror.size, (30, 52, 92)), 0.28)
    ripples = clouds((size[0], depth), random, (8, 48), 5)
    near = Image.linear_gradient("L").resize((size[0], depth)).point(lambda v: 40 + v * 0.5)
    bright = ImageChops.multiply(stretch(ripples, 138, 200), near)
    dark = ImageChops.multiply(stretch(ImageChops.invert(ripples), 130, 200), near)
    mirror.paste((255, 222, 184), mask=bright)
    mirror.paste((16, 30, 58), mask=dark)
    whole = Image.new("RGB", size)
    whole.paste(scene, (0, 0))
    whole.paste(mirror, (0, scene.height))
    return whole


def balloons(size: Size) -> Image.Image:
    random = Random(2016)
    width, height = size
    scene = gradient(
        size,
        [
            (0.0, (70, 130, 196)),
            (0.40, (160, 200, 226)),
            (0.62, (252, 226, 196)),
            (0.72, (255, 212, 164)),
            (1.0, (240, 180, 130)),
        ],
    )
    scene.paste((255, 250, 244), mask=stretch(clouds(size, random, (2, 9), 6), 132, 235))
    scene.paste((255, 244, 214), mask=glow(size, (width * 0.2, height * 0.66), width * 0.5))
    dunes: list[tuple[float, float, Colour]] = [
        (0.70, 0.030, (214, 160, 128)),
        (0.76, 0.035, (204, 134, 92)),
        (0.84, 0.040, (184, 104, 62)),
        (0.93, 0.035, (138, 70, 42)),
    ]
    for base, swing, colour in dunes:
        skyline = ridge(width, random, height * base, height * swing, 0.22)
        sand = Image.new("RGB", size, colour)
        sand.paste((255, 206, 150), mask=clouds(size, random, (3, 40), 4).point(lambda v: v * 0.3))
        scene.paste(sand, mask=below(size, skyline))
    flock: list[tuple[float, float, float, list[Colour]]] = [
        (0.33, 0.27, 0.19, [(208, 52, 48), (250, 236, 214), (238, 152, 46)]),
        (0.76, 0.19, 0.085, [(36, 104, 160), (250, 214, 92)]),
        (0.78, 0.47, 0.12, [(90, 60, 130), (238, 110, 110), (252, 206, 120)]),
        (0.14, 0.53, 0.05, [(40, 140, 120), (250, 244, 224)]),
        (0.54, 0.58, 0.035, [(220, 90, 40), (252, 226, 160)]),
    ]
    for x, y, radius, colours in flock:
        _balloon(scene, (x * width, y * height), radius * width, colours)
    return scene


def _balloon(
    scene: Image.Image, centre: tuple[float, float], radius: float, colours: list[Colour]
) -> None:
    # Drawn at twice its size for smooth edges.
    side = round(radius * 4)
    r, mid = side / 2 * 0.94, side / 2
    envelope = Image.new("L", (side, side * 3 // 2))
    draw = ImageDraw.Draw(envelope)
    draw.ellipse((mid - r, mid - r, mid + r, mid + r), fill=255)
    shoulder = r * 0.80
    draw.polygon(
        [
            (mid - shoulder, mid + r * 0.60),
            (mid + shoulder, mid + r * 0.60),
            (mid + r * 0.20, mid + r * 1.45),
            (mid - r * 0.20, mid + r * 1.45),
        ],
        fill=255,
    )
    cloth = Image.new("RGB", envelope.size, colours[0])
    watermark = ImageDraw.Draw(cloth)
    gores = 14
    for index in range(gores, 0, -1):
        half = r * math.sin(index / gores * math.pi / 2)
        box = (mid - half, mid - r * 1.02, mid + half, mid + r * 1.9)
        watermark.ellipse(box, fill=colours[index % len(colours)])
    light = glow(envelope.size, (mid * 0.62, mid * 0.62), r * 1.25)
    cloth.paste((255, 255, 246), mask=light.point(lambda v: v * 0.45))
    shade = glow(envelope.size, (mid * 1.75, mid * 1.5), r * 1.5)
    cloth.paste((40, 16, 40), mask=shade.point(lambda v: v * 0.55))
    basket = ImageDraw.Draw(envelope)
    for sign in (-1, 1):
        rope = [(mid + sign * r * 0.18, mid + r * 1.45), (mid + sign * r * 0.12, mid + r * 1.72)]
        basket.line(rope, fill=200, width=max(1, round(r * 0.03)))
    wicker = (mid - r * 0.15, mid + r * 1.70, mid + r * 0.15, mid + r * 1.92)
    basket.rounded_rectangle(wicker, r * 0.04, fill=255)
    watermark.rectangle((0, mid + r * 1.46, side, side * 1.5), fill=(86, 54, 34))
    small = (side // 2, side * 3 // 4)
    place = (round(centre[0] - small[0] / 2), round(centre[1] - small[1] / 2))
    scene.paste(cloth.resize(small), place, envelope.resize(small, Image.Resampling.LANCZOS))


def aurora(size: Size) -> Image.Image:
    random = Random(1067)
    width, height = size
    scene = gradient(size, [(0.0, (6, 10, 34)), (0.6, (14, 40, 70)), (1.0, (30, 74, 96))])
    draw = ImageDraw.Draw(scene)
    for _ in range(900):
        x, y, size_of = random.random() * width, random.random() ** 1.5 * height, random.random()
        level = round(90 + 165 * size_of**3)
        dot = 0.6 + size_of**12 * 1.6
        draw.ellipse(
            (x - dot, y - dot, x + dot, y + dot), fill=(level, level, min(255, level + 20))
        )
    curtains: list[tuple[float, float, Colour]] = [
        (0.66, 0.05, (36, 150, 190)),
        (0.52, 0.09, (60, 240, 150)),
        (0.40, 0.07, (150, 90, 220)),
    ]
    for base, swing, colour in curtains:
        scene.paste(colour, mask=_curtain(size, random, height * base, height * swing))
    for base, swing, shade, trees in (
        (0.80, 0.05, (44, 70, 98), 0.0),
        (0.87, 0.03, (20, 36, 56), 0.11),
        (0.95, 0.02, (6, 12, 22), 0.24),
    ):
        skyline = ridge(width, random, height * base, height * swing, 0.45)
        mask = below(size, skyline)
        if trees:
            pines(mask, skyline, random, height * trees)
        scene.paste(shade, mask=mask)
    return scene


def _curtain(size: Size, random: Random, base: float, swing: float) -> Image.Image:
    width, height = size
    edge = ridge(width, random, base, swing, 0.35)
    rays = clouds((width, 1), random, (10, 1), 6)
    light = Image.new("L", size)
    beam = Image.linear_gradient("L").point([round(255 * (v / 255) ** 2.6) for v in range(256)])
    for x in range(width):
        level = rays.getpixel((x, 0))
        assert isinstance(level, int)
        tall = round(height * (0.12 + 0.42 * (level / 255) ** 1.5))
        column = beam.resize((1, tall)).point(lambda v, level=level: v * level / 255 * 0.95)
        light.paste(column, (x, round(edge[x]) - tall))
    return light.filter(ImageFilter.GaussianBlur(width / 500))


def sticker(size: Size) -> Image.Image:
    width, height = size
    big = (width * 2, height * 2)
    scene = Image.new("RGBA", big)
    disc = Image.new("L", big)
    middle, radius = (big[0] * 0.5, big[1] * 0.5), big[1] * 0.36
    box = (middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius)
    ImageDraw.Draw(disc).ellipse(box, fill=255)
    warm = gradient(big, [(0.12, (255, 214, 102)), (0.5, (255, 140, 92)), (0.9, (196, 70, 140))])
    halo = glow(big, middle, big[1] * 0.5).point(lambda v: v * 0.55)
    scene.paste((255, 170, 110), mask=halo)
    scene.paste(warm, mask=disc)
    plane: list[tuple[list[tuple[float, float]], tuple[int, int, int]]] = [
        ([(0.86, 0.16), (0.14, 0.47), (0.37, 0.58)], (250, 252, 255)),
        ([(0.86, 0.16), (0.37, 0.58), (0.41, 0.83)], (176, 192, 218)),
        ([(0.86, 0.16), (0.41, 0.83), (0.50, 0.66)], (142, 160, 194)),
        ([(0.86, 0.16), (0.47, 0.63), (0.70, 0.76)], (232, 238, 248)),
    ]
    shapes = [([(x * big[0], y * big[1]) for x, y in corners], c) for corners, c in plane]
    shadow = Image.new("L", big)
    for corners, _ in shapes:
        moved = [(x - big[0] * 0.012, y + big[1] * 0.045) for x, y in corners]
        ImageDraw.Draw(shadow).polygon(moved, fill=120)
    shade = Image.new("RGBA", big, (60, 20, 60, 255))
    shade.putalpha(shadow.filter(ImageFilter.BoxBlur(24)))
    scene = Image.alpha_composite(scene, shade)
    for corners, colour in shapes:
        ImageDraw.Draw(scene).polygon(corners, fill=(*colour, 255))
    return scene.resize(size, Image.Resampling.BOX)


# --- files ---------------------------------------------------------------------------


def srgb_profile() -> bytes:
    # A fixed date makes the bytes the same every time.
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = struct.pack(">6H", 2026, 1, 15, 14, 30, 45)
    return bytes(profile)


def phone_exif(orientation: int, thumbnail: bytes) -> bytes:
    """EXIF as a phone writes it: camera, date, orientation, and a thumbnail in IFD1.

    Layout: EXIF 2.32, section 4.5 (TIFF 6.0, little-endian).
    """
    make, model, date = b"Media\0", b"Processor One\0", b"2026:01:15 14:30:45\0"
    ifd0, entries = 8, 4
    text = ifd0 + 2 + entries * 12 + 4
    ifd1 = text + len(make + model + date)
    image = ifd1 + 2 + 3 * 12 + 4
    parts = [
        struct.pack("<2sHI", b"II", 42, ifd0),
        struct.pack("<H", entries),
        struct.pack("<HHII", 0x010F, 2, len(make), text),
        struct.pack("<HHII", 0x0110, 2, len(model), text + len(make)),
        struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0),
        struct.pack("<HHII", 0x0132, 2, len(date), text + len(make + model)),
        struct.pack("<I", ifd1),
        make + model + date,
        struct.pack("<H", 3),
        struct.pack("<HHIHH", 0x0103, 3, 1, 6, 0),
        struct.pack("<HHII", 0x0201, 4, 1, image),
        struct.pack("<HHII", 0x0202, 4, 1, len(thumbnail)),
        struct.pack("<I", 0),
        thumbnail,
    ]
    return b"Exif\0\0" + b"".join(parts)


def save_landscape(path: Path) -> None:
    scene = lake((2000, 1500)).resize((4000, 3000), Image.Resampling.BICUBIC)
    scene = film(scene, Random(92), 9.4)
    scene.save(path, "JPEG", quality=92, subsampling="4:2:0", dpi=(300, 300))


def save_phone(path: Path) -> None:
    upright = film(balloons((1344, 2016)), Random(6), 2.6)
    stored = upright.transpose(Image.Transpose.ROTATE_90)  # orientation 6 turns it back
    small = io.BytesIO()
    stored.resize((160, 107)).save(small, "JPEG", quality=80)
    exif = phone_exif(6, small.getvalue())
    stored.save(path, "JPEG", quality=88, exif=exif, icc_profile=srgb_profile())


def save_transparent(path: Path) -> None:
    sticker((1600, 1200)).save(path, "PNG", compress_level=4)


def save_webp(path: Path) -> None:
    film(aurora((1600, 1067)), Random(7), 3).save(path, "WEBP", quality=88, method=2)


PICTURES: dict[str, Callable[[Path], None]] = {
    "landscape.jpg": save_landscape,
    "phone.jpg": save_phone,
    "transparent.png": save_transparent,
    "photo.webp": save_webp,
}


def make_pictures(folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, save in PICTURES.items():
        path = folder / name
        if not path.exists():
            part = folder / f".{name}.part"
            try:
                save(part)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
        paths.append(path)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the sample pictures.")
    parser.add_argument("folder", nargs="?", type=Path, default=HERE / "pictures")
    for path in make_pictures(parser.parse_args().folder):
        print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
