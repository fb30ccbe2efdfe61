"""Second factors: codes from an app, recovery codes and passkeys, and logins that wait for one."""

from app.services.factors.engine import FactorEngine

__all__ = ["FactorEngine"]
