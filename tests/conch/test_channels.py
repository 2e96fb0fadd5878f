"""
Tests for channels and requests that can't be had: the client is told so, the log too,
and the connection goes on if it makes sense.
"""

from __future__ import annotations

import gc
import struct
from typing import Any

from twisted.conch.ssh.common import NS
from twisted.internet import defer
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from mycred._conchcontracts import ConchError

from ..kit.sshpair import NOT_OPENED, OPEN, OPENED, ChannelTestCase

DATA, CLOSE, REQUEST = 94, 97, 98
GLOBAL, GLOBAL_NOT_DONE = 80, 82


class OpeningTests(ChannelTestCase):
    """
    Tests for channels that are to be opened.
    """

    def test_unknown(self) -> None:
        """
        A kind that there isn't is refused, whatever its name.
        """
        for kind in (b"x", b"", b"\xff", b"a b", b"a,b", b"a" * 65):
            self.assertEqual(self.open(kind), 3, kind)
        self.assertEqual(self.open(), 0)
        self.assertQuiet()

    def test_nothingAtATime(self) -> None:
        """
        One to which nothing can be sent isn't opened: conch would send it nothing
        without end.
        """
        self.assertEqual(self.open(most=0), 2)
        self.assertEqual(self.open(most=1), 0)
        self.assertTrue(self.ask(b"exec", NS(b"x")))
        self.openByServer()
        self.tell(OPENED, struct.pack(">4L", 1, 9, 100, 0))
        self.assertTrue(self.pair.isEnded)
        self.assertQuiet()

    def test_places(self) -> None:
        """
        There are no connections to what can't be a place.
        """
        made: list[Any] = []
        self.avatar.channelLookup[b"direct-tcpip"] = lambda **one: made.append(one)
        for data in (
            b"",
            NS(b"x" * 256) + b"\0\0\0\1",
            NS(b"a\0b") + b"\0\0\0\1",
            NS(b"localhost") + b"\0\1\0\0",
            NS(b"localhost") + b"\0\0\0",
        ):
            self.assertEqual(self.open(b"direct-tcpip", data=data), 2, data)
            self.assertEqual(
                [number for number, _ in self.listen(data)], [GLOBAL_NOT_DONE]
            )
        self.assertEqual(made, [])
        self.assertQuiet()

    def listen(self, data: bytes) -> list[tuple[int, bytes]]:
        """
        Ask for a port.
        """
        return self.tell(GLOBAL, NS(b"tcpip-forward") + b"\1" + data)

    def test_defect(self) -> None:
        """
        A defect of the program is told the log, and the client only that there is no
        channel.
        """

        def fail(**arguments: Any) -> Any:
            raise RuntimeError("a defect")

        self.avatar.channelLookup[b"own"] = fail
        self.assertEqual(self.open(b"own"), 2)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(self.open(), 0)

    def test_defectLater(self) -> None:
        """
        One that shows when the channel is open closes it.
        """

        class Own(self.avatar.channelLookup[b"session"]):  # type: ignore[misc, name-defined]
            name = b"own"

            def channelOpen(self, data: bytes) -> None:
                raise RuntimeError("a defect")

        self.avatar.channelLookup[b"own"] = Own
        answers = self.tell(OPEN, NS(b"own") + struct.pack(">3L", 7, 1, 1))
        self.assertEqual([number for number, _ in answers], [OPENED, CLOSE])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_reasons(self) -> None:
        """
        A program may say why, with the number first or last, or without one.
        """
        for error, code in (
            (ConchError("not now", 4), 4),
            (ConchError(4, "not now"), 4),
            (ConchError("not now"), 2),
        ):

            def fail(error: Exception = error, **arguments: Any) -> Any:
                raise error

            self.avatar.channelLookup[b"own"] = fail
            self.assertEqual(self.open(b"own"), code)
        self.assertQuiet()

    def test_notTwice(self) -> None:
        """
        The client can't accept or refuse what it has opened itself, which would let it
        have more sessions than there may be.
        """
        for number, rest in (
            (OPENED, struct.pack(">3L", 9, 100, 100)),
            (NOT_OPENED, struct.pack(">L", 1) + NS(b"") + NS(b"")),
        ):
            self.setUp()
            self.assertEqual(self.open(), 0)
            self.tell(number, b"\0\0\0\0" + rest)
            self.assertTrue(self.pair.isEnded)
            self.pair.server.connectionLost(Failure(ConnectionDone()))
            self.assertQuiet()

    def test_notYet(self) -> None:
        """
        Nothing is taken for a channel that the client hasn't accepted yet.
        """
        for number, rest in ((DATA, NS(b"x")), (CLOSE, b""), (REQUEST, NS(b"x") + b"\1")):
            self.setUp()
            self.openByServer()
            self.tell(number, b"\0\0\0\0" + rest)
            self.assertTrue(self.pair.isEnded)
            self.assertQuiet()

    def test_closedBefore(self) -> None:
        """
        A channel that the server has no use for any more is closed once it is open.
        """
        channel = self.openByServer()
        channel.client.connectionLost(Failure(ConnectionDone()))
        self.pair.pump.flush()
        answers = self.tell(OPENED, struct.pack(">4L", 0, 9, 100, 100))
        self.assertEqual(answers, [(CLOSE, struct.pack(">L", 9))])
        self.assertEqual(self.tell(CLOSE, b"\0\0\0\0"), [])
        self.assertEqual(self.pair.server.service.channels, {})
        self.assertQuiet()


