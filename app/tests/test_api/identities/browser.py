"""Somebody at a front end who goes to the provider and comes back."""

from typing import Any

from app.core.documents import Doc
from app.models.identities import Identity
from app.models.sessions import Session
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok
from app.tests.support.openid_provider import OpenIdProvider
from app.utils.ids import new_id

LOGIN = "/api/v1/auth/oidc/tests"
LINK = "/api/v1/me/identities/tests"


class Browser:
    def __init__(self, client: Client, provider: OpenIdProvider, base: str = LOGIN) -> None:
        self.client = client
        self.provider = provider
        self.base = base

    async def start(self, **body: Any) -> Any:
        return ok(await self.client.post(f"{self.base}/start", body), 200)

    async def returned(self, userinfo: Doc | None = None, **claims: Any) -> Doc:
        """What it has to send to finish, once somebody of these claims has logged in at the provider."""
        started = await self.start()
        back = self.provider.log_in(started["authorization_url"], userinfo, **claims)
        return {**back, "browser_token": started["browser_token"]}

    async def finish(self, body: Doc) -> Answer:
        return await self.client.post(f"{self.base}/finish", body)

    async def log_in(self, userinfo: Doc | None = None, **claims: Any) -> Answer:
        return await self.finish(await self.returned(userinfo, **claims))


def somebody(**claims: Any) -> Doc:
    """The claims of a person whom nobody has seen before."""
    subject = f"subject-{new_id()}"
    person = {"sub": subject, "email": f"{subject}@fluid.example", "email_verified": True}
    return {**person, "name": "Clayton Lewis", **claims}


async def identity_of(services: Services, subject: str) -> Doc | None:
    return await services.database.collection(Identity).find_one({"subject": subject})


async def user_of(services: Services, email: str) -> Doc | None:
    return await services.database.collection(User).find_one({"email": email})


async def session_of(services: Services, user_id: str) -> Doc:
    found = await services.database.collection(Session).find({"user_id": user_id}).to_list()
    assert len(found) == 1
    return found[0]


async def nobody_was_let_in(services: Services, claims: Doc) -> None:
    """No account, identity or login came of it."""
    assert await identity_of(services, claims["sub"]) is None
    assert await user_of(services, claims["email"]) is None
