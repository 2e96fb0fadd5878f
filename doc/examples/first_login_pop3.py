"""
A first login: a small mail protocol, a realm, a checker and a portal.

Run the file, and type into C{telnet 127.0.0.1 9985}::

    USER alice
    PASS sesame
    DELE 1
    QUIT
"""

from __future__ import annotations

from typing import Any

from zope.interface import Interface, implementer

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.task import react
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.credentials import UsernamePassword
from mycred.error import TemporaryFailure, UnauthorizedLogin
from mycred.portal import IRealm, Portal


# The protocol: it says what it needs of an avatar, and asks a portal for one.
class IMailbox(Interface):
    """
    A mailbox, as far as this protocol is concerned.
    """

    def deleteMessage(index: int) -> None:
        """
        Delete a message.

        @param index: its place, counted from 0.

        @raise IndexError: if there is no such message.
        """


class POP3(LineReceiver):
    """
    The part of POP3 that a login takes, and one command for users that are logged in.
    """

    _log = Logger()

    def __init__(self, portal: Portal) -> None:
        """
        @param portal: where users log in; all that a protocol needs to know.
        """
        self._portal = portal
        self._username: bytes | None = None
        self._login: Deferred[Any] | None = None
        self._mailbox: Any = None
        self._logout: Any = None

    def connectionMade(self) -> None:
        """
        Greet.
        """
        self.sendLine(b"+OK hello")

    def lineReceived(self, line: bytes) -> None:
        """
        Carry out a command.
        """
        command, _, argument = line.partition(b" ")
        name = command.upper().decode("ascii", "replace")
        do = getattr(self, f"do_{name}", self.do_unknown)
        do(argument)

    def do_unknown(self, argument: bytes) -> None:
        """
        Refuse an unknown command.
        """
        self.sendLine(b"-ERR no such command")

    def do_USER(self, username: bytes) -> None:
        """
        Take the name.
        """
        if self._login is not None or self._mailbox is not None:
            self.sendLine(b"-ERR not now")
            return
        self._username = username
        self.sendLine(b"+OK now send PASS")

    def do_PASS(self, password: bytes) -> None:
        """
        Take the password, and log in.
        """
        if self._username is None:
            self.sendLine(b"-ERR send USER first")
            return
        credentials = UsernamePassword(self._username, password)
        self._username = None
        self._login = self._portal.login(credentials, None, IMailbox)
        self._login.addCallbacks(self._cbMailbox, self._ebRefused)

    def do_DELE(self, number: bytes) -> None:
        """
        Delete a message, counted from 1.
        """
        if self._mailbox is None:
            self.sendLine(b"-ERR log in first")
            return
        try:
            self._mailbox.deleteMessage(int(number) - 1)
        except (ValueError, IndexError):
            self.sendLine(b"-ERR no such message")
        else:
            self.sendLine(b"+OK deleted")

    def do_QUIT(self, argument: bytes) -> None:
        """
        Say goodbye.
        """
        self.sendLine(b"+OK goodbye")
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Log the avatar out, or stop waiting for one.
        """
        if self._login is not None:
            self._login.cancel()
        if self._logout is not None:
            self._logout()

    def _cbMailbox(self, result: Any) -> None:
        """
        Keep the avatar, and the callable that logs it out.
        """
        self._login = None
        _, self._mailbox, self._logout = result
        self.sendLine(b"+OK welcome")

    def _ebRefused(self, failure: Failure) -> None:
        """
        Answer with the reason of the failure, as RFC 3206 has it.
        """
        self._login = None
        if failure.check(UnauthorizedLogin):
            self.sendLine(b"-ERR [AUTH] wrong name or password")
        elif failure.check(TemporaryFailure):
            self.sendLine(b"-ERR [SYS/TEMP] come back later")
        elif not failure.check(CancelledError):
            self._log.failure("The login failed", failure=failure)
            self.sendLine(b"-ERR [SYS/PERM] something is broken")


class POP3Factory(Factory):
    """
    Builds a L{POP3} for each connection.
    """

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def buildProtocol(self, addr: object) -> POP3:
        """
        Build a connection.
        """
        return POP3(self._portal)


# The application: mailboxes, and a realm that returns a user's own.
@implementer(IMailbox)
class Mailbox:
    """
    The messages of a user.
    """

    def __init__(self) -> None:
        self.messages: list[str | None] = ["Welcome!", "Your mailbox is full."]

    def deleteMessage(self, index: int) -> None:
        """
        Delete a message; the others keep their places.
        """
        if index < 0 or self.messages[index] is None:
            raise IndexError(index)
        self.messages[index] = None

    def logout(self) -> None:
        """
        Close the mailbox.
        """


@implementer(IRealm)
class MailRealm:
    """
    The connection between users and their mailboxes.

    @ivar mailboxes: the mailbox of each user.
    """

    def __init__(self) -> None:
        self.mailboxes: dict[object, Mailbox] = {}

    def requestAvatar(self, avatarId: object, mind: object, *interfaces: Any) -> Any:
        """
        Answer with the user's mailbox; a new user gets a new one.
        """
        if IMailbox not in interfaces:
            raise NotImplementedError("this realm has mailboxes only")
        mailbox = self.mailboxes.setdefault(avatarId, Mailbox())
        return IMailbox, mailbox, mailbox.logout


# Deployment: the three meet.
def main(reactor: Any) -> Deferred[None]:
    """
    Serve mail to one user.
    """
    checker = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
    portal = Portal(MailRealm(), [checker])
    endpoint = serverFromString(reactor, "tcp:9985:interface=127.0.0.1")
    listening = endpoint.listen(POP3Factory(portal))
    return listening.addCallback(lambda _: Deferred())


if __name__ == "__main__":
    react(main)
