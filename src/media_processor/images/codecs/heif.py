"""HEIC and HEIF, which can be read only; they come out as JPEG."""

import pi_heif
from PIL import Image

from media_processor.images import exif, xmp
from media_processor.images.codecs import Encoded, Options, apple_gain_map, jpeg
from media_processor.images.containers import isobmff
from media_processor.images.containers.appended import behind_new
from media_processor.images.containers.jpeg import fit_metadata
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import BASES, Overlay
from media_processor.images.pillow import flatten_on_white, metadata_of, to_eight_bits


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    """An iPhone's gain map comes along, as ISO 21496-1 has it; so does a motion photo's video."""
    heif = _open(data)
    image, found = _picture(heif)
    image = flatten_on_white(image) if image.mode == "RGBA" else image
    overlay.draw(image, found.icc)
    gain_map = apple_gain_map.read(heif, found.exif)
    more = behind_new(gain_map, _video(data, found, options))
    pixels = overlay.pixels(BASES[image.mode], found.icc)
    drawn = jpeg.draw_gain_map(gain_map, pixels, overlay, info) if gain_map else b""
    more = more if drawn else more.without_gain_map()
    kept = found.to_keep(info.orientation, options.strip, len(drawn), len(more.video))
    kept = fit_metadata(kept, info.orientation)
    lost = isobmff.read_metadata(data, options.limits).notes
    carried = (isobmff.GAIN_MAP if drawn else "", isobmff.VIDEO if more.video else "")
    lost = tuple(note for note in lost if note not in carried)
    if info.frames > 1:
        lost += (f"only the primary picture was kept, not the {info.frames} of its sequence",)
    notes = ("converted from HEIC to JPEG", *kept.notes, *lost)
    return Encoded(jpeg.encode_with(image, kept, options, more, drawn), "JPEG", notes)


def _video(data: bytes, found: Metadata, options: Options) -> bytes:
    # Without XMP nobody would find it behind a JPEG.
    if options.motion == "drop" or options.strip != "none" or not xmp.has_video(found.xmp):
        return b""
    return isobmff.video(data)


def decode_upright(
    data: bytes,
    info: PictureInfo,  # noqa: ARG001 - as every codec
    at_least: int | None = None,  # noqa: ARG001
) -> tuple[Image.Image, Metadata]:
    return _picture(_open(data))


def _open(data: bytes) -> pi_heif.HeifFile:
    return pi_heif.open_heif(data, convert_hdr_to_8bit=True)


def _picture(heif: pi_heif.HeifFile) -> tuple[Image.Image, Metadata]:
    image = Image.frombytes(heif.mode, heif.size, heif.data, "raw", heif.mode, heif.stride)
    found = metadata_of(heif.info)
    notes: tuple[str, ...] = ()
    if len(heif) > 1:
        notes += (f"only the first of {len(heif)} pictures was kept",)
    if (depth := heif.info.get("bit_depth", 8)) > 8:
        notes += (f"{depth} bits a sample became 8",)
    image = to_eight_bits(image)  # deep grey comes as it is
    return image, Metadata(found.icc, exif.make_upright(found.exif), found.xmp, notes=notes)
