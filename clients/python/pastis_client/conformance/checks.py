"""Named checks, and what comes out of them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from pastis_client.conformance.kit import FailedError, Place, SkippedError

Work = Callable[[Place], Awaitable[None]]
CHECK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Check:
    """`promise` is what it holds the server to."""

    name: str
    promise: str
    work: Work
    slow: bool


@dataclass(frozen=True, slots=True)
class Result:
    check: Check
    verdict: Literal["failed", "ok", "skipped"]
    detail: str = ""


CHECKS: list[Check] = []


def check(*, slow: bool = False) -> Callable[[Work], Work]:
    """Enter a function into the list, by its name and docstring."""

    def enter(work: Work) -> Work:
        name = getattr(work, "__name__", "").replace("_", "-")
        CHECKS.append(Check(name, (work.__doc__ or "").strip(), work, slow))
        return work

    return enter


async def result_of(one: Check, place: Place) -> Result:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await one.work(place)
    except FailedError as error:
        return Result(one, "failed", str(error))
    except SkippedError as reason:
        return Result(one, "skipped", str(reason))
    except Exception as error:  # noqa: BLE001 - a server under test may do anything
        return Result(one, "failed", f"{type(error).__name__}: {error}")
    return Result(one, "ok")
