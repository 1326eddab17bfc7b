"""Makes the FastAPI application of a server: problems, HEAD, request bodies, /docs."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any, Protocol

from fastapi import FastAPI

from media_processor.http.head_requests import HeadRequests
from media_processor.http.pages import serve_docs
from media_processor.http.problems import add_problem_handlers, describe_problems
from media_processor.http.request_bodies import RequestBodies


class Lifespan(Protocol):
    """Opens and closes what the routes need; its mapping becomes ``request.state``."""

    def __call__(self, app: FastAPI, /) -> AbstractAsyncContextManager[Mapping[str, Any]]: ...


def application(server: str, lifespan: Lifespan, *, max_body_bytes: int) -> FastAPI:
    app = FastAPI(
        title=f"media-processor: {server}",
        version=version("media-processor"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # As clients made from the description call them; FastAPI would add path and method.
        generate_unique_id_function=lambda route: route.name,
    )
    app.add_middleware(HeadRequests)
    app.add_middleware(RequestBodies, max_body_bytes=max_body_bytes)
    add_problem_handlers(app)
    describe_problems(app)
    serve_docs(app)
    return app
