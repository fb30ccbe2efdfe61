"""Inviting by mail and by link."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.core import logging
from app.core.log import Event
from app.core.security import token_hash
from app.models.invitations import Invitation, InvitationSecret
from app.services.bootstrap import Services
from app.services.limits import Purpose
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    check_denied,
    client_of,
    kept_since,
    last_event,
    stored,
    unchanged,
)
from app.tests.support.factories import Workspace
from app.tests.support.invitations import accept, invite, link, newcomer, placeholder, token_of
from app.tests.support.logs import logging_of_its_own
from app.tests.support.mails import mailed_token, mails_to, text_of
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


def address() -> str:
    return f"{new_id()}@fluid.example"


async def test_by_mail(workspace: Workspace, services: Services) -> None:
    email = address()
    answer = await workspace.admin.post("/invitations", {"email": email.upper(), "role": "member"})
    made = ok(answer, 201)
    assert answer.headers["location"].endswith(f"/invitations/{made['id']}")
    assert (made["email"], made["role"], made["max_uses"], made["uses"]) == (email, "member", 1, 0)
    assert (made["link"], made["invited_by"]) == (None, workspace.membership_ids["admin"])
    assert made["sent_at"] == made["created_at"]
    (mail,) = await mails_to(services, email)
    token = await mailed_token(services, email)
    for kind in ("plain", "html"):
        text = text_of(mail, kind)
        assert f"{services.settings.public_url}/invitations/accept#token={token}" in text
        assert "Colin Clark" in text
        assert "Fluid Project" in text
    kept = await stored(services, InvitationSecret, made["id"])
    assert kept is not None
    assert (kept["token_hash"], kept["email"]) == (token_hash(token), email)
    event = await last_event(services, workspace)
    assert (event["command"], event["ops"][0]["set"]["email"]) == (
        "invitation.create",
        f"{email[0]}***@fluid.example",
    )


async def test_by_link(workspace: Workspace, services: Services) -> None:
    answer = await workspace.api.post("/invitations", {"role": "guest"})
    made = ok(answer, 201)
    assert answer.headers["cache-control"] == "no-store"
    assert (made["email"], made["max_uses"], made["sent_at"]) == (None, 50, None)
    assert made["link"].startswith(f"{services.settings.public_url}/invitations/accept#token=")
    kept = await stored(services, InvitationSecret, made["id"])
    assert kept is not None
    assert kept["token_hash"] == token_hash(token_of(made))


async def test_the_mail_is_in_the_accounts_language_then_the_one_asked_for(
    workspace: Workspace, services: Services, anonymous: Client
) -> None:
    french, english = address(), address()
    await invite(workspace, email=french, locale="fr")
    headers = {"Accept-Language": "fr"}
    ok(await workspace.api.post("/invitations", {"email": english, "locale": "en"}, headers=headers), 201)
    user, _ = await newcomer(services, anonymous)
    await services.users.update(user.id, {"locale": "fr"})
    await invite(workspace, email=user.email)
    subjects = {one: (await mails_to(services, one))[0]["Subject"] for one in (french, english, user.email)}
    assert subjects[french] == subjects[user.email] == "Vous êtes invité dans un espace de travail"
    assert subjects[english] == "You are invited to a workspace"


async def test_it_lasts_as_long_as_is_said(workspace: Workspace, services: Services) -> None:
    lasting: list[tuple[dict[str, Any], int]] = [
        ({}, 7),
        ({"expires_in_days": 1}, 1),
        ({"expires_in_days": 90}, 90),
    ]
    for body, days in lasting:
        kept = await stored(services, Invitation, (await invite(workspace, **body))["id"])
        assert kept is not None
        assert kept["expires_at"] - kept["created_at"] == timedelta(days=days)
    async with unchanged(services, workspace):
        for days in (0, 91):
            answer = await workspace.api.post("/invitations", {"expires_in_days": days})
            problem = refused(answer, 422, "validation_failed")
            assert [one["pointer"] for one in problem["errors"]] == ["/expires_in_days"]


@pytest.mark.parametrize("bound", ["email", "membership_id"])
async def test_what_is_for_one_is_used_once(workspace: Workspace, services: Services, bound: str) -> None:
    value = address() if bound == "email" else await placeholder(workspace)
    async with unchanged(services, workspace):
        answer = await workspace.api.post("/invitations", {bound: value, "max_uses": 2})
        problem = refused(answer, 422, "validation_failed")
        assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [("/max_uses", "out_of_range")]
    body: dict[str, Any] = {bound: value, "max_uses": 1}
    assert (await invite(workspace, **body))["max_uses"] == 1


async def test_members_and_strangers_may_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.post("/invitations", {})

    await check_denied(services, workspace, send)


@pytest.mark.parametrize(
    ("actor", "role", "allowed"),
    [
        (actor, role, not (actor == "admin" and role == "owner"))
        for actor in ("owner", "admin")
        for role in ("owner", "admin", "member", "guest")
    ],
)
async def test_nobody_invites_above_their_own_role(
    workspace: Workspace, services: Services, actor: str, role: str, allowed: bool
) -> None:
    client = client_of(workspace, actor)
    if allowed:
        assert (await invite(workspace, client, role=role))["role"] == role
        return
    async with unchanged(services, workspace):
        refused(await client.post("/invitations", {"role": role}), 403, "permission_denied")


async def test_a_custom_role_is_for_members_and_given_by_admins(
    workspace: Workspace, services: Services
) -> None:
    body = {"name": "Triage", "permissions": ["task:update"]}
    role = ok(await workspace.api.post("/roles", body), 201)["id"]
    assert (await invite(workspace, workspace.admin, custom_role_id=role))["custom_role_id"] == role
    host = (await workspace.token(services, "admin", "invitation:create")).at(workspace.api.base)
    assert (await invite(workspace, host))["role"] == "member"
    async with unchanged(services, workspace):
        for wanted in ({"custom_role_id": role}, {"role": "admin"}):
            refused(await host.post("/invitations", wanted), 403, "permission_denied")
        wanted = {"role": "guest", "custom_role_id": role}
        refused(await workspace.admin.post("/invitations", wanted), 422, "validation_failed")


async def test_a_placeholder_must_be_one(workspace: Workspace, services: Services) -> None:
    owning = await placeholder(workspace, "Owner of old", "owner")
    gone = await placeholder(workspace, "Gone")
    ok(await workspace.api.delete(f"/memberships/{gone}"))
    service = ok(await workspace.api.post("/memberships", {"display_name": "CI", "type": "service"}), 201)[
        "id"
    ]
    async with unchanged(services, workspace):
        for id_, status, code in (
            (service, 409, "wrong_state"),
            (workspace.membership_ids["member"], 409, "wrong_state"),
            (gone, 404, "not_found"),
            (new_id(), 404, "not_found"),
        ):
            refused(await workspace.api.post("/invitations", {"membership_id": id_}), status, code)
        answer = await workspace.admin.post("/invitations", {"membership_id": owning})
        refused(answer, 403, "permission_denied")


async def test_what_is_no_address(workspace: Workspace, services: Services) -> None:
    async with unchanged(services, workspace):
        for email in ("nobody", "a@x.example\r\nBcc: b@c.d", "a b@x.example"):
            problem = refused(
                await workspace.api.post("/invitations", {"email": email}), 422, "validation_failed"
            )
            assert [one["pointer"] for one in problem["errors"]] == ["/email"]


async def test_an_address_gets_few_mails(workspace: Workspace, services: Services) -> None:
    email = address()
    for _ in range(5):
        await invite(workspace, email=email)
    async with unchanged(services, workspace):
        answer = await workspace.admin.post("/invitations", {"email": email})
        refused(answer, 429, "too_many_requests")
        assert int(answer.headers["retry-after"]) > 60
    await mails_to(services, email, 5)


async def test_a_workspace_sends_so_many_mails(workspace: Workspace, services: Services) -> None:
    for _ in range(100):
        await services.limits.spend(Purpose.INVITATION, workspace.id)
    async with unchanged(services, workspace):
        refused(await workspace.admin.post("/invitations", {"email": address()}), 429, "too_many_requests")
    ok(await workspace.admin.post("/invitations", {}), 201)


async def test_sent_again_it_mails_what_a_killed_process_did_not(
    workspace: Workspace, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An invitation that was answered has been mailed, wherever the first attempt was cut off."""
    email, headers = address(), {"Idempotency-Key": "invite-all-the-same"}
    send = services.mail.send

    async def cut_off(*_: Any, **__: Any) -> None:
        monkeypatch.setattr(services.mail, "send", send)
        raise ConnectionError("killed")

    monkeypatch.setattr(services.mail, "send", cut_off)
    answer = await workspace.api.post("/invitations", {"email": email}, headers=headers)
    assert answer.status_code == 500
    ok(await workspace.api.post("/invitations", {"email": email}, headers=headers), 201)
    assert len(await mails_to(services, email)) == 1
    await mailed_token(services, email)


