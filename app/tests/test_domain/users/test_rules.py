"""What an account may look like, whichever way it comes."""

import pytest

from app.core.errors import ErrorCode, PastisError
from app.services.bootstrap import Services
from app.services.users.rules import PASSWORD_LENGTH, check_password
from app.utils.ids import new_id

LOW, HIGH = PASSWORD_LENGTH
ADDRESS = "heidi.hazelton@fluid.example"


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("q" * (LOW - 1), "too_short"),
        ("q" * (HIGH + 1), "too_long"),
        ("passwordpassword", "common_password"),
        ("qwertyuiop12345", "common_password"),
        ("heidi.hazelton@fluid.example", "common_password"),
        ("Heidi.Hazelton1!", "common_password"),
        ("hazelton-2026-heidi", "common_password"),
        ("pastis hazelton 1", "common_password"),
        ("www.fluid.example", "common_password"),
    ],
)
def test_passwords_that_are_refused(password: str, code: str) -> None:
    with pytest.raises(PastisError) as refused:
        check_password(password, ADDRESS)
    assert [one.code for one in refused.value.errors] == [code]


@pytest.mark.parametrize("length", [LOW, HIGH])
def test_passwords_of_a_length_that_is_allowed(length: int) -> None:
    check_password(("lime basil thyme, " * 8)[:length], ADDRESS)


@pytest.mark.parametrize("password", ["heidi drinks pastis", "staple-correct-horse", "my fluid is water"])
def test_what_is_known_may_be_in_a_longer_password(password: str) -> None:
    check_password(password, ADDRESS)


def test_what_is_short_in_an_address_says_nothing() -> None:
    check_password("ananas and bananas", "an@as.fr")


@pytest.mark.anyio
async def test_an_account_that_is_gone(services: Services) -> None:
    with pytest.raises(PastisError) as refused:
        await services.users.get(new_id())
    assert refused.value.code is ErrorCode.NOT_FOUND
