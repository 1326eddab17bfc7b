"""Bodies that go on after their answer."""

from starlette.responses import Response
from starlette.types import Message

from media_processor.http.request_bodies import RequestBodies


async def test_a_large_body_without_a_picture_may_end_after_its_answer() -> None:
    """Such as one that is sent to a wrong address."""
    pieces: list[Message] = [
        {"type": "http.request", "body": bytes(600_000), "more_body": more}
        for more in (True, True, True, False)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return pieces.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    bodies = RequestBodies(Response(status_code=404), max_body_bytes=10**6, takes_pictures=())
    headers = [(b"content-length", b"2400000")]
    await bodies({"type": "http", "path": "/nowhere", "headers": headers}, receive, send)
    assert not pieces
    assert sent[0]["status"] == 404
    assert not sent[-1].get("more_body")
