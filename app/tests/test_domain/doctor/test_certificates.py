"""What the doctor says of certificates that a real server shows."""

import socket
from datetime import timedelta
from pathlib import Path

import pytest

from app.services.doctor import Finding, Health
from app.services.doctor.engine import _certificate
from app.tests.support.certificates import make, shown

pytestmark = pytest.mark.anyio


async def look(file: Path, monkeypatch: pytest.MonkeyPatch, host: str = "localhost") -> Finding:
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with shown(file) as port:
        return await _certificate(f"https://{host}:{port}")


@pytest.mark.parametrize(
    ("days", "health", "text"),
    [
        (60, Health.GOOD, "good for 59 more days"),
        (13, Health.WARNING, "good for 12 more days"),
        (-1, Health.BAD, "expired"),
    ],
)
async def test_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, health: Health, text: str
) -> None:
    found = await look(make(tmp_path, "localhost", timedelta(days=days)), monkeypatch)
    assert found.health is health
    assert text in found.text
    assert bool(found.advice) == (health is not Health.GOOD)


async def test_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await look(make(tmp_path, "elsewhere.example", timedelta(days=60)), monkeypatch)
    assert found.health is Health.BAD
    assert "mismatch" in found.text


async def test_nobody_trusts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(make(tmp_path / "other", "other.example", timedelta(days=60))))
    with shown(make(tmp_path, "localhost", timedelta(days=60))) as port:
        found = await _certificate(f"https://localhost:{port}")
    assert found.health is Health.BAD
    assert "self" in found.text


async def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = await _certificate(f"https://localhost:{port}")
    assert found.health is Health.WARNING
    assert "nobody shows one" in found.text
