"""Clients that send pictures and don't give up: what was accepted is on record."""

import asyncio
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import uuid4

import httpx2
from PIL import Image

from media_processor.messages.media import AcceptedMedia

# A client that hears nothing for longer than this asks again.
_PATIENCE = 15.0
_PAUSE = 0.1


def picture(number: int, size: tuple[int, int] = (320, 240)) -> bytes:
    """A small JPEG that no other number has."""
    ramp = Image.linear_gradient("L").resize(size)
    flat = [Image.new("L", size, number >> shift & 255) for shift in (0, 8)]
    made = io.BytesIO()
    Image.merge("RGB", [ramp, *flat]).save(made, "JPEG", quality=90)
    return made.getvalue()


@dataclass
class Load:
    """Uploads to one fast server. ``accepted`` maps the id of each media to its name."""

    url: str
    at_a_time: int = 8
    accepted: dict[str, str] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)

    async def send(self, numbers: Iterable[int], give_up_after: float = 120) -> list[str]:
        # A picture keeps its Idempotency-Key through all tries, as a careful client's does.
        slots = asyncio.Semaphore(self.at_a_time)
        async with httpx2.AsyncClient(base_url=self.url, timeout=_PATIENCE) as http:

            async def one(number: int) -> str:
                async with slots:
                    content = await asyncio.to_thread(picture, number)
                    return await self.send_one(
                        http, f"{number}.jpg", content, give_up_after=give_up_after
                    )

            return await asyncio.gather(*(one(number) for number in numbers))

    async def send_one(
        self, http: httpx2.AsyncClient, name: str, content: bytes, give_up_after: float = 120
    ) -> str:
        key = str(uuid4())
        async with asyncio.timeout(give_up_after):
            while True:
                answer = await self._try(http, name, content, key)
                if answer is not None and answer.status_code == 202:
                    media = AcceptedMedia.model_validate_json(answer.content)
                    self.accepted[media.id] = name
                    return media.id
                await asyncio.sleep(_PAUSE)

    async def _try(
        self, http: httpx2.AsyncClient, name: str, content: bytes, key: str
    ) -> httpx2.Response | None:
        try:
            answer = await http.post(
                "/media",
                files={"file": (name, content, "image/jpeg")},
                headers={"Idempotency-Key": key},
            )
        except httpx2.TransportError:
            self.answers[0] += 1
            return None
        self.answers[answer.status_code] += 1
        if answer.status_code != 202:
            self.refused.append(f"{answer.status_code} {answer.text[:200]}")
        return answer
