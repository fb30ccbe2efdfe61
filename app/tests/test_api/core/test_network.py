"""Whose word counts for where a request comes from."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.network import MAX_HOPS, UNKNOWN, client_address, read_origin
from app.core.config import Settings

PROXIES = "10.0.0.0/8, 2001:db8:aa::/48, 192.0.2.1"
CLIENT = "198.51.100.7"


def scope(peer: str | None, *forwarded: str, trusted: str = PROXIES, **headers: str) -> dict[str, Any]:
    settings = Settings(trusted_proxies=trusted, _env_file=None)
    services = SimpleNamespace(settings=settings)
    given_headers = [(b"x-forwarded-for", one.encode("latin-1")) for one in forwarded]
    return {
        "app": SimpleNamespace(state=SimpleNamespace(services=services)),
        "client": None if peer is None else (peer, 50_000),
        "headers": [*given_headers, *((name.encode(), value.encode()) for name, value in headers.items())],
    }


def test_by_default_nobody_is_trusted() -> None:
    assert Settings(_env_file=None).trusted_proxies == []
    assert client_address(scope("10.0.0.1", CLIENT, trusted="")) == "10.0.0.1"


def test_an_untrusted_peer_cannot_say_who_it_is() -> None:
    assert client_address(scope("203.0.113.5", CLIENT)) == "203.0.113.5"


def test_a_trusted_proxy_names_its_client() -> None:
    assert client_address(scope("10.0.0.1", CLIENT)) == CLIENT
    assert client_address(scope("2001:db8:aa::1", "2001:db8:1::2")) == "2001:db8:1::2"
    assert client_address(scope("192.0.2.1", CLIENT)) == CLIENT
    assert client_address(scope("192.0.2.2", CLIENT)) == "192.0.2.2"
    assert client_address(scope("10.0.0.1")) == "10.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ([f"1.2.3.4, {CLIENT}"], CLIENT),
        ([f"1.2.3.4, {CLIENT}, 10.9.9.9, 10.1.1.1"], CLIENT),
        (["1.2.3.4", CLIENT], CLIENT),
        ([f"{CLIENT}, 10.9.9.9", "10.1.1.1"], CLIENT),
        (["10.5.5.5, 10.9.9.9"], "10.5.5.5"),
        ([f"[2001:db8:1::2]:443, {CLIENT}:8080"], CLIENT),
        (["[2001:db8:1::2]:443"], "2001:db8:1::2"),
        (["[2001:db8:1::2]"], "2001:db8:1::2"),
        ([f"::ffff:{CLIENT}"], CLIENT),
        ([f"{CLIENT}, ::ffff:10.0.0.9"], CLIENT),
    ],
)
def test_chains(forwarded: list[str], address: str) -> None:
    assert client_address(scope("10.0.0.1", *forwarded)) == address


@pytest.mark.parametrize(
    "hop",
    [
        "",
        "unknown",
        "_hidden",
        "1.2.3",
        "1.2.3.4.5",
        "999.1.1.1",
        "localhost",
        "fe80::1%eth0",
        "1.2.3.4:x",
        "[::1",
        "::1]",
        "'; drop",
        "\x00",
        "ÿ",
        "1.2.3.4 5.6.7.8",
        "2001:db8::1:443:",
    ],
)
def test_a_hop_that_is_no_address_ends_the_walk(hop: str) -> None:
    assert client_address(scope("10.0.0.1", f"{CLIENT}, {hop}")) == "10.0.0.1"
    assert client_address(scope("10.0.0.1", f"{CLIENT}, {hop}, 10.9.9.9")) == "10.9.9.9"


def test_only_the_last_hops_are_looked_at() -> None:
    many = ", ".join([CLIENT, *["10.9.9.9"] * MAX_HOPS])
    assert client_address(scope("10.0.0.1", many)) == "10.9.9.9"
    long = f"{CLIENT}, " + "10.9.9.9," * 10_000
    assert client_address(scope("10.0.0.1", long + " 10.1.1.1")) == "10.9.9.9"
    assert client_address(scope("10.0.0.1", "7" * 5_000)) == "10.0.0.1"


def test_a_socket_without_an_address() -> None:
    assert client_address(scope(None, CLIENT)) == UNKNOWN
    assert client_address(scope("/run/pastis.sock", CLIENT)) == "/run/pastis.sock"
    assert client_address(scope("::ffff:10.0.0.1", CLIENT)) == CLIENT


HOPS = st.lists(st.one_of(st.ip_addresses().map(str), st.text(st.characters(codec="latin-1"))))


# None of them is a proxy of ours.
CLIENTS = st.ip_addresses(network="198.51.100.0/24") | st.ip_addresses(network="2001:db8:1::/48")


@given(forged=HOPS, client=CLIENTS, proxies=st.integers(0, 3))
def test_what_a_client_forges_means_nothing(forged: list[str], client: Any, proxies: int) -> None:
    """It stands before what the first proxy has seen."""
    hops = [*forged, str(client), *["10.9.9.9"] * proxies]
    assert client_address(scope("10.0.0.1", ", ".join(hops))) == str(client)


def test_the_origin_names_the_client_cut() -> None:
    origin = read_origin(scope("203.0.113.5", **{"user-agent": "pastis-web/1 " + "x" * 500}))
    assert origin.address == "203.0.113.5"
    assert origin.client == ("pastis-web/1 " + "x" * 500)[:200]
    assert read_origin(scope("203.0.113.5")).client is None


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.1/8", "proxy", "10.0.0.0/8 10.1.1.1", "*"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        Settings(trusted_proxies=text, _env_file=None)
