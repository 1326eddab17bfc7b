"""Every frame of an APNG shows what it should, outside the overlay to the bit, as it is written."""

from random import Random

import numpy as np
import pytest

from media_processor.errors import BrokenPicture
from media_processor.images.geometry import Box

from .animations import Frame, apng, colours, noise
from .compositor import read_apng
from .conftest import ApplyWatermark
from .pictures import opened
from .shown import PLACES, SIZE, assert_same_outside, outside, shows_the_logo

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
    is_grey = kind in (0, 4)
    assert_same_outside(before, after, made.box, grey=is_grey)
    if still is not None:
        assert before.still is not None
        assert after.still is not None
        assert np.array_equal(outside(before.still, made.box), outside(after.still, made.box))
        assert shows_the_logo(after.still, made.box, grey=is_grey)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("grey", 0),
        ("grey with a clear shade", 4),
        ("RGB with a clear colour", 6),
        ("palette", 3),
        ("grey with alpha", 4),
        ("RGBA", 6),
    ],
)
def test_an_apng_keeps_its_colour_type_and_untouched_frames(
    name: str, written: int, apply_watermark: ApplyWatermark
) -> None:
    kind, palette, clear = KINDS[name]
    random, channels = Random(name), {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    frames = [Frame(0, 0, SIZE, noise(random, SIZE, VALUES[kind], channels))]
    frames += (
        Frame(left, 30, (30, 20), noise(random, (30, 20), VALUES[kind], channels), over=True)
        for left in (10, 20, 30)
    )
    data = apng(SIZE, frames, kind=kind, palette=palette, clear=clear)
    out, made = apply_watermark(data)
    assert (out[24], out[25]) == (8, written)
    assert_same_outside(read_apng(data), read_apng(out), made.box, grey=kind in (0, 4))
    if written == kind:
        assert data.split(b"fcTL")[2:] == out.split(b"fcTL")[2:]


def test_an_apng_with_too_many_colours_becomes_true_colour(apply_watermark: ApplyWatermark) -> None:
    samples = bytes(at % 256 for at in range(SIZE[0] * SIZE[1]))
    frames = [Frame(0, 0, SIZE, samples), Frame(0, 30, (30, 20), samples[:600], dispose=1)]
    data = apng(SIZE, frames, kind=3, palette=colours(Random(8), 256))
    out, made = apply_watermark(data)
    assert out[25] in (2, 6)
    assert_same_outside(read_apng(data), read_apng(out), made.box)


def test_a_frame_with_rows_too_many_is_written_anew(apply_watermark: ApplyWatermark) -> None:
    """Decoders accept it; a result has no faults."""
    frames = [Frame(0, 0, SIZE, noise(Random(9), SIZE, range(256)))]
    frames.append(Frame(0, 30, (30, 20), noise(Random(9), (30, 24), range(256))))
    data = apng(SIZE, frames, kind=0)
    out, made = apply_watermark(data)
    assert_same_outside(read_apng(data), read_apng(out), made.box, grey=True)


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
