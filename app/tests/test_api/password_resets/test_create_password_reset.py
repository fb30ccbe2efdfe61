"""Asking for a new password: the answer tells nothing."""

import pytest

from app.models.confirmations import Confirmation
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.factories import make_user
from app.tests.support.mails import mails_to, text_of, token_in
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/api/v1/password-resets"


async def test_a_link_is_mailed(anonymous: Client, services: Services) -> None:
    user = await make_user(services)
    answer = await anonymous.post(PATH, {"email": user.email.upper()})
    assert (answer.status_code, answer.content) == (202, b"")
    (mail,) = await mails_to(services, user.email)
    link = f"{services.settings.public_url}/password-resets/confirm#token={token_in(mail)}"
    assert link in text_of(mail)
    assert link in text_of(mail, "html")


async def test_no_mail_where_there_is_nobody(anonymous: Client, services: Services) -> None:
    user = await make_user(services)
    await services.users.update(user.id, {"active": False})
    for email in (user.email, f"{new_id()}@fluid.example"):
        ok(await anonymous.post(PATH, {"email": email}), 202)
        await mails_to(services, email, 0)


async def test_who_logs_in_elsewhere_gets_no_password_by_mail(anonymous: Client, services: Services) -> None:
    """Who may log in is the provider's to say."""
    email = f"{new_id()}@fluid.example"
    await services.users.create_without_password(new_id(), email, "Heidi Hazelton")
    ok(await anonymous.post(PATH, {"email": email}), 202)
    await mails_to(services, email, 0)


async def test_attack_the_answer_tells_who_has_an_account(anonymous: Client, services: Services) -> None:
    known = (await make_user(services)).email
    answers = [await anonymous.post(PATH, {"email": email}) for email in (known, f"{new_id()}@x.example")]
    seen = [
        (one.status_code, one.content, {k: v for k, v in one.headers.items() if k != "x-request-id"})
        for one in answers
    ]
    assert seen[0] == seen[1]


async def test_the_language_of_the_account(anonymous: Client, services: Services) -> None:
    user = await make_user(services)
    await services.users.update(user.id, {"locale": "fr"})
    ok(await anonymous.post(PATH, {"email": user.email}, headers={"Accept-Language": "en"}), 202)
    assert (await mails_to(services, user.email))[0]["Subject"] == "Choisissez un nouveau mot de passe"


async def test_malformed(anonymous: Client, services: Services) -> None:
    before = await services.database.collection(Confirmation).count_documents({})
    refused(await anonymous.post(PATH, {"email": "nobody"}), 422, "validation_failed")
    refused(await anonymous.post(PATH, {"email": {"$ne": None}}), 422, "validation_failed")
    assert await services.database.collection(Confirmation).count_documents({}) == before
