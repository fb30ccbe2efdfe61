"""What certificate the public address shows."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

SECONDS = 5.0
HTTPS_PORT = 443


async def certificate_end(url: str) -> datetime:
    """When the certificate of an HTTPS address ends, which is good until then.

    Raises ssl.SSLCertVerificationError where it is not: it has ended, is of another name, or of nobody whom
    this machine trusts. Raises OSError where nobody shows one.
    """
    address = urlsplit(url)
    return await asyncio.to_thread(_end, address.hostname or "", address.port or HTTPS_PORT)


def _end(host: str, port: int) -> datetime:
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), timeout=SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        shown = secured.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
