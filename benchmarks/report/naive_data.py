"""The same tasks for the naive way, without what Pastis derives, and with the index that its list needs."""

from pymongo import AsyncMongoClient

from benchmarks.sync.stage import Stage


async def copy(stage: Stage) -> None:
    async with AsyncMongoClient[dict[str, object]](stage.url) as client:
        database = client["bench"]
        copying: list[dict[str, object]] = [{"$unset": ["derived", "keys"]}, {"$out": "naive_tasks"}]
        await (await database["tasks"].aggregate(copying)).to_list()
        await database["naive_tasks"].create_index([("project_id", 1), ("rank", 1)])
