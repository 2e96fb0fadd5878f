"""
Tests for the order in which channels are sent what concerns them: answers first, and the
end of data after the data.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from twisted.conch.interfaces import ISession
from twisted.conch.ssh.channel import SSHChannel
from twisted.conch.ssh.common import NS
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.protocol import Protocol
from twisted.python import components
from twisted.python.failure import Failure

from ..kit.sshpair import Avatar, ChannelTestCase, Echo, EchoSession

OPEN, OPENED, ADJUST, DATA, EXTENDED, EOF, CLOSE, REQUEST, DONE, NOT_DONE = (
    *(90, 91, 93, 94, 95, 96, 97, 98),
    *(99, 100),
)


class Scripted(Avatar):
    """
    Somebody whose sessions do what a test says.

    @ivar script: what is done when something is started, with the process protocol.
    @ivar channels: the channels that requests come to; sessions if L{None}.
    """

    script: Callable[[Any], object]

    def __init__(self) -> None:
        super().__init__()
        self.subsystemLookup = {b"scripted": self.subsystem}
        self.waiting: list[Deferred[Any]] = []
        self.channelLookup[b"slow"] = self.slow

    def subsystem(self, *args: Any, **settings: Any) -> Protocol:
        """
        Make a subsystem that does so.
        """
        protocol = Protocol()
        protocol.connectionMade = lambda: self.script(  # type: ignore[method-assign]
            protocol.transport
        )
        return protocol

    def slow(self, *args: Any, **settings: Any) -> Any:
        """
        Make a channel that does what is asked of it later.
        """
        channel: Any = SSHChannel(*args, **settings)

        def later(requestType: bytes, data: bytes) -> Deferred[Any]:
            self.waiting.append(Deferred())
            return self.waiting[-1]

        channel.requestReceived = later
        self.channel = channel
        return channel


@implementer(ISession)
class ScriptedSession(EchoSession):
    """
    Such a session.
    """

    def __init__(self, avatar: Any) -> None:
        self._avatar = avatar

    def execCommand(self, proto: Any, command: bytes) -> None:
        """
        Do it.
        """
        self._avatar.script(proto)


components.registerAdapter(ScriptedSession, Scripted, ISession)


def end(proto: Any, status: int = 0) -> None:
    """
    End as a process does.
    """
    proto.outConnectionLost()
    proto.errConnectionLost()
    reason: Any = ProcessTerminated(status) if status else ProcessDone(0)
    proto.processEnded(Failure(reason))


class OrderTests(ChannelTestCase):
    """
    Tests for L{mycred.conch.SSHConnection}.
    """

    makeAvatar = Scripted

    def begin(self, window: int = 2**17, kind: bytes = b"session") -> None:
        """
        Open a channel with some room for data.
        """
        [(number, _)] = self.tell(OPEN, NS(kind) + struct.pack(">3L", 7, window, 2**15))
        self.assertEqual(number, OPENED)

    def ask(self, kind: bytes, data: bytes = b"", wantReply: int = 1) -> list[Any]:
        """
        Ask a channel for something.

        @return: what comes of it.
        """
        request = struct.pack(">L", 0) + NS(kind) + bytes([wantReply]) + data
        return self.read(self.tell(REQUEST, request))

    def adjust(self, size: int) -> list[Any]:
        """
        Make room for data.
        """
        return self.read(self.tell(ADJUST, struct.pack(">2L", 0, size)))

    def read(self, messages: list[tuple[int, bytes]]) -> list[Any]:
        """
        Read messages: data with what it holds, requests with their names.
        """
        heads = {DATA: 8, EXTENDED: 12, REQUEST: 8}
        return [
            (number, data[heads[number] :].split(b"\0")[0]) if number in heads else number
            for number, data in messages
        ]

    STATUS = (REQUEST, b"exit-status")

    def test_atOnce(self) -> None:
        """
        What ends at once is answered first, then come its data, the end of it, the
        status, and the end of the channel.
        """

        def script(proto: Any) -> None:
            proto.outReceived(b"out")
            proto.errReceived(b"err")
            end(proto, self.status)

        self.avatar.script = script
        for kind, data in ((b"exec", NS(b"x")), (b"shell", b"")):
            for self.status in (0, 1):
                self.begin()
                self.assertEqual(
                    self.ask(kind, data),
                    [DONE, (DATA, b"out"), (EXTENDED, b"err"), EOF, self.STATUS, CLOSE],
                )
                self.forget()

    def forget(self) -> None:
        """
        Close the channel, and count from the beginning.
        """
        service = self.pair.server.service
        self.tell(CLOSE, struct.pack(">L", 0))
        self.assertEqual(service.channels, {})
        self.assertEqual((service._turns, service._afterData), ({}, {}))
        service.localChannelID = 0

    def test_nothing(self) -> None:
        """
        So is what has no data, and no status, and what ends the channel itself.
        """
        for script, rest in (
            (lambda proto: proto.processEnded(), [CLOSE]),
            (lambda proto: proto.loseConnection(), [CLOSE]),
            (lambda proto: proto.session.conn.sendClose(proto.session), [CLOSE]),
            (end, [EOF, self.STATUS, CLOSE]),
        ):
            self.avatar.script = script
            self.begin()
            self.assertEqual(self.ask(b"exec", NS(b"x")), [DONE, *rest])
            self.forget()

    def test_afterEnd(self) -> None:
        """
        Nothing is asked of a channel that the server has closed, and nothing is
        answered, whether it was asked before or after that: clients take an answer for
        one about a channel that they don't know.
        """
        started: list[Any] = []
        self.avatar.script = lambda proto: (started.append(proto), end(proto))
        for wantReply in (0, 1):
            self.begin()
            self.assertEqual(self.ask(b"exec", NS(b"x"), wantReply)[-1], CLOSE)
            for kind in (b"exec", b"env", b"nonsense"):
                self.assertEqual(self.ask(kind, NS(b"x") * 2), [])
            self.forget()
        self.assertEqual(len(started), 2)
        self.begin(kind=b"slow")
        for _ in range(3):
            self.assertEqual(self.ask(b"wait"), [])
        [first] = self.avatar.waiting
        self.pair.server.service.sendClose(self.avatar.channel)
        first.callback(True)
        self.pair.pump.flush()
        self.assertEqual(self.read(self.answers), [DONE, CLOSE])
        self.assertEqual(self.avatar.waiting, [first])
        self.forget()

    def test_subsystem(self) -> None:
        """
        So are subsystems.
        """

        def script(transport: Any) -> None:
            transport.write(b"out")
            transport.loseConnection()

        self.avatar.script = script
        self.begin()
        answers = self.ask(b"subsystem", NS(b"scripted"))
        self.assertEqual(answers, [DONE, (DATA, b"out"), CLOSE])

    def test_early(self) -> None:
        """
        What something writes as it starts isn't taken for what the client has sent,
        however much it is; what the client sends too early isn't lost.
        """

        def script(proto: Any) -> None:
            proto.write(b"0123456789end")
            proto.loseConnection()

        self.avatar.script = script
        for kind, data in ((b"exec", NS(b"x")), (b"subsystem", NS(b"scripted"))):
            self.begin(window=10)
            self.assertEqual(self.ask(kind, data), [DONE, (DATA, b"0123456789")])
            self.assertEqual(self.adjust(10), [(DATA, b"end"), CLOSE])
            self.forget()
        self.avatar.script = lambda proto: proto.makeConnection(Echo(proto))
        self.begin()
        self.tell(DATA, struct.pack(">L", 0) + NS(b"in"))
        answers = self.ask(b"exec", NS(b"x"))
        self.assertEqual(answers, [DONE, (DATA, b"in"), (EXTENDED, b"in")])

    def test_failed(self) -> None:
        """
        What isn't done is answered first, too.
        """

        def script(proto: Any) -> None:
            proto.outReceived(b"out")
            raise RuntimeError("a defect")

        self.avatar.script = script
        self.begin()
        answers = self.ask(b"exec", NS(b"x"))
        self.assertEqual(answers, [NOT_DONE, (DATA, b"out")])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_noAnswer(self) -> None:
        """
        Where no answer is wanted, everything else comes.
        """
        self.avatar.script = end
        self.begin()
        answers = self.ask(b"exec", NS(b"x"), wantReply=0)
        self.assertEqual(answers, [EOF, self.STATUS, CLOSE])

    def test_window(self) -> None:
        """
        The end of data, and what comes after it, waits until the client has taken all
        data, out and errors.
        """
        for write, number in (("outReceived", DATA), ("errReceived", EXTENDED)):

            def script(proto: Any, write: str = write) -> None:
                getattr(proto, write)(b"0123456789" * 2 + b"end")
                end(proto)

            self.avatar.script = script
            self.begin(window=10)
            part = (number, b"0123456789")
            self.assertEqual(self.ask(b"exec", NS(b"x")), [DONE, part])
            self.assertEqual(self.adjust(10), [part])
            self.assertEqual(self.adjust(0), [])
            rest = [(number, b"end"), EOF, self.STATUS, CLOSE]
            self.assertEqual(self.adjust(10), rest)
            self.forget()

    def test_both(self) -> None:
        """
        Neither waits for the other's end only.
        """

        def script(proto: Any) -> None:
            proto.outReceived(b"out" * 5)
            proto.errReceived(b"err" * 5)
            end(proto)

        self.avatar.script = script
        self.begin(window=1)
        answers = self.ask(b"exec", NS(b"x"))
        while CLOSE not in answers:
            self.assertNotIn(EOF, answers)
            answers = self.adjust(7)
            self.assertTrue(answers)
        self.assertEqual(answers[-3:], [EOF, self.STATUS, CLOSE])

    def test_closedByClient(self) -> None:
        """
        A channel that the client closes is closed, whatever it hasn't taken; data that
        it can't take any more doesn't keep it.
        """

        def script(proto: Any) -> None:
            proto.outReceived(b"out" * 100)
            proto.errReceived(b"err" * 100)

        self.avatar.script = script
        self.begin(window=10)
        self.ask(b"exec", NS(b"x"))
        answers = self.tell(CLOSE, struct.pack(">L", 0))
        self.assertEqual(self.read(answers), [CLOSE])
        self.assertEqual(self.pair.server.service.channels, {})

    def test_endOfInput(self) -> None:
        """
        A subsystem whose client sends no more ends when its data is taken.
        """
        started: list[Any] = []
        self.avatar.script = started.append
        self.begin(window=10)
        self.ask(b"subsystem", NS(b"scripted"))
        [transport] = started
        transport.write(b"0123456789end")
        self.assertEqual(self.adjust(0), [(DATA, b"0123456789")])
        self.assertEqual(self.tell(EOF, struct.pack(">L", 0)), [])
        self.assertEqual(self.adjust(10), [(DATA, b"end"), CLOSE])

    def test_later(self) -> None:
        """
        What is answered later holds back what is sent meanwhile, and what is asked next:
        answers come in the order of requests.
        """
        self.begin(kind=b"slow")
        for _ in range(3):
            self.assertEqual(self.ask(b"break"), [])
        channel, waiting = self.avatar.channel, self.avatar.waiting
        self.assertEqual(len(waiting), 1)
        channel.write(b"out")
        channel.writeExtended(1, b"err")
        for result, answers in (
            (1, [DONE, (DATA, b"out"), (EXTENDED, b"err")]),
            (0, [NOT_DONE]),
        ):
            del self.answers[:]
            waiting[-1].callback(result)
            self.pair.pump.flush()
            self.assertEqual(self.read(self.answers), answers)
        del self.answers[:]
        channel.loseConnection()
        waiting[-1].callback(1)
        self.pair.pump.flush()
        self.assertEqual(self.read(self.answers), [DONE, CLOSE])
        self.assertEqual(len(waiting), 3)

    def test_closedMeanwhile(self) -> None:
        """
        A channel that is closed before the answer isn't answered, and nothing more is
        asked of it.
        """
        self.begin(kind=b"slow")
        for _ in range(2):
            self.ask(b"break")
        answers = self.read(self.tell(CLOSE, struct.pack(">L", 0)))
        self.assertEqual(answers, [CLOSE])
        [waiting] = self.avatar.waiting
        del self.answers[:]
        waiting.callback(1)
        self.pair.pump.flush()
        self.assertEqual(self.answers, [])
        self.assertEqual(len(self.avatar.waiting), 1)

    def test_flood(self) -> None:
        """
        Who asks for more and more without waiting for an answer is disconnected.
        """
        self.begin(kind=b"slow")
        for _ in range(101):
            self.ask(b"break")
        self.assertFalse(self.pair.isEnded)
        self.ask(b"break")
        self.assertTrue(self.pair.isEnded)
        self.assertQuiet()

    def test_tooLong(self) -> None:
        """
        So is who asks for a few things that are long: they wait in memory.
        """
        self.begin(kind=b"slow")
        for _ in range(8):
            self.ask(b"env", NS(b"A") + NS(b"x" * 2**15))
        self.assertFalse(self.pair.isEnded)
        self.ask(b"env", NS(b"A") + NS(b"x" * 2**15))
        self.assertTrue(self.pair.isEnded)
        self.assertQuiet()


class OrderByPasswordTests(OrderTests):
    """
    The same, for those whom no key restricts.
    """

    isByKey = False
