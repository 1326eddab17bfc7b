"""The way through Pillow, for every format: decode, stamp the logo, encode again."""

from dataclasses import replace
from io import BytesIO
from typing import Any

from PIL import Image, ImageChops, ImageMath
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile, get_sampling
from PIL.PngImagePlugin import PngInfo

from media_processor.media import exif
from media_processor.media.placement import Box
from media_processor.media.probe import PictureFacts, guarded, open_picture, webp_chunks

# Pillow keeps this many blocks of 16 MB for the next picture instead of giving them back:
# 12 megapixels need three. It saves a tenth of the CPU there (156 ms instead of 173).
Image.core.set_blocks_max(4)  # type: ignore[attr-defined]

# Pillow's default (6) takes 1,040 ms for a photo of 2.7 megapixels and makes 2.56 MB.
# Level 1: 324 ms, 3.06 MB. Level 2: 323 ms, 2.99 MB. Level 3: 416 ms, 2.82 MB.
_PNG_LEVEL = 2

# Method 2 takes 132 ms for 1.7 megapixels and 214 kB; the default (4) 263 ms and 210 kB.
# Quality 90 makes a picture that came with 80 a quarter larger and keeps 45 dB of it.
_WEBP_LOSSY = {"quality": 90, "method": 2}

# Method 0 takes a seventh of the time but doubles the file of a drawing; method 4 costs
# 300 ms where this takes 240, for the same size. ``exact`` keeps what alpha hides.
_WEBP_LOSSLESS = {"lossless": True, "quality": 0, "method": 1, "exact": True}

_JPEG_EXIF_LIMIT = 65_533  # one segment: 2 bytes of length count themselves
_JPEG_FALLBACK_QUALITY = 90

_PNG_DEPTH_AT = 24  # in IHDR, always the first chunk

# Chunks that say what the colours mean, with their only lengths (PNG 3rd edition, 11.3.2).
_PNG_COLOUR_CHUNKS = {b"cHRM": 32, b"gAMA": 4, b"sRGB": 1, b"cICP": 4}


def load(data: bytes, max_pixels: int) -> tuple[Image.Image, PictureFacts]:
    """Decode a whole picture into a mode that a logo can be stamped on.

    Raises what ``probe`` raises, and BrokenPicture where the pixels are damaged or short.
    """
    image, facts = open_picture(BytesIO(data), max_pixels)
    with guarded("The picture is damaged or cut short: its pixels can't be decoded."):
        image.decodermaxblock = len(data)  # one read; a large JPEG decodes 5 % faster
        image.load()
        # A PNG may tell its orientation behind its pixels, where no probe looks.
        facts = replace(facts, orientation=exif.orientation(_payload(image, "exif")))
        if facts.format == "PNG":
            _set_transparent_colour(image, depth=data[_PNG_DEPTH_AT])
        return _stampable(image), facts


def stamp(image: Image.Image, mark: Image.Image, box: Box) -> None:
    """Draw ``mark`` (RGBA, of the box's size) into ``image`` at ``box``, in place."""
    corner = (box.left, box.top)
    if image.mode in ("RGBA", "LA"):
        image.alpha_composite(mark.convert(image.mode), corner)
    elif image.mode == "I;16":
        _stamp_16_bits(image, mark, corner)
    elif image.mode == "CMYK" and _has_plain_inks(image):
        inks = ImageChops.invert(mark.convert("CMYK"))
        image.paste(inks, corner, mark.getchannel("A"))
    elif image.mode == "RGB":
        image.paste(mark, corner, mark)  # Pillow ignores the alpha of what it pastes here
    else:
        image.paste(mark.convert(image.mode), corner, mark.getchannel("A"))


def encode(image: Image.Image, facts: PictureFacts, source: bytes) -> bytes:
    """The file of ``image``, kept as close to the file ``source`` as Pillow can.

    Colour profile, EXIF without thumbnail, and resolution stay; comments, texts and
    whatever lay behind the picture go.
    """
    options = {
        "icc_profile": _payload(image, "icc_profile") or None,
        "exif": _kept_exif(image, facts),
    }
    match facts.format:
        case "JPEG":
            options |= _jpeg_options(image)
        case "PNG":
            options |= _png_options(image, source)
        case "WEBP":
            options |= _webp_options(image, source)
    file = BytesIO()
    with guarded("The picture can't be written again."):
        image.save(file, facts.format, **options)
    result = file.getvalue()
    if image.mode == "CMYK" and _has_plain_inks(image):
        return _without_adobe_segment(result)
    return result


def _stampable(image: ImageFile) -> Image.Image:
    """Change the modes that can't show a logo, without changing what is seen."""
    transparent = image.has_transparency_data
    if image.mode == "P":
        return image.convert("RGBA" if transparent else "RGB")
    if image.mode == "1":
        return image.convert("LA" if transparent else "L")
    if image.mode in ("L", "RGB") and transparent:
        return image.convert(image.mode + "A")
    return image


def _set_transparent_colour(image: ImageFile, depth: int) -> None:
    """Make the colour that tRNS names fit the pixels, which Pillow brings to 8 bits.

    What is no such colour, but a text chunk named like it, is thrown away.
    """
    match image.mode, image.info.pop("transparency", None):
        case ("P", int() | bytes() as named) | ("1" | "I;16", int() as named):
            image.info["transparency"] = named
        case "L", int(grey):
            image.info["transparency"] = grey * 255 // (2**depth - 1)
        case "RGB", tuple(colour):
            image.info["transparency"] = tuple(v >> 8 if depth == 16 else v for v in colour)


