"""Mail: what waits in the database, and how it is delivered."""

from app.services.mail.engine import MailEngine
from app.services.mail.transport import Undeliverable, greet

__all__ = ["MailEngine", "Undeliverable", "greet"]
