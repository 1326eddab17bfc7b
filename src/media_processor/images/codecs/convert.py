"""One picture of any format as another format, for profiles that ask for it."""

from contextlib import suppress
from dataclasses import replace

from media_processor.formats import PictureFormat
from media_processor.images import exif
from media_processor.images.codecs import Encoded, Options, codec_of
from media_processor.images.colour import convert_to_srgb
from media_processor.images.containers import appended, container_of, jpeg, nclx, png, tiff
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import COLOURS, GAIN_MAP, VIDEO, Metadata
from media_processor.images.overlay import Overlay
from media_processor.images.pillow import flatten_on_white, open_image

_ASPECT = "the pixel aspect ratio was dropped"
_WITH_RESOLUTION = ("JPEG", "PNG", "TIFF", "BMP")


def watermark(
    data: bytes, info: PictureInfo, overlay: Overlay, options: Options, target: PictureFormat
) -> Encoded:
    """The first frame, upright, 8 bits, as ``target``. ``overlay`` fits the upright picture."""
    if info.kind.comes_out_as == target.name:
        return codec_of(info.kind).watermark(data, info, overlay, options)
    image, found = codec_of(info.kind).decode_upright(data, info)
    codec = codec_of(target)
    notes = [f"converted from {info.format} to {target.name}, as the profile requires"]
    if info.frames > 1:
        notes.append(f"only the first of {info.frames} frames was kept")
    kept = _with_the_rest(found, data, info, options).to_keep(1, options.strip)
    if image.mode == "CMYK" and image.mode not in codec.MODES:
        image, kept = convert_to_srgb(image, kept.icc), replace(kept, icc=b"")
    kept = kept.without({"icc", "exif", "xmp", "iptc", "comments"} - codec.CARRIED)
    if target.name == "JPEG":
        kept = jpeg.fit_metadata(kept, 1)
    if image.mode in ("LA", "RGBA") and image.mode not in codec.MODES:
        image = flatten_on_white(image.convert("RGBA"))
    overlay.draw(image, kept.icc)
    return Encoded(codec.encode(image, kept, options), target.name, (*notes, *kept.notes))


def _with_the_rest(found: Metadata, data: bytes, info: PictureInfo, options: Options) -> Metadata:
    # What Pillow doesn't read, and what goes.
    more = container_of(info.kind).read_metadata(data, options.limits)
    notes = (*found.notes, *more.notes)
    if info.format == "JPEG":
        behind = appended.read(data, options.limits)
        notes += behind.all_notes(data, jpeg.picture_end(data))
        notes += (GAIN_MAP,) if behind.gain_map else ()
        notes += (VIDEO,) if behind.video else ()
    icc = found.icc or more.icc
    notes += _colours(data, info, icc)
    if info.format == "PNG":
        notes += png.note_conversion(data)
    elif info.format == "TIFF":
        notes += tiff.note_conversion(data, options.limits)
    notes += _resolution(data, info.format)
    upright = found.exif or exif.make_upright(more.exif)
    packet = found.xmp or more.xmp
    return Metadata(icc, upright, packet, more.iptc, more.comments, notes)


def _colours(data: bytes, info: PictureInfo, icc: bytes) -> tuple[str, ...]:
    if info.format in ("AVIF", "HEIF") and not icc and (found := nclx.unusual(data)):
        return (COLOURS % "primaries {}, transfer {}".format(*found),)
    if info.format == "PNG" and (named := png.colour_chunks(data)):
        return (COLOURS % ", ".join(named),)
    return ()


def _resolution(data: bytes, kind: str) -> tuple[str, ...]:
    if kind == "GIF":
        # GIF89a, 18: 49 are square pixels.
        return () if data[12] in (0, 49) else (_ASPECT,)
    if kind not in _WITH_RESOLUTION:
        return ()
    with suppress(Exception):  # what Pillow can't open another library has decoded
        said = open_image(data, kind).info
        if said.get("jfif_unit", 1) and said.get("dpi", (0, 0))[0]:
            return ("the resolution was dropped",)
        names = ("aspect", "jfif_density", "resolution")  # a PNG's, a JPEG's, a TIFF's
        shape = next((said[name] for name in names if name in said), (1, 1))
        return () if shape[0] == shape[1] else (_ASPECT,)
    return ()
