"""
Tests for the workers that end, are started again, or don't end.

They cover L{mycred.demo._processes._supervisor}, L{mycred.demo._processes._process} and
L{mycred.demo._processes._command}.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.task import Clock
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mycred.demo._processes import (
    Command,
    HoldingReactor,
    Supervisor,
    argumentsOf,
    reactorOf,
)
from mycred.demo._processes._start import Start, decodeStart
from mycred.workers import Workers


class Child:
    """
    A process that isn't started.

    @ivar protocol: what is told of it.
    @ivar descriptors: what it gets.
    @ivar told: what was written to its standard input.
    @ivar signals: the signals that it was sent.
    """

    def __init__(self, pid: int, protocol: Any, descriptors: dict[int, Any]) -> None:
        self.pid: int | None = pid
        self.protocol = protocol
        self.descriptors = descriptors
        self.log = os.dup(descriptors[3])
        self.error = os.dup(descriptors[2])
        self.told = b""
        self.signals: list[str] = []

    def writeToChild(self, descriptor: int, data: bytes) -> None:
        self.told += data

    def closeStdin(self) -> None:
        pass

    def signalProcess(self, name: str) -> None:
        self.signals.append(name)

    def says(self, line: bytes) -> None:
        """
        Have it write a line to its log.
        """
        os.write(self.log, line + b"\n")
        self.protocol._events.doRead()

    def ends(self, how: int | str | None = None) -> None:
        """
        Have it end with a status, or by a signal.
        """
        os.close(self.log)
        os.close(self.error)
        self.pid = None
        reason: Exception = ProcessDone(0)
        if isinstance(how, str):
            reason = ProcessTerminated(signal=getattr(signal, how))
        elif how:
            reason = ProcessTerminated(exitCode=how)
        self.protocol.processExited(Failure(reason))
        self.protocol.processEnded(Failure(reason))


class Processes(Clock):
    """
    A reactor that starts no processes.

    @ivar children: those that it was asked for.
    @ivar isStopped: whether it was stopped.
    @ivar refused: the error with which it refuses to start one.
    """

    refused: OSError | None = None

    def __init__(self) -> None:
        super().__init__()
        self.children: list[Child] = []
        self.isStopped = False

    def callWhenRunning(self, function: Callable[[], object]) -> None:
        function()

    def addReader(self, reader: object) -> None:
        pass

    def removeReader(self, reader: object) -> None:
        pass

    def stop(self) -> None:
        self.isStopped = True

    def spawnProcess(
        self, protocol: Any, executable: str, args: list[str], **more: Any
    ) -> None:
        if self.refused is not None:
            raise self.refused
        child = Child(1000 + len(self.children), protocol, more["childFDs"])
        self.children.append(child)
        self.command, self.path = args, more["path"]
        protocol.makeConnection(child)


class Port:
    """
    A port that is open.
    """

    def __init__(self, number: int) -> None:
        self.number = number

    def fileno(self) -> int:
        return self.number


COMMAND = Command(
    ("-n", "myapp"),
    ("--x",),
    "/srv",
    ["/lib"],
    "poll",
    frozenset(["http"]),
    b"\xff" * 32,
    b"key",
)


class SupervisorTests(SynchronousTestCase):
    """
    Tests for the supervisor, with processes that aren't started.
    """

    def setUp(self) -> None:
        self.reactor = Processes()
        self.failures: list[object] = []
        holding = {"imap": HoldingReactor(None), "http": HoldingReactor(None)}
        holding["imap"].ports += [Port(70), Port(71)]
        holding["http"].ports += [Port(80)]
        self.supervisor = Supervisor(
            2, COMMAND, holding, self.reactor, lambda: self.failures.append(None)
        )
        self.logged: list[LogEvent] = []
        globalLogPublisher.addObserver(self.logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.logged.append)

    def begin(self, isReady: bool = True) -> Deferred[None]:
        """
        Have two workers started.
        """
        self.supervisor.startService()
        ready = self.supervisor.begin()
        for child in self.reactor.children:
            if isReady:
                child.says(b"ready")
        return ready

    def count(self) -> int:
        """
        Return how many workers were started.
        """
        return len(self.reactor.children)

    def test_told(self) -> None:
        """
        Each worker is told the command line, and gets the sockets that it serves: those
        of protocols that one process serves only the first.
        """
        self.begin()
        first, second = self.reactor.children
        self.assertEqual(first.descriptors[0], "w")
        self.assertEqual(
            {key: first.descriptors[key] for key in (4, 5, 6)}, {4: 70, 5: 71, 6: 80}
        )
        self.assertEqual(sorted(second.descriptors), [0, 1, 2, 3, 4, 5])
        self.assertEqual(self.reactor.command[0], sys.executable)
        self.assertEqual(self.reactor.command[-1], "myapp: worker 2 of 2")
        self.assertEqual(self.reactor.path, "/srv")
        before, told, rest = first.told.split(b"\n")
        self.assertEqual((before, rest), (b'[["/lib"], "poll"]', b""))
        start: Start = decodeStart(json.loads(told))
        self.assertEqual(start.twistd, COMMAND.twistd)
        self.assertEqual(start.arguments, COMMAND.arguments)
        self.assertEqual(start.descriptors("imap"), (4, 5))
        self.assertEqual(start.descriptors("http"), (6,))
        self.assertEqual(start.parent, os.getpid())
        self.assertEqual((start.secret, start.hostKey), (b"\xff" * 32, b"key"))

    def test_ready(self) -> None:
        """
        All is ready when each worker is.
        """
        ready = self.begin(isReady=False)
        first, second = self.reactor.children
        first.says(b"ready")
        self.assertNoResult(ready)
        second.says(b"ready")
        self.successResultOf(ready)

    def test_again(self) -> None:
        """
        A worker that ends is started again after a while; each time it takes longer, up
        to a limit.  When one has run for a while it is as at first.
        """
        self.begin()
        first = self.reactor.children[0]
        for delay in (0.5, 1, 2, 4, 8, 8):
            before = self.count()
            first.ends("SIGSEGV")
            self.reactor.advance(delay - 0.01)
            self.assertEqual(self.count(), before)
            self.reactor.advance(0.01)
            self.assertEqual(self.count(), before + 1)
            first = self.reactor.children[-1]
            self.assertEqual(self.reactor.command[-1], "myapp: worker 1 of 2")
        self.reactor.advance(Supervisor.steady)
        first.ends(3)
        self.reactor.advance(0.5)
        self.assertEqual(self.count(), before + 2)
        self.assertFalse(self.reactor.isStopped)

    def test_refused(self) -> None:
        """
        It is tried again also when the system has no process for it.
        """
        self.begin()
        self.reactor.refused = OSError(11, "Resource temporarily unavailable")
        self.reactor.children[0].ends(1)
        self.reactor.advance(0.5)
        self.reactor.refused = None
        self.reactor.advance(1)
        self.assertEqual(self.count(), 3)

    def test_neverReady(self) -> None:
        """
        If none has ever served, the program ends with what the worker has written.
        """
        self.begin(isReady=False)
        child = self.reactor.children[0]
        os.write(child.error, b"Traceback ...\n\nOSError: no luck")
        child.ends(1)
        self.assertTrue(self.reactor.isStopped)
        self.assertEqual(len(self.failures), 1)
        event = self.logged[-1]
        self.assertEqual(event["log_level"].name, "critical")
        self.assertEqual(
            event["log_format"].format(**event),
            "twistd myapp: no worker can start (status 1): OSError: no luck",
        )
        stopped = self.supervisor.stopService()
        self.assertEqual(self.reactor.children[1].signals, ["TERM"])
        self.reactor.children[1].ends("SIGTERM")
        self.successResultOf(stopped)

    def test_stops(self) -> None:
        """
        At the end each worker is told to end; one that doesn't is killed when its time is
        over, which is more than a single process takes.
        """
        self.begin()
        first, second = self.reactor.children
        stopped = self.supervisor.stopService()
        self.assertEqual((first.signals, second.signals), (["TERM"], ["TERM"]))
        first.ends("SIGTERM")
        self.assertGreater(Supervisor.grace, Workers.GRACE)
        self.reactor.advance(Supervisor.grace)
        self.assertEqual(second.signals, ["TERM", "KILL"])
        self.assertNoResult(stopped)
        second.ends("SIGKILL")
        self.successResultOf(stopped)
        self.reactor.advance(100)
        self.assertEqual(self.count(), 2)

    def test_stopsWaiting(self) -> None:
        """
        A worker that was to be started again isn't when the program ends.
        """
        self.begin()
        self.reactor.children[0].ends(1)
        stopped = self.supervisor.stopService()
        self.reactor.children[1].ends(0)
        self.successResultOf(stopped)
        self.reactor.advance(100)
        self.assertEqual(self.count(), 2)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_words(self) -> None:
        """
        What a worker writes elsewhere is logged line by line, whatever it is; a long line
        is cut.
        """
        self.begin()
        child = self.reactor.children[0]
        self.assertEqual(child.descriptors[1], child.descriptors[2])
        os.write(child.error, b"Fatal \xff\nerror\r\x1b[2J\n")
        os.write(child.error, b"x" * 10000 + b"\nno end")
        child.ends(1)
        words = [event["words"] for event in self.logged if "words" in event]
        cut = "x" * 4096 + "..."
        self.assertEqual(words, ["Fatal \\xff", "error\\r\\x1b[2J", cut, "no end"])

    def test_unreadable(self) -> None:
        """
        What can't be read in a worker's log is logged as that, once.
        """
        self.begin()
        self.reactor.children[0].says(b"{}")
        self.reactor.children[0].says(b"[]" + b"\n" * 10000)
        self.assertEqual(self.logged[-1]["why"], "no log_time")
        self.assertEqual(self.logged[-1]["number"], 1)

    def test_lastLog(self) -> None:
        """
        What a worker has logged before its end is logged before that.
        """
        self.begin()
        child = self.reactor.children[0]
        os.write(child.log, b"[]\n")
        child.ends(1)
        self.assertEqual(self.logged[-2]["why"], "no object")
        self.assertEqual(self.logged[-1]["how"], "status 1")


class ArgumentsTests(SynchronousTestCase):
    """
    Tests for what a worker is told of twistd's options.
    """

    def test_rights(self) -> None:
        """
        It is told what gives it the rights of a single process, and nothing of files that
        belong to the program.
        """
        twistd = {
            "uid": 1,
            "gid": 0,
            "euid": True,
            "rundir": "/srv",
            "reactor": "poll",
            "pidfile": "/run/x",
            "logfile": "/var/log/x",
        }
        self.assertEqual(
            argumentsOf(twistd, "myapp"),
            (
                "--nodaemon",
                "--originalname",
                "--pidfile=",
                "--euid",
                "--rundir=/srv",
                "--uid=1",
                "--gid=0",
                "myapp",
            ),
        )
        self.assertEqual(argumentsOf({"uid": None}, "x")[-2:], ("--pidfile=", "x"))

    def test_reactor(self) -> None:
        """
        It gets the reactor that was chosen, by C{twistd} or C{twist}.
        """
        twist = {"reactor": object(), "reactorName": "poll"}
        self.assertEqual(reactorOf(twist), "poll")
        self.assertEqual(reactorOf({"reactor": "poll"}), "poll")
        self.assertIsNone(reactorOf({}))
