"""
Tests for TLS that begins in the middle of a connection, over TCP.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from mycred.error import TemporaryFailure
from mycred.testing import SteppedWorkers
from mycred.tls import TLSOptions, upToDate

from ..kit.tlspeers import ClientAuthority


class Starting(Protocol):
    """
    A protocol that begins TLS at whatever comes first, and then echoes.
    """

    factory: Any
    transport: Any

    def dataReceived(self, data: bytes) -> None:
        """
        Begin TLS, or send the same.
        """
        if self.transport.TLS:
            self.transport.write(data)
        else:
            upToDate(self.factory.contexts).addCallback(self._begin)

    def _begin(self, contextFactory: Any) -> None:
        """
        Begin TLS.
        """
        self.transport.write(b"go ahead")
        self.transport.startTLS(contextFactory)


class UpToDateTests(TestCase):
    """
    Tests for L{upToDate}.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.ca = ClientAuthority(self.folder)
        self.certificate, self.key = self.ca.certify("localhost", "localhost")
        self.tls = TLSOptions(str(self.key), str(self.certificate))

    def talk(self, port: int) -> tuple[Any, bytes]:
        """
        Begin TLS, and send something.

        @return: the name in the server's certificate, and the answer.
        """
        context = ssl.create_default_context(cafile=str(self.ca.file))
        context.check_hostname = False
        # Names of protocols may be sent to any server.
        context.set_alpn_protocols(["imap"])
        with socket.create_connection(("127.0.0.1", port), 60) as plain:
            plain.sendall(b"start")
            plain.recv(100)
            with context.wrap_socket(plain) as client:
                client.sendall(b"sesame")
                certificate: Any = client.getpeercert()
                return certificate["subject"], client.recv(100)

    @inlineCallbacks
    def test_server(self) -> Any:
        """
        C{startTLS} takes what it fires with, whose certificate is the one of now.
        """
        factory: Any = Factory.forProtocol(Starting)
        factory.contexts = self.tls.contextFactory()
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = yield endpoint.listen(factory)
        self.addCleanup(port.stopListening)
        told = yield deferToThread(self.talk, port.getHost().port)
        self.assertEqual(told, (((("commonName", "localhost"),),), b"sesame"))
        for file, old in zip(self.ca.certify("new"), (self.certificate, self.key)):
            file.replace(old)
        told = yield deferToThread(self.talk, port.getHost().port)
        self.assertEqual(told, (((("commonName", "new"),),), b"sesame"))

    def test_waits(self) -> None:
        """
        The files are looked at in a thread, and if the disk doesn't answer it fails.
        """
        workers = SteppedWorkers()
        contexts = self.tls.contextFactory(workers=workers)
        looking = upToDate(contexts)
        self.assertNoResult(looking)
        workers.step()
        self.assertIs(self.successResultOf(looking), contexts.look())
        looking = upToDate(contexts)
        workers.reactor.advance(workers.deadline)
        self.failureResultOf(looking, TemporaryFailure)

    def test_others(self) -> None:
        """
        Any other context factory stands for itself.
        """
        options = CertificateOptions()
        self.assertIs(self.successResultOf(upToDate(options)), options)
