"""
What a worker is told when it starts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from ..._records import pack, unpack

#: The descriptor by which a worker sends what it logs.
LOG = 3

#: The first descriptor of the sockets that a worker adopts.
FIRST_SOCKET = 4


@dataclass(frozen=True)
class Sockets:
    """
    The sockets of one protocol.

    @ivar protocol: the name of the protocol.
    @ivar descriptors: their descriptors in the worker, in the order in which they were
        opened.
    """

    protocol: str
    descriptors: tuple[int, ...]


@dataclass(frozen=True)
class Start:
    """
    What a worker is told.

    @ivar twistd: the arguments of C{twistd}.
    @ivar arguments: those of C{myapp}.
    @ivar sockets: the sockets that it serves.
    @ivar parent: the process ID of the one that has started it.
    @ivar secret: the secret of the site; L{None} if it needs none.
    @ivar hostKey: the host key for SSH, as a file holds it; L{None} if it needs none.
    @ivar number: which of the workers it is, from 1.
    @ivar metrics: the descriptor of the file that all workers write their metrics into;
        L{None} if there are none.
    """

    twistd: tuple[str, ...]
    arguments: tuple[str, ...]
    sockets: tuple[Sockets, ...]
    parent: int
    secret: bytes | None = None
    hostKey: bytes | None = None
    number: int = 1
    metrics: int | None = None

    def descriptors(self, protocol: str) -> tuple[int, ...]:
        """
        Return the descriptors of a protocol's sockets; none if other workers serve it.
        """
        found = (one.descriptors for one in self.sockets if one.protocol == protocol)
        return next(found, ())


def encodeStart(start: Start, directories: list[str], reactor: str | None) -> bytes:
    """
    Return what is written to a worker's standard input.

    @param directories: where modules are found.
    @param reactor: the name of the reactor; L{None} for Twisted's own choice.
    """
    lines = [json.dumps([directories, reactor]), json.dumps(pack(start)), ""]
    return "\n".join(lines).encode("ascii")


def decodeStart(told: object) -> Start:
    """
    Return what a worker is told.
    """
    return unpack(Start, told)


def workerOf(twistd: object) -> Start | None:
    """
    Return what this process was told if it is a worker.

    @param twistd: the options of C{twistd}.
    """
    start = getattr(twistd, "start", None)
    return start if isinstance(start, Start) else None


__all__ = [
    "FIRST_SOCKET",
    "LOG",
    "Sockets",
    "Start",
    "decodeStart",
    "encodeStart",
    "workerOf",
]
