"""Changes of an account's address, by a link in a mail to the new one."""

from fastapi import APIRouter, Depends, Response

from app.api.deps import Account, Language, Process, checked_spare_key, refuse_match
from app.api.gate import Public, RequiresAccount
from app.api.requests import StrictRoute
from app.api.v1 import problems
from app.schemas.email_changes import EmailChangeConfirm, EmailChangeCreate

router = APIRouter(tags=["email_changes"], route_class=StrictRoute)
HEADERS = [Depends(checked_spare_key), Depends(refuse_match)]


@router.post(
    "/me/email",
    status_code=202,
    response_class=Response,
    responses=problems.RECENT_MAIL_REQUEST,
    dependencies=[Depends(RequiresAccount(recent=True)), *HEADERS],
)
async def create_email_change(
    services: Process, account: Account, language: Language, body: EmailChangeCreate
) -> Response:
    """Have a link mailed to a new address. The account keeps the present one until that is confirmed."""
    await services.email_changes.request(account.principal.user_id, body.email, language)
    return Response(status_code=202)


@router.post(
    "/email-changes/confirm",
    status_code=204,
    responses=problems.LINK,
    dependencies=[Depends(Public("the mail may be read where nobody is logged in")), *HEADERS],
)
async def confirm_email_change(services: Process, body: EmailChangeConfirm) -> Response:
    """Change the address with the token of the link."""
    await services.email_changes.confirm(body.token)
    return Response(status_code=204)
