"""The machine that was measured on, and what ran there."""

import os
import platform
import re
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from app import __version__
from app.core.database.embedded_servers import find_servers

_PACKAGES = ("fastapi", "uvicorn", "uvloop", "pymongo", "odmantic", "motor", "pydantic", "orjson")


def describe() -> dict[str, str]:
    """By what each line is about."""
    database = next(find_servers([]), None)
    memory = int(_first(r"MemTotal:\s*(\d+)", "/proc/meminfo")) / 2**20
    return {
        "Date": f"{datetime.now(UTC):%Y-%m-%d}",
        "Processor": _first(r"model name\s*: (.+)", "/proc/cpuinfo"),
        "Cores": str(os.cpu_count()),
        "Memory": f"{memory:.1f} GiB",
        "Kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Database": "unknown" if database is None else database.title,
        "Pastis": __version__,
        "Packages": ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES),
    }


def _first(pattern: str, path: str) -> str:
    found = re.search(pattern, Path(path).read_text())
    return found[1] if found else "0"
