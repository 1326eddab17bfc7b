"""Receives one file of a multipart form: limited while it arrives, written to disk once.

FastAPI's ``UploadFile`` reads a body of any size before the handler runs, and writes it twice.
Here the limit applies while the body arrives, and the bytes go straight to the file that is
later moved into place.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from media_processor.errors import (
    DuplicatePart,
    InvalidField,
    MalformedUpload,
    MissingPart,
    NotMultipart,
    UploadTooLarge,
)
from media_processor.storage.base import Storage
from media_processor.storage.incoming import Incoming

# Large enough that the hop to a thread (about 0.1 ms) is cheap compared with the write.
_PIECE = 512 * 1024
_MAX_FIELD = 4 * 1024
_MAX_PARTS = 16
# Even a file name of 5,000 three-byte characters is no reason to refuse a picture.
_MAX_HEADER = 16 * 1024
# Boundaries, part headers and fields around the file.
_MAX_AROUND = 64 * 1024
# What browsers escape in names, and nothing else (WHATWG HTML, "multipart/form-data encoding").
_ESCAPED = {"%22": '"', "%0D": "\r", "%0A": "\n"}


@dataclass(frozen=True)
class ReceivedFile:
    """A file part, whole on disk but not yet durable. ``filename`` is as the client sent it."""

    incoming: Incoming
    filename: str
    content_type: str | None
    size: int
    sha256: str


@dataclass(frozen=True)
class ReceivedForm:
    """The ``file`` part and the text fields beside it."""

    file: ReceivedFile
    fields: dict[str, str]


@asynccontextmanager
async def receive_form(
    request: Request, storage: Storage, *, max_file_bytes: int
) -> AsyncIterator[ReceivedForm]:
    """Receive the form of ``request``; its part ``file`` becomes an incoming file of ``storage``.

    On leaving, the file is removed unless it was moved away.

    Raises:
        NotMultipart, MalformedUpload, MissingPart, DuplicatePart, InvalidField,
        UploadTooLarge, StorageFull: nothing is left on disk.
    """
    boundary = _boundary(request.headers.get("content-type", ""))
    limit = max_file_bytes + _MAX_AROUND
    if int(request.headers.get("content-length", "0")) > limit:
        raise too_large(max_file_bytes)
    try:
        with storage.incoming() as incoming:
            with incoming.open() as sink:
                form = _Form(sink, boundary, max_file_bytes)
                received = 0
                async for chunk in request.stream():
                    received += len(chunk)
                    if received > limit:
                        raise too_large(max_file_bytes)
                    form.feed(chunk)
                    if form.pending_bytes >= _PIECE:
                        await asyncio.to_thread(form.flush)
                await asyncio.to_thread(form.flush)
            yield form.finish(incoming)
    except ClientDisconnect:  # nobody reads this answer
        raise MalformedUpload("The client disconnected before the upload was complete.") from None


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise NotMultipart(
            "Send the picture as multipart/form-data with a part named 'file', "
            "for example: curl -F file=@photo.jpg URL"
        )
    if not options.get(b"boundary"):
        raise MalformedUpload("The Content-Type header has no boundary.")
    return options[b"boundary"]


def too_large(max_file_bytes: int) -> UploadTooLarge:
    return UploadTooLarge(f"The file is larger than the limit of {max_file_bytes:,} bytes.")


@dataclass
class _Part:
    name: str
    filename: str | None
    content_type: str | None
    data: bytearray = field(default_factory=bytearray)


class _Form:
    """Collects the parser's callbacks into a file and fields."""

    def __init__(self, sink: BinaryIO, boundary: bytes, max_file_bytes: int) -> None:
        self._sink = sink
        self._max_file_bytes = max_file_bytes
        self._digest = hashlib.sha256()
        self._pending: list[memoryview] = []
        self.pending_bytes = 0
        self._size = 0
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._part: _Part | None = None
        self._parts: list[_Part] = []
        self._complete = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._open,
                    "on_part_data": self._data,
                    "on_end": self._end,
                },
                max_header_size=_MAX_HEADER,
            )
        except FormParserError as error:
            raise MalformedUpload(f"{error}.") from None

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise MalformedUpload(f"The multipart body can't be read: {error}.") from None

    def flush(self) -> None:
        """Blocks: it writes and hashes what arrived since the last call."""
        pending, self._pending, self.pending_bytes = self._pending, [], 0
        for piece in pending:
            self._sink.write(piece)
            self._digest.update(piece)

    def finish(self, incoming: Incoming) -> ReceivedForm:
        if not self._complete:
            raise MalformedUpload("The body ended before its closing boundary.")
        file = next((part for part in self._parts if part.name == "file"), None)
        if file is None or file.filename is None:
            raise _missing(next((part.name for part in self._parts if part.filename), None))
        fields = {part.name: _text(part) for part in self._parts if part.name != "file"}
        return ReceivedForm(
            ReceivedFile(
                incoming, file.filename, file.content_type, self._size, self._digest.hexdigest()
            ),
            fields,
        )

    def _begin(self) -> None:
        self._headers = {}

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _open(self) -> None:
        disposition, options = parse_options_header(self._headers.get(b"content-disposition"))
        if disposition != b"form-data" or b"name" not in options:
            raise MalformedUpload("A part has no Content-Disposition: form-data with a name.")
        name = _name(options[b"name"])
        if any(part.name == name for part in self._parts):
            raise DuplicatePart(f"The form has more than one part named {name!r}. Send only one.")
        if len(self._parts) == _MAX_PARTS:
            raise MalformedUpload(f"The form has more than {_MAX_PARTS} parts.")
        filename = options.get(b"filename")
        content_type = self._headers.get(b"content-type")
        self._part = _Part(
            name,
            _name(filename) if filename is not None else None,
            content_type.decode("latin-1") if content_type is not None else None,
        )
        self._parts.append(self._part)

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if part is None:
            return
        if part.name == "file":
            self._size += end - start
            if self._size > self._max_file_bytes:
                raise too_large(self._max_file_bytes)
            self._pending.append(memoryview(data)[start:end])
            self.pending_bytes += end - start
        elif len(part.data) + end - start > _MAX_FIELD:
            if part.filename:
                raise _missing(part.name)
            raise InvalidField(f"The field {part.name!r} is longer than {_MAX_FIELD:,} bytes.")
        else:
            part.data += data[start:end]

    def _end(self) -> None:
        self._complete = True


def _name(sent: bytes) -> str:
    name = sent.decode(errors="replace")
    for escaped, meant in _ESCAPED.items():
        name = name.replace(escaped, meant)
    return name


def _missing(other: str | None) -> MissingPart:
    wanted = "The form needs a part named 'file' that holds a picture."
    return MissingPart(
        f"{wanted} It has a file in {other!r}; rename that part." if other else wanted
    )


def _text(part: _Part) -> str:
    try:
        return part.data.decode()
    except UnicodeDecodeError:
        raise InvalidField(f"The field {part.name!r} is not UTF-8.") from None
