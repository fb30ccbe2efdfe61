"""Single sign-on: providers, logins under way, and the identities of an account."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.schemas.auth import Cookies
from app.schemas.base import ID, OTHER_ID, TIME, Body, Flag, Id, Shown, WebAddress, example

_STATE = "4sVxb0bPpW6m3dX1xkS3w8Zq2mF7yN5cT9uR1vL0hKg"
_BROWSER = "pQ7uV4wX1yZ0aBcJx3vQ2c9oJmY1n0Yk6dJw2mB8cT5"
_FINISH: dict[str, Any] = {
    "code": "noUsEFBLn50s7oHACyqdqaBiocsQs8Fgbg1rUUEb3SfgwSXL",
    "state": _STATE,
    "browser_token": _BROWSER,
    "iss": "https://id.fluid.example/realms/fluid",
}
RedirectUri = Annotated[
    WebAddress | None,
    Field(
        description="Where the provider sends people back to; else `/auth/oidc/<provider>` of the web app."
    ),
]


class OidcProviderRead(Shown):
    id: str
    name: str = Field(description="What to write on the button.")
    start: str = Field(description="Where a login with it is started.")

    model_config = Shown.model_config | example(
        id="fluid", name="Fluid account", start="/api/v1/auth/oidc/fluid/start"
    )


class OidcProvidersRead(Shown):
    items: list[OidcProviderRead]

    model_config = Shown.model_config | example(
        items=[{"id": "fluid", "name": "Fluid account", "start": "/api/v1/auth/oidc/fluid/start"}]
    )


class OidcLoginStart(Body):
    redirect_uri: RedirectUri = None
    remember_me: Flag = Field(False, description="Stay logged in for 30 days rather than 12 hours.")

    model_config = Body.model_config | example(remember_me=True)


class IdentityStart(Body):
    redirect_uri: RedirectUri = None

    model_config = Body.model_config | example(redirect_uri="https://pastis.example.org/auth/oidc/fluid")


class OidcStarted(Shown):
    authorization_url: str = Field(description="Send the person there.")
    browser_token: str = Field(description="Keep it in this browser alone, and send it to finish.")
    expires_in: int = Field(description="Seconds in which the login must be finished.")

    model_config = Shown.model_config | example(
        authorization_url="https://id.fluid.example/auth?response_type=code&client_id=pastis",
        browser_token=_BROWSER,
        expires_in=600,
    )


class OidcFinish(Body):
    """What the provider appended to the redirect URI, and the token that `start` gave this browser."""

    code: Annotated[str, Field(min_length=1, max_length=4096)]
    state: Annotated[str, Field(min_length=1, max_length=200)]
    browser_token: Annotated[str, Field(min_length=1, max_length=200)]
    iss: Annotated[str, Field(min_length=1, max_length=2000)] | None = Field(
        None, description="Required where the provider sent it."
    )

    model_config = Body.model_config | example(**_FINISH)


class OidcLoginFinish(OidcFinish):
    cookies: Cookies = False

    model_config = Body.model_config | example(**_FINISH, cookies=False)


_IDENTITY: dict[str, Any] = {
    "id": ID,
    "user_id": OTHER_ID,
    "provider": "fluid",
    "issuer": "https://id.fluid.example/realms/fluid",
    "subject": "f3a7b0de-6a3c-4c61-9b7e-0f2d55a8c9e1",
    "email": "justin@fluid.example",
    "created_at": TIME,
    "last_used_at": TIME,
}


class IdentityRead(Shown):
    id: Id
    user_id: Id
    provider: str
    issuer: str
    subject: str = Field(description="Who the person is for the issuer.")
    email: str | None = Field(description="The address as the provider said it last.")
    created_at: datetime
    last_used_at: datetime

    model_config = Shown.model_config | example(**_IDENTITY)


class IdentitiesRead(Shown):
    items: list[IdentityRead]

    model_config = Shown.model_config | example(items=[_IDENTITY])
