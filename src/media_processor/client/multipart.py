"""A picture on its way out: where its bytes come from, and the form that carries them.

Nothing is held in memory but the piece that is being sent (and what was given as bytes).
"""

import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from media_processor.errors import EmptyFile, MalformedUpload

# Each piece costs a pass through httpx2's layers, and in the asynchronous client one to a
# thread (about 0.1 ms); smaller ones made sending 4.8 MB twice as slow.
_PIECE = 1024 * 1024
# A stream that can't be read again is kept in memory up to this, then in a temporary file.
_IN_MEMORY = 1024 * 1024

Sendable = Path | str | bytes | BinaryIO


class Picture:
    """Bytes that can be sent again from their beginning, and their name. Opening, reading and
    closing block."""

    def __init__(self, picture: Sendable, filename: str | None = None) -> None:
        """
        Raises:
            OSError: the path is no file, or can't be read.
            TypeError: it is nothing that can be sent; a file in text mode, for example.
            ValueError: a file object has no name of its own, and ``filename`` gives none.
            EmptyFile: there are no bytes.
        """
        self._is_ours = True
        if isinstance(picture, (str, os.PathLike)):
            self.filename = filename or Path(picture).name
            self._file: BinaryIO = Path(picture).open("rb")  # noqa: SIM115
        elif isinstance(picture, (bytes, bytearray, memoryview)):
            self.filename = filename or "picture"
            self._file = io.BytesIO(picture)
        else:
            _check_file(picture)
            self.filename = filename or _name_of(picture)
            self._file, self._is_ours = picture, False
        try:
            self._make_repeatable()
            self.size = self._file.seek(0, os.SEEK_END)
            if self.size == 0:
                raise EmptyFile(f"{self.filename} is empty; there is nothing to send.")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._is_ours:
            self._file.close()

    def read(self, at: int) -> bytes:
        if at == 0:
            self._file.seek(0)
        piece = self._file.read(min(_PIECE, self.size - at))
        if not piece:
            raise MalformedUpload(f"{self.filename} was truncated while it was being sent.")
        return piece

    def _make_repeatable(self) -> None:
        # A pipe or a socket can be read only once.
        seekable = getattr(self._file, "seekable", None)
        if seekable is not None and seekable():
            return
        copy = cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115
        try:
            shutil.copyfileobj(self._file, copy, _PIECE)
        except BaseException:
            copy.close()
            raise
        self.close()
        self._file, self._is_ours = copy, True


class Form:
    """The multipart body of one upload; each pass over ``pieces`` sends it anew."""

    def __init__(self, picture: Picture, profile: str) -> None:
        boundary = os.urandom(16).hex()
        # As browsers do (HTML standard, "multipart form data").
        escaped = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
        filename = picture.filename.translate(escaped)
        # The server goes by the bytes, so that no type is claimed for them.
        part = f"--{boundary}\r\nContent-Disposition: form-data; "
        head = (
            f'{part}name="profile"\r\n\r\n{profile}\r\n'
            f'{part}name="file"; filename="{filename}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        self._picture = picture
        self._head = head.encode("utf-8", "replace")
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(self._head) + picture.size + len(self._tail)),
        }

    def pieces(self) -> Iterator[tuple[bytes, int]]:
        """Each piece with how many of the picture's bytes are handed on once it is."""
        yield self._head, 0
        sent = 0
        while sent < self._picture.size:
            piece = self._picture.read(sent)
            sent += len(piece)
            yield piece, sent
        yield self._tail, sent


def _check_file(picture: object) -> None:
    read = getattr(picture, "read", None)
    if read is None:
        raise TypeError(
            "A picture must be a path, bytes or a file opened for reading, "
            f"not {type(picture).__name__!r}."
        )
    if isinstance(picture, io.TextIOBase) or isinstance(read(0), str):
        raise TypeError("The file is open in text mode. Open it with open(path, 'rb').")


def _name_of(file: BinaryIO) -> str:
    name = getattr(file, "name", None)
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    if not isinstance(name, str) or not Path(name).name:  # a descriptor's number is no name
        raise ValueError("The file object has no name. Pass filename='photo.jpg'.")
    return Path(name).name
