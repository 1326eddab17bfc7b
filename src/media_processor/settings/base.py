"""Settings of every service, and how settings are read."""

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from media_processor.errors import SetupError
from media_processor.validation import first_mistake


class Settings(BaseSettings):
    """What all services share. Values come from the environment alone."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    media_data_dir: Path = Field(
        default=Path("data"), description="Folder for everything that the system stores."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level of the messages logged to the console."
    )

    @field_validator("media_data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def witness_file(self) -> Path:
        """The fast servers' copy of the log's checkpoints.

        A local file wherever the spool and the archive are: it is added to, and those who could
        rewrite the archive shouldn't be able to rewrite this.
        """
        return self.media_data_dir / "uploads" / "witness.jsonl"


AnySettings = TypeVar("AnySettings", bound=BaseSettings)


def read(kind: type[AnySettings]) -> AnySettings:
    """Read ``kind`` from the environment.

    Raises:
        SetupError: a variable has a value that can't be used; names it, without its value.
    """
    try:
        return kind()
    except ValidationError as error:
        first = first_mistake(error)
        variable = ".".join(str(part) for part in first.location[:1]).upper()
        raise SetupError(f"{variable}: {first.reason}") from None