class AskingTests(ChannelTestCase):
    """
    Tests for what is asked of channels and connections.
    """

    def test_malformed(self) -> None:
        """
        What can't be read, or be handed to what runs, isn't done, whether the client
        wants to know or not.
        """
        self.open()
        for kind, data in (
            (b"", b""),
            (b"\xff", b""),
            (b"a" * 65, b""),
            (b"exec", b""),
            (b"exec", NS(b"a\0b")),
            (b"subsystem", NS(b"a" * 65)),
            (b"pty-req", b""),
            (b"pty-req", NS(b"a" * 65) + b"\0" * 16 + NS(b"")),
            (b"pty-req", NS(b"x") + b"\0" * 16 + NS(b"\1\0")),
            (b"env", NS(b"A")),
            (b"env", NS(b"A\0") + NS(b"b")),
            (b"window-change", b"\0"),
        ):
            self.assertFalse(self.ask(kind, data), (kind, data))
            self.assertEqual(
                self.tell(REQUEST, b"\0\0\0\0" + NS(kind) + b"\0" + data), []
            )
            gc.collect()
            self.assertQuiet()
        self.assertTrue(self.ask(b"exec", NS(b"x")))

    def test_names(self) -> None:
        """
        What has no name as the RFC wants it reaches nothing, a program's own neither.
        """
        reached: list[bytes] = []
        self.open()
        channel = self.pair.server.service.channels[0]
        for name in ("a" * 64, "a" * 65, "a b", "", "a,b", "\x7f"):
            vars(channel)[f"request_{name}"] = reached.append
            vars(self.avatar)[f"global_{name}"] = reached.append
            self.tell(REQUEST, b"\0\0\0\0" + NS(name) + b"\1")
            self.tell(GLOBAL, NS(name) + b"\1")
            self.assertEqual(len(reached), 2)
        self.assertQuiet()

    def test_malformedGlobal(self) -> None:
        """
        The same is so for what is asked of the connection.
        """
        for kind, data in (
            (b"", b""),
            (b"\xff", b""),
            (b"a" * 65, b""),
            (b"tcpip-forward", b""),
            (b"tcpip-forward", NS(b"\xff") + b"\0\0\0\1"),
        ):
            answers = self.tell(GLOBAL, NS(kind) + b"\1" + data)
            self.assertEqual(answers, [(GLOBAL_NOT_DONE, b"")])
            self.assertEqual(self.tell(GLOBAL, NS(kind) + b"\0" + data), [])
        self.assertQuiet()

    def test_defect(self) -> None:
        """
        A defect of the program is told the log, whether the client wants to know or
        not, and the connection goes on.
        """

        def fail(data: bytes) -> Any:
            raise RuntimeError("a defect")

        self.open()
        self.pair.server.service.channels[0].request_own = fail
        vars(self.avatar)["global_own"] = fail
        for wantReply in (b"\0", b"\1"):
            self.tell(REQUEST, b"\0\0\0\0" + NS(b"own") + wantReply)
            self.tell(GLOBAL, NS(b"own") + wantReply)
            gc.collect()
            self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)
        self.assertTrue(self.ask(b"exec", NS(b"x")))

    def test_late(self) -> None:
        """
        An answer that comes when the channel is closed isn't sent.
        """
        for result in (1, 0, Failure(ConchError("no"))):
            self.setUp()
            self.open()
            channel = self.pair.server.service.channels[0]
            asked: list[defer.Deferred[Any]] = [defer.Deferred()]
            channel.request_own = lambda data, asked=asked: asked[0]
            self.tell(REQUEST, b"\0\0\0\0" + NS(b"own") + b"\1")
            self.tell(CLOSE, b"\0\0\0\0")
            del self.answers[:]
            asked.pop().callback(result)
            self.pair.pump.flush()
            self.assertEqual(self.answers, [])
            # What nobody takes of a Deferred is told when it goes.
            gc.collect()
            self.assertQuiet()

    def test_noChannel(self) -> None:
        """
        What is asked of a channel that there isn't ends the connection.
        """
        for number in range(91, 101):
            self.setUp()
            self.tell(number, b"\0\0\0\5" + b"\0" * 20)
            self.assertTrue(self.pair.isEnded)
            self.assertQuiet()


class OpeningByPasswordTests(OpeningTests):
    """
    The same for somebody who has no key that could forbid anything.
    """

    isByKey = False


class AskingByPasswordTests(AskingTests):
    """
    The same for somebody who has no key that could forbid anything.
    """

    isByKey = False
