"""Tags of TIFF, and their values: TIFF 6.0, its supplements, and those of other firms."""

# Tags.
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
OFFSETS, ORIENTATION, SAMPLES, ROWS, COUNTS = 273, 274, 277, 278, 279
PLANAR, PREDICTOR, PALETTE, TILE_WIDTH, TILE_HEIGHT = 284, 317, 320, 322, 323
EXTRA, FORMAT, JPEG_TABLES, SUBSAMPLING = 338, 339, 347, 530
XMP, IPTC, PHOTOSHOP, EXIF_IFD, ICC, GPS_IFD = 700, 33723, 34377, 34665, 34675, 34853
FILL_ORDER, FAX_OPTIONS, CREDENTIALS = 266, (292, 293), 52545  # C2PA 2.1, A.3.6
SUBFILE, SUB_IFDS, TILE_OFFSETS, TILE_COUNTS = 254, 330, 324, 325
OLD_JPEG_PROCESS, OLD_JPEG_START, OLD_JPEG_LENGTH, OLD_JPEG_RESTART = 512, 513, 514, 515
OLD_JPEG_QUANTISATION, OLD_JPEG_DC, OLD_JPEG_AC, INTEROPERABILITY = 519, 520, 521, 40965

# Their values.
UNCOMPRESSED, OLD_JPEG, JPEG, DEFLATE, PACKBITS, WEBP = 1, 6, 7, 8, 32773, 50001
LZMA, ZSTANDARD = 34925, 50000
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, INDEXED, INKS, YCBCR, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9
UNSIGNED, SIGNED, FLOAT, UNDEFINED = 1, 2, 3, 4
ASSOCIATED, UNASSOCIATED = 1, 2
DIFFERENCES, FLOAT_DIFFERENCES = 2, 3

# Those of fax machines (TIFF 6.0, sections 10 and 11).
FAXES = {2, 3, 4}
# The compressions that have a predictor: LZW (5), Deflate (twice), LZMA, Zstandard.
WITH_PREDICTOR = {5, DEFLATE, 32946, LZMA, ZSTANDARD}

# Those of old JPEGs (Technical Note 2 replaced them).
OLD_JPEG_TAGS = frozenset({512, 513, 514, 515, 517, 518, 519, 520, 521})
# Tags of the first page that describe its coded pixels, which are written anew.
PIXEL_TAGS = frozenset(
    {WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, SAMPLES, ROWS, COUNTS, PLANAR}
    | {PREDICTOR, PALETTE, EXTRA, FORMAT, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS}
    | {FILL_ORDER, *FAX_OPTIONS}
    | {JPEG_TABLES, 529, SUBSAMPLING, 531, 532}
    | OLD_JPEG_TAGS
)

# What people call tags of which another format says nothing; several may have one name.
COMMON = {
    EXIF_IFD: "EXIF", GPS_IFD: "location", IPTC: "IPTC", 270: "description", 271: "camera",
    272: "camera", 305: "program", 306: "date", 315: "author", 33432: "copyright",
    301: "description of colours", 318: "description of colours", 319: "description of colours",
    286: "place on the page", 287: "place on the page",
}  # fmt: skip
# What else another format gets, and what has a note of its own: resolution, previews, credentials.
CARRIED = frozenset(
    {ORIENTATION, ICC, XMP, PHOTOSHOP, CREDENTIALS, SUBFILE, 255, SUB_IFDS, 282, 283, 296}
)
