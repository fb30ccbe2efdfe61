"""Mail: an outbox in the database, and who empties it."""

from app.services.mail.engine import MailEngine
from app.services.mail.jobs import MailJobs
from app.services.mail.transport import Undeliverable, greet

__all__ = ["MailEngine", "MailJobs", "Undeliverable", "greet"]
