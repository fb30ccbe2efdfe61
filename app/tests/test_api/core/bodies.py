"""A valid body for every route that takes one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.models.confirmations import Purpose
from app.tests.support.authenticator import Authenticator
from app.tests.support.factories import PASSWORD, make_user
from app.tests.support.factors import (
    add_passkey,
    begin_totp,
    challenge,
    client_of,
    code,
    enable_totp,
    new_credential,
    use_passkey,
)
from app.tests.support.pictures import a_picture
from app.tests.test_api.core.places import (
    Values,
    archive_body,
    finish_identity,
    invitation_token,
    new_project,
    new_task,
    returned,
)
from app.utils.ids import new_id

if TYPE_CHECKING:
    from app.tests.test_api.core.world import World

NEW_PASSWORD = "another horse battery staple"


def _api_token(world: "World", values: Values) -> dict[str, Any]:
    return {
        "name": "Nightly report",
        "scopes": ["task:read", "comment:*"],
        "expires_at": "2096-01-01T00:00:00Z",
    }


async def _refresh(world: "World", values: Values) -> dict[str, str]:
    user = world.workspace.users["member"]
    tokens = await world.services.sessions.open(user.id, remember_me=False, client="tests")
    return {"refresh_token": tokens.refresh_token}


async def _confirm_totp(world: "World", values: Values) -> dict[str, Any]:
    secret = await begin_totp(world.caller)
    return {"code": code(world.services, secret), "end_other_logins": False}


async def _confirm_login(world: "World", values: Values) -> dict[str, str]:
    user = await make_user(world.services)
    client = await client_of(world.services, world.owner, user)
    secret, _ = await enable_totp(client, world.services)
    return {"challenge": await challenge(client, user), "totp": code(world.services, secret, 1)}


async def _create_passkey(world: "World", values: Values) -> dict[str, Any]:
    credential = await new_credential(world.caller, Authenticator())
    return {"name": "Laptop", "credential": credential, "end_other_logins": False}


async def _passkey_login(world: "World", values: Values) -> dict[str, Any]:
    client = await client_of(world.services, world.owner, await make_user(world.services))
    authenticator = Authenticator()
    await add_passkey(client, authenticator)
    return {"credential": await use_passkey(client, authenticator), "remember_me": False}


async def _rank(world: "World", values: Values) -> dict[str, str]:
    return {"after_id": await new_task(world, values)}


async def _move_task(world: "World", values: Values) -> dict[str, str]:
    return {"project_id": await new_project(world, values)}


async def _finish_login(world: "World", values: Values) -> dict[str, str]:
    return await returned(world, "/api/v1/auth/oidc/tests/start")


async def _confirmation(world: "World", purpose: Purpose, subject: str, user_id: str | None) -> str:
    email = f"{new_id()}@fluid.example" if user_id is None or purpose is Purpose.EMAIL_CHANGE else subject
    link = await world.services.confirmations.make(purpose, subject, email, user_id)
    return link.partition("#token=")[2]


async def _registration(world: "World", values: Values) -> dict[str, Any]:
    return {
        "token": await _confirmation(world, Purpose.REGISTRATION, new_id(), None),
        "display_name": "Heidi Hazelton",
        "password": NEW_PASSWORD,
        "time_zone": "America/Toronto",
        "locale": "fr",
        "remember_me": True,
    }


async def _password_reset(world: "World", values: Values) -> dict[str, str]:
    user = await make_user(world.services, "Heidi Hazelton")
    token = await _confirmation(world, Purpose.PASSWORD_RESET, user.email, user.id)
    return {"token": token, "password": NEW_PASSWORD}


async def _email_change(world: "World", values: Values) -> dict[str, str]:
    user = await make_user(world.services, "Heidi Hazelton")
    return {"token": await _confirmation(world, Purpose.EMAIL_CHANGE, user.id, user.id)}


def _login(world: "World", values: Values) -> dict[str, Any]:
    return {"email": world.workspace.users["owner"].email, "password": PASSWORD, "remember_me": False}


def _token(world: "World", values: Values) -> dict[str, str]:
    email = world.workspace.users["owner"].email
    return {"grant_type": "password", "username": email, "password": PASSWORD}


def _create_workspace(world: "World", values: Values) -> dict[str, str]:
    slug = f"w{world.number()}-{world.workspace.slug}"
    return {"slug": slug, "name": "Infusion", "description": "In the open."}


def _create_project(world: "World", values: Values) -> dict[str, Any]:
    lead = world.workspace.membership_ids["member"]
    return {"key": f"Q{world.number()}", "name": "Engage", "description": "A kiosk.", "lead_id": lead}


def _create_task(world: "World", values: Values) -> dict[str, Any]:
    return {
        "project_id": "FLUID",
        "title": "Focus is lost",
        "description": "Steps: press **Escape**.",
        "type": "bug",
        "status_id": world.workspace.statuses["Todo"],
        "priority": "high",
        "label_ids": [],
        "assignee_ids": [world.workspace.membership_ids["member"]],
        "estimate": 3,
        "start_date": "2026-12-01",
        "due_date": "2026-12-18",
    }


def _update_task(world: "World", values: Values) -> dict[str, Any]:
    created = _create_task(world, values)
    return {name: value for name, value in created.items() if name not in ("project_id", "status_id")}


async def _batch(world: "World", values: Values) -> dict[str, Any]:
    return {
        "operations": [
            {"action": "create", "body": _create_task(world, values)},
            {"action": "update", "task": await new_task(world, values), "body": {"priority": "low"}},
            {"action": "trash", "task": await new_task(world, values)},
        ]
    }


def _label_body(world: "World", values: Values) -> dict[str, str]:
    return {"name": f"Keyboard {world.number()}", "color": "#1f77b4", "description": "Without a mouse."}


def _create_grant(world: "World", values: Values) -> dict[str, str]:
    return {"membership_id": world.workspace.membership_ids["member"], "role": "viewer"}


def _create_invitation(world: "World", values: Values) -> dict[str, Any]:
    """A link: whoever gets many mails gets no more."""
    return {"role": "member", "expires_in_days": 30, "max_uses": 1, "locale": "fr"}


def _role_body(world: "World", values: Values) -> dict[str, Any]:
    return {"name": f"QA {world.number()}", "description": "", "permissions": ["comment:create"]}


async def _visit(world: "World", values: Values) -> dict[str, Any]:
    link = await world.workspace.link("viewer", password="four words at once")
    return {"token": link["token"], "password": "four words at once"}


def _team_body(world: "World", values: Values) -> dict[str, Any]:
    members = [world.workspace.membership_ids["member"]]
    return {"name": f"Team {world.number()}", "description": "Of old.", "member_ids": members}


BODIES: dict[str, Callable[["World", Values], Any]] = {
    "accept_invitation": invitation_token,
    "batch_tasks": _batch,
    "confirm_email_change": _email_change,
    "confirm_password_reset": _password_reset,
    "confirm_registration": _registration,
    "confirm_login": _confirm_login,
    "confirm_totp": _confirm_totp,
    "create_comment": lambda world, values: {"body": "Fixed on main."},
    "create_email_change": lambda world, values: {"email": f"{new_id()}@fluid.example"},
    "create_grant": _create_grant,
    "create_import": archive_body,
    "create_invitation": _create_invitation,
    "create_label": _label_body,
    "create_login": _login,
    "create_membership": lambda world, values: {"display_name": "Heidi Hazelton", "role": "member"},
    "create_password_reset": lambda world, values: {"email": f"{new_id()}@fluid.example"},
    "create_passkey": _create_passkey,
    "create_passkey_login": _passkey_login,
    "create_project": _create_project,
    "create_reauthentication": lambda world, values: {"password": PASSWORD},
    "create_registration": lambda world, values: {"email": f"{new_id()}@fluid.example", "locale": "fr"},
    "create_role": _role_body,
    "create_link": lambda world, values: {
        "name": "Beta testers",
        "role": "commenter",
        "password": "four words at once",
        "expires_at": "2096-01-01T00:00:00Z",
    },
    "create_my_token": _api_token,
    "create_service_token": _api_token,
    "create_status": lambda world, values: {"name": f"QA {world.number()}", "category": "in_progress"},
    "create_task": _create_task,
    "create_team": _team_body,
    "create_token": _token,
    "create_visit": _visit,
    "create_workspace": _create_workspace,
    "finish_identity": finish_identity,
    "finish_oidc_login": _finish_login,
    "merge_membership": lambda world, values: {"into_id": world.workspace.membership_ids["member"]},
    "move_status": lambda world, values: {"after_id": None},
    "move_task": _move_task,
    "preview_invitation": invitation_token,
    "rank_task": _rank,
    "refresh_login": _refresh,
    "start_identity": lambda world, values: {"redirect_uri": "http://localhost:8001/back"},
    "start_oidc_login": lambda world, values: {"remember_me": True, "redirect_uri": None},
    "update_avatar": lambda world, values: a_picture(),
    "update_comment": lambda world, values: {"body": "Fixed on main, see r10241."},
    "update_grant": lambda world, values: {"role": "commenter"},
    "update_label": _label_body,
    "update_me": lambda world, values: {"display_name": "Justin", "time_zone": "UTC", "locale": None},
    "update_membership": lambda world, values: {"display_name": "Yura", "role": "member"},
    "update_passkey": lambda world, values: {"name": "Work laptop"},
    "update_password": lambda world, values: {"current_password": PASSWORD, "password": NEW_PASSWORD},
    "update_project": lambda world, values: {"name": "Decapod 2", "description": "", "lead_id": None},
    "update_link": lambda world, values: {"role": "commenter", "name": "Everybody"},
    "update_role": _role_body,
    "update_status": lambda world, values: {"name": f"In QA {world.number()}"},
    "update_task": _update_task,
    "update_team": _team_body,
    "update_workspace": lambda world, values: {"name": "Fluid", "description": "Inclusive design."},
}
