"""Web pages that run nothing but the server's own scripts, and ``/docs`` of both servers."""

from importlib.resources import files

from fastapi import FastAPI
from fastapi.responses import FileResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

# No browser runs script that came with a file name or a message.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    # After an upgrade a browser must not use the old page with the new server.
    "Cache-Control": "no-cache",
}

_DOCS = str(files("media_processor.http") / "docs_page")


class PageFiles(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(PAGE_HEADERS)
        return response


def serve_docs(app: FastAPI) -> None:
    # FastAPI's own page loads scripts from another site.
    @app.get("/docs", response_class=FileResponse, include_in_schema=False)
    def docs() -> FileResponse:
        return FileResponse(f"{_DOCS}/index.html", media_type="text/html", headers=PAGE_HEADERS)

    @app.get("/docs/", include_in_schema=False)
    def docs_folder() -> RedirectResponse:
        return RedirectResponse("../docs")

    app.mount("/docs", PageFiles(directory=_DOCS))
