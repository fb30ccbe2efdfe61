"""Typed settings: environment variables `PASTIS_*`, then a `.env` file, then these defaults."""

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from dotenv import dotenv_values
from pydantic import Field, IPvAnyNetwork, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.core.oidc_settings import OidcProvider, check_distinct, read_providers

PREFIX = "PASTIS_"
SECRET_LENGTH = 32
# What examples and hurried people write; a secret that holds one of these is known to everybody.
_KNOWN_WORDS = ("change", "default", "example", "password", "pastis", "replace", "secret")
_FEW_CHARACTERS = 8
_SENDER = re.compile(r"[^\x00-\x1f<>@]* <[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+")
# They begin alike, and are of make, the tests, and the commands that are clients.
_NO_SETTINGS = frozenset({"PASTIS_FUZZ_EXAMPLES", "PASTIS_TEST_DATABASE_URL", "PASTIS_TOKEN"})


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"
    TEST = "test"


class Registration(StrEnum):
    CLOSED = "closed"
    INVITATION = "invitation"
    OPEN = "open"


class UnsafeSettings(Exception):  # noqa: N818 - it says what is wrong
    """Production does not start with these settings; the text names every reason."""


class Settings(BaseSettings):
    """All settings of one Pastis process. Times are in the unit that the name ends with."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        # The examples list settings that may stay empty.
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    env: Environment = Field(
        Environment.DEVELOPMENT,
        description="development, test or production; production refuses to start with unsafe settings",
    )
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for every interface")
    port: int = Field(8001, ge=1, le=65535, description="Port to listen on")
    data_dir: Path = Field(
        Path(".pastis"), description="Folder for the embedded database, the logs and the generated secret"
    )
    database_url: SecretStr | None = Field(
        None,
        description="MongoDB replica set to use (mongodb://...); unset, Pastis starts a database of its own",
    )
    database_name: str = Field("pastis", min_length=1, description="Name of the database in MongoDB")
    database_timeout_seconds: float = Field(
        5.0, gt=0, description="How long one database operation may take before the request fails"
    )
    embedded_cache_gb: float = Field(
        0.5, ge=0.25, description="Memory for the cache of the embedded database, in GB"
    )
    secret: SecretStr | None = Field(
        None,
        description="Signs cursors and derives the tokens of a refresh, at least "
        f"{SECRET_LENGTH} characters; unset, one is made in data_dir",
    )
    former_secrets: Annotated[list[SecretStr], NoDecode] = Field(
        [], description="Secrets used before, separated by commas: what they sealed can still be read"
    )
    public_url: str = Field(
        "http://localhost:8001",
        description="Address of the web application, without a final slash: "
        "for links in mails, and for passkeys",
    )
    oidc_providers: SecretStr | None = Field(
        None, description="OpenID providers to log in with, as JSON; see the guide to single sign-on"
    )
    oidc_file: Path | None = Field(None, description="File with further OpenID providers, as the same JSON")
    registration: Registration | None = Field(
        None,
        description="Who may register: open, invitation or closed; unset, closed in production, else open",
    )
    mail_from: str = Field("Pastis <pastis@localhost>", description="Sender of the mails")
    smtp_host: str | None = Field(
        None,
        description="Mail server; unset, mails become files in data_dir/mails, and wait in production",
    )
    smtp_port: int | None = Field(
        None, ge=1, le=65535, description="Port of the mail server; unset, 587, with tls 465, with none 25"
    )
    smtp_username: str | None = Field(None, description="Account at the mail server, if it wants one")
    smtp_password: SecretStr | None = Field(None, description="Password of that account")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="starttls, tls, or none, where nobody listens on the way to the mail server",
    )
    worker: bool = Field(
        True, description="Do jobs in the serving processes, too; without, `pastis work` must run somewhere"
    )
    debug: bool = Field(False, description="Answer internal errors with their traceback; never in production")
    cors_origins: Annotated[list[str], NoDecode] = Field(
        [], description="Origins of the browser applications that may call the API, separated by commas"
    )
    cookie_secure: bool = Field(
        False, description="Send the session cookie over HTTPS only; required in production"
    )
    trusted_proxies: Annotated[list[IPvAnyNetwork], NoDecode] = Field(
        [],
        description="Networks of the proxies whose X-Forwarded-For is believed, separated by commas, "
        "such as 10.0.0.0/8",
    )
    rate_limit_per_minute: int = Field(
        6_000, ge=0, description="Requests a minute that one login may send; 0 for no limit"
    )
    anonymous_rate_limit_per_minute: int = Field(
        600, ge=0, description="Requests a minute that one address may send without a login; 0 for no limit"
    )
    max_streams: int = Field(
        10_000, gt=0, description="Clients that one process tells live what happens; others must wait"
    )
    metrics_token: SecretStr | None = Field(
        None,
        description=f"Prometheus' bearer token at /metrics, at least {SECRET_LENGTH} characters; "
        "unset, all may read, in production nobody",
    )
    traces_url: str | None = Field(
        None,
        description="OpenTelemetry collector for traces over HTTP, such as http://localhost:4318",
    )
    traces_share: float = Field(
        1.0, ge=0, le=1, description="Part of the requests that are traced, unless who asks says so"
    )
    stop_seconds: int = Field(
        1, ge=1, description="How long requests under way may take to finish when the process is told to stop"
    )
    audit_days: int = Field(400, gt=0, description="How long the audit log is kept")
    erased_audit_days: int = Field(
        30, ge=0, description="How long the audit log of a deleted account is kept, with its addresses"
    )
    last_address_days: int = Field(
        90, gt=0, description="How long it is kept from where an API token was last used"
    )
    backup_key: SecretStr | None = Field(
        None,
        description="Encrypts backups, and reads them again, at least "
        f"{SECRET_LENGTH} characters; unset, they are not encrypted",
    )
    max_body_bytes: int = Field(1_048_576, gt=0, description="Largest request body, imports excepted")
    max_import_bytes: int = Field(268_435_456, gt=0, description="Largest file to import")
    access_token_minutes: int = Field(15, gt=0, description="How long an access token is good")
    refresh_token_days: int = Field(30, gt=0, description="How long a session lasts with 'remember me'")
    session_hours: int = Field(12, gt=0, description="How long a session lasts without 'remember me'")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", description="Least severe log line to write: DEBUG, INFO, WARNING, ERROR or CRITICAL"
    )
    log_file: Path | None = Field(
        None, description="Log file; - for standard output; unset, logs/pastis.log in data_dir"
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        # Browsers send origins without a final slash.
        return [origin.strip().rstrip("/") for origin in value.split(",") if origin.strip()]

    @field_validator("former_secrets", mode="before")
    @classmethod
    def _split_secrets(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [SecretStr(secret.strip()) for secret in value.split(",") if secret.strip()]

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [network.strip() for network in value.split(",") if network.strip()]

    @field_validator("public_url", "traces_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str) -> str:
        if not _SENDER.fullmatch(value):
            raise ValueError("must be an address, or a name with an address in angle brackets")
        return value

    @field_validator("backup_key", "metrics_token")
    @classmethod
    def _long_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value and len(value.get_secret_value()) < SECRET_LENGTH:
            raise ValueError(
                f"needs at least {SECRET_LENGTH} characters; make one with: openssl rand -hex 32"
            )
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper_level(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _mongodb_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("must start with mongodb:// or mongodb+srv://")
        return value

    @model_validator(mode="after")
    def _readable_providers(self) -> Self:
        check_distinct(self.identity_providers)
        return self

    @cached_property
    def identity_providers(self) -> list[OidcProvider]:
        """All OpenID providers; raises ValueError where they cannot be read."""
        texts = {}
        if self.oidc_providers is not None:
            texts["oidc_providers"] = self.oidc_providers.get_secret_value()
        if self.oidc_file is not None:
            try:
                texts["oidc_file"] = self.oidc_file.read_text()
            except (OSError, UnicodeDecodeError) as error:
                raise ValueError(f"{variable('oidc_file')} cannot be read: {error}") from None
        return [one for name, text in texts.items() for one in _providers(name, text)]

    @cached_property
    def production(self) -> bool:
        return self.env is Environment.PRODUCTION

    @property
    def registration_mode(self) -> Registration:
        return self.registration or (Registration.CLOSED if self.production else Registration.OPEN)

    def problems(self) -> list[str]:
        """Say every reason not to start with these settings; only production has any."""
        if not self.production:
            return []
        checks = {
            "PASTIS_DATABASE_URL is not set: the embedded database is for development": not self.database_url,
            f"PASTIS_SECRET {self._secret_problem()}": self._secret_problem() is not None,
            "PASTIS_CORS_ORIGINS has a *: name the origins that may call the API": any(
                "*" in origin for origin in self.cors_origins
            ),
            "PASTIS_COOKIE_SECURE is false: session cookies would travel without HTTPS": (
                not self.cookie_secure
            ),
            f"PASTIS_OIDC has providers without HTTPS: {', '.join(self._insecure_providers())}": bool(
                self._insecure_providers()
            ),
            "PASTIS_DEBUG is true: errors would show what is inside": self.debug,
        }
        return [problem for problem, found in checks.items() if found]

    def refuse_unsafe(self) -> None:
        """Raise UnsafeSettings where production must not start."""
        if problems := self.problems():
            lines = ["Pastis does not start in production with these settings:", *problems]
            raise UnsafeSettings("\n".join(lines))

    def _insecure_providers(self) -> list[str]:
        return [one.id for one in self.identity_providers if one.insecure]

    def _secret_problem(self) -> str | None:
        secret = self.secret.get_secret_value() if self.secret else ""
        if not secret:
            return "is not set: every production server needs its own, kept in a safe place"
        if len(secret) < SECRET_LENGTH:
            return f"has {len(secret)} characters: it needs at least {SECRET_LENGTH}"
        if len(set(secret)) < _FEW_CHARACTERS or any(word in secret.lower() for word in _KNOWN_WORDS):
            return "looks like an example: take a random one"
        return None


def _providers(name: str, text: str) -> list[OidcProvider]:
    """Read them, with what is wrong told by its place and never by its value."""
    try:
        return read_providers(text)
    except ValidationError as error:
        places = ("/".join(str(part) for part in one["loc"]) or "the whole" for one in error.errors())
        wrong = [f"{place}: {said(one)}" for place, one in zip(places, error.errors(), strict=True)]
        raise ValueError(f"{variable(name)}: {'; '.join(wrong)}") from None


def said(error: Mapping[str, Any]) -> str:
    """What one of pydantic's errors says, without telling that a validator of ours says it."""
    return str(error["msg"]).removeprefix("Value error, ")


