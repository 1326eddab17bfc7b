"""``GET /``: the web page; ``GET /limits``: the limits it checks files against."""

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
    app.include_router(router)
    app.mount("/web", PageFiles(directory=_WEB))


@router.get("/", response_class=FileResponse, responses={200: {"content": {"text/html": {}}}})
def page() -> FileResponse:
    """The web page."""
    return FileResponse(f"{_WEB}/index.html", media_type="text/html", headers=PAGE_HEADERS)


@router.get("/limits")
def limits(deps: Deps) -> UploadLimits:
    """The limits on an upload, and the message for each one that is exceeded."""
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
