"""Public links to projects, and the visits of those who open them."""

from app.services.links.engine import LinkEngine
from app.services.links.visits import Opened, VisitEngine

__all__ = ["LinkEngine", "Opened", "VisitEngine"]
