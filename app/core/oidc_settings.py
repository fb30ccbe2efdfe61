"""How operators describe where people log in: OpenID providers, as JSON."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, field_validator, model_validator

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

ProviderId = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]


class _Described(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class GroupRole(_Described):
    """Whoever is in the group has the role in the workspace, named by its id or short name."""

    group: Annotated[str, Field(min_length=1)]
    workspace: Annotated[str, Field(min_length=1)]
    role: Literal["admin", "guest", "member"] = "member"


class IdentityPolicy(_Described):
    """What follows from a proof, whatever kind of source it comes from."""

    id: ProviderId
    name: Annotated[str, Field(min_length=1, max_length=100)]
    create_accounts: bool = False
    """Whoever logs in for the first time, with a verified address, gets an account."""
    trust_email: bool = False
    """Every address of this source counts as verified: it is the organisation's own."""
    allowed_domains: tuple[str, ...] = ()
    """The domains whose addresses get an account; none means all."""
    group_roles: tuple[GroupRole, ...] = ()

    @field_validator("allowed_domains")
    @classmethod
    def _lower(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(domain.strip().lower().removeprefix("@") for domain in domains)


class OidcProvider(IdentityPolicy):
    """One OpenID provider. Everything else is read from its discovery document."""

    issuer: str
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: SecretStr | None = None
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups_claim: Annotated[str, Field(min_length=1)] = "groups"
    mfa_acr: tuple[str, ...] = ()
    """The values of `acr` by which this provider says that it asked for a second factor."""

    @field_validator("issuer")
    @classmethod
    def _address(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be an address that begins with https://, as the provider itself writes it")
        return issuer

    @model_validator(mode="after")
    def _scopes(self) -> Self:
        if "openid" not in self.scopes:
            raise ValueError("scopes must have openid")
        return self

    @property
    def insecure(self) -> bool:
        return not is_secure(self.issuer)


def is_secure(address: str) -> bool:
    """Whether nobody on the way can read or change what is exchanged with this address."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


_PROVIDERS = TypeAdapter(list[OidcProvider])


def read_providers(text: str) -> list[OidcProvider]:
    """The providers of a JSON text; raises ValueError, which pydantic's own errors are too."""
    return _PROVIDERS.validate_json(text)


def check_distinct(providers: list[OidcProvider]) -> None:
    """Raises ValueError where two have one id, or one issuer: an identity must name its provider."""
    for what in ("id", "issuer"):
        values = [getattr(one, what) for one in providers]
        twice = {value for value in values if values.count(value) > 1}
        if twice:
            raise ValueError(f"two providers have the {what} {', '.join(sorted(twice))}")
