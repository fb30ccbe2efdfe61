import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.common_passwords import is_common
from app.core.security import new_password


@pytest.mark.parametrize(
    "password",
    [
        *(
            "password",
            "PassWord",
            "passwordpassword",
            "PASSWORDpassword",
            "1234567890123456",
            "iloveyouiloveyou",
        ),
        *("aaaaaaaaaaaaaaaa", "abcabcabcabcabca", "qwertyqwertyqwerty", "12345678901234567890"),
        *("qwertyuiop12345", "Azertyuiop-67890", "!poiuytrewq0987!", "1qwertyuiopasdf!", "mnbvcxzlkjhgfdsa"),
    ],
)
def test_what_is_guessed_first(password: str) -> None:
    assert is_common(password)


@pytest.mark.parametrize(
    "password",
    ["correct horse battery staple", "staple-correct-horse", "abcdefgh12345678x", "é" * 7 + "à" * 8, "", "a"],
)
def test_what_is_not(password: str) -> None:
    assert not is_common(password)


@given(
    st.text(st.characters(codec="ascii", categories=["Ll", "Nd"]), min_size=1, max_size=7),
    st.integers(15, 128),
)
def test_repetitions_of_something_short(part: str, length: int) -> None:
    assert is_common((part * length)[:length])


def test_passwords_of_our_own_making() -> None:
    assert not any(is_common(new_password()) for _ in range(100))
