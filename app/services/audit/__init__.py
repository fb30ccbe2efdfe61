"""The audit log: what concerns security, in chains that show where they were touched."""

from app.models.audit import AuditKind
from app.services.audit.engine import OPERATOR, AuditEngine
from app.services.audit.jobs import AuditFollower

__all__ = ["OPERATOR", "AuditEngine", "AuditFollower", "AuditKind"]
