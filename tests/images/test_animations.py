"""Every frame of a GIF or WebP shows what it should, by a compositor of our own or libwebp's."""

from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
import pyvips
from PIL import Image

from media_processor.images.containers import gif as container
from media_processor.images.logo import Logo
from media_processor.images.probe import probe
from media_processor.images.profile import Profile
from media_processor.limits import Limits

from .animations import Frame, colours, gif, noise, webp
from .compositor import Array, read_gif
from .conftest import ApplyWatermark
from .pictures import LIMITS, opened, quartered_logo
from .shown import PLACES, SIZE, assert_same_outside, outside, shows_the_logo

XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><mine/></x:xmpmeta>"


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
