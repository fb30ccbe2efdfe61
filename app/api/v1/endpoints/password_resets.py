"""Password resets, by a link in a mail."""

from fastapi import APIRouter, Depends, Response

from app.api.deps import Language, Process, checked_spare_key, refuse_match
from app.api.gate import Public
from app.api.requests import StrictRoute
from app.api.v1 import problems
from app.schemas.password_resets import PasswordResetConfirm, PasswordResetCreate

router = APIRouter(prefix="/password-resets", tags=["password_resets"], route_class=StrictRoute)
PUBLIC = [
    Depends(Public("who has forgotten the password cannot log in")),
    Depends(checked_spare_key),
    Depends(refuse_match),
]


@router.post(
    "", status_code=202, response_class=Response, responses=problems.MAIL_REQUEST, dependencies=PUBLIC
)
async def create_password_reset(services: Process, language: Language, body: PasswordResetCreate) -> Response:
    """Have a link mailed, if the address has an account; the answer does not tell. Former links end."""
    await services.password_resets.request(body.email, language)
    return Response(status_code=202)


@router.post("/confirm", status_code=204, responses=problems.LINK, dependencies=PUBLIC)
async def confirm_password_reset(services: Process, body: PasswordResetConfirm) -> Response:
    """Set the password with the token of the link. All logins of the account end."""
    await services.password_resets.confirm(body.token, body.password)
    return Response(status_code=204)
