"""
The example server as several processes that share their mailboxes.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, Protocol, TypeVar

from .privileged import children, until
from .server import PATIENCE, Server


class Client(Protocol):
    """
    A client that is connected.

    @ivar sock: its socket.
    """

    sock: Any

    def close(self) -> object:
        """
        Hang up.
        """


_C = TypeVar("_C", bound=Client)


class MailServer(Server):
    """
    A running C{twistd myapp}, of one process or several.

    Its log is read as it is written: no process waits for room in a pipe.

    @ivar store: the path or the URL of its store.
    """

    _reader: Thread | None = None

    def __init__(self, options: list[str], offered: list[str], directory: str) -> None:
        """
        @param options: the command line.
        @param offered: the protocols that it starts.
        @param directory: where it starts, and keeps its secret.
        """
        stores = [text for text in options if text.startswith("--store=")]
        self.store = stores[-1].partition("=")[2]
        super().__init__(options, offered, directory=directory)
        self._reader = Thread(target=self._readAll, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """
        The process ID of C{twistd}.
        """
        pid: int = self._process.pid
        return pid

    def processes(self) -> Iterator[int]:
        """
        Yield the process IDs of C{twistd}, and of all that it has started.
        """
        left = [self.pid]
        while left:
            pid = left.pop()
            yield pid
            left += children(pid)

    def servedBy(self, client: Client) -> int:
        """
        Return the process that serves a client: it has the other end of its connection.
        """
        sock: socket.socket = client.sock
        ends = (sock.getpeername(), sock.getsockname())
        where = f"socket:[{until(lambda: _inode(*ends))}]"
        # A connection that no process has taken yet has none.
        found: int = until(
            lambda: next((pid for pid in self.processes() if where in _held(pid)), None)
        )
        return found

    def clientOf(self, make: Callable[[], _C], *pids: int, isOther: bool = False) -> _C:
        """
        Return a client that one of some processes serves.

        @param make: what makes a client.
        @param isOther: whether any process will do but for those.
        """
        others = []

        def found() -> _C | None:
            client = make()
            if (self.servedBy(client) in pids) != isOther:
                return client
            others.append(client)
            return None

        try:
            client: _C = until(found)
        finally:
            for other in others:
                other.close()
        return client

    def kill(self, pid: int) -> None:
        """
        Kill one of its processes.
        """
        os.kill(pid, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{pid}/fd").exists() or not _held(pid))

    def _readAll(self) -> None:
        """
        Read the log until all processes have ended.
        """
        with suppress(ValueError):
            while said := self._process.stdout.read(65536):
                self.log += said.decode("utf-8", "replace")

    def _ended(self) -> str:
        """
        Send it SIGTERM, and wait until all of its processes have ended.
        """
        if self._reader is None:
            return super()._ended()
        processes = list(self.processes())
        self._process.send_signal(signal.SIGTERM)
        self._reader.join(2 * PATIENCE)
        if not self._reader.is_alive():
            return ""
        for pid in processes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        raise AssertionError(f"The server does not stop:\n{self.log}")

    def restore(self) -> bool:
        """
        Return whether the next test can use it.
        """
        return self._reader is not None and self._reader.is_alive()


def _inode(ours: tuple[str, int], theirs: tuple[str, int]) -> str | None:
    """
    Return the inode of a connection's end on this machine; L{None} if no process has
    accepted the connection.
    """
    addresses = f" {_written(ours)} {_written(theirs)} "
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines():
        if addresses in line and (inode := line.split()[9]) != "0":
            return inode
    return None


def _written(address: tuple[str, int]) -> str:
    """
    Return an address as the system's table has it.
    """
    host = int.from_bytes(socket.inet_aton(address[0]), "little")
    return f"{host:08X}:{address[1]:04X}"


def _held(pid: int) -> set[str]:
    """
    Return what a process has open.
    """
    found = set()
    with suppress(FileNotFoundError):
        for number in os.listdir(f"/proc/{pid}/fd"):
            with suppress(FileNotFoundError):
                found.add(os.readlink(f"/proc/{pid}/fd/{number}"))
    return found


__all__ = ["Client", "MailServer"]
