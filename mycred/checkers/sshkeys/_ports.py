"""
Servers on which no user who needs several factors could log in: found when they start,
and not when the first user has tried.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from twisted.conch.ssh.factory import SSHFactory
from twisted.logger import Logger

_log = Logger()


def watchFor(checker: object) -> None:
    """
    Warn, as soon as the reactor runs and the program listens, if a checker that wants
    several factors is behind a server that can't tell connections apart: conch's.

    Conch asks a checker nothing before a user logs in, so that the reactor is asked what
    it listens for.  Where none is installed yet, or it can't say, only the first login
    tells.
    """
    reactor: Any = sys.modules.get("twisted.internet.reactor")
    if hasattr(reactor, "getReaders"):
        # What is started with the reactor may begin to listen.
        reactor.callWhenRunning(reactor.callLater, 0, _warn, reactor, checker)


def _warn(reactor: Any, checker: object) -> None:
    """
    Warn of ports of a reactor behind which a checker can't tell connections apart.
    """
    for port in reactor.getReaders():
        factory = _unwrapped(getattr(port, "factory", None))
        if not isinstance(factory, SSHFactory) or _tellsConnections(factory):
            continue
        if checker in _checkersOf(getattr(factory, "portal", None)):
            _log.warn(
                "{checker} wants several factors, and {factory}, on {port}, doesn't say "
                "which connection a login belongs to: whoever needs more than one factor "
                "isn't let in.  Serve it with mycred.conch.SSHFactory",
                checker=type(checker).__name__,
                factory=f"{type(factory).__module__}.{type(factory).__qualname__}",
                port=port.getHost(),
            )


def _unwrapped(factory: object) -> object:
    """
    Return a factory without what was put around it, such as TLS or a limit.
    """
    while hasattr(factory, "wrappedFactory"):
        factory = factory.wrappedFactory
    return factory


def _tellsConnections(factory: SSHFactory) -> bool:
    """
    Return whether a server says that its credentials have an attribute C{connection}.
    """
    service = factory.services.get(b"ssh-userauth")
    return getattr(service, "tellsConnections", False)


def _checkersOf(portal: object) -> Iterator[object]:
    """
    Return the checkers of a portal, also those that are asked one after another.
    """
    waiting = list(getattr(portal, "checkers", {}).values())
    while waiting:
        checker = waiting.pop()
        yield checker
        several = getattr(checker, "checkers", ())
        waiting += several if isinstance(several, tuple) else ()


__all__ = ["watchFor"]
