"""Logs what doesn't work, as the fast server reports it, and when it works again."""

import asyncio
import logging
import re

import httpx2
from pydantic import ValidationError

from media_processor.messages.base import Check, Readiness

log = logging.getLogger(__name__)

_EVERY = 5.0
# Workers take a second or two to report; in seconds.
_PATIENCE = 15.0
_ASK_AGAIN = 0.1
_START_LATER = {"redis", "workers", "central_server"}


class HealthLog:
    """What the fast server at ``url`` reports. Only changes are logged."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/ready"
        self._problems: dict[str, Check] = {}

    async def wait_until_well(self) -> None:
        """Returns once everything has started, or after a while; logs what doesn't work then."""
        async with httpx2.AsyncClient(timeout=2) as http:
            for _ in range(round(_PATIENCE / _ASK_AGAIN)):
                if not await self._is_starting(http):
                    break
                await asyncio.sleep(_ASK_AGAIN)
            await self._look(http)

    async def watch(self) -> None:
        async with httpx2.AsyncClient(timeout=_EVERY) as http:
            while True:
                await self._look(http)
                await asyncio.sleep(_EVERY)

    async def _is_starting(self, http: httpx2.AsyncClient) -> bool:
        problems = await self._ask(http)
        return problems is None or not _START_LATER.isdisjoint(problems)

    async def _look(self, http: httpx2.AsyncClient) -> None:
        problems = await self._ask(http)
        if problems is None:
            return  # the supervisor reports a process that is gone
        for name, check in problems.items():
            if _without_numbers(check) != _without_numbers(self._problems.get(name)):
                log.warning("⚠️ %s: %s", name, check.detail)
        for name in self._problems.keys() - problems.keys():
            log.info("✅ %s: ok again", name)
        self._problems = problems

    async def _ask(self, http: httpx2.AsyncClient) -> dict[str, Check] | None:
        try:
            answer = await http.get(self._url)
            return Readiness.model_validate_json(answer.content).problems
        except (httpx2.HTTPError, ValidationError):
            return None


def _without_numbers(check: Check | None) -> str:
    # An age or a count that has changed is no news.
    return re.sub(r"\d+", "", check.detail) if check else ""
