"""What is sealed comes back as it was, for who has one of the secrets, for the same purpose only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.sealing import Sealer

NEW, OLD, OTHER = b"the present secret of a server", b"the one before it", b"of another server"


@given(st.text())
def test_what_is_sealed_can_be_opened(text: str) -> None:
    sealer = Sealer([NEW], "totp")
    sealed = sealer.seal(text)
    assert sealer.unseal(sealed) == text
    assert len(text) < 4 or text not in sealed


def test_a_replaced_secret_still_opens_and_no_longer_seals() -> None:
    sealed = Sealer([OLD], "totp").seal("JBSWY3DPEHPK3PXP")
    both = Sealer([NEW, OLD], "totp")
    assert both.unseal(sealed) == "JBSWY3DPEHPK3PXP"
    assert Sealer([NEW], "totp").unseal(both.seal("new")) == "new"


@pytest.mark.parametrize(
    "sealer", [Sealer([OTHER], "totp"), Sealer([NEW], "mail")], ids=["secret", "purpose"]
)
def test_nobody_else_opens_it(sealer: Sealer) -> None:
    with pytest.raises(ValueError, match="another secret"):
        sealer.unseal(Sealer([NEW], "totp").seal("JBSWY3DPEHPK3PXP"))
