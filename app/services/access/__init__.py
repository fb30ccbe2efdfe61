"""Who is asking, and what they may reach."""

from app.services.access.engine import Access
from app.services.access.scope import Principal, Scope

__all__ = ["Access", "Principal", "Scope"]
