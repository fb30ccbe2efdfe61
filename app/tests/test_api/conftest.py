import pytest

from app.services.access import engine


@pytest.fixture
def long_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logins are looked up once an hour: what ends at once ends because the access was told."""
    monkeypatch.setattr(engine, "CACHE_SECONDS", 3600.0)
