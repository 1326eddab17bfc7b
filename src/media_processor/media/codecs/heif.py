"""HEIC and HEIF, which can be read only; they come out as JPEG."""

import pi_heif
from PIL import Image

from media_processor.media.codecs import Branded, Options
from media_processor.media.codecs.jpeg import dressed
from media_processor.media.codecs.pillow import encoded, metadata_in
from media_processor.media.facts import PictureFacts
from media_processor.media.stamp import Stamp

_QUALITY = 92


def brand(data: bytes, facts: PictureFacts, stamp: Stamp, options: Options) -> Branded:
    """A JPEG of the primary picture, in stored coordinates and 4:4:4."""
    heif = pi_heif.open_heif(data, convert_hdr_to_8bit=True)
    image = Image.frombytes(heif.mode, heif.size, heif.data, "raw", heif.mode, heif.stride)
    kept = metadata_in(heif.info).kept(facts.orientation, options.strip)
    notes = ("a HEIC comes out as JPEG",)
    if image.mode == "RGBA":
        image = _on_white(image)
    stamp.draw(image, kept.icc)
    result = encoded(image, "JPEG", quality=_QUALITY, subsampling=0)
    return Branded(dressed(result, kept, facts.orientation), "JPEG", notes)


def _on_white(image: Image.Image) -> Image.Image:
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image, (0, 0), image.getchannel("A"))
    return flat
