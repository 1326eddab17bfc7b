"""``GET /``: the page, and what it asks before it sends anything."""

from importlib.resources import files

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from media_processor.errors import EmptyFile, UnsupportedPicture, UploadTooLarge
from media_processor.fast_server.parts import PartsOf
from media_processor.http.multipart import too_large
from media_processor.media.probe import EMPTY, NOT_TAKEN
from media_processor.messages import FURTHER_EXTENSIONS, PICTURE_EXTENSIONS, UploadLimits

router = APIRouter()

_WEB = str(files("media_processor.fast_server") / "web")

# Whatever a file name or a message may hold, no browser runs it.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # A page of an older version must not speak to a newer server.
    "Cache-Control": "no-cache",
}


class _WebFiles(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(_HEADERS)
        return response


def serve_page(app: FastAPI) -> None:
    """Have ``app`` serve the page and its parts."""
    app.include_router(router)
    app.mount("/web", _WebFiles(directory=_WEB))


@router.get("/", response_class=FileResponse)
def page() -> FileResponse:
    """The page: send pictures, see what becomes of them, search the archive."""
    return FileResponse(f"{_WEB}/index.html", media_type="text/html", headers=_HEADERS)


@router.get("/limits")
def limits(parts: PartsOf) -> UploadLimits:
    """What an upload must be, and what one that isn't is told."""
    most = parts.settings.max_upload_bytes
    return UploadLimits(
        max_upload_bytes=most,
        content_types={
            kind: (extension, *FURTHER_EXTENSIONS.get(kind, ()))
            for kind, extension in PICTURE_EXTENSIONS.items()
        },
        refusals={
            UploadTooLarge.code: too_large(most).detail,
            UnsupportedPicture.code: NOT_TAKEN,
            EmptyFile.code: EMPTY,
        },
    )
