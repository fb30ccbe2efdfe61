"""Providers that lie, break or are gone: nobody gets in, and nothing breaks."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from app.services.bootstrap import Services
from app.services.identities import oidc
from app.tests.support.clients import Client, ok, refused
from app.tests.support.openid_provider import Answered, Claims, OpenIdProvider
from app.tests.test_api.identities.browser import LOGIN, Browser, nobody_was_let_in, somebody
from app.tests.test_api.identities.conftest import Configure

pytestmark = pytest.mark.anyio

DISCOVERY = "/.well-known/openid-configuration"
SECRET = OctKey.generate_key().as_dict()
FOREIGN = ECKey.generate_key("P-256", auto_kid=True)
PUBLIC = FOREIGN.as_dict(private=False)
Forge = Callable[[OpenIdProvider, Claims], str]


def unsigned(provider: OpenIdProvider, claims: Claims) -> str:
    return f"{_segment({'alg': 'none'})}.{provider.signed(claims).split('.')[1]}."


def with_client_secret(provider: OpenIdProvider, claims: Claims) -> str:
    return provider.signed(claims, OctKey.import_key(provider.CLIENT_SECRET), alg="HS256", kid=None)


def with_public_key(provider: OpenIdProvider, claims: Claims) -> str:
    """The provider's public key, which everybody has, taken for the secret of an HMAC."""
    secret = provider.key.as_pem(private=False)
    signed = f"{_segment({'alg': 'HS256', 'kid': provider.key.kid})}.{_segment(claims)}"
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def critical(provider: OpenIdProvider, claims: Claims) -> str:
    header = {"alg": "ES256", "kid": provider.key.kid, "crit": ["b"], "b": 1}
    return f"{_segment(header)}.{provider.signed(claims).split('.', 1)[1]}"


FORGERIES: dict[str, Forge] = {
    "no signature": unsigned,
    "HS256 with the client's secret": with_client_secret,
    "HS256 with the public key": with_public_key,
    "foreign key": lambda p, c: p.signed(c, FOREIGN, kid=p.key.kid),
    "unknown key": lambda p, c: p.signed(c, FOREIGN),
    "key of its own in the header": lambda p, c: p.signed(
        c, FOREIGN, kid=None, jwk=FOREIGN.as_dict(private=False)
    ),
    "changed after signing": lambda p, c: _changed(p.signed(c)),
    "not a token": lambda p, c: "nonsense",
    "no claims": lambda p, c: "e30.e30.",
    "an unknown critical header": critical,
}


def _changed(token: str) -> str:
    header, payload, signature = token.split(".")
    middle = len(payload) // 2
    other = "A" if payload[middle] != "A" else "B"
    return f"{header}.{payload[:middle]}{other}{payload[middle + 1 :]}.{signature}"


def _segment(header: Claims) -> str:
    return base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_attack_a_forged_token(
    browser: Browser, provider: OpenIdProvider, services: Services, forgery: str
) -> None:
    provider.sign = lambda claims: FORGERIES[forgery](provider, claims)
    claims = somebody()
    refused(await browser.log_in(**claims), 403, "identity_refused")
    await nobody_was_let_in(services, claims)
    provider.sign = provider.signed
    ok(await browser.log_in(**claims), 200)


