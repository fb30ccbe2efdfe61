"""Asking for an account: the answer tells nothing, the mail does."""

from typing import Any

import pytest

from app.core.config import Registration
from app.models.confirmations import Confirmation
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, refused
from app.tests.support.factories import make_user
from app.tests.support.mails import mails_to, text_of, token_in
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/api/v1/registrations"


def address() -> str:
    return f"{new_id()}@fluid.example"


async def ask(client: Client, email: str, **options: Any) -> Answer:
    answer = await client.post(PATH, {"email": email}, **options)
    assert (answer.status_code, answer.content) == (202, b""), answer.text
    return answer


async def test_a_link_is_mailed_and_no_account_is_made(anonymous: Client, services: Services) -> None:
    email = address()
    await ask(anonymous, f" {email.upper()} ".strip())
    (mail,) = await mails_to(services, email)
    assert mail["Subject"] == "Complete your registration"
    link = f"{services.settings.public_url}/registrations/confirm#token={token_in(mail)}"
    assert link in text_of(mail)
    assert link in text_of(mail, "html")
    assert await services.users.find_by_email(email) is None


async def test_an_address_with_an_account_is_told_so_by_mail_alone(
    anonymous: Client, services: Services
) -> None:
    user = await make_user(services)
    known, unknown = await ask(anonymous, user.email), await ask(anonymous, address())
    assert _lasting(known) == _lasting(unknown)
    (mail,) = await mails_to(services, user.email)
    assert mail["Subject"] == "This address has an account already"
    assert "#token" not in text_of(mail) + text_of(mail, "html")


def _lasting(answer: Answer) -> Any:
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, answer.content, headers


async def test_the_language_is_the_accounts_then_the_one_asked_for_then_the_clients(
    anonymous: Client, services: Services
) -> None:
    french, english = address(), address()
    await ask(anonymous, french, headers={"Accept-Language": "fr-CA, en;q=0.5"})
    answer = await anonymous.post(PATH, {"email": english, "locale": "en"}, headers={"Accept-Language": "fr"})
    assert answer.status_code == 202
    assert (await mails_to(services, french))[0]["Subject"] == "Terminez votre inscription"
    assert (await mails_to(services, english))[0]["Subject"] == "Complete your registration"
    user = await make_user(services)
    await services.users.update(user.id, {"locale": "fr"})
    await ask(anonymous, user.email)
    assert (await mails_to(services, user.email))[0]["Content-Language"] == "fr"


async def test_a_new_link_ends_the_former(anonymous: Client, services: Services) -> None:
    email = address()
    await ask(anonymous, email)
    await ask(anonymous, email)
    await mails_to(services, email, 2)
    assert await services.database.collection(Confirmation).count_documents({"email": email}) == 1


@pytest.mark.parametrize(
    "email", ["nobody", "a@", "@x.example", "a b@x.example", "a@x.example\r\nBcc: b@c.d"]
)
async def test_what_is_no_address(anonymous: Client, services: Services, email: str) -> None:
    before = await services.database.collection(Confirmation).count_documents({})
    problem = refused(await anonymous.post(PATH, {"email": email}), 422, "validation_failed")
    assert [one["pointer"] for one in problem["errors"]] == ["/email"]
    assert await services.database.collection(Confirmation).count_documents({}) == before


async def test_registration_that_is_closed(
    anonymous: Client, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = services.settings.model_copy(update={"registration": Registration.CLOSED})
    monkeypatch.setattr(services.registrations, "_settings", settings)
    email = address()
    refused(await anonymous.post(PATH, {"email": email}), 403, "registration_closed")
    body = {"token": "x", "display_name": "Heidi", "password": "staple correct horse"}
    refused(await anonymous.post(f"{PATH}/confirm", body), 403, "registration_closed")
    assert await services.database.collection(User).find_one({"email": email}) is None
    await mails_to(services, email, 0)
