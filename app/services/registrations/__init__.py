"""Registrations: accounts that people make for themselves."""

from app.services.registrations.engine import RegistrationEngine

__all__ = ["RegistrationEngine"]
