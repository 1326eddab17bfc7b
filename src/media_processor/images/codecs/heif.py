"""HEIC and HEIF, which can be read only; they come out as JPEG."""

import pi_heif
from PIL import Image

from media_processor.errors import MediaProcessorError
from media_processor.images import exif, xmp
from media_processor.images.codecs import Encoded, Options, apple_gain_map, jpeg, tone_map
from media_processor.images.containers import isobmff, nclx
from media_processor.images.containers.appended import behind_new
from media_processor.images.containers.gain_map import GainMap
from media_processor.images.containers.jpeg import fit_metadata
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import COLOURS, GAIN_MAP, VIDEO, Metadata
from media_processor.images.overlay import BASES, Overlay
from media_processor.images.pillow import encode_image, flatten_on_white, metadata_of, to_eight_bits
from media_processor.images.probe import DAMAGED, guarded
from media_processor.images.quality import quality_within

# A JPEG needs about twice as much for the same quality. Eight photographs that came with a quality
# of 40 grew to three times their size (median) when no quality below 74 was chosen; with 35 it is
# 1.5 times, and 34 to 43 dB of what was shown stay. Huffman tables of its own save such a JPEG a
# tenth to a half.
_GROWTH = 1.5
_QUALITIES = range(35, 97)
# Pillow's number for each chroma_format_idc (ITU H.265, table 6-1); grey has none.
_SAMPLINGS = {1: 2, 2: 1, 3: 0}


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    """A gain map comes along, as ISO 21496-1 has it; so does a motion photo's video."""
    heif = _open(data)
    image, found = _picture(heif)
    image = flatten_on_white(image) if image.mode == "RGBA" else image
    coding = _coding(data, image) | options.coding
    overlay.draw(image, found.icc)
    gain_map = _gain_map(data, heif, found, options)
    more = behind_new(gain_map, _video(data, found, options))
    pixels = overlay.pixels(BASES[image.mode], found.icc)
    drawn = jpeg.draw_gain_map(gain_map, pixels, overlay, info) if gain_map else b""
    more = more if drawn else more.without_gain_map()
    kept = found.to_keep(info.orientation, options.strip, len(drawn), len(more.video))
    kept = fit_metadata(kept, info.orientation)
    lost = isobmff.read_metadata(data, options.limits).notes
    carried = (GAIN_MAP if drawn else "", VIDEO if more.video else "")
    lost = tuple(note for note in lost if note not in carried)
    if info.frames > 1:
        lost += (f"only the primary picture was kept, not the {info.frames} of its sequence",)
    if not found.icc and (colours := nclx.unusual(data)):
        lost += (COLOURS % "primaries {}, transfer {}".format(*colours),)
    lost += more.notes if drawn else ()
    notes = ("converted from HEIC to JPEG", *kept.notes, *lost)
    return Encoded(jpeg.encode_with(image, kept, coding, more, drawn), "JPEG", notes)


def _gain_map(
    data: bytes, heif: pi_heif.HeifFile, found: Metadata, options: Options
) -> GainMap | None:
    try:
        with guarded(DAMAGED):
            carried = tone_map.read(data, heif.size, found.icc, options.limits)
            return carried or apple_gain_map.read(data, heif, found.exif)
    except (MediaProcessorError, MemoryError):  # the picture is whole without it
        return None


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


def _coding(data: bytes, image: Image.Image) -> dict[str, int]:
    sampling = _SAMPLINGS.get(isobmff.chroma_format(data), 2)
    coding = {"subsampling": sampling, "optimize": True}

    def encode(sample: Image.Image, quality: int) -> bytes:
        return encode_image(sample, "JPEG", quality=quality, **coding)

    size = len(data) - len(isobmff.video(data))
    return coding | {"quality": quality_within(_GROWTH * size, image, _QUALITIES, encode)}


def _open(data: bytes) -> pi_heif.HeifFile:
    return pi_heif.open_heif(data, convert_hdr_to_8bit=True)


def _picture(heif: pi_heif.HeifFile) -> tuple[Image.Image, Metadata]:
    image = Image.frombytes(heif.mode, heif.size, heif.data, "raw", heif.mode, heif.stride)
    found = metadata_of(heif.info)
    notes: tuple[str, ...] = ()
    if (depth := heif.info.get("bit_depth", 8)) > 8:
        notes += (f"{depth} bits a sample became 8",)
    image = to_eight_bits(image)  # deep grey comes as it is
    return image, Metadata(found.icc, exif.make_upright(found.exif), found.xmp, notes=notes)
