"""What the application mailed: where no mail server is set, mails are files."""

import email.policy
import re
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import anyio

from app.core.jobs import Job, JobKind, JobState
from app.services.bootstrap import Services

_TOKEN = re.compile(r"#token=([\w-]{43})\b")


def mails_in(folder: Path, address: str) -> list[EmailMessage]:
    """The mails to an address, the oldest first."""
    parser = BytesParser(EmailMessage, policy=email.policy.default)
    sent = [file.read_bytes() for file in sorted(folder.glob("*.eml"))]
    # Only those that name it are taken apart: all tests write to one folder.
    mails = [parser.parsebytes(mail) for mail in sent if address.encode() in mail]
    return [mail for mail in mails if mail["To"] == address]


async def mails_to(services: Services, address: str, count: int = 1) -> list[EmailMessage]:
    """The mails to an address, once the outbox is empty; there must be so many."""
    for _ in range(2000):
        # What could not be delivered at once is another test's.
        waiting = {"kind": JobKind.MAIL.value, "state": {"$ne": JobState.FAILED.value}, "error": None}
        if await services.database.collection(Job).find_one(waiting) is None:
            break
        await anyio.sleep(0.01)
    found = mails_in(services.settings.data_dir / "mails", address)
    assert len(found) == count, [str(one["Subject"]) for one in found]
    return found


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def token_in(mail: EmailMessage) -> str:
    """The token of the mail's link."""
    tokens = set(_TOKEN.findall(text_of(mail)))
    assert len(tokens) == 1, text_of(mail)
    return str(tokens.pop())


async def mailed_token(services: Services, address: str, count: int = 1) -> str:
    """The token in the last of so many mails to an address."""
    return token_in((await mails_to(services, address, count))[-1])
