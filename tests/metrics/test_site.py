"""
Tests for L{mycred._metrics._site}.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    connectProtocol,
    serverFromString,
    wrapClientTLS,
)
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.internet.task import deferLater
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mycred._metrics import LoginMetrics, MetricsSite
from mycred._metrics._page import MetricsResource

from ..kit.certificates import Authority

_GET = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"


class Connection(StringTransport):
    """
    The transport of a connection.
    """

    isAborted = False

    def abortConnection(self) -> None:
        """
        Be ended.
        """
        self.isAborted = True


class SiteTests(SynchronousTestCase):
    """
    Tests for a site with nothing but metrics.
    """

    def setUp(self) -> None:
        self.site = MetricsSite(LoginMetrics())
        self.open: list[Any] = []
        self.addCleanup(self.lose, self.open)

    def connect(self) -> tuple[Any, Connection]:
        """
        Return the server's end of a connection, and its transport.
        """
        protocol: Any = self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
        transport = Connection()
        protocol.makeConnection(transport)
        self.open.append(protocol)
        return protocol, transport

    def lose(self, protocols: list[Any]) -> None:
        """
        Have connections be lost, which ends their time-outs.
        """
        while protocols:
            protocols.pop().connectionLost(Failure(ConnectionDone()))

    def test_page(self) -> None:
        """
        It has the page at C{/metrics}, and nothing else.
        """
        resource: Any = self.site.wrappedFactory.resource  # type: ignore[attr-defined]
        self.assertEqual(list(resource.listNames()), [b"metrics"])
        self.assertIsInstance(resource.children[b"metrics"], MetricsResource)

    def test_quiet(self) -> None:
        """
        It logs nothing at each request.
        """
        site: Any = self.site.wrappedFactory
        self.assertIsNone(site.log(object()))

    def test_most(self) -> None:
        """
        There are so many connections and no more, however fast they come: the oldest one
        ends.
        """
        connections = [self.connect() for _ in range(3 * self.site.MOST)]
        ended = [transport.isAborted for _, transport in connections]
        most = self.site.MOST
        self.assertEqual(ended, [True] * 2 * most + [False] * most)
        self.assertEqual(len(self.site.protocols), most)

    def test_lost(self) -> None:
        """
        A connection that is lost makes room.
        """
        connections = [self.connect() for _ in range(self.site.MOST)]
        lost, self.open[:2] = self.open[:2], []
        self.lose(lost)
        connections += [self.connect() for _ in range(2)]
        self.assertFalse(any(transport.isAborted for _, transport in connections))

    def test_body(self) -> None:
        """
        What a reader sends with its request is kept nowhere.
        """
        self.patch(tempfile, "tempdir", "/nonexistent")
        for header, piece, end in [
            (b"Content-Length: 6553600", bytes(2**16), b""),
            (
                b"Transfer-Encoding: chunked",
                b"10000\r\n%b\r\n" % bytes(2**16),
                b"0\r\n\r\n",
            ),
        ]:
            protocol, transport = self.connect()
            protocol.dataReceived(b"POST /metrics HTTP/1.1\r\n%b\r\n\r\n" % header)
            [request] = protocol.wrappedProtocol._channel.requests
            for _ in range(99):
                protocol.dataReceived(piece)
            self.assertEqual(request.content.getvalue(), b"")
            self.assertEqual(transport.value(), b"")
            protocol.dataReceived(piece + end)
            self.assertIn(b" 405 ", transport.value())


class Deaf(Protocol):
    """
    A client that asks and doesn't read.
    """

    transport: Any

    def connectionMade(self) -> None:
        """
        Ask.
        """
        self.transport.pauseProducing()
        self.transport.write(_GET * 50)


class Reader(Protocol):
    """
    A client that asks, and reads until the end.

    @ivar data: what was read.
    @ivar ended: a L{Deferred} that fires at the end.
    """

    transport: Any

    def __init__(self) -> None:
        self.data = b""
        self.ended: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        """
        Ask.
        """
        self.transport.write(_GET.replace(b"1.1", b"1.0"))

    def dataReceived(self, data: bytes) -> None:
        """
        Note what is read.
        """
        self.data += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Tell that it is all.
        """
        self.ended.callback(None)


class RealTests(TestCase):
    """
    Tests with real connections.
    """

    def listen(self, kind: str, *settings: str) -> Any:
        """
        Return a L{Deferred} that fires with the site's port.
        """
        where = ":".join([kind, "0", "interface=127.0.0.1", *settings])
        self.site = MetricsSite(LoginMetrics())

        def cbListening(port: Any) -> int:
            self.addCleanup(port.stopListening)
            number: int = port.getHost().port
            return number

        server = serverFromString(reactor, where)
        return server.listen(self.site).addCallback(cbListening)

    @inlineCallbacks
    def test_TLS(self) -> Any:
        """
        A client that names the protocols that it speaks in TLS, as Prometheus does, gets
        the page.
        """
        directory = Path(self.mktemp())
        directory.mkdir()
        authority = Authority(directory)
        certificate, key = authority.certify("server", "localhost")
        keys = f"privateKey={key}", f"certKey={certificate}"
        number = yield self.listen("ssl", *keys)
        trusted = Certificate.loadPEM(authority.file.read_bytes())
        options: Any = optionsForClientTLS(
            "localhost", trusted, acceptableProtocols=[b"h2", b"http/1.1"]
        )
        server = TCP4ClientEndpoint(reactor, "127.0.0.1", number)
        reader: Any = yield connectProtocol(wrapClientTLS(options, server), Reader())
        yield reader.ended
        self.assertIn(b"mycred_logins_total", reader.data)

    @inlineCallbacks
    def test_threads(self) -> Any:
        """
        The reactor's threads aren't used.
        """
        self.patch(reactor, "getThreadPool", None)
        number = yield self.listen("tcp")
        server = TCP4ClientEndpoint(reactor, "127.0.0.1", number)
        reader: Any = yield connectProtocol(server, Reader())
        yield reader.ended
        self.assertIn(b"mycred_logins_total", reader.data)

    @inlineCallbacks
    def test_crowd(self) -> Any:
        """
        While many hold connections open, and ask without reading, Prometheus gets the
        page.
        """
        number = yield self.listen("tcp")
        site = self.site
        server = TCP4ClientEndpoint(reactor, "127.0.0.1", number)
        crowd: Any = [connectProtocol(server, Deaf()) for _ in range(2 * site.MOST)]
        crowd = yield gatherResults(crowd)
        reader: Any = yield connectProtocol(server, Reader())
        yield reader.ended
        self.assertIn(b"mycred_logins_total", reader.data)
        self.assertLessEqual(len(site.protocols), site.MOST)
        for client in crowd:
            client.transport.abortConnection()
        while site.protocols:
            yield deferLater(reactor, 0)  # type: ignore[arg-type]
