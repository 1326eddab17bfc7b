"""Picture formats, by media type and file name extension."""

PICTURE_EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/tiff": ".tiff",
    "image/bmp": ".bmp",
    "image/avif": ".avif",
    "image/heic": ".heic",
}
"""The media types that are taken, each with its usual extension."""

FURTHER_EXTENSIONS = {
    "image/jpeg": (".jpeg",),
    "image/tiff": (".tif",),
    "image/heic": (".heif",),
}
"""Other extensions that the names of such files have."""

CONTENT_TYPES = {
    extension: content_type
    for content_type, usual in PICTURE_EXTENSIONS.items()
    for extension in (usual, *FURTHER_EXTENSIONS.get(content_type, ()))
}
"""What a file's name promises, by its extension in lower case."""
