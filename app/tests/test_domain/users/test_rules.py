"""What an account may look like, whichever way it comes."""

import pytest

from app.core.errors import ErrorCode, PastisError
from app.services.bootstrap import Services
from app.services.users.rules import PASSWORD_LENGTH, check_password
from app.utils.ids import new_id

LOW, HIGH = PASSWORD_LENGTH


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("q" * (LOW - 1), "too_short"),
        ("q" * (HIGH + 1), "too_long"),
        ("passwordpassword", "common_password"),
    ],
)
def test_passwords_that_are_refused(password: str, code: str) -> None:
    with pytest.raises(PastisError) as refused:
        check_password(password)
    assert [one.code for one in refused.value.errors] == [code]


@pytest.mark.parametrize("length", [LOW, HIGH])
def test_passwords_of_a_length_that_is_allowed(length: int) -> None:
    check_password(("lime basil thyme, " * 8)[:length])


@pytest.mark.anyio
async def test_an_account_that_is_gone(services: Services) -> None:
    with pytest.raises(PastisError) as refused:
        await services.users.get(new_id())
    assert refused.value.code is ErrorCode.NOT_FOUND
