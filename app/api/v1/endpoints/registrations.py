"""Registrations: accounts that people make for themselves, by a link in a mail."""

from fastapi import APIRouter, Depends, Response

from app.api.deps import CallerOf, Language, Process, checked_spare_key, refuse_match
from app.api.gate import Public
from app.api.requests import StrictRoute
from app.api.v1 import problems
from app.api.v1.endpoints.auth import device_of, handed_out
from app.schemas.auth import TokensRead
from app.schemas.registrations import RegistrationConfirm, RegistrationCreate

router = APIRouter(prefix="/registrations", tags=["registrations"], route_class=StrictRoute)
PUBLIC = [
    Depends(Public("who registers has no login yet")),
    Depends(checked_spare_key),
    Depends(refuse_match),
]


@router.post(
    "",
    status_code=202,
    response_class=Response,
    responses=problems.REGISTRATION_REQUEST,
    dependencies=PUBLIC,
)
async def create_registration(services: Process, language: Language, body: RegistrationCreate) -> Response:
    """Have a link mailed. The answer does not tell whether the address has an account; the mail does."""
    await services.registrations.request(body.email, body.locale or language, body.invitation)
    return Response(status_code=202)


@router.post(
    "/confirm",
    response_model=TokensRead,
    responses=problems.REGISTRATION_LINK,
    dependencies=PUBLIC,
)
async def confirm_registration(services: Process, caller: CallerOf, body: RegistrationConfirm) -> Response:
    """Make the account with the token of the link, or of an invitation by mail, and log in."""
    if body.cookies:
        caller.refuse_other_sites()
    tokens = await services.registrations.confirm(body, **device_of(caller))
    return handed_out(caller, tokens, cookies=body.cookies)
