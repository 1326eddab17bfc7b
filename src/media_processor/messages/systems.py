"""Systems that share a Redis: the identity of a spool, and how a process announces itself."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from media_processor.messages.base import Message

Identity = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]


class SpoolIdentity(Message):
    """``spool.json``: written once, when a spool is made."""

    id: Identity
    created_at: datetime


class Process(Message):
    """A process as all who use the same Redis see it.

    ``since`` and ``seen`` are when it first and last announced itself, in ms by Redis's clock;
    ``token`` tells apart processes that are alike.
    """

    kind: Literal["fast server", "worker"]
    name: str
    host: str
    prefix: str
    spool: str
    folder: str
    stages: tuple[str, ...] = ()
    token: str = ""
    since: int = 0
    seen: int = 0
