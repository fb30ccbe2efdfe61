"""Logging in and out."""

from app.services.auth.engine import AuthEngine

__all__ = ["AuthEngine"]
