"""Logins: one a device, with rotating tokens."""

from app.services.sessions.engine import SessionEngine, Tokens

__all__ = ["SessionEngine", "Tokens"]
