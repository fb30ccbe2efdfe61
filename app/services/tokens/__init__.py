"""API tokens: of accounts, and of service accounts."""

from app.services.tokens.engine import NewToken, Owner, TokenEngine, of_account, of_service

__all__ = ["NewToken", "Owner", "TokenEngine", "of_account", "of_service"]
