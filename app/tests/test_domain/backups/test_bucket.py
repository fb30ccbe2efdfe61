"""Backups lie in a bucket as they do in a folder."""

from collections.abc import Iterator

import httpx2
import pytest
from moto.server import ThreadedMotoServer

from app.services.backups import Archive, BackupError, store_at, verify_all
from app.services.bootstrap import Services
from app.tests.support.backups import KEY, back_up, everything, restore
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A place in a bucket that nothing is in."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert httpx2.put(f"{url}/backups").is_success
    yield f"s3://backups/{new_id()}"
    server.stop()


async def test_it_is_a_place_like_a_folder(
    services: Services, workspace: Workspace, copy: Services, bucket: str
) -> None:
    target = Archive(store_at(bucket), KEY)
    with pytest.raises(BackupError, match="There is no backup"):
        verify_all(target)
    await back_up(services, target)
    await workspace.task()
    assert (await back_up(services, target)).why_full is None
    assert verify_all(target)[0].numbers == (1, 2)
    before = await everything(services.database)
    assert (await restore(copy, target)).good
    assert await everything(copy.database) == before


async def test_the_second_of_two_with_one_number_is_refused(
    services: Services, workspace: Workspace, bucket: str
) -> None:
    target = Archive(store_at(bucket), None)
    draft = target.draft(1)
    await back_up(services, target)
    with pytest.raises(BackupError, match="faster"):
        draft.finish(target.backups()[0].manifest)


def test_trouble_is_told(bucket: str) -> None:
    with pytest.raises(BackupError, match="s3://nowhere/pastis"):
        store_at("s3://nowhere/pastis").names()
    with pytest.raises(BackupError, match="s3://backups"):
        list(store_at(bucket).reading("tasks"))
