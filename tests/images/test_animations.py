"""Every frame shows what it should, outside the overlay to the bit, by a compositor of our own."""

from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
import pyvips
from PIL import Image

from media_processor.errors import BrokenPicture
from media_processor.images.containers import gif as container
from media_processor.images.geometry import Box
from media_processor.images.logo import Logo
from media_processor.images.probe import probe
from media_processor.images.profile import Profile
from media_processor.limits import Limits

from .animations import Frame, apng, colours, gif, noise, webp
from .compositor import Animation, Array, read_apng, read_gif
from .conftest import ApplyWatermark
from .pictures import LIMITS, opened, quartered_logo

SIZE = (72, 56)
PLACES = (
    Box(0, 0, *SIZE),
    Box(0, 30, 30, 20),
    Box(40, 0, 32, 30),
    Box(50, 8, 10, 9),
    Box(5, 5, 60, 40),
    Box(71, 55, 1, 1),
)
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><mine/></x:xmpmeta>"


def outside(shown: Array, box: Box) -> Array:
    """Invisible pixels are all equal."""
    seen = shown * (shown[:, :, 3:] > 0)
    seen[box.top : box.top + box.height, box.left : box.left + box.width] = 0
    return seen


def assert_same_outside(
    before: Animation, after: Animation, box: Box, by: int = 0, logo: int = 0
) -> None:
    """``by`` and, of the logo, ``logo`` are how much a sample may be off."""
    assert (after.width, after.height) == (before.width, before.height)
    assert len(after.frames) == len(before.frames)
    for number, (old, new) in enumerate(zip(before.shown(), after.shown(), strict=True)):
        wrong = np.abs(outside(old, box).astype(int) - outside(new, box)).max(axis=2)
        assert wrong.max() <= by, f"frame {number}: {np.argwhere(wrong > by)[:5]}"
        assert shows_the_logo(new, box, logo), number
    for old_frame, new_frame in zip(before.frames, after.frames, strict=True):
        assert new_frame.delay == old_frame.delay


def shows_the_logo(shown: Array, box: Box, by: int = 0) -> bool:
    found = shown[box.top : box.top + box.height, box.left : box.left + box.width].astype(int)
    logo = np.asarray(quartered_logo().resize_to((box.width, box.height)))
    return bool(np.abs(found - logo).max() <= by)


KINDS = {
    "grey": (0, b"", b""),
    "grey with a clear shade": (0, b"", b"\0\x50"),
    "RGB with a clear colour": (2, b"", b"\0\x50\0\x50\0\x50"),
    "palette": (3, bytes(range(48)), b"\0\xff\x80"),
    "grey with alpha": (4, b"", b""),
    "RGBA": (6, b"", b""),
}
VALUES = {0: (0, 0x50, 255), 2: (0x50, 200), 3: range(16), 4: (0, 90, 255), 6: (0, 90, 255)}


