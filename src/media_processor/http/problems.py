"""Sends every error as an RFC 9457 problem document with a stable ``code``."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from media_processor.errors import InvalidField, MediaProcessorError, Overloaded
from media_processor.messages.base import Problem
from media_processor.storage.disk_errors import storage_error
from media_processor.validation import mistake

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


def problem(code: str, status: int, title: str, detail: str) -> Problem:
    return Problem(
        type=f"urn:media-processor:problem:{code}",  # no web page describes it
        title=title,
        status=status,
        detail=detail,
        code=code,
    )


def answers(*errors: type[MediaProcessorError]) -> dict[int | str, dict[str, object]]:
    """The ``responses=`` of a route that can fail with these errors."""
    documented: dict[int | str, dict[str, object]] = {}
    for error in errors:
        entry = documented.setdefault(
            error.status, {"description": "", "content": {MEDIA_TYPE: {}}, "model": Problem}
        )
        entry["description"] = f"{entry['description']}; `{error.code}`".removeprefix("; ")
    return documented


def describe_problems(app: FastAPI) -> None:
    # By default FastAPI gives errors the media type of the route's success, and adds a 422 with its
    # own schema to each route with a parameter.
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            description = describe()
            for path in description["paths"].values():
                for operation in path.values():
                    operation["responses"] = _as_sent(operation["responses"])
            for unused in ("HTTPValidationError", "ValidationError"):
                description["components"]["schemas"].pop(unused, None)
        return describe()

    app.openapi = openapi  # type: ignore[method-assign]


def _as_sent(responses: dict[str, Any]) -> dict[str, Any]:
    sent = {}
    for status, answer in responses.items():
        content = answer.get("content", {})
        models = [kind["schema"] for kind in content.values() if "schema" in kind]
        if {"$ref": "#/components/schemas/HTTPValidationError"} in models:
            continue
        if MEDIA_TYPE in content:
            answer["content"] = {MEDIA_TYPE: {"schema": models[0]}}
        for kind in content.values():
            if "itemSchema" in kind:  # of an event stream; OpenAPI 3.1 has no such word
                del kind["itemSchema"]
                kind["schema"] = {"type": "string"}
        sent[status] = answer
    return sent


def add_problem_handlers(app: FastAPI) -> None:
    @app.exception_handler(MediaProcessorError)
    async def known(request: Request, error: MediaProcessorError) -> JSONResponse:
        if error.fault != "client":
            log.error("❌ %s %s: %s", request.method, request.url.path, error.detail)
        return error_response(error)

    @app.exception_handler(OSError)
    async def disk(request: Request, error: OSError) -> JSONResponse:
        if failed := storage_error(error):
            return await known(request, failed)
        raise error

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = mistake(error.errors()[0])
        where = ".".join(map(str, first.location))
        kind = InvalidField
        detail = f"{where}: {first.reason}."
        return respond(problem(kind.code, kind.status, kind.title, detail))

    @app.exception_handler(HTTPException)
    async def plain(_: Request, error: HTTPException) -> JSONResponse:
        status = HTTPStatus(error.status_code)
        code = status.phrase.lower().replace(" ", "_").replace("-", "_")
        response = respond(problem(code, status, status.phrase, str(error.detail)))
        response.headers.update(error.headers or {})
        if "GET" in response.headers.get("Allow", "").split(", "):
            response.headers["Allow"] += ", HEAD"  # see HeadRequests
        return response

    @app.exception_handler(Exception)
    async def unknown(_: Request, __: Exception) -> JSONResponse:
        return respond(
            problem(
                MediaProcessorError.code,
                MediaProcessorError.status,
                MediaProcessorError.title,
                "The server's log has the details.",
            )
        )


def error_response(error: MediaProcessorError) -> JSONResponse:
    response = respond(problem(error.code, error.status, error.title, error.detail))
    if isinstance(error, Overloaded):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def respond(document: Problem) -> JSONResponse:
    return JSONResponse(document.model_dump(), document.status, media_type=MEDIA_TYPE)
