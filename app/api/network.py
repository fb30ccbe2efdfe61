"""Who sent a request: the peer, or whom a trusted proxy names."""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

from app.core.origin import Origin

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNKNOWN = "unknown"
DEVICE_COOKIE = "pastis_device"
MAX_HOPS = 20
MAX_FORWARDED_BYTES = 2_048
_HOP = re.compile(
    r"\[(?P<six>[0-9A-Fa-f:.]+)\](?::\d{1,5})?|(?P<four>[0-9.]+)(?::\d{1,5})?|(?P<bare>[0-9A-Fa-f:.]+)"
)


_DEVICE = re.compile(rb"(?:^|; ?)(?:__Host-)?" + DEVICE_COOKIE.encode() + rb"=([^;]{1,200})")


def client_address(scope: Scope) -> str:
    """The address of the client: the peer's, unless the peer is a trusted proxy (PASTIS_TRUSTED_PROXIES).

    Then it is the last hop of X-Forwarded-For that is no trusted proxy itself. What stands before that hop
    is the client's own word and means nothing. A hop that is no address ends the walk at the one behind it.
    """
    peer = (scope.get("client") or (UNKNOWN,))[0]
    trusted: Sequence[Network] = scope["app"].state.services.settings.trusted_proxies
    return _walk(peer, scope, trusted) if trusted else peer


def read_origin(scope: Scope) -> Origin:
    client = _header(scope, b"user-agent")
    name = None if client is None else client.decode("latin-1")[:200]
    device = _DEVICE.search(_header(scope, b"cookie") or b"")
    return Origin(client_address(scope), name, None if device is None else device[1].decode("latin-1"))


def _walk(peer: str, scope: Scope, trusted: Sequence[Network]) -> str:
    found = _address(peer)
    if found is None:
        return peer
    for hop in _hops(scope):
        if not any(found in network for network in trusted):
            break
        address = _address(hop)
        if address is None:
            break
        found = address
    return str(found)


def _hops(scope: Scope) -> Iterator[str]:
    """The entries of all X-Forwarded-For headers, the last one first."""
    given = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    if not given:
        return
    hops = given[-MAX_FORWARDED_BYTES:].decode("latin-1").split(",")
    if len(given) > MAX_FORWARDED_BYTES:
        del hops[0]  # it may be cut
    for hop in hops[: -MAX_HOPS - 1 : -1]:
        yield hop.strip()


def _address(text: str) -> Address | None:
    match = _HOP.fullmatch(text)
    if match is None:
        return None
    try:
        address = ip_address(match["six"] or match["four"] or match["bare"])
    except ValueError:
        return None
    # How a socket for both families names IPv4.
    return getattr(address, "ipv4_mapped", None) or address


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == wanted), None)
