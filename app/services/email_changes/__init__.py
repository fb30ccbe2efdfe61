"""Changes of an account's address."""

from app.services.email_changes.engine import EmailChangeEngine

__all__ = ["EmailChangeEngine"]
