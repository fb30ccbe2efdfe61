"""What an invitation allows, and to whom. Pure."""

from datetime import datetime

from app.core.config import Registration
from app.core.errors import ErrorCode, FieldCode, PastisError, invalid
from app.models.invitations import Invitation
from app.models.mails import Letter

LINK_USES = 50
"""Of a link that says nothing else: a team's worth, and no open door."""


def link(public_url: str, token: str) -> str:
    """The token stands behind the #, which browsers send to no server and in no Referer."""
    return f"{public_url}/invitations/accept#token={token}"


def masked(address: str) -> str:
    """Enough of an address to be recognised by who knows it."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"


def uses(*, single: bool, wanted: int | None) -> int:
    """How often an invitation may be used; raises `validation_failed` for more than one person's."""
    if not single:
        return wanted or LINK_USES
    if wanted not in (None, 1):
        raise invalid("/max_uses", FieldCode.OUT_OF_RANGE, max=1)
    return 1


def ended(invitation: Invitation, now: datetime) -> str | None:
    """Why nobody can accept it any more; None for a living one."""
    if invitation.uses >= invitation.max_uses:
        return "used"
    return "expired" if invitation.expires_at <= now else None


def check_resendable(invitation: Invitation, email: str | None, now: datetime) -> None:
    """Raises `wrong_state` for what has ended, and where there is no address to write to."""
    state = ended(invitation, now)
    if state is not None:
        raise PastisError(ErrorCode.WRONG_STATE, kind="invitation", state=state)
    if email is None:
        raise PastisError(ErrorCode.WRONG_STATE, reason="not_mailed")


def letter(mode: Registration) -> Letter:
    """What is mailed: that the link also makes an account, only where it does."""
    return Letter.INVITATION_OF_ACCOUNTS if mode is Registration.CLOSED else Letter.INVITATION


def check_bound(email: str | None, own: str) -> None:
    """Raises `wrong_account` for who has another address than the one that was written to."""
    if email is not None and email != own:
        raise PastisError(ErrorCode.WRONG_ACCOUNT)
