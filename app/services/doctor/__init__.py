"""Whether an installation is well, and what to do where it is not."""

from app.services.doctor.engine import examine
from app.services.doctor.rules import Finding, Health

__all__ = ["Finding", "Health", "examine"]
