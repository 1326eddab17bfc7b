"""The fast server, as the specification says it: save the upload, enqueue the task."""

import logging
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from arq import create_pool
from arq.connections import RedisSettings
from fastapi import FastAPI, Request, UploadFile

UPLOADS = Path(os.environ["MEDIA_DATA_DIR"]) / "uploads"
REDIS = RedisSettings(
    host=os.environ.get("REDIS_HOST", "localhost"), port=int(os.environ.get("REDIS_PORT", "6379"))
)

log = logging.getLogger("uvicorn.error")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    UPLOADS.mkdir(parents=True, exist_ok=True)
    app.state.redis = await create_pool(REDIS)
    yield
    await app.state.redis.aclose()


app = FastAPI(lifespan=lifespan)


@app.post("/media", status_code=202)
async def upload_media(request: Request, file: UploadFile) -> dict[str, str]:
    filename = Path(file.filename or "upload.jpg").name
    save(file, UPLOADS / filename)
    job = await request.app.state.redis.enqueue_job("watermark_image_task", filename)
    log.info("📥 queued %s", filename)
    return {"status": "queued", "filename": filename, "job_id": job.job_id}


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


def save(file: UploadFile, path: Path) -> None:
    with path.open("wb") as target:
        shutil.copyfileobj(file.file, target)
