"""
A server for notes, with a protocol of its own in which clients log in by SASL.

::

    S: HELLO
    C: MECHANISMS
    S: OK SCRAM-SHA-256 PLAIN
    C: AUTH PLAIN AGFsaWNlAHNlc2FtZQ==
    S: OK
    C: ADD buy milk
    S: OK 1
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

from zope.interface import Attribute, Interface, implementer

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.task import react
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.error import SASLError, TemporaryFailure, UnauthorizedLogin
from mycred.portal import IRealm, Portal, SessionPortal
from mycred.sasl import (
    LONGEST_LINE,
    Context,
    Mechanism,
    authenticate,
    decode,
    decodeInitial,
    mechanismsFor,
    secretIn,
)


class INotes(Interface):
    """
    The notes of a user.
    """

    notes: list[bytes] = Attribute("""The notes, the oldest one first.""")


class NotesServer(LineOnlyReceiver):
    """
    A connection.
    """

    # An answer, and the command before it.
    MAX_LENGTH = LONGEST_LINE + 64

    _log = Logger()

    def __init__(self, portal: Portal, secret: bytes) -> None:
        """
        @param portal: the portal of the server.
        @param secret: the secret of the site.
        """
        self._serverPortal = portal
        self._secret = secret
        self._offered: dict[bytes, Mechanism] = {}
        self._login: Deferred[Any] | None = None
        self._asked: Deferred[bytes] | None = None
        self._avatar: Any = None

    def connectionMade(self) -> None:
        """
        Greet the client.
        """
        self.portal = SessionPortal(
            self._serverPortal, self, service="notes", mostRefused=10
        )
        self.sendLine(b"HELLO")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Stop waiting for the client, for checkers and for the realm, and log out.
        """
        if self._login is not None:
            self._login.cancel()
        self.portal.close()

    def lineReceived(self, line: bytes) -> None:
        """
        Take a line for the answer to a challenge, if one was sent, or for a command.
        """
        if self._asked is not None:
            self._answer(self._asked, line)
        elif self._login is not None:
            # It doesn't wait for what it is asked.
            self.transport.loseConnection()
        else:
            command, _, argument = line.partition(b" ")
            self._commands.get(command.upper(), NotesServer._unknown)(self, argument)

    def _offer(self, argument: bytes) -> None:
        """
        Say how the client can log in over this connection.

        Here and not in the greeting: with TLS from the beginning that is sent before the
        handshake, when there is no certificate and no channel binding yet.
        """
        self._offered = mechanismsFor(self.portal, self.portal.facts)
        self.sendLine(b" ".join([b"OK", *self._offered]))

    def _logIn(self, argument: bytes) -> None:
        """
        Lead the client through a login.
        """
        name, _, word = argument.partition(b" ")
        mechanism = self._offered.get(name.upper())
        if mechanism is None or self._avatar is not None:
            self.sendLine(b"BAD not offered")
            return
        try:
            initial = decodeInitial(word) if word else None
        except SASLError as error:
            self.sendLine(b"BAD " + str(error).encode("ascii"))
            return
        self._login = self._authenticate(mechanism, initial)
        self._login.addCallbacks(self._cbLogin, self._ebLogin)

    def _authenticate(self, mechanism: Mechanism, initial: bytes | None) -> Deferred[Any]:
        """
        Return a login by a mechanism.
        """
        return authenticate(
            mechanism,
            Context(
                self.portal.facts,
                self._secret,
                tuple(self._offered),
                noteRefused=self.portal.noteRefused,
            ),
            initial,
            self._ask,
            lambda credentials: self.portal.login(credentials, None, INotes),
        )

    def _ask(self, challenge: bytes) -> Deferred[bytes]:
        """
        Send a challenge, and wait for the answer.
        """
        self.sendLine(b"+ " + b64encode(challenge))
        self._asked = Deferred(self._forget)
        return self._asked

    def _forget(self, asked: Deferred[bytes]) -> None:
        """
        Wait for no answer any more.
        """
        self._asked = None

    def _answer(self, asked: Deferred[bytes], line: bytes) -> None:
        """
        Hand over the client's answer.
        """
        self._asked = None
        try:
            answer = decode(line)
        except SASLError:
            asked.errback()
        else:
            asked.callback(answer)

    def _cbLogin(self, login: Any) -> None:
        """
        Keep the avatar.  The portal logs it out when the connection ends.
        """
        self._login = None
        _, self._avatar, _ = login
        self.sendLine(b"OK")

    def _ebLogin(self, failure: Failure) -> None:
        """
        Tell the client what kind of failure it is, and no more.
        """
        self._login = None
        if failure.check(SASLError):
            self.sendLine(b"BAD " + failure.getErrorMessage().encode("ascii"))
        elif failure.check(UnauthorizedLogin):
            self.sendLine(b"NO")
        elif failure.check(TemporaryFailure):
            self.sendLine(b"LATER")
        elif not failure.check(CancelledError):
            self._log.failure("The login failed", failure=failure)
            self.sendLine(b"LATER")

    def _add(self, argument: bytes) -> None:
        """
        Add a note, and answer with its number.
        """
        if self._avatar is None:
            self.sendLine(b"NO log in first")
            return
        self._avatar.notes.append(argument)
        self.sendLine(b"OK %d" % len(self._avatar.notes))

    def _unknown(self, argument: bytes) -> None:
        """
        Refuse an unknown command.
        """
        self.sendLine(b"BAD no such command")

    _commands: dict[bytes, Callable[[NotesServer, bytes], None]] = {
        b"MECHANISMS": _offer,
        b"AUTH": _logIn,
        b"ADD": _add,
    }


class NotesFactory(Factory):
    """
    Builds a connection.
    """

    def __init__(self, portal: Portal, secret: bytes) -> None:
        self._portal = portal
        self._secret = secret

    def buildProtocol(self, addr: object) -> NotesServer:
        """
        Build a connection.
        """
        return NotesServer(self._portal, self._secret)


@implementer(INotes)
class Notes:
    """
    The notes of a user.
    """

    def __init__(self) -> None:
        self.notes: list[bytes] = []


@implementer(IRealm)
class NotesRealm:
    """
    Returns each user's own notes.
    """

    def __init__(self) -> None:
        self._notes: dict[object, Notes] = {}

    def requestAvatar(self, avatarId: object, mind: object, *interfaces: Any) -> Any:
        """
        Answer with a user's notes.
        """
        if INotes not in interfaces:
            raise NotImplementedError("this realm has notes only")
        return INotes, self._notes.setdefault(avatarId, Notes()), lambda: None


def main(reactor: Any) -> Deferred[None]:
    """
    Serve notes to one user.
    """
    checker = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
    factory = NotesFactory(Portal(NotesRealm(), [checker]), secretIn("notes.secret"))
    endpoint = serverFromString(reactor, "tcp:9986:interface=127.0.0.1")
    return endpoint.listen(factory).addCallback(lambda _: Deferred())


if __name__ == "__main__":
    react(main)
