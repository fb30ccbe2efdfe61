import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.passkeys import rules

COUNTERS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("url", "host", "origin"),
    [
        ("http://localhost:8001", "localhost", "http://localhost:8001"),
        ("https://Pastis.Example", "pastis.example", "https://pastis.example"),
        ("https://pastis.example:443/app", "pastis.example", "https://pastis.example"),
        ("http://pastis.example:80", "pastis.example", "http://pastis.example"),
        ("https://pastis.example:8443", "pastis.example", "https://pastis.example:8443"),
        ("https://user:secret@pastis.example", "pastis.example", "https://pastis.example"),
    ],
)
def test_whose_passkeys_these_are(url: str, host: str, origin: str) -> None:
    assert rules.relying_party(url) == host
    assert rules.origins(url, []) == [origin]


def test_pages_that_may_call_the_api_may_use_passkeys() -> None:
    origins = rules.origins(
        "https://pastis.example", ["https://app.pastis.example", "*", "https://*.example"]
    )
    assert origins == ["https://pastis.example", "https://app.pastis.example"]


@given(COUNTERS, COUNTERS)
def test_a_counter_that_does_not_grow_is_a_clones(known: int, presented: int) -> None:
    assert rules.is_clone(known, presented) == (presented <= known and (known, presented) != (0, 0))


def test_what_a_passkey_proves() -> None:
    assert rules.methods(synced=False) == ("hwk", "user", "mfa")
    assert rules.methods(synced=True) == ("swk", "user", "mfa")
