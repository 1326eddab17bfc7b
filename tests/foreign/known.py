"""What differs in the collection, and rightly so; each looked at, with the reason."""

# Refused though two readers open it.
REFUSED = {
    # A directory that names an earlier one as the next: how many pages there are, nobody can say.
    "pillow/Tests/images/multipage_multiple_frame_loop.tiff",
    "pillow/Tests/images/multipage_single_frame_loop.tiff",
}

# A result that a reader shows otherwise than its source.
UNLIKE = {
    # Behind the first frame lie arbitrary bytes, in which Pillow finds a second one.
    "pillow/Tests/images/test_extents_transparency.gif",
}

# Tags that only the source has, as a regular expression.
LOST = {
    # The other profile is that of its HDR rendition, which is made of the gain map anew.
    "imagemeta/testdata/images/iphone.heic": "ICC_Profile:.*",
    # Made for a test: instead of SamplesPerPixel it has a second Software, 3.
    "pillow/Tests/images/old-style-jpeg-compression-no-samplesperpixel.tif": "EXIF:IFD0:Software",
}
