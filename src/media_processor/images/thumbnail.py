"""A small picture for a browser, of any format that is taken."""

from pathlib import Path

from PIL import Image

from media_processor.atomic_files import write_atomically
from media_processor.images.codecs import codec_of
from media_processor.images.colour import convert_to_srgb
from media_processor.images.pillow import encode_image
from media_processor.images.probe import DAMAGED, guarded, probe
from media_processor.limits import Limits

_CODING = {"quality": 80, "method": 2}


def make_thumbnail(source: Path, target: Path, side: int, limits: Limits) -> None:
    """Write the first frame of ``source`` to ``target`` as a WebP in sRGB, as it is displayed,
    of at most ``side`` pixels a side. It is never enlarged.

    Raises a PictureError where the picture can't be used, OSError where a file can't be read
    or written.
    """
    data = source.read_bytes()
    info = probe(data, limits)
    if not info.splice_bytes:  # a JPEG of one scan is decoded at an eighth of its size
        info.check_memory(limits)
    with guarded(DAMAGED):
        image, found = codec_of(info.kind).decode_upright(data, info, at_least=side)
        image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2)
        small = encode_image(_in_srgb(image, found.icc), "WEBP", **_CODING)
    write_atomically(target, small)


def _in_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    if image.mode not in ("LA", "RGBA"):
        return convert_to_srgb(image, icc)
    colours = convert_to_srgb(image.convert(image.mode.removesuffix("A")), icc)
    colours.putalpha(image.getchannel("A"))
    return colours
