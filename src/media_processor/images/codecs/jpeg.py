"""JPEG: the source's tables and sampling, in its own colour space, so that little is lost."""

from typing import Any, cast

from PIL import Image, ImageChops
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from media_processor.images.codecs import Encoded, Options
from media_processor.images.containers import jpeg
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay
from media_processor.images.pillow import decode_upright as decode_upright
from media_processor.images.pillow import encode_image, open_image

MODES = frozenset({"L", "RGB", "CMYK"})
_CONVERTED: dict[str, Any] = {"quality": 92, "subsampling": 0}
_FALLBACK_QUALITY = 90
_HALF_BOTH_WAYS = 2  # Pillow's number for 4:2:0


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    kept = jpeg.read_metadata(data).to_keep(info.orientation, options.strip)
    source = cast(JpegImageFile, open_image(jpeg.strip(data), "JPEG"))
    image = _decode(source, data)
    inverted = image.mode == "CMYK" and _has_plain_inks(source)
    image = ImageChops.invert(image) if inverted else image
    overlay.draw(image, kept.icc)
    image = ImageChops.invert(image) if inverted else image
    result = encode_image(image, "JPEG", **(_coding_like(source, data) | _chosen_quality(options)))
    if inverted:
        result = _without_adobe_segment(result)
    return Encoded(_add_metadata(result, kept, info.orientation), "JPEG", kept.notes)


def encode(image: Image.Image, kept: Metadata, options: Options) -> bytes:
    return _add_metadata(encode_image(image, "JPEG", **(_CONVERTED | options.coding)), kept, 1)


def _add_metadata(picture: bytes, kept: Metadata, orientation: int) -> bytes:
    return jpeg.add_metadata(picture, jpeg.fit_metadata(kept, orientation))


def _decode(source: JpegImageFile, data: bytes) -> Image.Image:
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
    half = open_image(jpeg.strip(data), "JPEG")
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
    if source.info.get("jfif_unit") in (1, 2):  # otherwise Pillow made the figure up
        options["dpi"] = source.info["dpi"]
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
