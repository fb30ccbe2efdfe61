"""A network between the members of a replica set, in which one can be cut off from the others alone."""

import random

import psutil

from chaos.proxy import Proxy
from chaos.replica_set import Member, ReplicaSet

_OF_A_MEMBER = b"internalClient"
"""What a server says when it connects to another one, and no client does."""


class Network:
    """A proxy before each member, through which all others and the clients reach it."""

    def __init__(self, database: ReplicaSet, chance: random.Random) -> None:
        self._ways = {member: Proxy([member.port], chance) for member in database.members}

    async def open(self) -> None:
        """Before the members are started, who then know each other by these ways."""
        for member, way in self._ways.items():
            await way.open()
            member.host = f"127.0.0.1:{way.port}"

    async def close(self) -> None:
        for way in self._ways.values():
            await way.close()

    def cut_off(self, member: Member) -> None:
        """Hold back all between it and the others, until `rejoin`. Clients still reach it."""
        others = [one for one in self._ways if one is not member]
        for one, way in self._ways.items():
            way.part(_Owned(others if one is member else [member]))

    def move_away(self, seconds: float) -> None:
        """Let all take as long, either way."""
        for way in self._ways.values():
            way.latency = seconds

    def stall(self) -> None:
        for way in self._ways.values():
            way.stall()

    def flow(self) -> None:
        for way in self._ways.values():
            way.flow()

    def rejoin(self) -> None:
        for way in self._ways.values():
            way.rejoin()


class _Owned:
    """Whether a connection is one of these members' own."""

    def __init__(self, members: list[Member]) -> None:
        self._processes = [psutil.Process(member.pid) for member in members]
        self._ports = self._look()

    def __call__(self, port: int, said: bytes) -> bool:
        # To look takes a while, so not for each client that comes.
        if _OF_A_MEMBER in said:
            self._ports = self._look()
        return port in self._ports

    def _look(self) -> set[int]:
        found = [one.net_connections("tcp4") for one in self._processes]
        return {one.laddr.port for connections in found for one in connections}