def variable(name: str) -> str:
    """Name the environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def variables_of_file() -> set[str]:
    """Name the variables that the `.env` file gives a value."""
    path = Settings.model_config.get("env_file")
    return {name.upper() for name, value in dotenv_values(str(path)).items() if value}


def variables_of_environment() -> set[str]:
    """Name the variables that the environment gives a value."""
    return {name.upper() for name, value in os.environ.items() if value}


def unknown_variables() -> Iterator[tuple[str, str | None]]:
    """Give each variable that looks like a setting and is none, with the setting that was perhaps meant."""
    known = {variable(name) for name in Settings.model_fields}
    given = {name for name in variables_of_environment() | variables_of_file() if name.startswith(PREFIX)}
    names = [name.removeprefix(PREFIX) for name in known]
    for name in sorted(given - known - _NO_SETTINGS):
        nearest = get_close_matches(name.removeprefix(PREFIX), names, 1)
        yield name, PREFIX + nearest[0] if nearest else None


def resolve_secret(settings: Settings) -> bytes:
    """Give the secret of cursors and refreshes; outside production a missing one is made once and kept.

    Raises ValueError in production without PASTIS_SECRET, OSError when the file cannot be written.
    """
    if settings.secret:
        return settings.secret.get_secret_value().encode()
    if settings.production:
        raise ValueError(f"{variable('secret')} is not set")
    path = settings.data_dir / "secret"
    if not path.exists():
        _keep_new_secret(path)
    return path.read_bytes().strip()


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are not there, for this account alone."""
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def _keep_new_secret(path: Path) -> None:
    make_private(path.parent)
    draft = path.with_name(f"secret.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(SECRET_LENGTH) + "\n")
    try:
        # A link appears whole and never replaces the secret of a process that was faster.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
