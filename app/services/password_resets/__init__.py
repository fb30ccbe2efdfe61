"""Password resets, for those who have forgotten theirs."""

from app.services.password_resets.engine import PasswordResetEngine

__all__ = ["PasswordResetEngine"]
