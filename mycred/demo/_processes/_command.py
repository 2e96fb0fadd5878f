"""
What is told to the workers, all but the first alike.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from ._sockets import HoldingReactor
from ._start import FIRST_SOCKET, Sockets, Start

#: How a worker is run.  Its interpreter finds what this one has found, hooks of sites
#: included.
PROGRAM = [
    sys.executable,
    *(["-I"] if sys.flags.isolated else []),
    str(Path(__file__).with_name("__main__.py")),
]


@dataclass(frozen=True)
class Command:
    """
    What the workers are told.

    @ivar twistd: the arguments of C{twistd}.
    @ivar arguments: those of C{myapp}.
    @ivar directory: the directory to which relative paths in them belong.
    @ivar directories: where modules are found.
    @ivar reactor: the name of their reactor; L{None} for Twisted's own choice.
    @ivar once: the protocols that only the first worker serves.
    @ivar secret: the secret of the site; L{None} if there is none.
    @ivar hostKey: the host key for SSH, as a file holds it; L{None} if there is none.
        These files may be in a directory of the server's user, who could put others of
        root's in their place before a worker starts that still has root's rights.
    @ivar metrics: the descriptor of the file that all workers write their metrics into;
        L{None} if there are none.
    """

    twistd: tuple[str, ...]
    arguments: tuple[str, ...]
    directory: str
    directories: list[str]
    reactor: str | None
    once: frozenset[str]
    secret: bytes | None = None
    hostKey: bytes | None = None
    metrics: int | None = None

    def startOf(
        self, number: int, holding: Mapping[str, HoldingReactor]
    ) -> tuple[Start, dict[int, int]]:
        """
        Return what a worker is told, and which descriptors of this process it gets as
        which of its own.

        @param number: which of the workers it is, from 1.
        @param holding: what has opened the sockets of each protocol.
        """
        descriptors: dict[int, int] = {}
        sockets = []
        free = count(FIRST_SOCKET)
        for protocol, held in holding.items():
            if number > 1 and protocol in self.once:
                continue
            own = {next(free): port.fileno() for port in held.ports}
            sockets.append(Sockets(protocol, tuple(own)))
            descriptors |= own
        metrics = None
        if self.metrics is not None:
            metrics = next(free)
            descriptors[metrics] = self.metrics
        start = Start(
            self.twistd,
            self.arguments,
            tuple(sockets),
            os.getpid(),
            self.secret,
            self.hostKey,
            number,
            metrics,
        )
        return start, descriptors


def argumentsOf(twistd: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """
    Return the arguments of C{twistd} for a worker that has the rights of a single
    process in the end.

    @param twistd: the options of C{twistd}, or C{twist}.
    @param name: the name of the server.
    """
    given = [
        f"--{option}={twistd[option]}"
        for option in ("rundir", "uid", "gid")
        if twistd.get(option) is not None
    ]
    flags = ["--euid"] if twistd.get("euid") else []
    return ("--nodaemon", "--originalname", "--pidfile=", *flags, *given, name)


def reactorOf(twistd: Mapping[str, Any]) -> str | None:
    """
    Return the name of the reactor that was chosen; L{None} if none was.

    @param twistd: the options of C{twistd}, or C{twist}, to which C{reactor} is the
        reactor itself.
    """
    name: str | None = twistd.get("reactorName", twistd.get("reactor"))
    return name


def absolutePath() -> list[str]:
    """
    Return where modules are found, whatever the directory will be.
    """
    return list(map(os.path.abspath, sys.path))


__all__ = ["PROGRAM", "Command", "absolutePath", "argumentsOf", "reactorOf"]
