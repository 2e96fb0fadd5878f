"""
A protocol that holds a portal and nothing else, and a server that uses it.
"""

from __future__ import annotations

import sys

from zope.interface import Interface, implementer

from twisted.internet.defer import maybeDeferred
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver

from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.credentials import UsernamePassword
from mycred.error import LoginFailed, TemporaryFailure
from mycred.portal import IRealm, Portal


class IMailbox(Interface):
    """
    What this protocol asks an avatar for.
    """

    def deleteMessage(number):
        """
        Delete a message, by its number from 0.
        """


class POP3(LineReceiver):
    """
    As much of POP3 as it takes to log in and to delete a message.
    """

    mailbox = None
    logout = None
    username = None

    def __init__(self, portal):
        self.portal = portal

    def lineReceived(self, line):
        """
        Call the method for a command.
        """
        command, _, argument = line.partition(b" ")
        method = getattr(self, f"do_{command.decode('ascii', 'replace').upper()}", None)
        if method is None:
            self.sendLine(b"-ERR unknown command")
        else:
            method(argument)

    def connectionLost(self, reason):
        """
        Log the avatar out.
        """
        if self.logout is not None:
            self.logout()

    def do_USER(self, name):
        """
        Remember who wants to log in.
        """
        self.username = name
        self.sendLine(b"+OK now PASS")

    def do_PASS(self, password):
        """
        Log in.
        """
        if self.username is None:
            self.sendLine(b"-ERR USER first")
            return
        credentials = UsernamePassword(self.username, password)
        login = self.portal.login(credentials, None, IMailbox)
        login.addCallbacks(self._cbLogin, self._ebLogin)

    def do_DELE(self, number):
        """
        Delete a message of the user who is logged in.
        """
        if self.mailbox is None:
            self.sendLine(b"-ERR log in first")
            return
        deleting = maybeDeferred(lambda: self.mailbox.deleteMessage(int(number) - 1))
        deleting.addCallbacks(
            lambda _: self.sendLine(b"+OK"),
            lambda _: self.sendLine(b"-ERR no such message"),
        )

    def _cbLogin(self, login):
        _, self.mailbox, self.logout = login
        self.sendLine(b"+OK welcome")

    def _ebLogin(self, failure):
        failure.trap(LoginFailed)
        if failure.check(TemporaryFailure):
            self.sendLine(b"-ERR try again later")
        else:
            self.sendLine(b"-ERR wrong name or password")


@implementer(IMailbox)
class Mailbox:
    """
    The avatar: the mail of one user.
    """

    def __init__(self, messages):
        self.messages = messages

    def deleteMessage(self, number):
        """
        Delete a message.
        """
        del self.messages[number]

    def logout(self):
        """
        Leave.
        """


@implementer(IRealm)
class MailRealm:
    """
    The realm: it knows everybody's mail, and nothing of passwords.
    """

    def __init__(self):
        self.mail = {}

    def requestAvatar(self, avatarId, mind, *interfaces):
        """
        Answer with a mailbox.
        """
        if IMailbox not in interfaces:
            raise NotImplementedError("mailboxes are all there is")
        messages = self.mail.setdefault(avatarId, ["Welcome"])
        avatar = Mailbox(messages)
        return IMailbox, avatar, avatar.logout


def makeFactory():
    """
    Tie a protocol, a realm and a checker together.
    """
    checker = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
    portal = Portal(MailRealm(), [checker])
    return Factory.forProtocol(lambda: POP3(portal))


def main(reactor):
    """
    Serve on port 1100 of this machine.
    """
    from twisted.internet.defer import Deferred
    from twisted.internet.endpoints import TCP4ServerEndpoint

    endpoint = TCP4ServerEndpoint(reactor, 1100, interface="127.0.0.1")
    return endpoint.listen(makeFactory()).addCallback(lambda _: Deferred())


if __name__ == "__main__":
    from twisted.internet.task import react

    react(main, sys.argv[1:])
