"""Who is asking, and what they may reach."""

from app.models.permissions import Permission
from app.services.access.engine import Access
from app.services.access.paging import Order, Page, PageRequest
from app.services.access.scope import AccountScope, Scope
from app.services.access.standing import (
    AccountPrincipal,
    Credential,
    Principal,
    PrincipalKind,
    Standing,
    looks_like_account,
)

__all__ = [
    "Access",
    "AccountPrincipal",
    "AccountScope",
    "Credential",
    "Order",
    "Page",
    "PageRequest",
    "Permission",
    "Principal",
    "PrincipalKind",
    "Scope",
    "Standing",
    "looks_like_account",
]
