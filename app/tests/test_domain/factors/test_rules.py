from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.security import new_recovery_code
from app.models.factors import FactorSet
from app.services.factors import rules

NOW = datetime(2026, 11, 23, 9, 30, 10, tzinfo=UTC)
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_the_vectors_of_rfc_6238() -> None:
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924")):
        now = datetime.fromtimestamp(seconds, UTC)
        assert rules.matching_step(SECRET, code, now) == seconds // 30


@given(TIMES, st.integers(-5, 5))
def test_a_code_counts_in_its_step_and_in_those_beside_it(now: datetime, steps: int) -> None:
    totp = pyotp.TOTP(SECRET)
    present = totp.timecode(now)
    found = rules.matching_step(SECRET, totp.generate_otp(present + steps), now)
    if abs(steps) <= 1:
        # Of two steps with the same code, the earlier one is found.
        assert found is not None
        assert totp.generate_otp(found) == totp.generate_otp(present + steps)
    else:
        assert found is None or totp.generate_otp(found) == totp.generate_otp(present + steps)


@given(st.text(max_size=8))
def test_any_text_is_a_code_or_none(text: str) -> None:
    step = rules.matching_step(SECRET, text, NOW)
    assert step is None or text.isdecimal()


@given(st.booleans(), st.booleans(), st.lists(st.text(max_size=3), max_size=3))
def test_kinds(totp: bool, passkeys: bool, hashes: list[str]) -> None:
    factors = FactorSet(id="u", totp="sealed" if totp else None, recovery_hashes=hashes)
    kinds = rules.kinds(factors, passkeys=passkeys)
    assert ("totp" in kinds, "passkey" in kinds) == (totp, passkeys)
    assert ("recovery_code" in kinds) == (bool(hashes) and (totp or passkeys))
    assert rules.kinds(None, passkeys=passkeys) == (["passkey"] if passkeys else [])


@given(st.lists(st.sampled_from(["pwd", "otp", "hwk", "user", "fed", "mfa"])), st.lists(st.just("totp")))
def test_a_factor_is_needed_where_there_is_one_and_none_was_used(
    methods: list[str], owned: list[str]
) -> None:
    assert rules.is_needed(methods, owned) == (bool(owned) and "mfa" not in methods)


@pytest.mark.parametrize(("minutes", "pending"), [(0, True), (10, True), (10.01, False)])
def test_how_long_a_secret_waits(minutes: float, pending: bool) -> None:
    factors = FactorSet(id="u", pending_totp="sealed", pending_since=NOW)
    assert rules.is_pending(factors, NOW + timedelta(minutes=minutes)) is pending
    assert not rules.is_pending(None, NOW)
    assert not rules.is_pending(FactorSet(id="u"), NOW)


@given(st.integers(0, 2**32), st.sampled_from("- "))
def test_a_recovery_code_is_the_same_however_it_is_written(seed: int, gap: str) -> None:
    code = new_recovery_code()
    place = seed % len(code)
    for spelling in (code.upper(), code.replace("-", gap), code[:place] + gap + code[place:]):
        assert rules.recovery_hash(spelling) == rules.recovery_hash(code)
    assert rules.recovery_hash(new_recovery_code()) != rules.recovery_hash(code)


def test_the_digest_of_a_password_changes_with_it() -> None:
    digests = {rules.password_digest(one) for one in (None, "$argon2id$one", "$argon2id$two")}
    assert len(digests) == 3
    assert not any("argon2" in one for one in digests)
