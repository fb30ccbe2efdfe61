"""Encryption of what must be read again and must not lie in the database as it is."""

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Sealer:
    """Authenticated encryption (Fernet) with keys derived from the server's secrets by HKDF-SHA256.

    The first secret seals; all of them open, so that a secret can be replaced. `purpose` separates keys:
    what was sealed for one purpose cannot be opened for another.
    """

    def __init__(self, secrets: Sequence[bytes], purpose: str) -> None:
        self._fernet = MultiFernet([Fernet(_key(secret, purpose)) for secret in secrets])

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """The text; raises ValueError for what was not sealed by one of these secrets."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise ValueError("sealed by another secret, or changed") from None


def _key(secret: bytes, purpose: str) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=f"pastis:{purpose}".encode()).derive(secret)
    return base64.urlsafe_b64encode(derived)