async def test_sent_again_it_makes_one_invitation_and_tells_no_secret_twice(
    workspace: Workspace, services: Services
) -> None:
    headers = {"Idempotency-Key": "invite-once"}
    first = ok(await workspace.api.post("/invitations", {}, headers=headers), 201)
    async with unchanged(services, workspace):
        again = await workspace.api.post("/invitations", {}, headers=headers)
        assert ok(again, 201) == {**first, "link": None}
        assert again.headers["idempotency-replayed"] == "true"
        answer = await workspace.api.post("/invitations", {"role": "guest"}, headers=headers)
        refused(answer, 422, "idempotency_key_reused")


async def test_sent_again_it_finishes_what_was_cut_off(workspace: Workspace, services: Services) -> None:
    """The process died before the secret was written: nobody had it, so there is one now."""
    email, headers = address(), {"Idempotency-Key": "cut-off"}
    body = {"email": email}
    made = ok(await workspace.api.post("/invitations", body, headers=headers), 201)
    await mails_to(services, email, 1)
    await services.database.collection(InvitationSecret).delete_one({"_id": made["id"]})
    ok(await workspace.api.post("/invitations", body, headers=headers), 201)
    await mails_to(services, email, 2)
    ok(await workspace.api.post("/invitations", body, headers=headers), 201)
    await mails_to(services, email, 2)


