from datetime import UTC, datetime

import pytest

from app.core.messages import LANGUAGES
from app.models.mails import Letter
from app.services.mail import words_en, words_fr
from app.services.mail.letters import compose, stamp
from app.tests.support.mails import text_of

NOW = datetime(2026, 11, 23, tzinfo=UTC)
VALUES = {
    "email": "colin@fluid.example",
    "expires": "2026-11-30 09:30",
    "inviter": "Justin Obara",
    "link": "http://x.example/a#token=b",
    "public_url": "http://x.example",
    "workspace": "Fluid Project",
}
SENDER = "Pastis <pastis@x.example>"


@pytest.mark.parametrize("letter", Letter)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_letter_is_there_as_text_and_html(letter: Letter, language: str) -> None:
    mail = compose(letter, language, VALUES, "heidi@fluid.example", SENDER)
    words = (words_en if language == "en" else words_fr).LETTERS[letter]
    assert mail["Subject"] == words.subject
    assert mail["Content-Language"] == language
    for kind in ("plain", "html"):
        text = text_of(mail, kind)
        assert (VALUES["link"] in text) is bool(words.action)
        assert "{" not in text.partition("<body")[2] or kind == "plain"
        assert VALUES["public_url"] in text
    assert words_en.LETTERS.keys() == words_fr.LETTERS.keys() == set(Letter)
    assert (words.subject == words_en.LETTERS[letter].subject) is (language == "en")


def test_html_is_escaped() -> None:
    hostile = VALUES | {"email": "<script>alert(1)</script>@x.example", "link": 'http://x/"><b>'}
    mail = compose(Letter.EMAIL_CHANGE, "en", hostile, "heidi@fluid.example", SENDER)
    assert "<b>" not in text_of(mail, "html")
    mail = compose(Letter.EMAIL_CHANGED, "en", hostile, "heidi@fluid.example", SENDER)
    assert "<script>" not in text_of(mail, "html")
    invented = VALUES | {"inviter": "<img src=x>", "workspace": "{link}</p><b>"}
    text = text_of(compose(Letter.INVITATION, "en", invented, "heidi@fluid.example", SENDER), "html")
    assert "<img" not in text
    assert "<b>" not in text


@pytest.mark.parametrize(
    "address",
    [
        "a@x.example\r\nBcc: b@x.example",
        "a@x.example\nX: y",
        "a@x.example, b@x.example",
        "",
        "<a@x.example>",
    ],
)
def test_an_address_makes_no_header_and_no_second_one(address: str) -> None:
    with pytest.raises(ValueError):
        compose(Letter.TEST, "en", VALUES, address, SENDER)


def test_addresses_beyond_ascii() -> None:
    mail = compose(Letter.TEST, "en", VALUES, "hélène@fluid.example", SENDER)
    assert "hélène@fluid.example".encode() in mail.as_bytes()


def test_addresses_and_links_are_not_broken_in_two() -> None:
    values = VALUES | {"email": f"{'0197-' * 20}@x.example", "public_url": f"http://{'0197-' * 20}.example"}
    text = text_of(compose(Letter.EMAIL_CHANGED, "en", values, "heidi@fluid.example", SENDER))
    assert values["email"] in text
    assert values["public_url"] in text


def test_the_same_mail_has_the_same_id() -> None:
    mails = [compose(Letter.TEST, "xx", VALUES, "heidi@fluid.example", SENDER) for _ in range(2)]
    for mail in mails:
        stamp(mail, "0197f0c4", NOW)
    assert mails[0]["Message-ID"] == mails[1]["Message-ID"] == "<0197f0c4@x.example>"
