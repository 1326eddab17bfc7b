"""Guards against browsers: what they send for another site, and what they make of an answer.

A request of a browser needs no secret: that it can reach the server is enough. So neither a name
that isn't this server's (DNS rebinding) nor a form on another site gets through. And whatever a
file from outside says, a browser takes it for what we say it is, and runs nothing of it.
"""

import ipaddress
import re
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from media_processor.errors import CrossSiteRequest, MediaProcessorError, UnknownHost
from media_processor.http.problems import error_response

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

# What the specification's CENTRAL_SERVER_URL and Docker call the machine itself.
_OWN_NAMES = ("localhost", "host.docker.internal")

# An answer that has its own, as a page has, keeps it.
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}


class BrowserGuard:
    """ASGI middleware: checks ``Host``, ``Sec-Fetch-Site`` and ``Origin``, and adds _HEADERS."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str],
        public_url: str | None,
        not_for_browsers: Collection[str],
    ) -> None:
        """``hosts`` are names besides this machine's own and ``public_url``'s; ``*.example.com``
        stands for any below it.
        ``not_for_browsers`` are paths that no page uses."""
        self._app = app
        public = urlsplit(public_url or "")
        names = (*hosts, *_OWN_NAMES, socket.gethostname(), public.hostname or "")
        self._hosts = {name.lower() for name in names if name}
        self._public_origin = f"{public.scheme}://{public.netloc}".lower()
        self._not_for_browsers = not_for_browsers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        try:
            self._check(scope["method"], scope["path"], Headers(scope=scope))
        except MediaProcessorError as error:
            await error_response(error)(scope, receive, guarded(send))
            return
        await self._app(scope, receive, guarded(send))

    def _check(self, method: str, path: str, headers: Headers) -> None:
        host = headers.get("host", "")
        if host and not self._is_ours(host):
            raise UnknownHost(
                "This server isn't known by the name in 'Host'. If it should be, add the name to "
                "ALLOWED_HOSTS."
            )
        if method in _SAFE_METHODS:
            return
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if path in self._not_for_browsers and (origin or site):
            raise CrossSiteRequest("Browsers can't use this address. Workers deliver to it.")
        # Every current browser sends the first to a server that has TLS or is this machine, and
        # the second to any.
        if site:
            is_foreign = site not in ("same-origin", "none")
        else:
            is_foreign = origin is not None and not self._is_own_page(origin, host)
        if is_foreign:
            raise CrossSiteRequest("The request comes from a page of another site.")

    def _is_own_page(self, origin: str, host: str) -> bool:
        # A proxy may ask us by another name than the browser asked it.
        return origin.partition("://")[2] == host or origin == self._public_origin

    def _is_ours(self, host: str) -> bool:
        name = re.sub(r":\d*$", "", host).lower().removesuffix(".")
        return (
            name in self._hosts
            or name.endswith(".localhost")
            or _is_address(name)
            or any("*" + name[at.start() :] in self._hosts for at in re.finditer(r"\.", name))
        )


def guarded(send: Send) -> Send:
    """Adds _HEADERS to an answer."""

    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_guarded


def _is_address(name: str) -> bool:
    # A site of an attacker has a name: its pages can't have an address as their origin.
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
