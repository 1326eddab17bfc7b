"""``GET /``: the page, and what it asks before it sends anything."""

from importlib.resources import files

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse

from media_processor import formats
from media_processor.errors import EmptyFile, UnsupportedPicture, UploadTooLarge
from media_processor.fast_server.dependencies import Deps
from media_processor.http.multipart import too_large
from media_processor.http.pages import PAGE_HEADERS, PageFiles
from media_processor.images.probe import EMPTY, not_taken
from media_processor.messages.fast_server import UploadLimits

router = APIRouter()

_WEB = str(files("media_processor.fast_server") / "web")


def serve_page(app: FastAPI) -> None:
    """Have ``app`` serve the page and its deps."""
    app.include_router(router)
    app.mount("/web", PageFiles(directory=_WEB))


@router.get("/", response_class=FileResponse)
def page() -> FileResponse:
    """The page: send pictures, see what becomes of them, search the archive."""
    return FileResponse(f"{_WEB}/index.html", media_type="text/html", headers=PAGE_HEADERS)


@router.get("/limits")
def limits(deps: Deps) -> UploadLimits:
    """What an upload must be, and what one that isn't is told."""
    most = deps.settings.max_upload_bytes
    return UploadLimits(
        max_upload_bytes=most,
        content_types={each.content_type: each.extensions for each in formats.FORMATS},
        refusals={
            UploadTooLarge.code: too_large(most).detail,
            UnsupportedPicture.code: not_taken(),
            EmptyFile.code: EMPTY,
        },
    )
