"""
A client that sends whatever it is told to, and a server for it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.conch.ssh import channel, connection, transport, userauth
from twisted.conch.ssh.common import NS
from twisted.internet import defer, protocol, reactor
from twisted.trial.unittest import TestCase

from .keys import SecurityKey, blobOf
from .openssh import ConchServer

SUCCESS, FAILURE, PK_OK = 52, 51, 60


class Client(transport.SSHClientTransport):
    """
    A client that sends whatever it is told to.

    @ivar user: the name of the user.
    @ivar ready: fires when users may log in.
    @ivar answers: what the server has answered.
    """

    user = b"alice"

    def __init__(self) -> None:
        self.ready: defer.Deferred[None] = defer.Deferred()
        self.answers: defer.DeferredQueue[Any] = defer.DeferredQueue()
        self.gone: defer.Deferred[None] = defer.Deferred()

    def verifyHostKey(self, hostKey: Any, fingerprint: Any) -> Any:
        """
        Trust everybody.
        """
        return defer.succeed(1)

    def connectionSecure(self) -> None:
        """
        Ask for the service in which users log in; not when keys are exchanged again.
        """
        if not self.ready.called:
            self.requestService(Service())

    def connectionLost(self, reason: Any = None) -> None:
        """
        Notice the end.
        """
        super().connectionLost(reason)
        self.gone.callback(None)

    def ask(self, method: bytes, data: bytes) -> Any:
        """
        Try to log in.

        @return: a L{defer.Deferred} that fires with the answer.
        """
        self.sendPacket(
            userauth.MSG_USERAUTH_REQUEST,
            NS(self.user) + NS(b"ssh-connection") + NS(method) + data,
        )
        return self.answers.get()

    def offer(self, blob: bytes, algorithm: bytes = b"ssh-ed25519") -> Any:
        """
        Offer a key.
        """
        return self.ask(b"publickey", b"\0" + NS(algorithm) + NS(blob))

    def prove(
        self,
        key: Any,
        blob: bytes | None = None,
        algorithm: bytes = b"ssh-ed25519",
        token: SecurityKey | None = None,
        flags: int = 1,
        sign: Callable[[bytes], bytes] | None = None,
    ) -> Any:
        """
        Prove a key.

        @param sign: what signs, if it isn't simply the key.
        """
        blob = blobOf(key) if blob is None else blob
        head = b"\1" + NS(algorithm) + NS(blob)
        signed = (
            NS(self.sessionID)
            + bytes([userauth.MSG_USERAUTH_REQUEST])
            + NS(self.user)
            + NS(b"ssh-connection")
            + NS(b"publickey")
            + head
        )
        if sign is not None:
            signature = sign(signed)
        else:
            signature = token.sign(signed, flags)[0] if token else key.sign(signed)
        return self.ask(b"publickey", head + NS(signature))


class Service(userauth.SSHUserAuthClient):
    """
    What hands the answers on.
    """

    def __init__(self) -> None:
        super().__init__(b"alice", connection.SSHConnection())

    def serviceStarted(self) -> None:
        """
        Say that users may log in.
        """
        self.transport.ready.callback(None)

    def packetReceived(self, messageNum: int, packet: bytes) -> None:
        """
        Hand an answer on.
        """
        if messageNum == SUCCESS:
            self.transport.setService(self.instance)
        self.transport.answers.put((messageNum, packet))


class Channel(channel.SSHChannel):
    """
    A session.
    """

    name = b"session"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.opened: defer.Deferred[Any] = defer.Deferred()
        self.ended: defer.Deferred[bytes] = defer.Deferred()
        self.output = b""

    def channelOpen(self, data: bytes) -> None:
        """
        It is open.
        """
        self.opened.callback(self)

    def openFailed(self, reason: Any) -> None:
        """
        It isn't.
        """
        self.opened.errback(reason)

    def dataReceived(self, data: bytes) -> None:
        """
        Keep what comes.
        """
        self.output += data

    def closeReceived(self) -> None:
        """
        Forget what couldn't be sent any more.
        """
        self.buf = b""
        super().closeReceived()

    def closed(self) -> None:
        """
        Hand over what has come.
        """
        self.ended.callback(self.output)

    def ask(self, kind: bytes, data: bytes) -> Any:
        """
        Ask for something.

        @return: a L{defer.Deferred} that tells whether it was done.
        """
        asking = self.conn.sendRequest(self, kind, data, wantReply=1)
        return asking.addCallbacks(lambda _: True, lambda _: False)


class ServerTestCase(TestCase):
    """
    What the tests have in common.
    """

    timeout = 60

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    @defer.inlineCallbacks
    def connect(self, *checkers: Any, port: int | None = None) -> Any:
        """
        Start a server, and connect to it.
        """
        if port is None:
            self.server = ConchServer(self.folder, *checkers)
            self.addCleanup(self.server.stop)
            port = self.port = self.server.port
        client = yield protocol.ClientCreator(reactor, Client).connectTCP(
            "127.0.0.1", port
        )
        self.addCleanup(lambda: client.gone)
        self.addCleanup(client.transport.abortConnection)
        yield client.ready
        return client

    @defer.inlineCallbacks
    def session(self, client: Any) -> Any:
        """
        Open a session.
        """
        one = Channel()
        client.service.openChannel(one)
        yield one.opened
        return one


def spellings(name: bytes) -> set[bytes]:
    """
    List what conch, or a program like it, could take for a name.
    """
    return {
        name.replace(b"-", b"_"),
        name.replace(b"-", b"_", 1),
        b"_".join(name.rsplit(b"-", 1)),
        name.replace(b"@", b"_").replace(b".", b"_"),
        name.replace(b"@", b"_").replace(b".", b"_").replace(b"-", b"_"),
        name.upper(),
        name.title(),
        name.upper().replace(b"-", b"_"),
    } - {name}
