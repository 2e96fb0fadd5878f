"""
Servers of L{mycred.mail}, in memory and on 127.0.0.1, and what stands behind them.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from zope.interface import implementer

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import ITLSTransport
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.mail import imap4, pop3, smtp

from mycred._authzid import insistOnOwnName
from mycred._scram import HASHES, ScramKeys
from mycred.credentials import (
    IBearerToken,
    ICertificateCredentials,
    IScramCredentials,
    IUsernamePassword,
)
from mycred.error import UnauthorizedLogin
from mycred.mail import ESMTP, POP3, IMAP4Server
from mycred.portal import IRealm, Portal
from tests.kit.scramp import scrampClient

from .sessions import makeChecker

# As many rounds as clients accept.
ITERATIONS = 4096
PASSWORDS = {b"alice": b"sesame"}


class ScramChecker:
    """
    A checker that has the keys of passwords, and nothing else of them.

    @ivar asked: the credentials that it was asked about.
    """

    credentialInterfaces = (IScramCredentials, IUsernamePassword)

    def __init__(self, passwords: Mapping[bytes, bytes] = PASSWORDS) -> None:
        self.asked: list[Any] = []
        self._keys = {
            (name, hash): ScramKeys.derived(hash, password, b"salt" * 4, ITERATIONS)
            for name, password in passwords.items()
            for hash in HASHES
        }

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes]:
        """
        Verify a password, or have the client prove it.
        """
        self.asked.append(credentials)
        name = credentials.username
        hash = getattr(credentials, "hash", "sha256")
        keys = self._keys.get((name, hash))
        if IUsernamePassword.providedBy(credentials):
            if keys is not None and keys.matches(credentials.password):
                return succeed(name)
            return fail(UnauthorizedLogin())
        credentials.expect(ITERATIONS, 16)
        if keys is None:
            return fail(UnauthorizedLogin())
        proved: Deferred[None] = credentials.prove(keys)
        return proved.addCallback(lambda _: name)


class CertificateChecker:
    """
    A checker that lets every certificate in, by its common name: whether TLS has
    verified it is up to the test.
    """

    credentialInterfaces = (ICertificateCredentials,)

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes]:
        """
        Name the avatar.
        """
        [attribute] = credentials.certificate.subject
        name = attribute.value.encode("utf-8")
        insistOnOwnName(credentials.authzid, name)
        return succeed(name)


class TokenChecker:
    """
    A checker of one token.
    """

    credentialInterfaces = (IBearerToken,)

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes]:
        """
        Name the avatar.
        """
        if credentials.token == b"token":
            return succeed(b"alice")
        return fail(UnauthorizedLogin())


@implementer(smtp.IMessageDelivery)
class Delivery:
    """
    A place to which messages are delivered.

    @ivar messages: the lines of each message.
    """

    def __init__(self) -> None:
        self.messages: list[list[bytes]] = []

    def validateFrom(self, helo: Any, origin: Any) -> Any:
        """
        Accept a sender.
        """
        return origin

    def validateTo(self, user: Any) -> Any:
        """
        Accept a recipient.
        """
        return lambda: Message(self.messages)

    def receivedHeader(self, helo: Any, origin: Any, recipients: Any) -> bytes:
        """
        Return no header.
        """
        return b""


@implementer(smtp.IMessage)
class Message:
    """
    A message that comes in.
    """

    def __init__(self, messages: list[list[bytes]]) -> None:
        self._messages = messages
        self._lines: list[bytes] = []

    def lineReceived(self, line: bytes) -> None:
        self._lines.append(line)

    def eomReceived(self) -> Deferred[None]:
        self._messages.append(self._lines)
        return succeed(None)

    def connectionLost(self) -> None:
        pass


class Mailbox(pop3.Mailbox):
    """
    A mailbox over POP3, with one message.
    """

    def listMessages(self, i: Any = None) -> Any:
        """
        Return sizes.
        """
        if i:
            raise ValueError
        return [5] if i is None else 5

    def getMessage(self, i: int) -> Any:
        """
        Return the message.
        """
        if i:
            raise ValueError
        return BytesIO(b"Hi!\r\n")

    def getUidl(self, i: int) -> bytes:
        """
        Return its identifier.
        """
        return b"one"


@implementer(IRealm)
class MailRealm:
    """
    A realm of mailboxes.

    @ivar names: who has logged in, in their order.
    @ivar logouts: who has logged out.
    """

    def __init__(self) -> None:
        self.names: list[Any] = []
        self.logouts: list[Any] = []
        self.delivery = Delivery()

    def requestAvatar(self, avatarId: Any, mind: object, *interfaces: Any) -> Any:
        """
        Return what stands for a user.
        """
        self.names.append(avatarId)
        makers: dict[Any, Any] = {
            imap4.IAccount: self._account,
            pop3.IMailbox: Mailbox,
            smtp.IMessageDelivery: lambda: self.delivery,
        }
        interface = next(one for one in interfaces if one in makers)
        return interface, makers[interface](), lambda: self.logouts.append(avatarId)

    def _account(self) -> imap4.MemoryAccount:
        """
        Return an account without folders.
        """
        return imap4.MemoryAccount(b"account")


class MailFactory(Factory):
    """
    A factory of one of the protocols.

    @ivar contextFactory: the context factory for STARTTLS.
    @ivar built: the protocols that were built.
    """

    noisy = False

    def __init__(self, protocol: Any, portal: Any, contextFactory: Any = None) -> None:
        self.protocol = protocol
        self.portal = portal
        self.contextFactory = contextFactory
        self.built: list[Any] = []

    def buildProtocol(self, addr: Any) -> Any:
        """
        Build a protocol.
        """
        protocol: Any = self.protocol(contextFactory=self.contextFactory)
        protocol.factory = self
        protocol.portal = self.portal
        self.built.append(protocol)
        return protocol


#: The protocols by their names.
PROTOCOLS: dict[str, Any] = {"imap": IMAP4Server, "pop3": POP3, "smtp": ESMTP}


@implementer(ITLSTransport)
class StartingTransport(StringTransportWithDisconnection):
    """
    A transport in memory that can begin with TLS, or rather say so.

    @ivar contexts: the context factories with which TLS was begun.
    """

    def __init__(self, host: str) -> None:
        super().__init__(peerAddress=IPv4Address("TCP", host, 12345))
        self.contexts: list[Any] = []

    def startTLS(self, contextFactory: Any, normal: bool = True) -> None:
        """
        Begin with TLS.
        """
        self.contexts.append(contextFactory)

    def abortConnection(self) -> None:
        """
        End at once.
        """
        self.loseConnection()


class Talk:
    """
    A client that talks to a server in memory.

    @ivar server: the protocol.
    @ivar transport: its transport.
    @ivar greeting: what it said first.
    """

    def __init__(self, server: Any, host: str = "127.0.0.1") -> None:
        self.server = server
        self.transport = StartingTransport(host)
        self.transport.protocol = server
        server.makeConnection(self.transport)
        self.greeting = self.said()

    def said(self) -> list[bytes]:
        """
        Return the lines that the server has sent since the last time.
        """
        sent = self.transport.value()
        self.transport.clear()
        lines = sent.split(b"\r\n")
        if lines.pop():
            raise AssertionError(f"no line: {sent!r}")
        return lines

    def send(self, data: bytes) -> list[bytes]:
        """
        Send bytes.

        @return: what the server says to them.
        """
        self.server.dataReceived(data)
        return self.said()

    def say(self, *lines: bytes) -> list[bytes]:
        """
        Send lines.

        @return: what the server says to them.
        """
        return self.send(b"".join(line + b"\r\n" for line in lines))

    def hangUp(self) -> None:
        """
        End the connection, unless it has ended.
        """
        if self.transport.connected:
            self.transport.loseConnection()


class TalkTests:
    """
    What tests in memory have in common.

    @cvar name: the name of the protocol.
    @ivar realm: the realm.
    @ivar dialect: the words of the protocol.
    """

    name: str

    def setUp(self: Any) -> None:
        self.dialect = DIALECTS[self.name]
        self.realm = MailRealm()

    def talk(
        self: Any,
        *checkers: Any,
        host: str = "127.0.0.1",
        context: Any = None,
        **settings: Any,
    ) -> Talk:
        """
        Connect to a server until the end of the test.

        @param checkers: its checkers; one that has the password of Alice if none is
            given.
        @param host: where the client is.
        @param context: the context factory for STARTTLS.
        @param settings: attributes of the protocol.
        """
        portal = Portal(self.realm, checkers or [makeChecker()])
        factory = MailFactory(PROTOCOLS[self.name], portal, context)
        server = factory.buildProtocol(None)
        self.clock = Clock()
        server.callLater = self.clock.callLater
        for name, value in settings.items():
            setattr(server, name, value)
        talk = Talk(server, host)
        self.addCleanup(talk.hangUp)
        return talk

    def assertAnswer(self: Any, lines: list[bytes], beginning: bytes) -> None:
        """
        Assert that the server has answered by one line that begins so.
        """
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith(beginning), lines)


@dataclass(frozen=True)
class Dialect:
    """
    How the words of one protocol are, so that a test can be the same for all.

    @ivar name: the name of the protocol.
    @ivar command: the command to log in by SASL.
    @ivar begin: with what a challenge begins.
    @ivar good: with what the answer to a login begins that has succeeded.
    @ivar refused: ... that was refused.
    @ivar malformed: ... to which what the client has sent makes no sense.
    @ivar cancelled: ... that the client has ended.
    @ivar unsupported: ... by a mechanism that isn't offered.
    @ivar unprivate: ... by one that needs TLS.
    @ivar unavailable: ... that can't be decided now.
    @ivar defect: ... that has failed in a way that isn't foreseen.
    @ivar disabled: ... of an account that is disabled or locked.
    @ivar expired: ... of one that has expired, or whose password has.
    @ivar forbidden: ... that a policy refuses.
    @ivar idle: a command that does nothing, and the answer to it.
    """

    name: str
    command: bytes
    begin: bytes
    good: bytes
    refused: bytes
    malformed: bytes
    cancelled: bytes
    unsupported: bytes
    unprivate: bytes
    unavailable: bytes
    defect: bytes
    disabled: bytes
    expired: bytes
    forbidden: bytes
    idle: tuple[bytes, bytes]

    def auth(self, mechanism: bytes, initial: bytes | None = None) -> bytes:
        """
        Return the command to log in by SASL.

        @param initial: the initial response, not encoded; an empty one is C{=}.
        """
        words = [self.command + mechanism]
        if initial is not None:
            words.append(b64encode(initial) or b"=")
        return b" ".join(words)

    def isChallenge(self, line: bytes) -> bool:
        """
        Return whether a line is a challenge.
        """
        return line.startswith(self.begin)

    def challenge(self, line: bytes) -> bytes:
        """
        Return the challenge in a line, decoded.
        """
        if not self.isChallenge(line):
            raise AssertionError(f"no challenge: {line!r}")
        return b64decode(line[len(self.begin) :], validate=True)


#: The dialects of the protocols.
DIALECTS = {
    "imap": Dialect(
        name="imap",
        command=b"a AUTHENTICATE ",
        begin=b"+ ",
        good=b"a OK ",
        refused=b"a NO [AUTHENTICATIONFAILED] ",
        malformed=b"a BAD ",
        cancelled=b"a BAD ",
        unsupported=b"a NO ",
        unprivate=b"a NO [PRIVACYREQUIRED] ",
        unavailable=b"a NO [UNAVAILABLE] ",
        defect=b"a NO [SERVERBUG] ",
        disabled=b"a NO [CONTACTADMIN] ",
        expired=b"a NO [EXPIRED] ",
        forbidden=b"a NO [AUTHORIZATIONFAILED] ",
        idle=(b"b NOOP", b"b OK "),
    ),
    "pop3": Dialect(
        name="pop3",
        command=b"AUTH ",
        begin=b"+ ",
        good=b"+OK ",
        refused=b"-ERR [AUTH] ",
        malformed=b"-ERR ",
        cancelled=b"-ERR ",
        unsupported=b"-ERR ",
        unprivate=b"-ERR [AUTH] ",
        unavailable=b"-ERR [SYS/TEMP] ",
        defect=b"-ERR [SYS/TEMP] ",
        disabled=b"-ERR [AUTH] ",
        expired=b"-ERR [AUTH] ",
        forbidden=b"-ERR [AUTH] ",
        idle=(b"CAPA", b"+OK "),
    ),
    "smtp": Dialect(
        name="smtp",
        command=b"AUTH ",
        begin=b"334 ",
        good=b"235 2.7.0 ",
        refused=b"535 5.7.8 ",
        malformed=b"501 5.5.2 ",
        cancelled=b"501 5.7.0 ",
        unsupported=b"504 5.5.4 ",
        unprivate=b"538 5.7.11 ",
        unavailable=b"454 4.7.0 ",
        defect=b"454 4.7.0 ",
        disabled=b"525 5.7.13 ",
        expired=b"535 5.7.8 ",
        forbidden=b"535 5.7.8 ",
        idle=(b"RSET", b"250 "),
    ),
}


def scramLogIn(
    talk: Talk,
    dialect: Dialect,
    name: str = "alice",
    password: str = "sesame",
    mechanism: str = "SCRAM-SHA-256",
    isEarly: bool = True,
) -> tuple[list[bytes], int]:
    """
    Log in by SCRAM with another implementation of it.

    @param isEarly: whether to send the first message with the command.

    @return: the lines with which the server ends it, and how many challenges came before.
    """
    client = scrampClient(mechanism, name, password)
    first = client.get_client_first().encode()
    if isEarly:
        lines = talk.say(dialect.auth(mechanism.encode(), first))
    else:
        lines = talk.say(dialect.auth(mechanism.encode()))
        if dialect.challenge(lines[0]):
            raise AssertionError(lines)
        lines = talk.say(b64encode(first))
    if not dialect.isChallenge(lines[0]):
        return lines, 0
    client.set_server_first(dialect.challenge(lines[0]).decode())
    lines = talk.say(b64encode(client.get_client_final().encode()))
    if not dialect.isChallenge(lines[0]):
        return lines, 1
    client.set_server_final(dialect.challenge(lines[0]).decode())
    return talk.say(b""), 2
