"""Who is asking, and what they may reach."""

from app.services.access.engine import Access
from app.services.access.paging import Order, Page, PageRequest
from app.services.access.permissions import Permission
from app.services.access.scope import AccountScope, Principal, Scope

__all__ = ["Access", "AccountScope", "Order", "Page", "PageRequest", "Permission", "Principal", "Scope"]
