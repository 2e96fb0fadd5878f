"""
A process that serves each of several ways to do something at a port of its own.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.task import react


async def _listen(reactor: Any, factories: Iterable[IProtocolFactory]) -> None:
    """
    Listen, print the ports, and serve until standard input ends.
    """
    from twisted.internet.threads import deferToThread

    for factory in factories:
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = await endpoint.listen(factory)
        print(port.getHost().port, flush=True)
    await deferToThread(sys.stdin.read)


def listen(factories: Iterable[IProtocolFactory]) -> None:
    """
    Serve in this process, as L{servingBy} has started it.

    @param factories: what serves each way; each is made when it is its turn.
    """
    react(lambda reactor: _listen(reactor, factories))


@contextmanager
def servingBy(module: str, files: Sequence[str]) -> Iterator[list[int]]:
    """
    Serve in another process meanwhile.

    @param module: the module whose function C{serve} calls L{listen}.
    @param files: what that function is given: the path of a file for each way.

    @return: the port for each way.
    """
    program = f"from {module} import serve; serve({files!r})"
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as server:
        assert server.stdout is not None
        yield [int(server.stdout.readline()) for _ in files]
