"""Makes a letter of its words: text and HTML, in one language."""

from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from types import ModuleType

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from app.core.messages import DEFAULT_LANGUAGE
from app.models.mails import Letter
from app.services.mail import words_en, words_fr

_CATALOGUES: dict[str, ModuleType] = {"en": words_en, "fr": words_fr}
_TEMPLATES = Environment(
    loader=PackageLoader("app.services.mail"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
)


def compose(letter: Letter, language: str, values: Mapping[str, str], to: str, sender: str) -> EmailMessage:
    """The message; raises ValueError where an address is not one, or would end the line of its header."""
    catalogue = _CATALOGUES.get(language, _CATALOGUES[DEFAULT_LANGUAGE])
    words = catalogue.LETTERS[letter]
    shown = {
        "subject": words.subject,
        "before": _filled(words.before, values),
        "action": words.action,
        "link": values.get("link", ""),
        "after": _filled(words.after, values),
        "footer": catalogue.FOOTER.format_map(values),
        "language": language,
    }
    message = EmailMessage(SMTP if to.isascii() else SMTPUTF8)
    message["From"] = sender
    message["To"] = to
    if [one.addr_spec for one in message["To"].addresses] != [to]:
        raise ValueError("not one address")
    message["Subject"] = words.subject
    message["Auto-Submitted"] = "auto-generated"
    # Not quoted-printable, which would break links in two where mails are read as files.
    text, html = (_TEMPLATES.get_template(f"letter.{kind}").render(shown) for kind in ("txt", "html"))
    message.set_content(text, cte="8bit")
    message.add_alternative(html, subtype="html", cte="8bit")
    message["Content-Language"] = language
    return message


def stamp(message: EmailMessage, mail_id: str, at: datetime) -> None:
    """What tells a receiver that a mail which comes twice is the same."""
    domain = parseaddr(str(message["From"]))[1].rpartition("@")[2]
    message["Message-ID"] = f"<{mail_id}@{domain}>"
    message["Date"] = format_datetime(at)


def _filled(texts: tuple[str, ...], values: Mapping[str, str]) -> list[str]:
    return [text.format_map(values) for text in texts]
