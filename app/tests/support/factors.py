"""Second factors set up and used as clients do."""

from typing import Any

import pyotp

from app.core.documents import Doc
from app.models.factors import FactorSet
from app.models.sessions import Session
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.authenticator import Authenticator
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.factories import PASSWORD, log_in

FACTORS = "/api/v1/me/factors"
PASSKEYS = "/api/v1/me/passkeys"
LOGIN = "/api/v1/auth/login"


def code(services: Services, secret: str, steps: int = 0) -> str:
    """What the app shows now, or so many steps of half a minute from now."""
    return pyotp.TOTP(secret).at(services.clock.now(), counter_offset=steps)


async def begin_totp(client: Client) -> str:
    """A secret that waits for its first code."""
    return str(ok(await client.post(f"{FACTORS}/totp"), 200)["secret"])


async def enable_totp(client: Client, services: Services, **options: Any) -> tuple[str, list[str]]:
    """The secret, and the recovery codes. The present code has counted, that of `code(..., 1)` has not."""
    secret = await begin_totp(client)
    body = {"code": code(services, secret), **options}
    return secret, ok(await client.post(f"{FACTORS}/totp/confirm", body), 200)["recovery_codes"]


async def add_passkey(
    client: Client, authenticator: Authenticator, name: str = "Laptop", **options: Any
) -> dict[str, Any]:
    credential = await new_credential(client, authenticator)
    made: dict[str, Any] = ok(
        await client.post(PASSKEYS, {"name": name, "credential": credential, **options}), 201
    )
    return made


async def new_credential(client: Client, authenticator: Authenticator) -> dict[str, Any]:
    options = ok(await client.post(f"{PASSKEYS}/options"), 200)["public_key"]
    return authenticator.create(options)


async def use_passkey(client: Client, authenticator: Authenticator) -> dict[str, Any]:
    """What the browser gives for a fresh challenge."""
    options = ok(await client.as_(None).post("/api/v1/auth/passkeys/options"), 200)["public_key"]
    return authenticator.get(options)


async def challenge(client: Client, user: User, **options: Any) -> str:
    """What a login by password waits with for a second factor."""
    body = {"email": user.email, "password": PASSWORD, **options}
    problem = refused(await client.as_(None).post(LOGIN, body), 401, "factor_required")
    return str(problem["challenge"])


async def kept_factors(services: Services, user: User) -> Doc:
    """What the database has of somebody's second factors, passkeys aside."""
    return await services.database.collection(FactorSet).find_one({"_id": user.id}) or {}


async def logins(services: Services, user: User) -> list[Doc]:
    """Somebody's logins, as the database has them."""
    return await services.database.collection(Session).find({"user_id": user.id}).sort("_id").to_list()


async def confirm(client: Client, challenge: str, **proof: Any) -> Answer:
    """Answer a challenge, by nobody who is logged in."""
    return await client.as_(None).post(f"{LOGIN}/factor", {"challenge": challenge, **proof})


async def client_of(services: Services, anonymous: Client, user: User) -> Client:
    """Somebody who has just logged in by password, whatever factors the account has."""
    return anonymous.as_(await log_in(services, user))
