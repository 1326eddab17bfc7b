"""The base of every message; problems, health and readiness."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

State = Literal["ok", "warning", "error"]
"""How well something works: as it should; with a risk or slower; not until somebody fixes it."""


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
    """One part of a service. ``ok`` is whether the service can take requests as it is, which is
    all that a load balancer needs; ``state`` is for people, and may be an error while ``ok`` is
    true: a fast server without workers accepts pictures, but nobody watermarks them."""

    ok: bool
    detail: str
    # Servers before 0.3 don't send it.
    state: State = Field(default_factory=lambda sent: "ok" if sent.get("ok") else "error")


class Readiness(Message):
    """Body of ``GET /ready``: a check of each part that the service needs, by name.

    ``state`` is the worst of them."""

    ready: bool
    checks: dict[str, Check]
    state: State = "ok"

    @classmethod
    def of(cls, checks: dict[str, Check]) -> "Readiness":
        states = {check.state for check in checks.values()}
        worst: State = "error" if "error" in states else "warning" if "warning" in states else "ok"
        return cls(ready=all(check.ok for check in checks.values()), checks=checks, state=worst)

    @property
    def problems(self) -> dict[str, Check]:
        return {name: check for name, check in self.checks.items() if check.state != "ok"}


class Health(Message):
    status: Literal["ok"] = "ok"
