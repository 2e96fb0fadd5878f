"""
A server and a client in memory, and what the server has logged of the client.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from twisted.conch.avatar import ConchUser
from twisted.conch.ssh import forwarding, session
from twisted.conch.ssh.common import NS
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ITransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import formatEvent, globalLogPublisher
from twisted.python import components
from twisted.test import iosim
from twisted.trial.unittest import SynchronousTestCase

from mycred._conchcontracts import IConchUser, ISession
from mycred._contracts import IRealm
from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.checkers.sshkeys import SSHPublicKeyChecker
from mycred.conch import SSHFactory, SSHUserAuthServer
from mycred.portal import Portal

from .keycheckers import Files, accepted
from .keys import ed25519
from .sshclient import Client

HOST, ALICE = ed25519(), ed25519()

VERSION = b"SSH-2.0-x\r\n"

# Numbers of messages.
IGNORE, UNIMPLEMENTED, DEBUG, SERVICE, EXTENSIONS = 2, 3, 4, 5, 7
KEXINIT, NEWKEYS, REQUEST = 20, 21, 50

ECDH = b"curve25519-sha256"


def kexinit(exchange: bytes = ECDH) -> bytes:
    """
    Write how keys may be exchanged.
    """
    names = [
        exchange,
        b"ssh-ed25519",
        *[b"aes128-ctr"] * 2,
        *[b"hmac-sha2-256"] * 2,
        *[b"none"] * 2,
        *[b""] * 2,
    ]
    return bytes([KEXINIT]) + b"\0" * 16 + b"".join(map(NS, names)) + b"\0" + b"\0" * 4


def login(method: bytes, data: bytes = b"", user: bytes = b"alice") -> bytes:
    """
    Write a request to log in.
    """
    return NS(user) + NS(b"ssh-connection") + NS(method) + data


def packet(payload: bytes) -> bytes:
    """
    Write a packet as it is before the first key exchange.
    """
    padding = 8 - (5 + len(payload)) % 8
    padding += 8 * (padding < 4)
    return (
        struct.pack(">LB", 1 + len(payload) + padding, padding)
        + payload
        + b"\0" * padding
    )


class Avatar(ConchUser):
    """
    Somebody whose sessions write back what they are sent.
    """

    def __init__(self) -> None:
        super().__init__()
        self.channelLookup = {b"session": session.SSHSession}

    def global_tcpip_forward(self, data: bytes) -> int:
        """
        Read where to listen, and don't.
        """
        forwarding.unpackGlobal_tcpip_forward(data)
        return 1


@implementer(ITransport)
class Echo:
    """
    A process that writes back what it is sent.
    """

    def __init__(self, proto: Any) -> None:
        self._proto = proto

    def write(self, data: bytes) -> None:
        """
        Write it back, here and there.
        """
        self._proto.outReceived(data)
        self._proto.errReceived(data)

    def loseConnection(self) -> None:
        """
        End.
        """


@implementer(ISession)
class EchoSession:
    """
    Such a session.
    """

    def __init__(self, avatar: Any) -> None:
        pass

    def getPty(self, term: bytes, windowSize: Any, modes: Any) -> None:
        """
        Have a terminal.
        """

    def execCommand(self, proto: Any, command: bytes) -> None:
        """
        Begin, with something to read at once.
        """
        proto.makeConnection(Echo(proto))
        proto.outReceived(b"out" * 10)
        proto.errReceived(b"err" * 10)

    def openShell(self, proto: Any) -> None:
        """
        Begin.
        """
        self.execCommand(proto, b"")

    def windowChanged(self, newWindowSize: Any) -> None:
        """
        It is all the same.
        """

    def eofReceived(self) -> None:
        """
        It is all the same.
        """

    closed = eofReceived


components.registerAdapter(EchoSession, Avatar, ISession)


@implementer(IRealm)
class AvatarRealm:
    """
    A realm of such users.
    """

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """
        Make one.
        """
        return IConchUser, Avatar(), lambda: None


class Pair:
    """
    A server and a client.
    """

    def __init__(self, *checkers: Any, realm: Any = None) -> None:
        """
        @param checkers: what checks logins; a password of Alice's and a key if none is
            given.
        """
        self.clock = clock = Clock()

        class Service(SSHUserAuthServer):
            """
            Where the time of wrong passwords is counted.
            """

        Service.clock = clock  # type: ignore[assignment]
        checkers = checkers or (
            InMemoryUsernamePasswordDatabaseDontUse(alice=b"secret"),
            SSHPublicKeyChecker(Files(accepted())),
        )
        portal = Portal(realm or AvatarRealm(), checkers)
        self.factory: Any = SSHFactory(portal, [HOST], reactor=clock)
        self.factory.services = {**SSHFactory.services, b"ssh-userauth": Service}
        self.factory.doStart()
        self.server: Any = self.factory.buildProtocol(None)

    def connect(self, client: Client | None = None) -> Client:
        """
        Connect a client, and let it ask for the service in which users log in.
        """
        self.client: Any = client or Client()
        self.pump = iosim.connect(
            self.server,
            iosim.FakeTransport(self.server, isServer=True),
            self.client,
            iosim.FakeTransport(self.client, isServer=False),
        )
        self.pump.flush()
        assert self.client.ready.called
        return self.client

    def login(self, isByKey: bool = True) -> Client:
        """
        Log Alice in, by her key or by her password.
        """
        client = self.connect()
        if isByKey:
            client.prove(ALICE)
        else:
            client.ask(b"password", b"\0" + NS(b"secret"))
        self.pump.flush()
        assert self.server.avatar is not None
        return client

    def feed(self, number: int, data: bytes) -> None:
        """
        Send the server a message, and don't read what it answers.
        """
        self.client.sendPacket(number, data)
        sent, self.pump.clientIO.stream = self.pump.clientIO.stream, []
        self.server.dataReceived(b"".join(sent))

    def connectNobody(self) -> StringTransport:
        """
        Connect nobody who would read anything.
        """
        self.transport = StringTransport()
        self.server.makeConnection(self.transport)
        return self.transport

    @property
    def isEnded(self) -> bool:
        """
        Whether the server has hung up.
        """
        transport = self.server.transport
        return bool(transport.disconnecting or getattr(transport, "disconnected", 0))


class HostileTestCase(SynchronousTestCase):
    """
    What the tests have in common.
    """

    def setUp(self) -> None:
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def assertQuiet(self, *hidden: bytes) -> None:
        """
        Insist that no traceback is in the log, no more than 64 bytes of what was sent,
        and nothing of what is secret.
        """
        self.assertEqual(self.flushLoggedErrors(), [])
        for event in self.events:
            text = formatEvent(event)
            self.assertLess(len(text), 400, text[:1000])
            for one in hidden:
                self.assertNotIn(one.decode("ascii"), text)
        del self.events[:]

    def assertAlert(self, pair: Pair) -> None:
        """
        Insist that a server has hung up, or still answers.
        """
        if pair.isEnded:
            return
        before = pair.server.outgoingPacketSequence
        pair.feed(250, b"")
        self.assertTrue(pair.isEnded or pair.server.outgoingPacketSequence > before)


class Slow:
    """
    A database that gives its verdicts later.
    """

    def __init__(self) -> None:
        self.waiting: list[Any] = []

    def authorize(self, *args: Any) -> Any:
        """
        Give none for now.
        """
        self.waiting.append(Deferred())
        return self.waiting[-1]


class ServersOwn(forwarding.SSHListenServerForwardingChannel):
    """
    A channel that the server opens.
    """

    def __init__(self, conn: Any) -> None:
        super().__init__(conn=conn)
        self.client = forwarding.SSHForwardingClient(self)
        self.client.makeConnection(StringTransport())


OPEN, OPENED, NOT_OPENED, CHANNEL_REQUEST, DONE, NOT_DONE = 90, 91, 92, 98, 99, 100


class ChannelTestCase(HostileTestCase):
    """
    What the tests have in common: somebody who is logged in, and what they are answered.
    """

    isByKey = True
    makeAvatar: Callable[[], Any] = Avatar

    def setUp(self) -> None:
        super().setUp()
        self.avatar = self.makeAvatar()
        realm: Any = AvatarRealm()
        realm.requestAvatar = lambda avatarId, mind, interface: (
            interface,
            self.avatar,
            lambda: None,
        )
        self.pair = Pair(realm=realm)
        self.pair.login(self.isByKey)
        self.answers: list[tuple[int, bytes]] = []
        self.pair.client.service.packetReceived = lambda *one: self.answers.append(one)

    def tell(self, number: int, data: bytes) -> list[tuple[int, bytes]]:
        """
        Send a message.

        @return: what is answered.
        """
        del self.answers[:]
        self.pair.client.sendPacket(number, data)
        self.pair.pump.flush()
        return list(self.answers)

    def open(self, kind: bytes = b"session", most: int = 2**15, data: bytes = b"") -> int:
        """
        Ask for a channel.

        @return: why there is none; 0 if there is one.
        """
        numbers = struct.pack(">3L", 7, 2**17, most)
        [(number, answer)] = self.tell(OPEN, NS(kind) + numbers + data)
        if number == OPENED:
            return 0
        self.assertEqual(number, NOT_OPENED)
        code: int = struct.unpack(">L", answer[4:8])[0]
        return code

    def openByServer(self) -> ServersOwn:
        """
        Have the server open a channel.
        """
        service = self.pair.server.service
        channel = ServersOwn(service)
        service.openChannel(channel)
        return channel

    def ask(self, kind: bytes, data: bytes = b"", channel: int = 0) -> bool:
        """
        Ask something of a channel.

        @return: whether it was done.
        """
        numbers = [
            number
            for number, _ in self.tell(
                CHANNEL_REQUEST, struct.pack(">L", channel) + NS(kind) + b"\1" + data
            )
            if number in (DONE, NOT_DONE)
        ]
        self.assertEqual(len(numbers), 1)
        return numbers == [DONE]