def _stamp_16_bits(image: Image.Image, mark: Image.Image, corner: tuple[int, int]) -> None:
    """Blend by hand: Pillow's paste with a mask knows 8 bits only."""
    area = (*corner, corner[0] + mark.width, corner[1] + mark.height)
    blended = ImageMath.lambda_eval(
        lambda args: (
            (args["under"] * (255 - args["alpha"]) + args["mark"] * 257 * args["alpha"]) / 255
        ),
        under=image.crop(area).convert("I"),
        mark=mark.convert("L").convert("I"),
        alpha=mark.getchannel("A").convert("I"),
    )
    image.paste(blended.convert("I;16"), corner)


def _payload(image: Image.Image, name: str) -> bytes:
    """Bytes that Pillow found; a PNG's text chunks can put a string under any name."""
    value = image.info.get(name)
    return value if isinstance(value, bytes) else b""


def _kept_exif(image: Image.Image, facts: PictureFacts) -> bytes:
    """EXIF without thumbnail; of damaged EXIF at least the orientation."""
    kept = exif.without_thumbnail(_payload(image, "exif"))
    if kept and not (facts.format == "JPEG" and len(kept) > _JPEG_EXIF_LIMIT):
        return kept
    return exif.only_orientation(facts.orientation) if facts.orientation > 1 else b""


def _jpeg_options(image: Image.Image) -> dict[str, Any]:
    if not isinstance(image, JpegImageFile):
        raise TypeError("a JPEG is stamped in place, so it stays the object that was opened")
    options: dict[str, Any] = {
        "comment": b"",
        "progressive": bool(image.info.get("progressive")),
        "xmp": exif.xmp_without_thumbnails(_payload(image, "xmp")),
        "keep_rgb": _is_stored_as_rgb(image),
    }
    if image.info.get("jfif_unit") in (1, 2):  # otherwise Pillow made the figure up
        options["dpi"] = image.info["dpi"]
    tables = _quantisation(image)
    options |= {"qtables": tables} if tables else {"quality": _JPEG_FALLBACK_QUALITY}
    if image.mode == "RGB":
        sampling = get_sampling(image)
        options["subsampling"] = 0 if sampling == -1 or options["keep_rgb"] else sampling
    return options


def _quantisation(image: JpegImageFile) -> list[list[int]]:
    """One table for each component, because Pillow gives component i table i.

    Empty where the file didn't tell its tables before its first scan.
    """
    numbers = [number for _, _, _, number in image.layer]
    if image.info.get("adobe_transform") == 2 and image.mode == "CMYK":
        numbers = numbers[:1] * 4  # YCCK comes out as CMYK: no component is colour only
    if any(number not in image.quantization for number in numbers):
        return []
    while len(numbers) > 1 and numbers[-1] == numbers[-2]:
        numbers.pop()  # Pillow repeats the last table
    return [image.quantization[number] for number in numbers]


def _is_stored_as_rgb(image: JpegImageFile) -> bool:
    """Whether a JPEG holds RGB instead of YCbCr, by libjpeg's rules (jdapimin.c)."""
    if image.layers != 3 or "jfif" in image.info:
        return False
    if "adobe" in image.info:
        return image.info.get("adobe_transform") == 0
    return bytes(layer[0] for layer in image.layer) == b"RGB"


def _has_plain_inks(image: Image.Image) -> bool:
    """Whether a CMYK JPEG lacks the mark of Adobe, who stores inks inverted.

    Pillow assumes the mark, so here its inks are upside down.
    """
    return "adobe" not in image.info


def _without_adobe_segment(jpeg: bytes) -> bytes:
    """Take out the APP14 that libjpeg adds to every CMYK picture (16 bytes)."""
    at = jpeg.index(b"\xff\xee\x00\x0eAdobe")
    return jpeg[:at] + jpeg[at + 16 :]


def _png_options(image: Image.Image, source: bytes) -> dict[str, Any]:
    options: dict[str, Any] = {"compress_level": _PNG_LEVEL, "pnginfo": _png_colours(source)}
    dpi = image.info.get("dpi")
    if isinstance(dpi, tuple):
        options["dpi"] = dpi
    return options


def _png_colours(source: bytes) -> PngInfo:
    """The chunks of ``source`` that say what its colours mean."""
    kept = PngInfo()
    at = 8
    while at + 8 <= len(source) and source[at + 4 : at + 8] != b"IDAT":
        size, name = int.from_bytes(source[at : at + 4]), source[at + 4 : at + 8]
        if _PNG_COLOUR_CHUNKS.get(name) == size:
            kept.add(name, source[at + 8 : at + 8 + size])
        at += 12 + size
    return kept


def _webp_options(image: Image.Image, source: bytes) -> dict[str, Any]:
    lossless = any(name == b"VP8L" for name, _ in webp_chunks(BytesIO(source)))
    how = _WEBP_LOSSLESS if lossless else _WEBP_LOSSY
    return how | {"xmp": exif.xmp_without_thumbnails(_payload(image, "xmp"))}
