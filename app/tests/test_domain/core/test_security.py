"""The passwords' hash as servers use it; the tests' own is a quick one."""

import importlib.util

import pytest

from app.core import security

pytestmark = pytest.mark.anyio


async def test_servers_hash_with_argon2id_at_the_cost_that_is_recommended() -> None:
    """RFC 9106, the second recommended option: 64 MiB, three passes, four lanes; for nobody too."""
    assert security.__spec__ is not None
    spec = importlib.util.spec_from_file_location("app.core.security_of_servers", security.__spec__.origin)
    assert spec is not None
    assert spec.loader is not None
    servers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(servers)
    cost = "$argon2id$v=19$m=65536,t=3,p=4$"
    assert (await servers.hash_password("a password")).startswith(cost)
    assert servers._NOBODY.startswith(cost)
    assert not servers._PASSWORDS.verify("a password", servers._NOBODY)
