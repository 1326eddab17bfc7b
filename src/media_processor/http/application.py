"""What the applications of both servers have in common."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any, Protocol

from fastapi import FastAPI

from media_processor.http.head_requests import Heads
from media_processor.http.pages import serve_docs
from media_processor.http.problems import add_problem_handlers, describe_problems
from media_processor.http.request_bodies import EarlyAnswers


class Lifespan(Protocol):
    """Opens what the routes need, and closes it; it becomes ``request.state``."""

    def __call__(self, app: FastAPI, /) -> AbstractAsyncContextManager[Mapping[str, Any]]: ...


def application(server: str, lifespan: Lifespan, *, max_body_bytes: int) -> FastAPI:
    """An application without routes of its own, which answers every error as a problem."""
    app = FastAPI(
        title=f"media-processor: {server}",
        version=version("media-processor"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(Heads)
    app.add_middleware(EarlyAnswers, max_body_bytes=max_body_bytes)
    add_problem_handlers(app)
    describe_problems(app)
    serve_docs(app)
    return app