NOW = int(time.time())
WRONG: dict[str, Claims] = {
    "issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "audience": {"aud": "another"},
    "audiences": {"aud": ["another", "a third"]},
    "no audience": {"aud": None},
    "authorized party": {"azp": "another"},
    "several audiences and no party": {"aud": [OpenIdProvider.CLIENT_ID, "another"]},
    "nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "nonces": {"nonce": ["another"]},
    "expired": {"exp": NOW - 3600},
    "expires never": {"exp": None},
    "expires in words": {"exp": "tomorrow"},
    "expires at nan": {"exp": float("nan")},
    "from the future": {"iat": NOW + 3600},
    "no time": {"iat": None},
    "not yet": {"nbf": NOW + 3600},
    "subject": {"sub": ""},
    "subject of another type": {"sub": 5},
    "long subject": {"sub": "x" * 256},
    "access token": {"at_hash": "another"},
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_attack_a_token_for_something_else(browser: Browser, services: Services, wrong: str) -> None:
    claims = somebody()
    refused(await browser.log_in(**claims | WRONG[wrong]), 403, "identity_refused")
    await nobody_was_let_in(services, claims)


@pytest.mark.parametrize("id_token", [None, 5, "", [], "a.b.c", "é.é.é"])
async def test_a_token_endpoint_that_answers_nonsense(
    browser: Browser, provider: OpenIdProvider, id_token: Any
) -> None:
    provider.answers["/token"] = lambda: Answered(body={"access_token": "x", "id_token": id_token})
    refused(await browser.log_in(**somebody()), 403, "identity_refused")


async def test_attack_mixed_up_providers(
    browser: Browser, provider: OpenIdProvider, services: Services, configure: Configure
) -> None:
    """RFC 9207: an answer says whose it is, so that a code is never brought to another provider."""
    body = await browser.returned(**somebody())
    before = provider.asked.count("/token")
    for issuer in (None, "https://evil.example", f"{provider.issuer}/"):
        another = await browser.returned(**somebody())
        refused(await browser.finish({**another, "iss": issuer}), 403, "identity_refused")
    # A login begun with one is not finished with the other.
    services.identities._sources["other"] = services.identities._sources["tests"]
    refused(await browser.client.post("/api/v1/auth/oidc/other/finish", body), 404, "not_found")
    assert provider.asked.count("/token") == before, "the code was given away"
    ok(await browser.finish(body))


async def test_the_issuer_counts_even_where_the_provider_does_not_promise_it(
    anonymous: Client, provider: OpenIdProvider, configure: Configure
) -> None:
    provider.metadata = {"authorization_response_iss_parameter_supported": False}
    configure()
    browser = Browser(anonymous, provider)
    body = await browser.returned(**somebody())
    refused(await browser.finish({**body, "iss": "https://evil.example"}), 403, "identity_refused")
    without = await browser.returned(**somebody())
    del without["iss"]
    ok(await browser.finish(without))


BROKEN: dict[str, Callable[[OpenIdProvider], Answered]] = {
    "an error": lambda p: Answered(500, {}),
    "a redirection": lambda p: Answered(302, {}, {"Location": f"{p.issuer}/elsewhere"}),
    "nothing": lambda p: Answered(body=b""),
    "no JSON": lambda p: Answered(body=b"<html>"),
    "no text": lambda p: Answered(body=b"\xff\xfe"),
    "deep JSON": lambda p: Answered(body=b"[" * 200_000),
    "a list": lambda p: Answered(body=[]),
    "an empty object": lambda p: Answered(body={}),
    "too much": lambda p: Answered(body=b'"' + b"x" * 2_000_000 + b'"'),
    "compressed": lambda p: Answered(body=b"x", headers={"Content-Encoding": "gzip"}),
    "another issuer": lambda p: Answered(body={**p._metadata(), "issuer": "https://evil.example"}),
    "another issuer by a slash": lambda p: Answered(body={**p._metadata(), "issuer": f"{p.issuer}/"}),
    "no addresses": lambda p: Answered(body={**p._metadata(), "token_endpoint": "javascript:alert(1)"}),
    "addresses in the clear": lambda p: Answered(
        body={**p._metadata(), "token_endpoint": "http://evil.example/token"}
    ),
    "keys that are none": lambda p: Answered(body={**p._metadata(), "jwks_uri": f"{p.issuer}/userinfo"}),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_broken_discovery_document(
    browser: Browser, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    provider.answers[DISCOVERY] = lambda: BROKEN[fault](provider)
    answer = await browser.client.post(f"{LOGIN}/start", {})
    refused(answer, 503, "identity_provider_unavailable")
    assert answer.headers["retry-after"] == "5"
    assert "/elsewhere" not in provider.asked, "it was followed"
    # It is not asked again at once, and good again without a restart.
    asked = len(provider.asked)
    refused(await browser.client.post(f"{LOGIN}/start", {}), 503, "identity_provider_unavailable")
    assert len(provider.asked) == asked
    del provider.answers[DISCOVERY]
    monkeypatch.setattr(oidc, "monotonic", lambda: time.monotonic() + 6)
    ok(await browser.log_in(**somebody()))


@pytest.mark.parametrize(
    "keys",
    [
        {"keys": []},
        {"keys": [{"kty": "nonsense"}, 5, {"kty": "EC"}]},
        {"keys": [OctKey.generate_key().as_dict()]},
    ],
    ids=["none", "nonsense", "secret"],
)
async def test_keys_of_no_use(browser: Browser, provider: OpenIdProvider, keys: Claims) -> None:
    provider.answers["/jwks"] = lambda: Answered(body=keys)
    refused(await browser.log_in(**somebody()), 403, "identity_refused")


async def test_algorithms_that_nobody_may_use(
    anonymous: Client, provider: OpenIdProvider, configure: Configure
) -> None:
    """None is left of those announced: that must not mean any."""
    provider.metadata = {"id_token_signing_alg_values_supported": ["none", "HS256"]}
    configure()
    refused(await Browser(anonymous, provider).log_in(**somebody()), 403, "identity_refused")


async def test_a_slow_provider_holds_nobody_for_long(
    browser: Browser, provider: OpenIdProvider, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow() -> Answered:
        time.sleep(1.5)
        return Answered(body=provider._metadata())

    provider.answers[DISCOVERY] = slow
    monkeypatch.setattr(services.identities._outbound, "_total_seconds", 0.3)
    began = time.monotonic()
    answers = await asyncio.gather(*(browser.client.post(f"{LOGIN}/start", {}) for _ in range(5)))
    assert time.monotonic() - began < 1.2, "each waited for its own turn"
    for answer in answers:
        refused(answer, 503, "identity_provider_unavailable")


async def test_a_provider_that_is_gone_comes_back(
    browser: Browser, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = await browser.returned(**somebody())
    with provider.gone():
        refused(await browser.finish(body), 503, "identity_provider_unavailable")
        # Whoever starts needs nothing of it but what is known already.
        started = await browser.start()
    back = provider.log_in(started["authorization_url"], **somebody())
    ok(await browser.finish({**back, "browser_token": started["browser_token"]}))


@pytest.mark.parametrize(
    "fault", [Answered(500, {}), Answered(401, {"error": "invalid_client"}), Answered(body=[])], ids=str
)
async def test_a_token_endpoint_that_fails(
    browser: Browser, provider: OpenIdProvider, fault: Answered
) -> None:
    provider.answers["/token"] = lambda: fault
    refused(await browser.log_in(**somebody()), 503, "identity_provider_unavailable")


async def test_a_userinfo_endpoint_that_fails(browser: Browser, provider: OpenIdProvider) -> None:
    provider.answers["/userinfo"] = lambda: Answered(500, {})
    refused(await browser.log_in(sub=somebody()["sub"]), 503, "identity_provider_unavailable")


async def test_new_keys_are_fetched_when_they_are_used(
    browser: Browser, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok(await browser.log_in(**somebody()))
    former, provider.key = provider.key, ECKey.generate_key("P-256", auto_kid=True)
    try:
        # Not at once again, so that forged keys do not have us ask without end.
        refused(await browser.log_in(**somebody()), 403, "identity_refused")
        asked = provider.asked.count("/jwks")
        monkeypatch.setattr(oidc, "monotonic", lambda: time.monotonic() + 6)
        ok(await browser.log_in(**somebody()))
        assert provider.asked.count("/jwks") == asked + 1
    finally:
        provider.key = former


async def test_keys_are_forgotten_after_an_hour(
    browser: Browser, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        ok(await browser.log_in(**somebody()))
    assert (provider.asked.count(DISCOVERY), provider.asked.count("/jwks")) == (1, 1)
    monkeypatch.setattr(oidc, "monotonic", lambda: time.monotonic() + 3601)
    ok(await browser.log_in(**somebody()))
    assert (provider.asked.count(DISCOVERY), provider.asked.count("/jwks")) == (2, 2)


async def test_a_client_with_its_secret_in_the_form(
    anonymous: Client, provider: OpenIdProvider, configure: Configure
) -> None:
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    configure()
    ok(await Browser(anonymous, provider).log_in(**somebody()))


async def test_the_secret_of_the_client_is_in_no_log(
    browser: Browser, provider: OpenIdProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.answers["/token"] = lambda: Answered(401, {"error": "invalid_client"})
    body = await browser.returned(**somebody())
    refused(await browser.finish(body), 503, "identity_provider_unavailable")
    written = "".join(capsys.readouterr())
    assert "invalid_client" in written
    for secret in (provider.CLIENT_SECRET, body["code"], body["state"], body["browser_token"]):
        assert secret not in written
