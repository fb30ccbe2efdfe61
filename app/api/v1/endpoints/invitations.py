"""Invitations into a workspace: made by its admins, accepted by those who have the token."""

from fastapi import APIRouter, Depends, Request, Response

from app.api.deps import (
    AccountWriter,
    Invitations,
    InvitationWriter,
    Language,
    Paging,
    Process,
    checked_spare_key,
    refuse_match,
)
from app.api.gate import Public, Requires, RequiresAccount
from app.api.requests import StrictRoute
from app.api.responses import changed, created, deleted, found, listed, secret
from app.api.v1 import problems
from app.schemas.base import Id
from app.schemas.invitations import (
    InvitationCreate,
    InvitationMade,
    InvitationPreview,
    InvitationRead,
    InvitationToken,
)
from app.schemas.memberships import MembershipRead
from app.schemas.pagination import Page
from app.services.access import Permission

router = APIRouter(
    prefix="/workspaces/{workspace}/invitations", tags=["invitations"], route_class=StrictRoute
)
invited = APIRouter(prefix="/invitations", tags=["invitations"], route_class=StrictRoute)
READ = [Depends(Requires(Permission.INVITATION_READ))]
CREATE = [Depends(Requires(Permission.INVITATION_CREATE))]


@router.post(
    "",
    status_code=201,
    response_model=InvitationMade,
    responses=problems.INVITE,
    dependencies=[*CREATE, Depends(refuse_match)],
)
async def create_invitation(
    invitations: InvitationWriter, request: Request, language: Language, body: InvitationCreate
) -> Response:
    """Invite by mail, or by a link, which is shown this once."""
    made = await invitations.create(body, language)
    return created(request, made.outcome, {"email": made.email, "link": made.link})


@router.get("", response_model=Page[InvitationRead], responses=problems.READ, dependencies=READ)
async def list_invitations(invitations: Invitations, request: Request, page: Paging) -> Response:
    """The invitations of a workspace, the newest first, also those that have ended."""
    return listed(request, await invitations.page(page))


@router.get("/{invitation}", response_model=InvitationRead, responses=problems.READ, dependencies=READ)
async def get_invitation(invitations: Invitations, request: Request, invitation: Id) -> Response:
    """One invitation."""
    return found(request, await invitations.get(invitation))


@router.delete(
    "/{invitation}",
    status_code=204,
    response_class=Response,
    responses=problems.ACTION,
    dependencies=[Depends(Requires(Permission.INVITATION_DELETE))],
)
async def delete_invitation(invitations: InvitationWriter, invitation: Id) -> Response:
    """Revoke an invitation: its link is dead."""
    return deleted(await invitations.revoke(invitation))


@router.post(
    "/{invitation}/resend",
    response_model=InvitationRead,
    responses=problems.INVITE,
    dependencies=CREATE,
)
async def resend_invitation(invitations: InvitationWriter, invitation: Id) -> Response:
    """Mail an invitation again, with a new link; the former one is dead."""
    sent = await invitations.resend(invitation)
    return changed(sent.outcome, {"email": sent.email})


@invited.post(
    "/preview",
    response_model=InvitationPreview,
    responses=problems.LINK,
    dependencies=[
        Depends(Public("who is invited may have no account yet")),
        Depends(checked_spare_key),
        Depends(refuse_match),
    ],
)
async def preview_invitation(services: Process, body: InvitationToken) -> Response:
    """What the token invites to."""
    return secret(await services.acceptances.preview(body.token))


@invited.post(
    "/accept",
    response_model=MembershipRead,
    responses=problems.INVITATION_ACCEPT,
    dependencies=[Depends(RequiresAccount()), Depends(refuse_match)],
)
async def accept_invitation(services: Process, account: AccountWriter, body: InvitationToken) -> Response:
    """Come into the workspace, with the account that is logged in."""
    return changed(await services.acceptances.accept(account, body.token))
