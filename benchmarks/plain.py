"""The yardstick of writes: one plain majority update of a task's title a request, and nothing else."""

import json
import os
from functools import cache
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from starlette.types import Receive, Scope, Send

from benchmarks import bare


@cache
def _tasks() -> AsyncCollection[dict[str, Any]]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        os.environ["PASTIS_DATABASE_URL"], w="majority", journal=True
    )
    return client[os.environ["PASTIS_DATABASE_NAME"]]["tasks"]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        message = await receive()
        changes = json.loads(message["body"])
        await _tasks().update_one({"_id": scope["path"].rpartition("/")[2]}, {"$set": changes})
    await bare.app(scope, receive, send)
