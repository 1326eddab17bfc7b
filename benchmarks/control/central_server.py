"""The archive, as the specification says it: save the picture, append a line."""

import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Form, UploadFile

DATA = Path(os.environ["MEDIA_DATA_DIR"])
STORAGE = DATA / "central_storage"
ACTIVITY_LOG = DATA / "worker_activity.log"

STORAGE.mkdir(parents=True, exist_ok=True)

app = FastAPI()


@app.post("/upload-final")
async def upload_final(file: UploadFile, worker_name: Annotated[str, Form()]) -> dict[str, str]:
    filename = Path(file.filename or "upload.jpg").name
    save(file, STORAGE / filename)
    append_line(worker_name, filename)
    return {"status": "stored", "filename": filename}


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


def save(file: UploadFile, path: Path) -> None:
    with path.open("wb") as target:
        shutil.copyfileobj(file.file, target)


def append_line(worker: str, image: str) -> None:
    now = datetime.now().strftime("%Y-%m-%d %H:%M:%S")
    with ACTIVITY_LOG.open("a") as lines:
        lines.write(f"[{now}] WORKER: {worker} | IMAGE: {image}\n")
