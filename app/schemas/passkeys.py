"""Passkeys. What a browser gives and takes is as WebAuthn Level 3 writes it in JSON."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from app.schemas.auth import Cookies
from app.schemas.base import ID, OMITTED, TIME, Body, Flag, Id, Name, Shown, example

Encoded = Annotated[str, Field(max_length=8192, pattern=r"^[A-Za-z0-9_-]+$")]
"""Bytes in base64url without padding."""
EndOthers = Annotated[
    Flag, Field(description="End all other logins of the account, as they were made without it.")
]
_CREDENTIAL = {
    "id": "pX3kQ2c9oJmY1n0Yk6dJwA",
    "rawId": "pX3kQ2c9oJmY1n0Yk6dJwA",
    "type": "public-key",
}
_ATTESTATION_RESPONSE: dict[str, Any] = {
    "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0",
    "attestationObject": "o2NmbXRkbm9uZQ",
    "transports": ["internal"],
}
_ASSERTION_RESPONSE: dict[str, Any] = {
    "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
    "authenticatorData": "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAg",
    "signature": "MEUCIQDx3J0Yk6dJw2mB8cT5rQ7uV4wX1yZ0",
    "userHandle": "MDE5N2YwYzQtN2QxYS03YzNlLTliNjA",
}
ASSERTION: dict[str, Any] = {**_CREDENTIAL, "response": _ASSERTION_RESPONSE}
PASSKEY: dict[str, Any] = {
    "id": ID,
    "name": "Laptop",
    "synced": False,
    "created_at": TIME,
    "last_used_at": TIME,
    "clone_suspected_at": None,
}
RECOVERY_CODES = ["k3vq-7mzd-x2pa-hw5t", "b6rn-4ycj-u3se-gf2l"]


class _Credential(BaseModel):
    """As the browser's `toJSON()` gives it; members that are not named here are ignored."""

    id: Encoded
    raw_id: Encoded = Field(alias="rawId")
    type: Literal["public-key"]

    def plain(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True)


class AttestationResponse(BaseModel):
    client_data_json: Encoded = Field(alias="clientDataJSON")
    attestation_object: Encoded = Field(alias="attestationObject")
    transports: Annotated[
        list[Annotated[str, Field(max_length=32)]],
        Field(max_length=10, description="How the device is reached, as browsers tell it."),
    ] = []

    model_config = example(**_ATTESTATION_RESPONSE)


class Attestation(_Credential):
    """A new passkey, as `navigator.credentials.create()` gives it."""

    response: AttestationResponse

    model_config = example(**_CREDENTIAL, response=_ATTESTATION_RESPONSE)


class AssertionResponse(BaseModel):
    client_data_json: Encoded = Field(alias="clientDataJSON")
    authenticator_data: Encoded = Field(alias="authenticatorData")
    signature: Encoded
    user_handle: Encoded = Field(alias="userHandle")

    model_config = example(**_ASSERTION_RESPONSE)


class Assertion(_Credential):
    """The use of a passkey, as `navigator.credentials.get()` gives it."""

    response: AssertionResponse

    model_config = example(**ASSERTION)


class PasskeyOptionsRead(Shown):
    public_key: dict[str, Any] = Field(
        description="For `PublicKeyCredential.parseCreationOptionsFromJSON` or "
        "`parseRequestOptionsFromJSON`. Its challenge is good once, for five minutes."
    )

    model_config = Shown.model_config | example(
        public_key={
            "challenge": "Jx3vQ2c9oJmY1n0Yk6dJw2mB8cT5rQ7uV4wX1yZ0aBc",
            "rpId": "pastis.example",
            "timeout": 300000,
            "allowCredentials": [],
            "userVerification": "required",
        }
    )


class PasskeyCreate(Body):
    name: Name
    credential: Attestation
    end_other_logins: EndOthers = True

    model_config = Body.model_config | example(
        name="Laptop", credential={**_CREDENTIAL, "response": _ATTESTATION_RESPONSE}
    )


class PasskeyPatch(Body):
    name: Name = OMITTED

    model_config = Body.model_config | example(name="Work laptop")


class PasskeyRead(Shown):
    id: Id
    name: str
    synced: bool = Field(description="It can be on several devices; else it never leaves its own.")
    created_at: datetime
    last_used_at: datetime | None
    clone_suspected_at: datetime | None = Field(
        description="When its counter last went backwards, as that of a copy does. Better remove it."
    )

    model_config = Shown.model_config | example(**PASSKEY)


class PasskeyCreatedRead(PasskeyRead):
    recovery_codes: list[str] = Field(
        description="Shown only now. Empty where the account has recovery codes already."
    )

    model_config = Shown.model_config | example(**PASSKEY, recovery_codes=RECOVERY_CODES)


class PasskeyLoginCreate(Body):
    credential: Assertion
    remember_me: Flag = Field(False, description="Stay logged in for 30 days rather than 12 hours.")
    cookies: Cookies = False

    model_config = Body.model_config | example(credential=ASSERTION, remember_me=True, cookies=False)
