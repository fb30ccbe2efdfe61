"""Second factors: what an account has, and how one is proven."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from app.core.errors import FieldCode
from app.schemas.auth import Cookies, DeviceToken, Password, Token
from app.schemas.base import OMITTED, TIME, Body, Shown, example, refusal
from app.schemas.passkeys import PASSKEY, RECOVERY_CODES, Assertion, EndOthers, PasskeyRead

TotpCode = Annotated[str, Field(pattern=r"^[0-9]{6}$", description="The six digits that the app shows now.")]
RecoveryCode = Annotated[
    str,
    Field(
        min_length=16,
        max_length=32,
        pattern=r"^[A-Za-z2-7 -]+$",
        description="One that has not been used. Hyphens, spaces and case do not count.",
    ),
]
_WAYS = ("totp", "recovery_code", "passkey")


class FactorProof(Body):
    """The ways to prove a second factor, of which one is taken."""

    totp: TotpCode = OMITTED
    recovery_code: RecoveryCode = OMITTED
    passkey: Assertion = OMITTED

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = self.model_fields_set
        if not given & {*_WAYS, "password"}:
            raise refusal(FieldCode.MISSING)
        if len(given.intersection(_WAYS)) > 1:
            raise refusal(FieldCode.INVALID_CHOICE, exclusive=", ".join(_WAYS))
        return self


class LoginConfirm(FactorProof):
    challenge: Token
    cookies: Cookies = False
    device_token: DeviceToken = None

    model_config = Body.model_config | example(
        challenge="Jx3vQ2c9oJmY1n0Yk6dJw2mB8cT5rQ7uV4wX1yZ0aBc", totp="492039", cookies=False
    )


class ReauthenticationCreate(FactorProof):
    """The password, and a second factor if the account has any; a passkey is enough without the password."""

    password: Password = OMITTED

    model_config = Body.model_config | example(password="correct-horse-battery", totp="492039")


class TotpSecretRead(Shown):
    secret: str = Field(description="In base32, for those who type it in.")
    uri: str = Field(description="The same as an address, for apps on this device.")
    qr_code: str = Field(description="The address as a QR code, an SVG document.")

    model_config = Shown.model_config | example(
        secret="GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        uri="otpauth://totp/Pastis:justin%40fluid.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Pastis",
        qr_code='<svg xmlns="http://www.w3.org/2000/svg" width="132" height="132"></svg>',
    )


class TotpConfirm(Body):
    code: TotpCode
    end_other_logins: EndOthers = True

    model_config = Body.model_config | example(code="492039")


class RecoveryCodesRead(Shown):
    recovery_codes: list[str] = Field(description="Shown only now; each counts once. Former ones are void.")

    model_config = Shown.model_config | example(recovery_codes=RECOVERY_CODES)


class TotpRead(Shown):
    created_at: datetime

    model_config = Shown.model_config | example(created_at=TIME)


class FactorsRead(Shown):
    totp: TotpRead | None = Field(description="Codes from an app; null where there are none.")
    passkeys: list[PasskeyRead]
    recovery_codes_left: int

    model_config = Shown.model_config | example(
        totp={"created_at": TIME}, passkeys=[PASSKEY], recovery_codes_left=9
    )
