"""
Tests for L{mycred._tokens._endpoint}, against real servers.

They cover L{mycred._tokens._pool} and L{mycred._tokens._policy}, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.internet import reactor as theReactor
from twisted.internet.defer import CancelledError, Deferred, inlineCallbacks
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import TestCase

from mycred._tokens import CannotTell
from mycred._tokens._endpoint import Answer, Endpoint

from ..kit.certificates import Authority
from ..kit.tokens import Provider, SteppedTime

reactor: Any = theReactor


class EndpointTestCase(TestCase):
    """
    Base of the tests below.
    """

    def setUp(self) -> None:
        self.time = SteppedTime()
        self.page: Any = b"{}"
        self.endpoints: list[Endpoint] = []
        self.provider = Provider(lambda request: self.answer(request))

    def answer(self, request: Any) -> Any:
        """
        Answer a request.
        """
        return self.page

    @inlineCallbacks
    def tearDown(self) -> Iterator[Any]:
        for endpoint in self.endpoints:
            yield endpoint.close()
        yield self.provider.stop()

    def endpoint(self, url: str | None = None, **arguments: Any) -> Endpoint:
        """
        Make an endpoint.
        """
        settings: dict[str, Any] = {
            "ca": None,
            "largest": 100,
            "deadline": 10.0,
            "reactor": self.time,
            **arguments,
        }
        made = Endpoint(url or self.provider.url, **settings)
        self.endpoints.append(made)
        return made

    def ask(self, endpoint: Endpoint | None = None) -> Deferred[Answer]:
        """
        Send a request.
        """
        headers = {b"Authorization": b"Basic x"}
        return (endpoint or self.endpoint()).ask(b"POST", headers, b"token=t")

    @inlineCallbacks
    def assertLost(self, asking: Deferred[Answer], *words: str) -> Iterator[Any]:
        """
        Insist on a failure that says some words, and not what was sent.
        """
        error = yield self.assertFailure(asking, CannotTell)
        for word in words:
            self.assertIn(word, str(error))
        self.assertNotIn("token=t", repr(error))
        self.assertEqual(self.time.clock.getDelayedCalls(), self.kept())

    def kept(self) -> list[Any]:
        """
        Return the timers that connections have which are kept open.
        """
        timeouts = [e._pool._timeouts for e in self.endpoints if e._pool is not None]
        return [timer for by in timeouts for timer in by.values()]


class AnswerTests(EndpointTestCase):
    """
    Tests for servers without TLS, on this machine.
    """

    def setUp(self) -> None:
        super().setUp()
        self.provider.start()

    @inlineCallbacks
    def test_answer(self) -> Iterator[Any]:
        """
        A request gets its answer, whatever the code.
        """
        answer = yield self.ask()
        self.assertEqual(answer, Answer(200, "application/json", b"{}"))
        self.assertEqual(self.provider.requests, [(b"token=t", b"Basic x")])

    @inlineCallbacks
    def test_quiet(self) -> Iterator[Any]:
        """
        The log isn't told of connections, of which there may be one for each login.
        """
        logged: list[Any] = []
        globalLogPublisher.addObserver(logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, logged.append)
        endpoint = self.endpoint()
        yield self.ask(endpoint)
        yield endpoint.close()
        said = [str(formatEvent(event)) for event in logged]
        self.assertEqual([one for one in said if "HTTP11Client" in one], [])

    @inlineCallbacks
    def test_redirect(self) -> Iterator[Any]:
        """
        Nothing is sent where a server redirects to.
        """

        def redirect(request: Any) -> bytes:
            request.redirect(self.provider.url.encode("ascii"))
            return b""

        self.answer = redirect  # type: ignore[method-assign]
        answer = yield self.ask()
        self.assertEqual(answer.status, 302)
        self.assertEqual(len(self.provider.requests), 1)

    @inlineCallbacks
    def test_keptOpen(self) -> Iterator[Any]:
        """
        A connection serves the next request, too; if the server has closed it meanwhile,
        that one is sent again.
        """
        endpoint = self.endpoint()
        yield self.ask(endpoint)
        yield self.ask(endpoint)
        self.assertEqual(self.provider.accepted, 1)
        dropped = self.provider.drop()
        answer = yield self.ask(endpoint)
        yield dropped
        self.assertEqual(answer.status, 200)

    @inlineCallbacks
    def test_large(self) -> Iterator[Any]:
        """
        An answer that is too large isn't received to its end.
        """
        self.page = b"x" * 101
        yield self.assertLost(self.ask(), "/at: the answer is over 100 bytes")

    @inlineCallbacks
    def test_endless(self) -> Iterator[Any]:
        """
        Nor is one that doesn't end.
        """

        def stream(request: Any) -> Deferred[None]:
            request.write(b"x" * 200)
            return Deferred()

        self.answer = stream  # type: ignore[method-assign]
        yield self.assertLost(self.ask(), "over 100 bytes")

    @inlineCallbacks
    def test_headers(self) -> Iterator[Any]:
        """
        Nor does one whose headers have no end, and it isn't asked for again; the next
        answer has room of its own.
        """
        sent: list[int] = []

        class Endless(Protocol):
            def dataReceived(self, data: bytes) -> None:
                assert self.transport is not None
                sent.append(0)
                self.transport.write(b"HTTP/1.1 200 OK\r\n")
                self.transport.registerProducer(self, False)  # type: ignore[attr-defined]

            def resumeProducing(self) -> None:
                assert self.transport is not None
                sent[-1] += 1
                self.transport.write(b"X: y\r\n" * 1000)

            def stopProducing(self) -> None:
                pass

        port = reactor.listenTCP(0, Factory.forProtocol(Endless), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        url = f"http://127.0.0.1:{port.getHost().port}/"
        yield self.assertLost(self.ask(self.endpoint(url)), "headers are too long")
        self.assertEqual(len(sent), 1)

    @inlineCallbacks
    def test_counted(self) -> Iterator[Any]:
        """
        What one answer has over a connection isn't counted for the next.
        """

        def long(request: Any) -> bytes:
            for number in range(10):
                request.setHeader(b"x-%d" % number, b"y" * 4000)
            return b"{}"

        self.answer = long  # type: ignore[method-assign]
        endpoint = self.endpoint()
        for _ in range(3):
            answer = yield self.ask(endpoint)
            self.assertEqual(answer.body, b"{}")
        self.assertEqual(self.provider.accepted, 1)

    @inlineCallbacks
    def test_silent(self) -> Iterator[Any]:
        """
        A server that says nothing is waited for until the deadline.
        """
        self.page = Deferred()
        asking = self.ask()
        yield self.provider.asked(1)
        self.time.clock.advance(10)
        yield self.assertLost(asking, "no answer within 10 s")

    @inlineCallbacks
    def test_slow(self) -> Iterator[Any]:
        """
        So is one that stops in the middle.
        """

        def begin(request: Any) -> Deferred[None]:
            request.write(b"x")
            return Deferred()

        self.answer = begin  # type: ignore[method-assign]
        asking = self.ask()
        yield self.provider.asked(1)
        self.time.clock.advance(10)
        yield self.assertLost(asking, "no answer within 10 s")

    @inlineCallbacks
    def test_cancel(self) -> Iterator[Any]:
        """
        Who doesn't want the answer any more ends the request.
        """
        self.page = Deferred()
        asking = self.ask()
        yield self.provider.asked(1)
        asking.cancel()
        yield self.assertFailure(asking, CancelledError)
        self.assertEqual(self.time.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.provider.requests), 1)

    @inlineCallbacks
    def test_down(self) -> Iterator[Any]:
        """
        A server that isn't there can't tell.
        """
        port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
        url = f"http://127.0.0.1:{port.getHost().port}/"
        yield port.stopListening()
        # Twisted's endpoints wait a little before they give up.
        endpoint = self.endpoint(url, reactor=reactor)
        yield self.assertLost(self.ask(endpoint), url, "refused")

    @inlineCallbacks
    def test_dies(self) -> Iterator[Any]:
        """
        A server that ends each connection without a word is asked twice, and no more.
        """

        def drop(request: Any) -> Deferred[None]:
            request.loseConnection()
            return Deferred()

        self.answer = drop  # type: ignore[method-assign]
        yield self.assertLost(self.ask(), "Connection")
        self.assertEqual(len(self.provider.requests), 2)

    @inlineCallbacks
    def test_old(self) -> Iterator[Any]:
        """
        An answer may end with the connection, as in HTTP/1.0.
        """

        class Old(Protocol):
            def dataReceived(self, data: bytes) -> None:
                assert self.transport is not None
                self.transport.write(b"HTTP/1.0 200 OK\r\n\r\n{}")
                self.transport.loseConnection()

        port = reactor.listenTCP(0, Factory.forProtocol(Old), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        url = f"http://127.0.0.1:{port.getHost().port}/"
        answer = yield self.ask(self.endpoint(url))
        self.assertEqual(answer, Answer(200, "", b"{}"))

    @inlineCallbacks
    def test_short(self) -> Iterator[Any]:
        """
        An answer that is cut off doesn't count.
        """

        def cut(request: Any) -> Deferred[None]:
            request.setHeader(b"content-length", b"10")
            request.write(b"{}")
            request.loseConnection()
            return Deferred()

        self.answer = cut  # type: ignore[method-assign]
        yield self.assertLost(self.ask())


class TLSTests(EndpointTestCase):
    """
    Tests for the certificates of servers.
    """

    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.authority = Authority(self.folder)

    @inlineCallbacks
    def test_good(self) -> Iterator[Any]:
        """
        A server that the authority vouches for is asked.
        """
        self.provider.start(self.authority)
        endpoint = self.endpoint(ca=str(self.authority.file))
        answer = yield self.ask(endpoint)
        self.assertEqual(answer.body, b"{}")

    @inlineCallbacks
    def test_otherName(self) -> Iterator[Any]:
        """
        One with a certificate for another name isn't told the token.
        """
        self.provider.start(self.authority, "192.0.2.1")
        endpoint = self.endpoint(ca=str(self.authority.file))
        yield self.assertLost(self.ask(endpoint), "Verification")
        self.assertEqual(self.provider.requests, [])

    @inlineCallbacks
    def test_noName(self) -> Iterator[Any]:
        """
        Nor is one whose certificate is for no name, or for one that makes no sense,
        which Twisted's verification lets pass.
        """
        self.provider.start()
        for host in ("", "*.*.example.org", "*"):
            provider = Provider(self.answer)
            provider.start(self.authority, host)
            self.addCleanup(provider.stop)
            for name in ("127.0.0.1", "localhost"):
                url = provider.url.replace("127.0.0.1", name)
                asking = self.ask(self.endpoint(url, ca=str(self.authority.file)))
                yield self.assertLost(asking, "CertificateError")
            self.assertEqual(provider.requests, [])

    @inlineCallbacks
    def test_otherAuthority(self) -> Iterator[Any]:
        """
        Nor is one that another authority vouches for, or only itself.
        """
        self.provider.start(self.authority)
        other = self.folder / "other"
        other.mkdir()
        for ca in (str(Authority(other).file), None):
            yield self.assertLost(self.ask(self.endpoint(ca=ca)), "verify failed")
        self.assertEqual(self.provider.requests, [])

    @inlineCallbacks
    def test_noTLS(self) -> Iterator[Any]:
        """
        One that doesn't speak TLS is told nothing, and waited for until the deadline.
        """
        heard: list[bytes] = []
        connected: Deferred[None] = Deferred()

        class Silent(Protocol):
            def dataReceived(self, data: bytes) -> None:
                heard.append(data)
                if len(heard) == 1:
                    connected.callback(None)

        port = reactor.listenTCP(0, Factory.forProtocol(Silent), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.provider.start()
        url = f"https://127.0.0.1:{port.getHost().port}/"
        asking = self.ask(self.endpoint(url, ca=str(self.authority.file)))
        yield connected
        self.time.clock.advance(10)
        yield self.assertLost(asking, "no answer within 10 s")
        self.assertNotIn(b"token=t", b"".join(heard))

    def test_wrongFile(self) -> None:
        """
        A file without certificates is an error at once.
        """
        self.provider.start()
        path = self.folder / "empty"
        path.write_bytes(b"")
        for name, error in ((path, ValueError), (self.folder / "none", OSError)):
            self.assertRaises(
                error, self.endpoint, "https://idp.example.org/", ca=str(name)
            )
