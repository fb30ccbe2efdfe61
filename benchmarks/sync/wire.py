"""The other side of the wire, as cheap as Python has it: one loop over all sockets, hardly any parsing."""

import errno
import heapq
import itertools
import random
import re
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from benchmarks.load import length

TOLD = re.compile(rb'"from":(\d+),"to":(\d+),"cursor":"([^"]+)"')
"""Of a frame. Within its documents every quote has a backslash."""
EVENT = re.compile(rb"\r\npastis-event: ([\d, ]+)", re.IGNORECASE)
AFTER = re.compile(rb"\r\nretry-after: (\d+)", re.IGNORECASE)
END = b"\n\n\r\n"
"""Of a message, which is a chunk: lines of JSON hold no line breaks."""
READ = 262_144


class Pump:
    """Calls who has something to read, and what is due."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def add(self, sock: socket.socket, handler: Callable[[], None], events: int = select.EPOLLIN) -> None:
        self._handlers[sock.fileno()] = handler
        self._epoll.register(sock.fileno(), events)

    def read_only(self, sock: socket.socket) -> None:
        self._epoll.modify(sock.fileno(), select.EPOLLIN)

    def remove(self, sock: socket.socket) -> None:
        if self._handlers.pop(sock.fileno(), None) is not None:
            self._epoll.unregister(sock.fileno())

    def at(self, due: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (due, next(self._numbers), action))

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Go on for so long, or until something is true; whether it was."""
        end = time.monotonic() + seconds
        while not until():
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()
            if now >= end:
                return False
            next_due = self._due[0][0] if self._due else end
            for fd, _ in self._epoll.poll(max(0.0, min(next_due, end) - now), 4096):
                handler = self._handlers.get(fd)
                if handler is not None:
                    handler()
        return True

    def close(self) -> None:
        self._epoll.close()


class Crowd:
    """Clients that follow one workspace, and what they were told, all in all."""

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self.members: list[Listener] = []
        self.opened = 0
        """Members that have been told where they are."""
        self.frames = 0
        self.events = 0
        self.target = 0
        self.arrived = 0
        """Members that have been told of the target, since it was set."""
        self.log: list[tuple[int, int, float]] | None = None
        """From, to, and when, where that is wanted."""
        self.refused = 0
        """Requests that were answered "come back later"."""
        self.flaw = ""

    def open(self, port: int, requests: Iterable[bytes], *, together: int = 200) -> None:
        """Let members in, so many at a time, and wait until each has been told where it is."""
        waiting = deque(Listener(self, port, request) for request in requests)
        wanted = self.opened + len(waiting)
        under_way = len(self.members)
        while self.opened < wanted:
            while waiting and under_way - self.opened < together:
                one = waiting.popleft()
                self.members.append(one)
                one.start()
                under_way += 1
            before = self.opened
            if not self.pump.run(60, lambda before=before: self.opened > before or bool(self.flaw)):  # type: ignore[misc]
                self.flaw = f"{self.opened} of {wanted} were let in, then nothing"
            self.check()

    def aim(self, target: int) -> None:
        self.target = target
        self.arrived = sum(1 for one in self.members if one.to >= target)

    def all_arrived(self) -> bool:
        return self.arrived >= len(self.members) or bool(self.flaw)

    def count(self) -> tuple[int, int]:
        return self.frames, self.events

    def check(self) -> None:
        """Raises what went wrong with any of them."""
        if self.flaw:
            raise RuntimeError(self.flaw)

    def close(self) -> None:
        for one in self.members:
            one.close()
        self.members = []
        self.opened = 0


