from datetime import UTC, datetime, tzinfo

import pytest

from app.utils.times import rfc3339


@pytest.mark.parametrize("zone", [None, UTC])
@pytest.mark.parametrize(
    ("microsecond", "digits"), [(0, "000"), (7_000, "007"), (194_000, "194"), (999_999, "999")]
)
def test_times_have_three_digits(zone: tzinfo | None, microsecond: int, digits: str) -> None:
    time = datetime(2026, 11, 23, 9, 30, microsecond=microsecond, tzinfo=zone)
    assert rfc3339(time) == f"2026-11-23T09:30:00.{digits}Z"
