"""
Tests for replies that no Redis server should give: for L{mycred._state._redis._calls},
L{mycred._state._redis._greeting} and L{mycred._state._redis._protocol}.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from hypothesis import given, strategies as st

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock, LoopingCall
from twisted.internet.testing import StringTransport
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mycred._state import Fallback, ProcessState, RedisState, StateUnavailable
from mycred._state._redis._answers import refusalOf
from mycred._state._redis._calls import clockOf, reservationOf, valueOf
from mycred._state._redis._protocol import makeFactory

from ..kit.guesses import PAIR, guessOf
from ..kit.statecases import StateSteps, Steps

_PIECES = (
    *(b"+OK", b"-ERR x", b"-NOSCRIPT", b":0", b":1", b":-1", b":9999999999999999999999"),
    *(b"*4", b"*0", b"*-1", b"*1", b"*999999999", b"*x", b"$1", b"$-1", b"$0", b"$x"),
    *(b"$999999999999", b"\r\n", b"\r", b"\n", b"\xff", b"HTTP/1.1 400 Bad Request"),
    *(b"$2\r\n12\r\n", b":x", b"%1", b"_", b"(1", b"x" * 20_000),
)

_SENT = st.lists(
    st.lists(
        st.one_of(
            st.sampled_from(_PIECES),
            st.sampled_from(_PIECES).map(lambda piece: piece + b"\r\n"),
            st.binary(max_size=5),
        ),
        max_size=8,
    ).map(b"".join),
    max_size=5,
)

_NUMBERS = st.one_of(st.integers(), st.integers(-2, 4), st.just(1 << 53))

_REPLIES = st.recursive(
    st.one_of(st.none(), _NUMBERS, st.binary(max_size=9), st.floats(), st.booleans()),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=6,
)


class ReplyTests(SynchronousTestCase):
    """
    Tests for whatever a reply holds.
    """

    @given(_SENT)
    def test_bytes(self, sent: Sequence[bytes]) -> None:
        """
        Whatever comes from a server is a reply, or an error for the one who waits, or
        nothing yet; nothing else is raised.
        """
        protocol: Any = makeFactory().buildProtocol(None)  # type: ignore[arg-type]
        protocol.callLater = Clock().callLater
        transport = StringTransport()
        protocol.makeConnection(transport)
        answers: list[Any] = []
        protocol.execute_command(b"PING").addBoth(answers.append)
        for data in sent:
            if not transport.disconnecting and transport.producerState == "producing":
                protocol.dataReceived(data)
        if transport.disconnecting and not answers:
            protocol.connectionLost(Failure(StateUnavailable("x")))
            self.assertEqual(len(answers), 1)

    @given(_REPLIES)
    def test_reservations(self, reply: Any) -> None:
        """
        Of whatever reply nobody has to wait for longer than the longest pause.
        """
        guess = guessOf("home", "alice", "x")
        try:
            reservation, clock = reservationOf(reply, guess)
        except StateUnavailable:
            return
        self.assertGreater(clock, 0)
        if reservation is not None:
            self.assertTrue(0 <= reservation.wait <= PAIR.longest)
            if not reservation.wait:
                self.assertIn(reservation.token[1], range(3))

    @given(_REPLIES)
    def test_others(self, reply: Any) -> None:
        """
        What makes no sense is an error of its own.
        """
        for read in (clockOf, valueOf):
            with contextlib.suppress(StateUnavailable):
                read(reply)

    @given(st.text())
    def test_errors(self, text: str) -> None:
        """
        Whatever a server says of an error, its words aren't repeated.
        """
        self.assertNotIn(text, [str(refusalOf(text))])


class HostileTests(StateSteps, TestCase):
    """
    Tests for servers that aren't Redis, or answer anything.
    """

    def serve(self, *answers: bytes) -> str:
        """
        Start a server.

        @param answers: what it says to what comes first, next, and so on, and the last of
            them from then on.

        @return: its URL.
        """
        left = list(answers)

        class Server(Protocol):
            def dataReceived(self, data: bytes) -> None:
                answer = left.pop(0) if len(left) > 1 else left[0]
                self.transport.write(answer)

        return self.listen(Server)

    def listen(self, protocol: type[Protocol]) -> str:
        """
        Start a server of a protocol.

        @return: its URL.
        """
        running: Any = reactor
        factory = Factory.forProtocol(protocol)
        port = running.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return f"redis://127.0.0.1:{port.getHost().port}/0"

    @inlineCallbacks
    def test_answers(self) -> Steps:
        """
        Whatever it answers to a greeting, it is no home, at the start and later, and
        nothing but that is said.
        """
        # Some of them go on for ever.
        self.patch(RedisState, "longestOpening", 0.2)
        for answer in (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"220 mail.example.org ESMTP\r\n",
            b"+OK\r\n+OK\r\n",
            b":1\r\n:1\r\n",
            b"*999999999\r\n:1\r\n",
            b"$999999999\r\n" + b"x" * 100_000,
            b"*1\r\n" * 20_000,
            b"-ERR sesame\r\n",
            b"x" * 100_000,
        ):
            url = self.serve(answer)
            state = RedisState(url)
            error = yield self.assertFailure(
                state.reserve(self.guess()), StateUnavailable
            )
            self.assertNotIn("sesame", str(error))
            yield state.close()

    @inlineCallbacks
    def test_check(self) -> Steps:
        """
        What speaks another protocol is an error at the start.
        """
        for answer in (b"HTTP/1.1 400 Bad Request\r\n", b":1\r\n", b"x" * 2000):
            state = RedisState(self.serve(answer))
            error = yield self.assertFailure(deferToThread(state.check), ValueError)
            self.assertIn("no Redis server", str(error))

    @inlineCallbacks
    def test_slowCheck(self) -> Steps:
        """
        What sends its answer byte by byte holds up the start no longer than what sends
        none.
        """

        class Slow(Protocol):
            def connectionMade(self) -> None:
                self.call = LoopingCall(self.transport.write, b"+")
                self.call.start(0.01)

            def connectionLost(self, *_: Any) -> None:
                self.call.stop()

        state = RedisState(self.listen(Slow))
        self.patch(state, "longestOpening", 0.1)
        yield self.assertFailure(deferToThread(state.check), TimeoutError)

    @inlineCallbacks
    def test_later(self) -> Steps:
        """
        Whatever it answers to guesses, nobody waits for longer than the longest pause,
        and nobody is refused for it: this process counts.
        """
        greeting = b"+OK\r\n*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n"
        longest = b"*4\r\n:9007199254740000\r\n:1700000000000000\r\n:0\r\n:0\r\n"
        for answer, wait in (
            (longest, self.PAIR.longest),
            (b"*4\r\n:-1\r\n:1700000000000000\r\n:0\r\n:0\r\n", 0),
            (b"*4\r\n:0\r\n:1700000000000000\r\n:0\r\n:7\r\n", 0),
            (b"*3\r\n:0\r\n:0\r\n:0\r\n", 0),
            (b"*-1\r\n", 0),
            (b"$-1\r\n", 0),
            (b"+OK\r\n", 0),
            (b"-sesame\r\n", 0),
            (b"$20000\r\n" + b"x" * 20_000, 0),
        ):
            home = RedisState(self.serve(greeting, answer))
            self.state = Fallback(home, ProcessState(), "the home")
            reservation = yield self.reserve(self.guess())
            self.assertEqual(reservation.wait, wait)
            yield self.state.close()
