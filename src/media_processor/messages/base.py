"""What every message is, and what each server says of itself."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """Immutable; unknown fields are ignored, so that old and new versions can run together."""

    model_config = ConfigDict(frozen=True)


class Problem(Message):
    """An error as another process or a person sees it (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class Check(Message):
    ok: bool
    detail: str


class Readiness(Message):
    """Answer of ``GET /ready``: every part the service needs, by name."""

    ready: bool
    checks: dict[str, Check]


class Health(Message):
    status: Literal["ok"] = "ok"
