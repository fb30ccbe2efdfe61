"""How long API tokens live, and what their scopes may name. Pure."""

from collections.abc import Iterable
from datetime import timedelta

from app.core.errors import ErrorCode as E
from app.core.errors import FieldCode, FieldError, PastisError
from app.services.access.rules import named

LIFE = timedelta(days=90)
"""Of a token whose maker names no end."""
MAX_TOKENS = 100
"""Of one account or service account."""
HINT_LENGTH = 4


def check_scopes(scopes: Iterable[str]) -> None:
    """Raises `validation_failed` for a scope that is of no permission."""
    why = {"reason": "no_scope", "choices": "task:update, comment:*, *:read, *:*"}
    errors = [
        FieldError(f"/scopes/{number}", FieldCode.REFUSED, why)
        for number, scope in enumerate(scopes)
        if not any(named(scope))
    ]
    if errors:
        raise PastisError(E.VALIDATION_FAILED, errors=errors)
