"""Confirmations: links that prove an address, each good for one thing, once."""

from app.services.confirmations.engine import ConfirmationEngine

__all__ = ["ConfirmationEngine"]
