"""The base of every message; problems, health and readiness."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """Immutable. Unknown fields are ignored, so that old and new versions can run together."""

    model_config = ConfigDict(frozen=True)


class Problem(Message):
    """An error as a problem document (RFC 9457); ``code`` is stable, for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class Check(Message):
    ok: bool
    detail: str


class Readiness(Message):
    """Body of ``GET /ready``: a check of each part that the service needs, by name."""

    ready: bool
    checks: dict[str, Check]


class Health(Message):
    status: Literal["ok"] = "ok"
