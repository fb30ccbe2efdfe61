"""Where a request comes from."""

from starlette.types import Scope


def client_address(scope: Scope) -> str:
    """The network address of whoever is connected; empty where there is none, as on a Unix socket."""
    client = scope.get("client")
    return "" if client is None else str(client[0])
