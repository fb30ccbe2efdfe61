"""What every kind of identity source yields, so that accounts and roles need not know which it was."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Proof:
    """What a source has proven about a person: `issuer` and `subject` name them, for ever.

    `methods` say how, as RFC 8176 names it; `mfa` is among them where the source asked for a second factor.
    """

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    display_name: str | None
    groups: frozenset[str]
    methods: tuple[str, ...]