class Listener:
    """One client: a socket, and how far it has come."""

    __slots__ = ("_connected", "_crowd", "_port", "_request", "_rest", "_sock", "cursor", "to")

    def __init__(self, crowd: Crowd, port: int, request: bytes) -> None:
        self._crowd = crowd
        self._port = port
        self._request = request
        self._rest = b""
        self._connected = False
        self.to = -1
        self.cursor = b""

    def start(self) -> None:
        self._sock = socket.socket()
        self._sock.setblocking(False)
        found = self._sock.connect_ex(("127.0.0.1", self._port))
        if found not in {0, errno.EINPROGRESS}:
            self._crowd.flaw = f"cannot connect: {errno.errorcode[found]}"
        self._crowd.pump.add(self._sock, self._on_ready, select.EPOLLOUT)

    def close(self) -> None:
        if self._sock.fileno() >= 0:
            self._crowd.pump.remove(self._sock)
            self._sock.close()

    def _on_ready(self) -> None:
        if self._connected:
            self._read()
            return
        failed = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            self._crowd.flaw = f"cannot connect: {errno.errorcode[failed]}"
            return
        self._connected = True
        self._sock.send(self._request)
        self._crowd.pump.read_only(self._sock)

    def _read(self) -> None:
        try:
            data = self._sock.recv(READ)
        except BlockingIOError:
            return
        except OSError as error:
            data, self._rest = b"", str(error).encode()
        now = time.monotonic()
        crowd = self._crowd
        if not data:
            crowd.flaw = f"a stream was cut off: {self._rest[-500:]!r}"
            self.close()
            return
        if self._rest:
            data = self._rest + data
        if not data.endswith(END) and not data.startswith(b"HTTP/1.1 503"):
            self._rest = data
            return
        self._rest = b""
        if self.to < 0 and not data.startswith(b"HTTP/1.1 200"):
            self._refused(data)
            return
        if b"\nevent: " in data:
            crowd.flaw = f"a stream ended: {data[-500:]!r}"
        for found in TOLD.finditer(data):
            self._told(int(found[1]), int(found[2]), now)
            self.cursor = found[3]

    def _refused(self, answer: bytes) -> None:
        found = AFTER.search(answer)
        if found is None:
            self._crowd.flaw = f"a stream was refused: {answer[:500]!r}"
            return
        self._crowd.refused += 1
        self.close()
        self._connected = False
        self._crowd.pump.at(time.monotonic() + int(found[1]) * random.uniform(1, 2), self.start)

    def _told(self, start: int, to: int, now: float) -> None:
        crowd, here = self._crowd, self.to
        if here < 0:
            crowd.opened += 1
        elif start != here:
            crowd.flaw = f"a gap: at {here}, told what came behind {start}"
        self.to = to
        if to > start:
            crowd.frames += 1
            crowd.events += to - start
            if crowd.log is not None:
                crowd.log.append((start, to, now))
        if here < crowd.target <= to:
            crowd.arrived += 1


class Writer:
    """Sends changes when they are due, whatever became of those before, and notes when each was answered."""

    def __init__(self, pump: Pump, port: int, requests: Iterator[bytes], connections: int = 32) -> None:
        self._pump = pump
        self._requests = requests
        self._waiting: deque[float] = deque()
        self.due: dict[int, float] = {}
        """When each event's request was to be sent, by its number."""
        self.answered: dict[int, float] = {}
        self.sent = 0
        self.done = 0
        self._connections = [_Connection(self, pump, port) for _ in range(connections)]
        self._idle = list(self._connections)

    @property
    def head(self) -> int:
        return max(self.answered, default=0)

    def pace(self, rate: float, seconds: float) -> None:
        """Let so many a second be sent, at even distances."""
        begin = time.monotonic()
        for number in range(round(rate * seconds)):
            due = begin + number / rate
            self._pump.at(due, lambda due=due: self.send(due))  # type: ignore[misc]

    def send(self, due: float) -> None:
        if self._idle:
            self.sent += 1
            self._idle.pop().send(next(self._requests), due)
        else:
            self._waiting.append(due)

    def on_answer(self, connection: "_Connection", head: bytes, due: float, now: float) -> None:
        found = EVENT.search(head)
        if found is None or not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"a change was refused: {head[:500]!r}")
        for seq in map(int, found[1].split(b",")):
            self.answered[seq] = now
            self.due[seq] = due
        self.done += 1
        self._idle.append(connection)
        if self._waiting:
            self.send(self._waiting.popleft())

    def one(self, seconds: float = 10.0) -> int:
        """Make one change and give its number, once it is answered."""
        done = self.done
        self.send(time.monotonic())
        if not self._pump.run(seconds, lambda: self.done > done):
            raise RuntimeError("a change was not answered")
        return self.head

    def settle(self, seconds: float = 30.0) -> None:
        """Wait for every answer."""
        if not self._pump.run(seconds, lambda: self.done == self.sent and not self._waiting):
            raise RuntimeError(f"{self.sent - self.done} changes were not answered")

    def close(self) -> None:
        for one in self._connections:
            one.close()


class _Connection:
    """One that lasts, as far as the server lets it: it closes what is idle for five seconds."""

    def __init__(self, writer: Writer, pump: Pump, port: int) -> None:
        self._writer = writer
        self._pump = pump
        self._port = port
        self._sock: socket.socket | None = None
        self._request = b""
        self._due = 0.0
        self._data = b""

    def send(self, request: bytes, due: float) -> None:
        self._request, self._due = request, due
        self._connected().sendall(request)

    def _connected(self) -> socket.socket:
        if self._sock is None:
            self._sock = socket.create_connection(("127.0.0.1", self._port))
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pump.add(self._sock, self._on_ready)
        return self._sock

    def _on_ready(self) -> None:
        data = b"" if self._sock is None else self._sock.recv(READ)
        now = time.monotonic()
        if not data:
            self.close()
            if self._request:  # it met the end of the connection, and was not read
                self._connected().sendall(self._request)
            return
        self._data += data
        end = self._data.find(b"\r\n\r\n")
        if end < 0 or len(self._data) < end + 4 + length(self._data[:end]):
            return
        whole, self._data, self._request = self._data, b"", b""
        self._writer.on_answer(self, whole, self._due, now)

    def close(self) -> None:
        if self._sock is not None:
            self._pump.remove(self._sock)
            self._sock.close()
            self._sock = None
