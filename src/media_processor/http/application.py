"""Makes the FastAPI application of a server: problems, HEAD, browsers, request bodies, /docs."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any, Protocol

from fastapi import FastAPI

from media_processor.errors import CrossSiteRequest, UnknownHost
from media_processor.http.browsers import BrowserGuard
from media_processor.http.head_requests import HeadRequests
from media_processor.http.pages import serve_docs
from media_processor.http.problems import add_problem_handlers, answers, describe_problems
from media_processor.http.request_bodies import RequestBodies
from media_processor.settings import ServerSettings


class Lifespan(Protocol):
    """Opens and closes what the routes need; its mapping becomes ``request.state``."""

    def __call__(self, app: FastAPI, /) -> AbstractAsyncContextManager[Mapping[str, Any]]: ...


def application(
    server: str,
    lifespan: Lifespan,
    settings: ServerSettings,
    *,
    public_url: str | None = None,
    takes_pictures: Collection[str],
    not_for_browsers: Collection[str] = (),
) -> FastAPI:
    """``takes_pictures`` are paths with large bodies, ``not_for_browsers`` those that no page
    uses."""
    app = FastAPI(
        title=f"media-processor: {server}",
        version=version("media-processor"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=answers(UnknownHost, CrossSiteRequest),
        redirect_slashes=False,  # it would send a client to whatever its Host header says
        # As clients made from the description call them; FastAPI would add path and method.
        generate_unique_id_function=lambda route: route.name,
    )
    app.add_middleware(HeadRequests)
    app.add_middleware(
        BrowserGuard,
        hosts=settings.allowed_hosts,
        public_url=public_url,
        not_for_browsers=not_for_browsers,
    )
    app.add_middleware(
        RequestBodies, max_body_bytes=settings.max_upload_bytes, takes_pictures=takes_pictures
    )
    add_problem_handlers(app)
    describe_problems(app)
    serve_docs(app)
    return app
