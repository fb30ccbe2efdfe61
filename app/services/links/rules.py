"""What opens a link, until when, and who may make one. Pure."""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

from app.core.errors import ErrorCode, PastisError
from app.core.security import derive_token
from app.models.links import LinkRole
from app.models.projects import Project, Visibility
from app.services.access.rules import OF_LINK, Permissions
from app.utils.ids import is_id

PREFIX = "pastis_lnk_"
VISIT_LIFE = timedelta(hours=12)
MAX_LINKS = 100
"""Of one project."""


def link_token(secret: bytes, link_id: str) -> str:
    """What opens a link: its id, and HMAC-SHA256 of it with the server's secret."""
    return f"{PREFIX}{link_id}.{derive_token(secret, 'link', link_id)}"


def link_of(token: str, secrets: Sequence[bytes]) -> str | None:
    """The id of the link that a token opens by one of the server's secrets; None for what opens none."""
    link_id = token.removeprefix(PREFIX).partition(".")[0]
    if not is_id(link_id):
        return None
    known = (link_token(secret, link_id).encode() for secret in secrets)
    return link_id if any(hmac.compare_digest(token.encode(), one) for one in known) else None


def visit_end(now: datetime, expires_at: datetime | None) -> datetime:
    """When a visit ends: with the link, at the latest after its own time."""
    ends = now + VISIT_LIFE
    return ends if expires_at is None else min(ends, expires_at)


def check_open(project: Project) -> None:
    """Raises `archived`."""
    if project.archived_at is not None:
        raise PastisError(ErrorCode.ARCHIVED, kind="project")


def check_shared(project: Project) -> None:
    """Raises `wrong_visibility` for a project that is not open to links."""
    if project.visibility is not Visibility.LINK:
        raise PastisError(ErrorCode.WRONG_VISIBILITY)


def check_giver(own: Permissions, role: LinkRole) -> None:
    """Raises `permission_denied` where somebody would let others do what they may not do themselves."""
    missing = OF_LINK[role] - own
    if missing:
        raise PastisError(ErrorCode.PERMISSION_DENIED, permission=min(missing))
