"""Who sent a request, and which owner the pictures belong to."""

from dataclasses import dataclass

from media_processor.messages.media import MAIN_OWNER


@dataclass(frozen=True)
class Caller:
    """``name`` is for people and logs; ``owner`` is whose pictures the caller sends and sees."""

    name: str
    owner: str


LOCAL = Caller(name="local", owner=MAIN_OWNER)
"""Whoever can reach the fast server, as long as nobody has to say who they are."""
