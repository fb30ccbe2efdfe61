"""One's own second factors: codes from an app, and recovery codes."""

from dataclasses import asdict

from fastapi import APIRouter, Depends, Request, Response

from app.api.deps import Account, Process, checked_spare_key, refuse_match
from app.api.gate import RequiresAccount
from app.api.requests import StrictRoute
from app.api.responses import plain, secret
from app.api.v1 import problems
from app.schemas.factors import FactorsRead, RecoveryCodesRead, TotpConfirm, TotpSecretRead

router = APIRouter(prefix="/me/factors", tags=["factors"], route_class=StrictRoute)
HEADERS = [Depends(checked_spare_key), Depends(refuse_match)]
LOGIN = [Depends(RequiresAccount())]
RECENT_LOGIN = [Depends(RequiresAccount(recent=True)), *HEADERS]


@router.get("", response_model=FactorsRead, responses=problems.ACCOUNT_READ, dependencies=LOGIN)
async def get_factors(services: Process, account: Account, request: Request) -> Response:
    """What second factors one has."""
    shown = FactorsRead.model_validate(
        await services.factors.shown(account.principal.user_id), from_attributes=True
    )
    return plain(request, shown.model_dump())


@router.post(
    "/totp", response_model=TotpSecretRead, responses=problems.FACTOR_WRITE, dependencies=RECENT_LOGIN
)
async def create_totp(services: Process, account: Account) -> Response:
    """A secret for an authenticator app. It counts once its first code is confirmed, within ten minutes."""
    return secret(asdict(await services.factors.begin_totp(account.principal)))


@router.post(
    "/totp/confirm",
    response_model=RecoveryCodesRead,
    responses=problems.FACTOR_UPDATE,
    dependencies=[*LOGIN, *HEADERS],
)
async def confirm_totp(services: Process, account: Account, body: TotpConfirm) -> Response:
    """Show by a code that the app has the secret, which counts from now on; gives new recovery codes."""
    codes = await services.factors.confirm_totp(
        account.principal, body.code, end_others=body.end_other_logins
    )
    return secret({"recovery_codes": codes})


@router.delete("/totp", status_code=204, responses=problems.FACTOR_WRITE, dependencies=RECENT_LOGIN)
async def delete_totp(services: Process, account: Account) -> Response:
    """Let no app's codes count any more. All other logins end."""
    await services.factors.remove_totp(account.principal)
    return Response(status_code=204)


@router.post(
    "/recovery-codes",
    response_model=RecoveryCodesRead,
    responses=problems.FACTOR_WRITE,
    dependencies=RECENT_LOGIN,
)
async def create_recovery_codes(services: Process, account: Account) -> Response:
    """New recovery codes. The former ones are void."""
    codes = await services.factors.renew_recovery_codes(account.principal.user_id)
    return secret({"recovery_codes": codes})
