"""Typed settings: environment variables `PASTIS_*`, then a `.env` file, then these defaults."""

from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"
    TEST = "test"


class Settings(BaseSettings):
    """All settings of one Pastis process. Times are in the unit that the name ends with."""

    model_config = SettingsConfigDict(env_prefix="PASTIS_", env_file=".env", extra="ignore", frozen=True)

    env: Environment = Environment.DEVELOPMENT
    host: str = "127.0.0.1"
    port: int = Field(8001, ge=1, le=65535)
    data_dir: Path = Path(".pastis")
    database_url: SecretStr | None = None
    database_name: str = "pastis"
    database_timeout_seconds: float = Field(5.0, gt=0)
    secret: SecretStr | None = None
    debug: bool = False
    cors_origins: Annotated[list[str], NoDecode] = []
    cookie_secure: bool = False
    max_body_bytes: int = Field(1_048_576, gt=0)
    max_import_bytes: int = Field(268_435_456, gt=0)
    access_token_minutes: int = Field(15, gt=0)
    refresh_token_days: int = Field(30, gt=0)
    session_hours: int = Field(12, gt=0)
    log_level: str = "INFO"
    log_file: Path | None = None

    @cached_property
    def production(self) -> bool:
        return self.env is Environment.PRODUCTION
