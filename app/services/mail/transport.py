"""Hands a message to the mail server; in development, to a folder and the console."""

import asyncio
import os
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib

from app.core.config import Environment, Settings, make_private
from app.core.jobs import JobError
from app.core.logging import get_logger
from app.utils.ids import new_id

SECONDS = 60
GREETING_SECONDS = 10
_PORTS = {"starttls": 587, "tls": 465, "none": 25}

logger = get_logger(__name__)


class Undeliverable(JobError):  # noqa: N818 - it says what is wrong
    """The mail could not be handed on."""


async def deliver(settings: Settings, message: EmailMessage) -> None:
    """Raises Undeliverable; its text names the kind of the failure and never the address."""
    if settings.smtp_host is not None:
        await _send(settings, message)
    elif settings.production:
        raise Undeliverable("PASTIS_SMTP_HOST is not set")
    else:
        await asyncio.to_thread(_keep, settings.data_dir / "mails", message)
        if settings.env is Environment.DEVELOPMENT:
            body = message.get_body(("plain",))
            logger.info("mail", to=str(message["To"]), text=body.get_content() if body else "")


async def greet(settings: Settings) -> None:
    """Log in to the mail server, and leave; raises Undeliverable."""
    try:
        async with asyncio.timeout(GREETING_SECONDS):
            # It connects, takes to TLS and logs in as its block begins.
            async with aiosmtplib.SMTP(**_server(settings)) as server:
                await server.noop()
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as exc:
        raise Undeliverable(_reason(exc)) from None


async def _send(settings: Settings, message: EmailMessage) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            await aiosmtplib.send(message, **_server(settings))
    except aiosmtplib.SMTPRecipientsRefused as exc:
        raise Undeliverable(_reason(exc), final=all(_is_final(one) for one in exc.recipients)) from None
    except aiosmtplib.SMTPDataError as exc:
        raise Undeliverable(_reason(exc), final=_is_final(exc)) from None
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as exc:
        raise Undeliverable(_reason(exc)) from None


def _server(settings: Settings) -> dict[str, Any]:
    password = settings.smtp_password
    return {
        "hostname": settings.smtp_host,
        "port": settings.smtp_port or _PORTS[settings.smtp_security],
        "username": settings.smtp_username,
        "password": password.get_secret_value() if password else None,
        "use_tls": settings.smtp_security == "tls",
        "start_tls": settings.smtp_security == "starttls",
        "timeout": SECONDS,
    }


def _is_final(refusal: aiosmtplib.SMTPResponseException) -> bool:
    """Codes of 500 and more say that it will not be otherwise the next time (RFC 5321, 4.2.1)."""
    return refusal.code >= 500


def _reason(error: Exception) -> str:
    code = getattr(error, "code", None)
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"


def _keep(folder: Path, message: EmailMessage) -> None:
    make_private(folder)
    name = f"{new_id()}.eml"
    draft = folder / f".{name}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(message.as_bytes())
    draft.rename(folder / name)  # so that whoever watches the folder sees it whole
