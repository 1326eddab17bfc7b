"""Settings of the fast server and the workers: where Redis (or Valkey) is."""

from urllib.parse import quote

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from media_processor.settings.urls import check_host, check_redis_url


class RedisSettings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    redis_url: SecretStr | None = Field(
        default=None,
        description="URL of Redis: `redis://`, `rediss://` (TLS) or `unix://`. Overrides "
        "`REDIS_HOST`, `REDIS_PORT` and `REDIS_PASSWORD`.",
    )
    redis_host: str = Field(default="localhost", description="Host of Redis.")
    redis_port: int = Field(default=6379, ge=1, le=65535, description="Port of Redis.")
    redis_password: SecretStr | None = Field(default=None, description="Password of Redis, if any.")
    redis_prefix: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="Prefix of all keys and channels in Redis, the same for every process of a "
        "system. Default: the identity of the spool, so that systems can share a Redis.",
    )

    @field_validator("redis_url")
    @classmethod
    def _usable(cls, value: SecretStr | None) -> SecretStr | None:
        return SecretStr(check_redis_url(value.get_secret_value())) if value else None

    @field_validator("redis_host")
    @classmethod
    def _host_alone(cls, value: str) -> str:
        return check_host(value)

    @property
    def redis_is_set(self) -> bool:
        # If nobody named a Redis, ``up`` starts the embedded Valkey.
        return bool({"redis_url", "redis_host"} & self.model_fields_set)

    def address(self) -> str:
        """The URL to connect to. It may hold a password: never log it."""
        if self.redis_url:
            return self.redis_url.get_secret_value()
        secret = self.redis_password.get_secret_value() if self.redis_password else ""
        credentials = f":{quote(secret, safe='')}@" if secret else ""
        return f"redis://{credentials}{self.redis_host}:{self.redis_port}/0"