def random_frames(random: Random, kind: int, channels: int, count: int = 7) -> list[Frame]:
    frames = []
    for number in range(count):
        place = random.choice(PLACES) if number else PLACES[0]
        size = place.width, place.height
        samples = noise(random, size, VALUES[kind], channels)
        dispose, over = random.randrange(3), random.random() < 0.6
        frames.append(Frame(place.left, place.top, size, samples, dispose, over))
    return frames


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_an_apng_is_composed_by_the_specification(
    name: str, seed: int, apply_watermark: ApplyWatermark
) -> None:
    kind, palette, clear = KINDS[name]
    random, channels = Random(f"{name} {seed}"), {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    frames = random_frames(random, kind, channels)
    still = noise(random, SIZE, VALUES[kind], channels) if seed % 2 else None
    data = apng(SIZE, frames, kind=kind, palette=palette, clear=clear, still=still, pieces=1 + seed)
    out, made = apply_watermark(data)
    before, after = read_apng(data), read_apng(out)
    assert_same_outside(before, after, made.box, 1)
    if still is not None:
        assert before.still is not None
        assert after.still is not None
        assert np.array_equal(outside(before.still, made.box), outside(after.still, made.box))
        assert shows_the_logo(after.still, made.box)


@pytest.mark.parametrize("still", [False, True])
def test_an_apng_of_one_frame_stays_one(still: bool, apply_watermark: ApplyWatermark) -> None:
    random = Random(1)
    frame = Frame(0, 0, SIZE, noise(random, SIZE, (0, 255), 4))
    other = noise(random, SIZE, (0, 255), 4) if still else None
    data = apng(SIZE, [frame], still=other)
    out, made = apply_watermark(data)
    if still:
        assert_same_outside(read_apng(data), read_apng(out), made.box)
    else:  # nobody sees a difference to a still picture
        assert opened(out).size == SIZE


def test_sixteen_bits_of_an_apng_become_eight(apply_watermark: ApplyWatermark) -> None:
    random = Random(2)
    frames = [Frame(0, 0, SIZE, noise(random, SIZE, range(256), 6)) for _ in range(3)]
    data = apng(SIZE, frames, kind=2, depth=16)
    out, made = apply_watermark(data)
    assert_same_outside(read_apng(data), read_apng(out), made.box)
    assert "16 bits a sample became 8" in made.notes


@pytest.mark.parametrize("place", [Box(60, 0, 20, 8), Box(0, 50, 8, 20)])
def test_a_frame_beyond_an_apng_is_damage(place: Box, apply_watermark: ApplyWatermark) -> None:
    size = place.width, place.height
    frames = [Frame(0, 0, SIZE, bytes(SIZE[0] * SIZE[1] * 4))]
    frames.append(Frame(place.left, place.top, size, bytes(place.width * place.height * 4)))
    with pytest.raises(BrokenPicture, match="animation"):
        apply_watermark(apng(SIZE, frames))


def random_gif(seed: int, clears: tuple[int | None, ...]) -> bytes:
    random = Random(seed)
    shared, frames = colours(random, 64), []
    for number in range(7):
        place = random.choice(PLACES) if number or seed % 3 else PLACES[0]
        size = place.width, place.height
        frames.append(
            Frame(
                place.left,
                place.top,
                size,
                noise(random, size, range(64)),
                dispose=random.randrange(4),
                clear=random.choice(clears),
                palette=random.choice((b"", colours(random, 100))),
            )
        )
    return gif(SIZE, frames, palette=shared)


@pytest.mark.parametrize("seed", range(9))
def test_a_gif_is_composed_by_the_specification(seed: int, apply_watermark: ApplyWatermark) -> None:
    data = random_gif(seed, (None, 3, 200))
    out, made = apply_watermark(data)
    assert_same_outside(read_gif(data), read_gif(out), made.box)
    assert not made.notes


@pytest.mark.parametrize("seed", range(3))
def test_libvips_shows_a_gif_as_the_compositor_here(
    seed: int, apply_watermark: ApplyWatermark
) -> None:
    """Every frame has a clear index: libvips clears others to a colour, which no browser does."""
    data = random_gif(seed, (3, 200))
    for each in (data, apply_watermark(data)[0]):
        image = pyvips.Image.gifload_buffer(each, n=-1)
        pages = np.ndarray((7, SIZE[1], SIZE[0], 4), "u1", image.write_to_memory())
        for found, shown in zip(pages, read_gif(each).shown(), strict=True):
            assert np.array_equal(found * (found[:, :, 3:] > 0), shown * (shown[:, :, 3:] > 0))


def full_gif(random: Random, number: int) -> bytes:
    samples = bytes(at % number for at in range(SIZE[0] * SIZE[1]))
    return gif(SIZE, [Frame(0, 0, SIZE, samples)], palette=colours(random, number))


def test_a_gif_of_224_colours_keeps_them(apply_watermark: ApplyWatermark) -> None:
    data = full_gif(Random(3), 224)
    out, made = apply_watermark(data, many_coloured_logo())
    before, after = read_gif(data), read_gif(out)
    old, new = next(before.shown()), next(after.shown())
    assert np.array_equal(outside(old, made.box), outside(new, made.box))
    assert not made.notes


def test_a_gif_that_loses_colours_says_so(apply_watermark: ApplyWatermark) -> None:
    data = full_gif(Random(3), 256)
    out, made = apply_watermark(data, many_coloured_logo())
    old, new = next(read_gif(data).shown()), next(read_gif(out).shown())
    assert not np.array_equal(outside(old, made.box), outside(new, made.box))
    (note,) = made.notes
    assert note.startswith("some colours of the picture were replaced by similar ones")


def test_a_logo_of_few_colours_leaves_a_gif_the_others(apply_watermark: ApplyWatermark) -> None:
    data = full_gif(Random(3), 251)
    flat = quartered_logo((14, 10))  # as large as it is drawn, so no colours are mixed
    out, made = apply_watermark(data, flat, profile=Profile("a", scale=0.2, margin=3))
    old, new = next(read_gif(data).shown()), next(read_gif(out).shown())
    assert np.array_equal(outside(old, made.box), outside(new, made.box))
    assert not made.notes


def many_coloured_logo() -> Logo:
    ramp = Image.linear_gradient("L").resize((60, 30))
    bands = (ramp, ramp.transpose(Image.Transpose.FLIP_TOP_BOTTOM), ramp)
    return Logo(Image.merge("RGBA", (*bands, Image.new("L", ramp.size, 255))), "1" * 64)


@pytest.mark.parametrize("is_first", [False, True])
def test_a_gif_is_as_large_as_browsers_show_it(
    is_first: bool, apply_watermark: ApplyWatermark
) -> None:
    """Only the first frame makes it larger if it reaches beyond the screen."""
    random = Random(4)
    frames = [
        Frame(0, 0, SIZE, noise(random, SIZE, range(9)), dispose=1),
        Frame(30, 20, (60, 50), noise(random, (60, 50), range(9)), dispose=1),
        Frame(300, 20, (6, 5), noise(random, (6, 5), range(9)), dispose=2),
    ]
    data = gif(SIZE, frames[1:] if is_first else frames, palette=colours(random, 9))
    size = (90, 70) if is_first else SIZE
    info = probe(data, LIMITS)
    assert (info.width, info.height) == size == opened(data).size
    out, made = apply_watermark(data)
    assert_same_outside(read_gif(data), read_gif(out), made.box)
    assert opened(out).size == size


def test_frames_beyond_a_gif_count_as_pixels() -> None:
    data = gif((8, 8), [Frame(0, 0, (8, 8), bytes(64)), Frame(0, 0, (50, 50), bytes(2500))])
    with pytest.raises(Exception, match="2,564 pixels"):
        probe(data, Limits(pixels=2000))


@pytest.mark.parametrize(
    "packet",
    [
        bytes((len(XMP),)) + XMP + b"\0",
        XMP + bytes((1, *range(255, -1, -1), 0)),
        XMP + bytes((*range(255, -1, -1), 0)),
    ],
    ids=["sub-blocks", "standard", "odd end"],
)
def test_a_gif_keeps_its_xmp_however_it_is_written(
    packet: bytes, apply_watermark: ApplyWatermark
) -> None:
    extension = b"\x21\xff\x0bXMP DataXMP" + packet
    frame = Frame(0, 0, SIZE, noise(Random(5), SIZE, range(9)))
    data = gif(SIZE, [frame], palette=colours(Random(5), 9), extensions=extension)
    out, made = apply_watermark(data)
    assert container.read(out, LIMITS).metadata.xmp == XMP
    assert_same_outside(read_gif(data), read_gif(out), made.box)
    assert opened(out).size == SIZE


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("values", [(0, 255), (0, 90, 255)], ids=["all or nothing", "half clear"])
def test_a_webp_shows_no_ghosts(
    values: tuple[int, ...], seed: int, apply_watermark: ApplyWatermark
) -> None:
    """By libwebp's own compositor, on both sides."""
    random, frames = Random(f"{values} {seed}"), list[Frame]()
    for number in range(7):
        place = random.choice(PLACES[:-1]) if number else PLACES[0]
        size, left, top = (place.width, place.height), place.left & ~1, place.top & ~1
        samples = noise(random, size, values, 4)
        dispose, over = random.randrange(2), random.random() < 0.6
        frames.append(Frame(left, top, size, samples, dispose, over))
    data = webp(SIZE, frames)
    out, made = apply_watermark(data)
    for number, (old, new) in enumerate(zip(shown_webp(data), shown_webp(out), strict=True)):
        wrong = np.abs(outside(old, made.box).astype(int) - outside(new, made.box)).max()
        assert wrong <= (1 if 90 in values else 0), number
        assert shows_the_logo(new, made.box), number


def shown_webp(data: bytes) -> Iterator[Array]:
    image = opened(data)
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        yield np.asarray(image.convert("RGBA"))


def test_frames_of_a_webp_that_the_logo_does_not_touch_stay(
    apply_watermark: ApplyWatermark,
) -> None:
    random = Random(7)
    frames = [Frame(0, 0, SIZE, noise(random, SIZE, range(256), 4))]
    frames += (
        Frame(left, 30, (30, 20), noise(random, (30, 20), (0, 255), 4), over=True)
        for left in (10, 20, 30)
    )
    data = webp(SIZE, frames)
    out, _ = apply_watermark(data)
    assert data.split(b"ANMF")[2:] == out.split(b"ANMF")[2:]
