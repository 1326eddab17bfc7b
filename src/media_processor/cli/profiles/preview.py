"""One sheet that shows a profile on eight kinds of pictures."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageDraw, ImageFont, ImageSequence
from rich.console import Console

from media_processor.errors import SetupError
from media_processor.messages.results import WatermarkResult
from media_processor.sandbox.pool import Sandbox
from media_processor.settings import WorkerSettings, read
from media_processor.watermarks.tasks import TaskBuilder

Size = tuple[int, int]
Colour = tuple[int, int, int]

_CELL: Size = (380, 300)
_EDGE, _CAPTION, _COLUMNS = 12, 22, 4
_FRAMES = 4

DAY = ((96, 160, 214), (236, 214, 184), (92, 128, 84))
_NIGHT = ((8, 10, 24), (26, 30, 52), (12, 18, 16))
_SNOW = ((226, 238, 248), (250, 250, 252), (240, 244, 246))

# Name, size in pixels, and what is on it.
_SCENES: tuple[tuple[str, Size, tuple[Colour, Colour, Colour]], ...] = (
    ("portrait", (900, 1200), DAY),
    ("landscape", (1200, 800), DAY),
    ("panorama", (2000, 500), DAY),
    ("tiny", (48, 36), DAY),
    ("dark", (1200, 800), _NIGHT),
    ("bright", (1200, 800), _SNOW),
    ("transparent", (900, 700), DAY),
    ("animated", (600, 420), DAY),
)


def preview(name: str, output: Path) -> int:
    if output.suffix.lower() not in (".png", ".jpg", ".webp"):
        raise SetupError(f"{output}: the name must end in .png, .jpg or .webp.")
    settings = read(WorkerSettings)
    with TemporaryDirectory() as folder:
        sheets = asyncio.run(_watermarked(name, settings, Path(folder)))
        sheet = _sheet(name, sheets)
    try:
        sheet.save(output)
    except OSError as error:
        raise SetupError(f"{output} can't be written: {error.strerror or error}.") from None
    Console().print(f"{output}: {len(sheets)} pictures with the profile {name}")
    return 0


async def _watermarked(
    name: str, settings: WorkerSettings, folder: Path
) -> list[tuple[str, Path, WatermarkResult]]:
    tasks = TaskBuilder(settings)
    await tasks.logos(tasks.profiles.get(name))
    sandbox = Sandbox(
        min(settings.watermark_processes, len(_SCENES)),
        memory_bytes=settings.watermark_memory_bytes,
        timeout=settings.watermark_timeout,
        folder=folder,
    )

    async def one(
        scene: str, size: Size, colours: tuple[Colour, Colour, Colour]
    ) -> WatermarkResult:
        source, target = folder / scene, folder / f"{scene}.watermarked"
        await asyncio.to_thread(_save, draw_scene(size, colours), scene, source)
        tokens = {"filename": f"{scene}.jpg", "date": "2026-01-15", "id": "019ab000"}
        return await sandbox.watermark(await tasks.build(source, target, name, tokens))

    try:
        made = await asyncio.gather(*(one(*scene) for scene in _SCENES))
    finally:
        await sandbox.close()
    return [
        (scene, folder / f"{scene}.watermarked", watermarked)
        for (scene, _, _), watermarked in zip(_SCENES, made, strict=True)
    ]


def draw_scene(size: Size, colours: tuple[Colour, Colour, Colour]) -> Image.Image:
    width, height = size
    sky, haze, hills = (Image.new("RGB", size, colour) for colour in colours)
    image = Image.composite(haze, sky, Image.linear_gradient("L").resize(size))
    draw = ImageDraw.Draw(image)
    radius = min(size) // 9
    middle = (width // 3, height // 3)
    draw.circle(middle, radius, tuple(min(255, value + 40) for value in colours[1]))
    mask = Image.new("L", size)
    hill = ImageDraw.Draw(mask)
    hill.ellipse((-width // 3, height * 6 // 10, width * 7 // 10, height * 2), fill=255)
    hill.ellipse((width // 3, height * 7 // 10, width * 5 // 4, height * 2), fill=215)
    image.paste(hills, (0, 0), mask)
    return image


def _save(image: Image.Image, scene: str, path: Path) -> None:
    if scene == "transparent":
        hole = Image.radial_gradient("L").resize(image.size).point(_faded)
        image.putalpha(hole)
        image.save(path, "PNG")
    elif scene == "animated":
        frames = []
        for number in range(_FRAMES):
            frame = image.copy()
            at = (image.width * (2 * number + 1) // (2 * _FRAMES), image.height * 3 // 4)
            ImageDraw.Draw(frame).circle(at, image.height // 12, (214, 60, 48))
            frames.append(frame)
        frames[0].save(path, "GIF", save_all=True, append_images=frames[1:], duration=200)
    else:
        image.save(path, "JPEG", quality=92)


def _sheet(name: str, pictures: list[tuple[str, Path, WatermarkResult]]) -> Image.Image:
    rows = -(-len(pictures) // _COLUMNS)
    across, down = _CELL[0] + _EDGE, _CELL[1] + _EDGE + _CAPTION
    sheet = Image.new("RGB", (_COLUMNS * across + _EDGE, rows * down + _EDGE), (246, 246, 246))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for index, (scene, path, watermarked) in enumerate(pictures):
        left = _EDGE + index % _COLUMNS * across
        top = _EDGE + index // _COLUMNS * down
        picture = _shown(path)
        corner = (left + (_CELL[0] - picture.width) // 2, top + (_CELL[1] - picture.height) // 2)
        sheet.paste(picture, corner)
        caption = f"{name}: {scene}, {watermarked.width} x {watermarked.height}"
        caption += f", contrast {watermarked.contrast:.1f}" if watermarked.contrast else ""
        caption += ", not watermarked" if watermarked.method == "skip" else ""
        draw.text((left, top + _CELL[1] + 3), caption, font=font, fill=(40, 40, 40))
    return sheet


def _shown(path: Path) -> Image.Image:
    with Image.open(path) as image:
        frames = [frame.convert("RGBA") for frame in ImageSequence.Iterator(image)]
    across = 2 if len(frames) > 1 else 1
    limit = (_CELL[0] // across, _CELL[1] // across)
    for frame in frames:
        frame.thumbnail(limit, Image.Resampling.LANCZOS)
    width, height = frames[0].size
    shown = _chequered((width * across, height * -(-len(frames) // across)))
    for number, frame in enumerate(frames):
        shown.paste(frame, (number % across * width, number // across * height), frame)
    return shown


def _chequered(size: Size) -> Image.Image:
    square = 12
    small = Image.new("L", (-(-size[0] // square), -(-size[1] // square)))
    small.putdata(
        [
            225 - 20 * ((n % small.width + n // small.width) % 2)
            for n in range(small.width * small.height)
        ]
    )
    large = small.resize((small.width * square, small.height * square), Image.Resampling.NEAREST)
    return large.crop((0, 0, *size)).convert("RGB")


def _faded(value: int) -> int:
    # Opaque in the middle of a radial gradient, clear at its rim.
    return max(0, min(255, round(3 * (190 - value))))
