"""Settings of the worker server: processes, delivery and its retries, leases, shutdown."""

import os
import socket
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from media_processor.settings.pipeline import PipelineSettings
from media_processor.settings.quantities import Seconds


class WorkerSettings(PipelineSettings):
    hostname: str = Field(
        default_factory=socket.gethostname,
        description="Name of this worker in its logs and in the activity log. Default: the "
        "machine's host name.",
    )
    watermark_processes: int = Field(
        default_factory=lambda: (
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1
        ),
        ge=1,
        description="Number of child processes that watermark pictures. Default: one per core.",
    )
    upload_concurrency: int = Field(
        default=8,
        ge=1,
        description="Number of pictures that a worker delivers to the central server at a time. "
        "Fewer while they make no progress.",
    )
    upload_timeout: Seconds = Field(
        default=15,
        gt=0,
        description="Seconds without progress after which a delivery is given up: the central "
        "server acknowledges no byte and doesn't answer. Any pace below 4 kB/s is given up, too.",
    )
    upload_retry_delays: Annotated[tuple[Seconds, ...], NoDecode] = Field(
        default=(10, 20, 30, 40, 50),
        description="Seconds before each retry of a delivery, comma-separated. Each number "
        "is one retry.",
    )
    lease_seconds: Seconds = Field(
        default=10,
        ge=1,
        description="Seconds without a heartbeat after which a worker's jobs go to other workers.",
    )
    reconcile_seconds: Seconds = Field(
        default=5,
        gt=0,
        description="Seconds between two searches for unfinished pictures without a job, which "
        "are then requeued.",
    )
    parked_retry_seconds: Seconds = Field(
        default=900,
        gt=0,
        description="Seconds until the delivery of a picture is tried again after all its "
        "retries failed. When the central server is back, it is tried at once.",
    )
    shutdown_seconds: Seconds = Field(
        default=15, ge=0, description="Seconds that a stopping worker waits for its running jobs."
    )
    keep_originals: bool = Field(
        default=True,
        description="Keep the original in the spool after the watermarked picture is stored.",
    )
    simulated_latency: Annotated[tuple[Seconds, Seconds] | None, NoDecode] = Field(
        default=None,
        description="`3-8` adds a random delay of 3 to 8 seconds to stage 1, as the original "
        "system did.",
    )

    @field_validator("upload_retry_delays", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value

    @field_validator("upload_retry_delays")
    @classmethod
    def _not_negative(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(delay < 0 for delay in value):
            raise ValueError("a delay can't be negative")
        return value

    @field_validator("simulated_latency", mode="before")
    @classmethod
    def _range(cls, value: object) -> object:
        return tuple(value.split("-", 1)) if isinstance(value, str) else value

    @field_validator("simulated_latency")
    @classmethod
    def _ordered(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value and not 0 <= value[0] <= value[1]:
            raise ValueError("must be two numbers of seconds, the smaller first, such as 3-8")
        return value
