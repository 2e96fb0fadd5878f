"""
A mail server: what comes in by SMTP from users who have logged in is read by POP3.
"""

from io import BytesIO

from zope.interface import implementer

from twisted.internet.defer import succeed
from twisted.internet.protocol import Factory
from twisted.mail.pop3 import IMailbox, Mailbox
from twisted.mail.smtp import IMessage, IMessageDelivery, SMTPBadRcpt

from mycred.mail import ESMTP, POP3
from mycred.portal import IRealm, Portal
from mycred.sasl import secretIn
from mycred.tls import TLSOptions


@implementer(IMessage)
class Message:
    def __init__(self, messages):
        self.messages = messages
        self.lines = []

    def lineReceived(self, line):
        self.lines.append(line)

    def eomReceived(self):
        self.messages.append(b"\n".join(self.lines) + b"\n")
        return succeed(None)

    def connectionLost(self):
        """Nothing was kept."""


@implementer(IMessageDelivery)
class Delivery:
    def __init__(self, user, mailboxes):
        self.user = user
        self.mailboxes = mailboxes

    def validateFrom(self, helo, origin):
        return origin

    def validateTo(self, user):
        name = user.dest.local
        if name not in self.mailboxes:
            raise SMTPBadRcpt(user)
        return lambda: Message(self.mailboxes[name])

    def receivedHeader(self, helo, origin, recipients):
        return b"Received: from " + self.user


class Messages(Mailbox):
    def __init__(self, messages):
        self.messages = list(messages)

    def listMessages(self, i=None):
        sizes = [len(message) for message in self.messages]
        return sizes if i is None else sizes[i]

    def getMessage(self, i):
        return BytesIO(self.messages[i])

    def getUidl(self, i):
        return b"%d" % i


@implementer(IRealm)
class MailRealm:
    def __init__(self, *users):
        self.mailboxes = {user: [] for user in users}

    def requestAvatar(self, avatarId, mind, *interfaces):
        if IMailbox in interfaces:
            mailbox = Messages(self.mailboxes[avatarId])
            return IMailbox, mailbox, lambda: None
        if IMessageDelivery in interfaces:
            return IMessageDelivery, Delivery(avatarId, self.mailboxes), lambda: None
        raise NotImplementedError(interfaces)


class MailFactory(Factory):
    """
    @ivar contextFactory: with this, the protocols begin with TLS.
    @ivar siteSecret: from this, keys are made up for names that nobody has.
    """

    def __init__(self, protocol, portal, tls, siteSecret):
        self.protocol = protocol
        self.contextFactory = tls
        self.portal = portal
        self.siteSecret = siteSecret

    def buildProtocol(self, addr):
        protocol = super().buildProtocol(addr)
        protocol.portal = self.portal
        return protocol


def makeFactories(checkers, users, key, certificate, secret):
    """
    Return the factories for the ports 587 and 110.

    @param checkers: such as C{[HtpasswdChecker("/etc/myapp/users")]}.
    @param users: the names of those who have a mailbox.
    @param key: the path of the private key for TLS.
    @param certificate: the path of the certificate.
    @param secret: the path of a file with a secret, which is made if it is missing.
    """
    portal = Portal(MailRealm(*users), checkers)
    tls = TLSOptions(key, certificate).contextFactory()
    siteSecret = secretIn(secret)
    return [MailFactory(one, portal, tls, siteSecret) for one in (ESMTP, POP3)]
