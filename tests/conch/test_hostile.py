"""
Tests with whatever clients may send: no traceback, and no deaf connection.

They cover L{mycred.conch._malformed}, too.
"""

from __future__ import annotations

from hypothesis import HealthCheck, example, given, settings, strategies as st

from twisted.conch.ssh.common import NS
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from mycred.checkers.sshkeys import SSHPublicKeyChecker

from ..kit.keycheckers import Files, accepted
from ..kit.sshpair import VERSION, HostileTestCase, Pair, ServersOwn, kexinit, packet

strings = st.one_of(
    st.binary(max_size=8),
    st.sampled_from([b"alice", b"ssh-connection", b"password", b"publickey", b"none"]),
).map(NS)
numbers = st.one_of(
    st.sampled_from([0, 1, 2, 2**31, 2**32 - 1]), st.integers(0, 2**32 - 1)
).map(lambda number: number.to_bytes(4, "big"))
payloads = st.one_of(
    st.binary(max_size=40),
    st.lists(
        st.one_of(strings, numbers, st.sampled_from([b"\0", b"\1"])), max_size=8
    ).map(b"".join),
)
messages = st.tuples(
    st.one_of(
        st.sampled_from([*range(1, 8), 20, 21, *range(30, 35), 50, 60, 61]),
        st.integers(0, 255),
    ),
    payloads,
)
few = settings(
    max_examples=100,
    suppress_health_check=list(HealthCheck),
    deadline=None,
    database=None,
)


small = st.integers(0, 3).map(lambda number: number.to_bytes(4, "big"))
kinds = st.sampled_from(
    [
        b"session",
        b"pty-req",
        b"env",
        b"exec",
        b"shell",
        b"subsystem",
        b"window-change",
        b"tcpip-forward",
        b"direct-tcpip",
        b"\xff",
    ]
).map(NS)
bits = st.sampled_from([b"\0", b"\1"])
opening = st.tuples(
    st.just(90),
    st.tuples(kinds, small, numbers, numbers, payloads).map(b"".join),
)
good = st.just((90, NS(b"session") + b"\0\0\0\0" + b"\0\0\xff\xff" * 2))
asking = st.tuples(st.just(98), st.tuples(small, kinds, bits, payloads).map(b"".join))
running = st.tuples(st.just(98), small.map(lambda n: n + NS(b"exec") + b"\1" + NS(b"x")))
writing = st.tuples(st.just(94), st.tuples(small, strings).map(b"".join))
of = st.tuples(st.integers(91, 100), st.tuples(small, payloads).map(b"".join))
whole = st.tuples(st.just(80), st.tuples(kinds, bits, payloads).map(b"".join))
later = st.one_of(messages, opening, good, good, asking, running, writing, of, whole)


class AnythingTests(HostileTestCase):
    """
    Tests with whatever comes.
    """

    @few
    @given(st.lists(messages, max_size=6))
    def test_beforeKeys(self, them: list[tuple[int, bytes]]) -> None:
        """
        Before keys are exchanged, anything is answered or ends the connection.
        """
        pair = Pair()
        pair.connectNobody()
        pair.server.dataReceived(VERSION)
        for number, data in them:
            pair.server.dataReceived(packet(bytes([number]) + data))
        if not pair.isEnded and not hasattr(pair.server, "otherKexInitPayload"):
            pair.server.dataReceived(packet(kexinit()))
            self.assertIsNotNone(pair.server.otherKexInitPayload)
        self.assertQuiet()

    @few
    @given(st.binary(max_size=200))
    @example(b"\0\0\0\4\4\0\0\0")
    @example(b"\0\0\0\x0c\0" + b"\2" * 11)
    @example(b"\0\0\0\x0c\xff" + b"\2" * 11)
    def test_bytes(self, data: bytes) -> None:
        """
        Anything in place of packets is waited for, or ends the connection.
        """
        pair = Pair()
        pair.connectNobody()
        pair.server.dataReceived(VERSION + data)
        self.assertQuiet()

    @few
    @given(st.lists(messages, max_size=6))
    def test_beforeLogin(self, them: list[tuple[int, bytes]]) -> None:
        """
        Before a login, anything is answered or ends the connection.
        """
        pair = Pair()
        client = pair.connect()
        for number, data in them:
            client.sendPacket(number, data)
            pair.pump.flush()
            pair.clock.advance(1)
            pair.pump.flush()
        self.assertAlert(pair)
        self.assertQuiet()

    @few
    @given(
        st.sampled_from(["", "no-pty", "restrict", 'command="x"']),
        st.lists(later, max_size=12),
    )
    def test_afterLogin(self, options: str, them: list[tuple[int, bytes]]) -> None:
        """
        After it, too, whatever the key permits; so do the channels that the server has
        opened.
        """
        pair = Pair(SSHPublicKeyChecker(Files(accepted(options))))
        pair.login()
        pair.server.service.openChannel(ServersOwn(pair.server.service))
        for number, data in them:
            pair.feed(number, data)
        self.assertAlert(pair)
        pair.server.connectionLost(Failure(ConnectionDone()))
        self.assertQuiet()
