"""Who may change whose membership. Pure."""

from app.core.documents import Doc
from app.core.errors import ErrorCode, FieldCode, PastisError, invalid
from app.models.memberships import Membership, MembershipType, Role
from app.services.access.rules import highest, may_manage
from app.services.access.standing import Standing

NOBODY = "Deleted user"
"""What people whose account was deleted are called."""
_NOT_FOR_VISITORS = ("custom_role_id", "role", "user_id")


def for_visitors(values: Doc) -> Doc:
    """A membership, or some of its fields, as who came by a public link sees it: who it is, not what for."""
    return values | {name: None for name in _NOT_FOR_VISITORS if name in values}


def check_manage(actor: Role, *roles: Role) -> None:
    """Raises `permission_denied` where somebody reaches above their own role, with the role that it takes."""
    needed = highest(roles)
    if not may_manage(actor, needed):
        raise PastisError(ErrorCode.PERMISSION_DENIED, role=needed)


def check_custom_role(standing: Standing, role: Role, custom_role_id: str | None) -> None:
    """Raises `permission_denied`: only admins give custom roles; `validation_failed` for who is no member."""
    if custom_role_id is None:
        return
    if not standing.is_admin:
        raise PastisError(ErrorCode.PERMISSION_DENIED, role=Role.ADMIN)
    if role is not Role.MEMBER:
        raise invalid("/custom_role_id", FieldCode.REFUSED, reason="no_custom_role")


def check_type(type_: MembershipType, email: str | None) -> None:
    """Raises `validation_failed`: a service account is nobody's."""
    if type_ is MembershipType.SERVICE and email is not None:
        raise invalid("/email", FieldCode.REFUSED, reason="no_address")


def takes_owner(membership: Membership, new_role: Role | None) -> bool:
    """Whether the workspace loses an owner; then there must be another. `new_role` is None for removal.

    A placeholder cannot log in, so it is no owner that counts.
    """
    return membership.role == Role.OWNER and membership.user_id is not None and new_role != Role.OWNER


def without_person(ops: list[Doc], membership_id: str) -> list[Doc]:
    """The operations of an event, with nothing in them that says who a membership belonged to.

    They say the same everywhere, so that the log still adds up to the membership as it is now.
    """
    return [
        {**op, "set": _without_person(op["set"]), "before": _without_person(op["before"])}
        if (op["kind"], op["id"]) == (Membership.KIND, membership_id)
        else op
        for op in ops
    ]


def _without_person(values: Doc) -> Doc:
    nobody = {"display_name": NOBODY, "user_id": None}
    return {name: nobody.get(name, value) for name, value in values.items()}
