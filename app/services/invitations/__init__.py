"""Invitations: who may come into a workspace, by mail or by link, and how they do."""

from app.services.invitations.acceptances import Acceptances
from app.services.invitations.engine import InvitationEngine, check_invitable
from app.services.invitations.issues import Issued, Issues

__all__ = ["Acceptances", "InvitationEngine", "Issued", "Issues", "check_invitable"]
