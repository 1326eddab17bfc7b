"""The worker, as the specification says it: a stock ARQ worker with two tasks."""

import logging
import os
import socket
import ssl
from pathlib import Path
from typing import Any, ClassVar

import httpx2
from arq import Retry
from arq.connections import RedisSettings
from arq.typing import WorkerCoroutine
from PIL import Image

UPLOADS = Path(os.environ["MEDIA_DATA_DIR"]) / "uploads"
CENTRAL_SERVER_URL = os.environ["CENTRAL_SERVER_URL"]
WORKER_NAME = os.environ.get("HOSTNAME", socket.gethostname())
PADDING = 10
LOGO_SHARE = 0.2
MAX_RETRIES = 5

log = logging.getLogger("arq.control")


async def startup(ctx: dict[Any, Any]) -> None:
    # Read once, not once a job: the kinder reading of the specification.
    with Image.open(os.environ["GOOGLE_LOGO"]) as logo:
        ctx["logo"] = logo.convert("RGBA")
    # Left to itself, every new client reads all CA certificates again, for nothing, as the
    # address is plain http: 49 ms of CPU a picture. The control is spared that; the literal
    # one, which is what the specification's own words come to, is not.
    ctx["tls"] = ssl.create_default_context() if "SHARED_TLS_CONTEXT" in os.environ else True


async def watermark_image_task(ctx: dict[Any, Any], filename: str) -> str:
    result = f"watermarked_{filename}"
    watermark(UPLOADS / filename, ctx["logo"], UPLOADS / result)
    log.info("🎨 %s watermarked", result)
    await ctx["redis"].enqueue_job("upload_to_central_task", result)
    return result


async def upload_to_central_task(ctx: dict[Any, Any], filename: str) -> str:
    content = (UPLOADS / filename).read_bytes()
    try:
        # A new client a call, so no connection is ever used twice.
        async with httpx2.AsyncClient(timeout=15, verify=ctx["tls"]) as client:
            answer = await client.post(
                CENTRAL_SERVER_URL,
                files={"file": (filename, content, "image/jpeg")},
                data={"worker_name": WORKER_NAME},
            )
            answer.raise_for_status()
    except httpx2.HTTPError as error:
        log.warning("🔁 %s: %s", filename, error)
        raise Retry(defer=ctx["job_try"] * 10) from error
    log.info("🚀 %s uploaded", filename)
    return filename


def watermark(source: Path, logo: Image.Image, target: Path) -> None:
    with Image.open(source) as picture:
        base = picture.convert("RGBA")
    scale = min(base.width * LOGO_SHARE / logo.width, base.height * LOGO_SHARE / logo.height)
    overlay = logo.resize((max(1, int(logo.width * scale)), max(1, int(logo.height * scale))))
    base.paste(overlay, (base.width - overlay.width - PADDING, PADDING), overlay)
    # Pillow's default quality, 75, and no options. It is in the control's favour: the file
    # gets smaller than the original, so there is less to encode, to write and to send.
    base.convert("RGB").save(target)


class WorkerSettings:
    functions: ClassVar[list[WorkerCoroutine]] = [watermark_image_task, upload_to_central_task]
    on_startup = startup
    max_tries = MAX_RETRIES + 1
    redis_settings = RedisSettings(
        host=os.environ.get("REDIS_HOST", "localhost"),
        port=int(os.environ.get("REDIS_PORT", "6379")),
    )
