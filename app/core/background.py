"""What a process does beside its requests."""

import asyncio
from typing import Any

AGAIN_SECONDS = 0.1


async def stop(task: asyncio.Task[Any] | None) -> None:
    """Cancel a task and wait for its end, whatever that is.

    The driver may swallow a cancellation that comes together with an answer, so one may not be enough.
    """
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=AGAIN_SECONDS)
