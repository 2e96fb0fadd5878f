"""
Logins that an audit log is told of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import Interface, implementer

from twisted.cred.portal import Portal as TwistedPortal
from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport

from mycred.checkers import (
    ICredentialsChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from mycred.credentials import IUsernamePassword, UsernamePassword
from mycred.portal import IRealm, Portal, SessionPortal
from mycred.stack import CheckerStack

#: Names that try to be a field, a line, an address, or a command to a terminal.
FORGERIES = (
    b"x peer=198.51.100.1",
    b'x" peer=198.51.100.1',
    b'x","source.ip":"198.51.100.1","y":"',
    b'x\\","source.ip":"198.51.100.1',
    b"x\nLogin refused: user=x peer=198.51.100.1",
    b"x\r\n2026-11-30T12:00:00+0000 Login refused: peer=198.51.100.1",
    b'{"@timestamp":"2026-11-30T12:00:00.000Z","log.level":"info","message":"Login '
    b'refused","source.ip":"198.51.100.1"}',
    b"by=sshkey ",
    b'","mycred.mechanism":"publickey","',
    b"\x1b[2J\x1b]0;title\x07",
    "x\u2028Login accepted: user=root\u2029\x85".encode(),
    "\u202eimap".encode(),
    b"\xff\xfe\x00",
    b"\xed\xa0\x80",
    b"x" * 2**20,
    b"",
)


@implementer(IRealm)
class Realm:
    """
    A realm that answers with the avatar ID.

    @ivar error: what it fails with, if anything.
    """

    error: Exception | None = None

    def requestAvatar(self, avatarId: object, mind: object, *interfaces: Any) -> Any:
        """
        Answer at once.
        """
        if self.error is not None:
            raise self.error
        return interfaces[0], avatarId, lambda: None


@implementer(ICredentialsChecker)
class Saying:
    """
    A checker that says what it is told to.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self._answer = answer

    def requestAvatarId(self, credentials: Any) -> Any:
        """
        Say it.
        """
        return self._answer(credentials)


class Connection:
    """
    A protocol, as far as a portal knows one.
    """

    def __init__(self, host: str, port: int = 50123) -> None:
        self.transport = StringTransport(
            IPv4Address("TCP", "127.0.0.1", 143), IPv4Address("TCP", host, port)
        )


def memory(**users: bytes) -> InMemoryUsernamePasswordDatabaseDontUse:
    """
    Make a checker that knows some users; Alice, if none are named.
    """
    return InMemoryUsernamePasswordDatabaseDontUse(**(users or {"alice": b"sesame"}))


def session(
    audit: Any, *checkers: Any, host: str = "192.0.2.1", realm: Any = None
) -> SessionPortal:
    """
    Make the portal of a connection, with a stack.
    """
    stack = CheckerStack(checkers or [memory()], audit=audit)
    portal = Portal(realm or Realm(), [stack])
    return SessionPortal(portal, Connection(host), service="imap")


def portalsWith(audit: Any, *checkers: Any) -> list[Any]:
    """
    Make a portal of each kind, with a stack.
    """
    stack = CheckerStack(checkers or [memory()], audit=audit)
    twisted = TwistedPortal(Realm())
    twisted.registerChecker(stack)
    return [session(audit, *checkers), Portal(Realm(), [stack]), twisted]


def logIn(portal: Any, name: Any = b"alice", password: Any = b"sesame") -> list[Any]:
    """
    Log in by a password.

    @return: what comes of it, if it has come; a failure is swallowed.
    """
    return presentTo(portal, UsernamePassword(name, password))


def presentTo(portal: Any, credentials: Any) -> list[Any]:
    """
    Log in with credentials.

    @return: as from L{logIn}.
    """
    result: list[Any] = []
    portal.login(credentials, None, Interface).addBoth(result.append)
    return result
