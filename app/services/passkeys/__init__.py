"""Passkeys: registered, used, looked after."""

from app.services.passkeys.engine import PasskeyEngine, Used

__all__ = ["PasskeyEngine", "Used"]
