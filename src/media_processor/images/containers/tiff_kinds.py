"""Which kinds of TIFF are taken."""

from media_processor.errors import UnsupportedPicture
from media_processor.images.containers import tiff_tags
from media_processor.images.containers.tiff_directory import DirectoryReader, Tag
from media_processor.images.containers.tiff_old_jpeg import OldJpeg

# What libtiff reads, which all decoders here use.
_COMPRESSIONS = {1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32809, 32946, 34925, 50000, 50001}
# What no decoder here reads.
_OTHER_COMPRESSIONS = {
    **{32766: "NeXT's compression", 34661: "JBIG", 34715: "JBIG2", 34887: "LERC"},
    **dict.fromkeys((33003, 33004, 33005, 34712), "JPEG 2000 inside"),
    **dict.fromkeys((34676, 34677), "LogLuv"),
    **dict.fromkeys((50002, 52546), "JPEG XL inside"),
    34892: "a lossy JPEG of raw sensor data",
}
_OTHER_COLOURS = {
    **{4: "a transparency mask", 10: "ITU L*a*b* colours"},
    **dict.fromkeys((32803, 34892), "raw sensor data"),
    **dict.fromkeys((32844, 32845), "LogLuv colours"),
}
# Samples that are colours, by photometric interpretation.
_COLOURS = {
    **{tiff_tags.WHITE_IS_ZERO: 1, tiff_tags.BLACK_IS_ZERO: 1, tiff_tags.INDEXED: 1},
    **{
        tiff_tags.RGB: 3,
        tiff_tags.YCBCR: 3,
        tiff_tags.CIELAB: 3,
        tiff_tags.ICCLAB: 3,
        tiff_tags.INKS: 4,
    },
}
_DEPTHS = {
    tiff_tags.UNSIGNED: {1, 2, 4, 8, 10, 12, 14, 16, 24, 32},
    tiff_tags.SIGNED: {8, 16, 32},
    tiff_tags.FLOAT: {16, 24, 32, 64},
}
_NUMBERS = {
    tiff_tags.UNSIGNED: "whole",
    tiff_tags.SIGNED: "signed",
    tiff_tags.FLOAT: "floating-point",
}
# libtiff has none of these.
_DEPTHS_WITHOUT_DIFFERENCES = {10, 12, 14, 24, 64}
_MOST_SAMPLES = 32


def check_kind(tiff: DirectoryReader, tags: dict[int, Tag]) -> None:
    # Some writers name more depths than there are samples.
    count = tiff.number(tags, tiff_tags.SAMPLES, 1) if tiff_tags.SAMPLES in tags else _MOST_SAMPLES
    depths, formats = (
        set(tiff.values(tags, tag)[: max(count, 1)]) for tag in (tiff_tags.BITS, tiff_tags.FORMAT)
    )
    if len(depths) > 1 or len(formats) > 1:
        raise _not_taken("whose samples differ in depth or kind")
    depth = next(iter(depths), 1)
    kind = next(iter(formats - {tiff_tags.UNDEFINED}), tiff_tags.UNSIGNED)
    if depth not in _DEPTHS.get(kind, ()):
        name = _NUMBERS.get(kind, "complex")
        raise _not_taken(f"with {name} numbers of {depth} bits")
    photometric = tiff.number(tags, tiff_tags.PHOTOMETRIC, tiff_tags.BLACK_IS_ZERO)
    if photometric not in _COLOURS:
        raise _not_taken(
            f"with {_OTHER_COLOURS.get(photometric, 'unknown colours')} "
            f"(photometric interpretation {photometric})"
        )
    compression = tiff.number(tags, tiff_tags.COMPRESSION, tiff_tags.UNCOMPRESSED)
    is_jpeg = compression in (tiff_tags.JPEG, tiff_tags.OLD_JPEG)
    samples = tiff.number(tags, tiff_tags.SAMPLES, _COLOURS[photometric] if is_jpeg else 1)
    colours = 1 if (photometric, samples) == (tiff_tags.YCBCR, 1) else _COLOURS[photometric]
    if not colours <= samples <= _MOST_SAMPLES:
        raise _not_taken(f"with {samples} samples a pixel instead of {colours}")
    if photometric == tiff_tags.INDEXED and depth > 8:
        raise _not_taken("with more than 256 colours in a palette")
    if photometric in (tiff_tags.CIELAB, tiff_tags.ICCLAB) and (
        depth not in (8, 16) or kind != tiff_tags.UNSIGNED
    ):
        raise _not_taken("in CIELab with other depths than 8 or 16 bits")
    if photometric == tiff_tags.YCBCR and (
        depth != 8 or tiff.number(tags, tiff_tags.PLANAR, 1) != 1
    ):
        raise _not_taken("in YCbCr with other depths than 8 bits, or in planes,")
    if depth < 8 and samples > 1:
        raise _not_taken(f"with {samples} samples of {depth} bits a pixel")
    if (
        depth in (10, 12, 14, 24, 64)
        and samples > 1
        and tiff.number(tags, tiff_tags.PLANAR, 1) != 1
    ):
        raise _not_taken(f"of {depth} bits in planes")
    if compression in tiff_tags.WITH_PREDICTOR:
        predictor = tiff.number(tags, tiff_tags.PREDICTOR, 1)
        if predictor == tiff_tags.DIFFERENCES and depth in _DEPTHS_WITHOUT_DIFFERENCES:
            raise _not_taken(f"with differences (predictor 2) of {depth} bits")
        is_planar = samples > 1 and tiff.number(tags, tiff_tags.PLANAR, 1) != 1
        if predictor == tiff_tags.FLOAT_DIFFERENCES and depth == 16 and is_planar:
            raise _not_taken("of 16-bit floating-point numbers in planes with predictor 3")
    if compression not in _COMPRESSIONS:
        name = _OTHER_COMPRESSIONS.get(compression, "an unknown compression")
        raise _not_taken(f"with {name} (compression {compression})")
    if is_jpeg and depth != 8:
        raise _not_taken(f"with JPEGs of {depth} bits")
    if compression == tiff_tags.OLD_JPEG:
        OldJpeg(tiff, tags)


def _not_taken(which: str) -> UnsupportedPicture:
    return UnsupportedPicture(f"TIFFs {which} aren't supported.")