async def test_a_trial_sends_nothing(workspace: Workspace, services: Services) -> None:
    email = address()
    async with unchanged(services, workspace):
        trial = ok(await workspace.api.post("/invitations?dry_run=true", {"email": email}), 201)
        assert trial["email"] == email
        assert ok(await workspace.api.post("/invitations?dry_run=true", {}), 201)["link"] is None
    await mails_to(services, email, 0)


async def test_the_secret_is_kept_nowhere(
    workspace: Workspace, services: Services, anonymous: Client, tmp_path: Path
) -> None:
    """Not in a document, not in the log, not in an answer but the one that hands it out."""
    email, log = address(), tmp_path / "pastis.log"
    _, client = await newcomer(services, anonymous)
    with logging_of_its_own():
        logging.configure(services.settings.model_copy(update={"log_file": log, "log_level": "DEBUG"}))
        made = await invite(workspace)
        mailed = await invite(workspace, email=email)
        tokens = {token_of(made), await mailed_token(services, email)}
        ok(await accept(client, token_of(made), headers={"Idempotency-Key": "in"}))
        await services.audit_follower.follow(workspace.id)
        paths = (
            "/invitations",
            *(f"/invitations/{one['id']}" for one in (made, mailed)),
            "/events",
            "/audit",
        )
        answers = [await workspace.api.get(one) for one in paths]
    assert all(answer.is_success for answer in answers), [answer.text for answer in answers]
    written = log.read_text()
    assert "/api/v1/invitations/accept" in written
    hashes = {token_hash(one) for one in tokens}
    seen = "".join(answer.text for answer in answers) + written
    assert not any(one in seen for one in tokens | hashes)
    assert email not in written
    await _check_kept(services, workspace, tokens, hashes, email)


async def _check_kept(
    services: Services, workspace: Workspace, tokens: set[str], hashes: set[str], email: str
) -> None:
    async for model, docs in kept_since(services, workspace.users["owner"].id):
        assert workspace.id in docs or model is not Event
        assert not any(one in docs for one in tokens), model
        if model is not InvitationSecret:
            assert not any(one in docs for one in hashes), model
            assert email not in docs, model


async def test_foreign_tokens_are_no_tokens(
    workspace: Workspace, services: Services, anonymous: Client
) -> None:
    """The id, the hash and parts of a token open nothing."""
    made = await invite(workspace)
    _, client = await newcomer(services, anonymous)
    token = await link(workspace)
    for wrong in (made["id"], token_hash(token), token[:-1], token + "A", token.lower()):
        refused(await accept(client, wrong), 410, "invalid_link")


async def test_a_token_for_some_things_invites_no_admins(workspace: Workspace, services: Services) -> None:
    client = (await workspace.token(services, "owner", "invitation:*")).at(workspace.api.base)
    assert (await invite(workspace, client))["role"] == "member"
    async with unchanged(services, workspace):
        refused(await client.post("/invitations", {"role": "admin"}), 403, "permission_denied")
