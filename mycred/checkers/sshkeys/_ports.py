"""
Servers on which nobody who needs several factors could get in: found when they start, and
not when the first user has tried.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from twisted.conch.ssh.factory import SSHFactory
from twisted.logger import Logger

_log = Logger()


def watchFor(checker: Any) -> None:
    """
    Look, as soon as the reactor runs and the program listens, whether a checker that
    wants several factors is behind a server that can't tell connections apart: conch's.

    Conch asks a checker nothing before somebody logs in, so that the reactor is asked
    what it listens for.  Where none is installed yet, or it can't say, only the first
    login tells.
    """
    reactor: Any = sys.modules.get("twisted.internet.reactor")
    if hasattr(reactor, "getReaders"):
        # What is begun with it may begin to listen.
        reactor.callWhenRunning(reactor.callLater, 0, _look, reactor, checker)


def _look(reactor: Any, checker: Any) -> None:
    """
    Look what a reactor listens for, and warn.
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


def _unwrapped(factory: Any) -> Any:
    """
    Take off a factory what was put around it, such as TLS or a limit.
    """
    while hasattr(factory, "wrappedFactory"):
        factory = factory.wrappedFactory
    return factory


def _tellsConnections(factory: SSHFactory) -> bool:
    """
    Return whether credentials have an attribute C{connection}, by what a server says that
    logs users in.
    """
    service = factory.services.get(b"ssh-userauth")
    return getattr(service, "tellsConnections", False)


def _checkersOf(portal: Any) -> Iterator[Any]:
    """
    Walk through the checkers of a portal, also through those that are asked one after
    another.
    """
    waiting = list(getattr(portal, "checkers", {}).values())
    while waiting:
        checker = waiting.pop()
        yield checker
        several = getattr(checker, "checkers", ())
        waiting += several if isinstance(several, tuple) else ()


__all__ = ["watchFor"]
