"""JPEG: the source's tables and sampling, in its own colour space, so that little is lost."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from PIL import Image, ImageChops
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from media_processor.errors import BrokenPicture
from media_processor.images import pillow
from media_processor.images.codecs import Encoded, Options
from media_processor.images.containers import appended, jpeg, jpeg_cut
from media_processor.images.containers.appended import Appended
from media_processor.images.containers.gain_map import GainMap
from media_processor.images.gain_overlay import overlay_pixels
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import BASES, Overlay, OverlayPixels
from media_processor.images.pillow import encode_image, open_image
from media_processor.images.probe import DAMAGED, guarded
from media_processor.limits import Limits

MODES = frozenset({"L", "RGB", "CMYK"})
CARRIED = frozenset({"icc", "exif", "xmp"})
_CONVERTED: dict[str, Any] = {"quality": 92, "subsampling": 0}
_FALLBACK_QUALITY = 90
_HALF_BOTH_WAYS = 2  # Pillow's number for 4:2:0
_FILLING = bytes(64)  # of a download that was never finished: zeros decode as something
_STRIP = 8  # rows that libvips decodes at a time


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    ending = _notes_on_end(data, info, options.limits)
    found = jpeg.read_metadata(data, options.limits)
    more = appended.read(data, options.limits, options.strip, options.motion)
    picture, pixels = _draw(data, found.icc, overlay, options)
    drawn = draw_gain_map(more.gain_map, pixels, overlay, info) if more.gain_map else b""
    more = more if drawn else more.without_gain_map()
    lengths = len(drawn), len(more.video), len(more.before)
    kept = found.to_keep(info.orientation, options.strip, *lengths)
    kept = jpeg.fit_metadata(kept, info.orientation)
    header = jpeg.write_metadata(kept, more.segments)
    whole = more.attach(jpeg.add_segments(picture, header), header, drawn)
    notes = more.all_notes(data, jpeg.picture_end(data))
    return Encoded(whole, "JPEG", (*kept.notes, *notes, *ending))


def decode_upright(
    data: bytes, info: PictureInfo, at_least: int | None = None
) -> tuple[Image.Image, Metadata]:
    notes = _notes_on_end(data, info, Limits())
    image, found = pillow.decode_upright(jpeg_cut.with_end(data) if notes else data, info, at_least)
    return image, replace(found, notes=(*found.notes, *notes))


def draw_gain_map(
    found: GainMap, pixels: OverlayPixels, overlay: Overlay, info: PictureInfo
) -> bytes:
    """``b""`` if the map is damaged."""
    over, place = overlay_pixels(found, pixels, overlay, info)

    def draw(image: Image.Image) -> None:
        image.paste(over.colours.convert(image.mode), place, over.alpha)

    try:
        with guarded(DAMAGED):
            return jpeg.add_segments(redraw(found.data, draw, {}), found.segments)
    except BrokenPicture:
        return b""


def encode(image: Image.Image, kept: Metadata, options: Options) -> bytes:
    return _encode(image, _CONVERTED | options.coding, jpeg.write_metadata(kept))


def encode_with(
    image: Image.Image, kept: Metadata, coding: Mapping[str, int], more: Appended, drawn: bytes
) -> bytes:
    """With what follows the picture, of which the gain map is drawn on already, as ``drawn``."""
    header = jpeg.write_metadata(kept, more.segments)
    return bytes(more.attach(_encode(image, coding, header), header, drawn))


def _encode(image: Image.Image, coding: Mapping[str, int], header: bytes) -> bytes:
    picture = encode_image(image, "JPEG", **coding)
    return jpeg.add_segments(picture, header)


def _draw(
    data: bytes, icc: bytes, overlay: Overlay, options: Options
) -> tuple[bytes, OverlayPixels]:
    drawn: list[OverlayPixels] = []

    def draw(image: Image.Image) -> None:
        overlay.draw(image, icc)
        drawn.append(overlay.pixels(BASES[image.mode], icc))

    return redraw(data, draw, _chosen_quality(options)), drawn[0]


def redraw(data: bytes, draw: Callable[[Image.Image], None], coding: dict[str, Any]) -> bytes:
    """The picture alone, drawn on, coded like the source but for ``coding``."""
    pixels = jpeg.strip(data)
    source = cast(JpegImageFile, open_image(pixels, "JPEG"))
    image = _decode(source, pixels)
    inverted = image.mode == "CMYK" and _has_plain_inks(source)
    image = ImageChops.invert(image) if inverted else image
    draw(image)
    image = ImageChops.invert(image) if inverted else image
    result = encode_image(image, "JPEG", **(_coding_like(source, data) | coding))
    if inverted:
        result = _without_adobe_segment(result)
    return jpeg.with_density_of(data, result)


def _notes_on_end(data: bytes, info: PictureInfo, limits: Limits) -> tuple[str, ...]:
    """How much a file without an EOI lacks. What is missing libjpeg fills with grey, or leaves as
    coarse as it is."""
    if not jpeg_cut.is_cut_off(data):
        return ()
    rows = _sound_rows(jpeg.strip(data), info.height)
    scans = jpeg_cut.Scans(data)
    if scans.come_at_once:
        limits.check_rows(rows / info.height)
        if data.endswith(_FILLING):
            rows = min(rows, _sound_rows(jpeg.strip(data.rstrip(b"\0")), info.height))
        lacking = info.height - rows
        lost = f"the last {lacking} of {info.height} rows are missing" if lacking else ""
    else:
        lost = _lost_detail(scans, limits, is_last_whole=rows == info.height)
    return (f"the file is cut off: {lost}" if lost else "the file's end marker was missing",)


def _lost_detail(scans: jpeg_cut.Scans, limits: Limits, *, is_last_whole: bool) -> str:
    surely = scans.lack_detail(len(scans) if is_last_whole else len(scans) - 1)
    # Behind a whole scan, a picture is complete, if coarse.
    if (surely is None and not is_last_whole) or (surely != "" and limits.rows == 1):
        raise BrokenPicture("The picture is truncated: some of its scans are missing.")
    if surely is None:
        return "most detail is missing"
    where = scans.lack_detail(len(scans))
    if surely and where != surely:
        part = "a part of the picture"
        where = f"{part} and in {where}" if where else part
    return f"fine detail is missing in {where}" if surely else ""


def _sound_rows(pixels: bytes, height: int) -> int:
    """How many rows of pixels decode before libjpeg meets the first fault."""
    import pyvips  # hardly any file is cut off

    image = pyvips.Image.jpegload_buffer(pixels, fail_on="warning", access="sequential")
    region = pyvips.Region.new(image)
    for row in range(0, height, _STRIP):
        try:
            region.fetch(0, row, image.width, min(_STRIP, height - row))
        except pyvips.Error:
            return row
    return height


def _decode(source: JpegImageFile, pixels: bytes) -> Image.Image:
    # YCbCr if it is stored so: through RGB each pixel would be rounded twice. Of 4:2:0 the colours
    # are taken from a decoding at half the size, where libjpeg doesn't interpolate them, and
    # repeated: encoding then averages four equal values, and outside the overlay nothing is lost
    # (84 dB instead of 48 for a phone's picture, for twice the time).
    if source.mode != "RGB" or _is_stored_as_rgb(source):
        source.load()
        return source
    halves = get_sampling(source) == _HALF_BOTH_WAYS and min(source.size) > 1
    _as_ycbcr(source, source.size)
    if not halves:
        return source
    half = open_image(pixels, "JPEG")
    _as_ycbcr(half, (source.width // 2, source.height // 2))
    area = (0.0, 0.0, source.width / 2, source.height / 2)
    for number in (1, 2):  # in place, as a second whole picture would take much memory
        band = half.getchannel(number).resize(source.size, Image.Resampling.NEAREST, area)
        source.im.putband(band.im, number)
    return source


def _as_ycbcr(image: ImageFile, size: tuple[int, int]) -> None:
    image.draft("YCbCr", size)
    image.load()


def _coding_like(source: JpegImageFile, data: bytes) -> dict[str, Any]:
    options: dict[str, Any] = {
        "progressive": bool(source.info.get("progressive")),
        "keep_rgb": _is_stored_as_rgb(source),
        "optimize": not jpeg.huffman_tables(data) <= _standard_tables(),
    }
    tables = _quantisation(source)
    options |= {"qtables": tables} if tables else {"quality": _FALLBACK_QUALITY}
    if source.layers == 3:
        sampling = get_sampling(source)
        options["subsampling"] = 0 if sampling == -1 or options["keep_rgb"] else sampling
    return options


def _chosen_quality(options: Options) -> dict[str, Any]:
    return {"qtables": None, **options.coding} if options.coding else {}


def _standard_tables() -> set[bytes]:
    # Those of annex K, which an encoder uses that doesn't make its own.
    return jpeg.huffman_tables(encode_image(Image.new("RGB", (1, 1)), "JPEG"))


def _quantisation(source: JpegImageFile) -> list[list[int]]:
    # One for each component, because Pillow gives component i table i.
    numbers = [number for _, _, _, number in source.layer]
    if source.info.get("adobe_transform") == 2 and source.layers == 4:
        numbers = numbers[:1] * 4  # YCCK comes out as CMYK: no component is colour only
    if any(number not in source.quantization for number in numbers):
        return []
    while len(numbers) > 1 and numbers[-1] == numbers[-2]:
        numbers.pop()  # Pillow repeats the last table
    return [source.quantization[number] for number in numbers]


def _is_stored_as_rgb(source: JpegImageFile) -> bool:
    # By libjpeg's rules (jdapimin.c).
    if source.layers != 3 or "jfif" in source.info:
        return False
    if "adobe" in source.info:
        return source.info.get("adobe_transform") == 0
    return bytes(layer[0] for layer in source.layer) == b"RGB"


def _has_plain_inks(source: JpegImageFile) -> bool:
    # Adobe stores inks inverted and adds its APP14. Pillow takes every CMYK JPEG for one of
    # Adobe's, so without APP14 the inks are upside down.
    return "adobe" not in source.info


def _without_adobe_segment(picture: bytes) -> bytes:
    # The APP14 that libjpeg adds to every CMYK picture, 16 bytes.
    at = picture.index(b"\xff\xee\x00\x0eAdobe")
    return picture[:at] + picture[at + 16 :]
