"""The settings of ``media-processor up``."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class UpSettings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Number of worker servers that `media-processor up` starts.",
    )
