from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.core.oidc_settings import OidcProvider
from app.services.bootstrap import Services
from app.services.identities.oidc import OidcSource
from app.tests.support.clients import Client
from app.tests.support.openid_provider import OpenIdProvider
from app.tests.test_api.identities.browser import Browser

Configure = Callable[..., OidcSource]
"""Describes the provider to the application otherwise, as an operator may, for one test."""


@pytest.fixture
def configure(services: Services, provider: OpenIdProvider) -> Iterator[Configure]:
    engine = services.identities
    former = engine._sources

    def with_policy(**policy: Any) -> OidcSource:
        described = OidcProvider.model_validate(provider.config(**{"create_accounts": True, **policy}))
        source = OidcSource(described, engine._outbound, services.clock)
        engine._sources = {"tests": source}
        return source

    yield with_policy
    engine._sources = former


@pytest.fixture
def browser(anonymous: Client, provider: OpenIdProvider, configure: Configure) -> Browser:
    configure()
    return Browser(anonymous, provider)
