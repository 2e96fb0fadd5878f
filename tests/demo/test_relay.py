"""
Tests for the way of a worker's log to that of twistd.

They cover L{mycred.demo._processes._relay} and L{mycred.demo._processes._logreader}, too.
"""

from __future__ import annotations

import io
import json
import os
from threading import Thread
from typing import Any

from hypothesis import given, strategies as st

from twisted.internet.task import Clock
from twisted.logger import (
    LegacyLogObserverWrapper,
    LogEvent,
    Logger,
    LogLevel,
    formatEventAsClassicLogText,
    globalLogPublisher,
    textFileLogObserver,
)
from twisted.python import log
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mycred.demo._processes._logreader import Lines, LogReader
from mycred.demo._processes._relay import (
    LONGEST_LINE,
    Relay,
    RelayError,
    decodeEvent,
    encodeEvent,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)


def event(text: str = "{x}", level: LogLevel = LogLevel.info, **fields: Any) -> LogEvent:
    """
    Return an event.
    """
    events: list[LogEvent] = []
    logger = Logger("mycred.login", observer=events.append)  # type: ignore[arg-type]
    logger.emit(level, text, **fields)
    return events[0]


def written(one: LogEvent) -> str | None:
    """
    Return the lines of an event in a log.
    """
    return formatEventAsClassicLogText(one)


class EventTests(SynchronousTestCase):
    """
    Tests for events and their lines.
    """

    @given(st.text(), st.sampled_from(list(LogLevel.iterconstants())))
    def test_same(self, text: str, level: LogLevel) -> None:
        """
        An event is written as one process writes it, whatever its text.
        """
        one = event("Login {x}", level, x=text)
        line = encodeEvent(one)
        self.assertEqual(line.count(b"\n"), 1)
        self.assertEqual(written(decodeEvent(line)), written(one))

    def test_failure(self) -> None:
        """
        A failure is written with its traceback, in lines that can't be taken for others.
        """
        try:
            raise ValueError("no luck\n2026-01-01T00:00:00+0000 [mycred.login#info] x")
        except ValueError:
            one = event("It fails", LogLevel.critical, log_failure=Failure())
        two = decodeEvent(encodeEvent(one))
        self.assertEqual(written(two), written(one))
        self.assertIn("Traceback", written(two) or "")
        lines = (written(two) or "").splitlines()
        self.assertEqual([line[0] for line in lines[1:]], ["\t"] * (len(lines) - 1))

    def test_fields(self) -> None:
        """
        Fields that are plain values are there for programs, and no others.
        """
        one = event("{user}", user="alice", ms=3, facts={"a": 1}, avatar=b"alice")
        two = decodeEvent(encodeEvent(one))
        self.assertEqual((two["user"], two["ms"]), ("alice", 3))
        self.assertNotIn("facts", two)
        self.assertNotIn("avatar", two)
        self.assertEqual(two["log_level"], LogLevel.info)

    def test_legacy(self) -> None:
        """
        An event of Twisted's old log is written as by one process, also by observers of
        that.
        """
        got: list[LogEvent] = []
        globalLogPublisher.addObserver(got.append)
        self.addCleanup(globalLogPublisher.removeObserver, got.append)
        log.msg("Site starting on {80}", system="x")
        two = decodeEvent(encodeEvent(got[-1]))
        self.assertEqual(written(two), written(got[-1]))
        old = io.StringIO()
        LegacyLogObserverWrapper(log.FileLogObserver(old).emit)(two)
        self.assertIn("[x] Site starting on {80}", old.getvalue())

    def test_long(self) -> None:
        """
        A long text is cut, so that its line is one that is read.
        """
        one = event("{x}", x="\U0001f600" * 10**6, y="\U0001f600" * 10**6)
        line = encodeEvent(one)
        self.assertLessEqual(len(line), LONGEST_LINE)
        self.assertTrue(decodeEvent(line)["log_format"].startswith("\U0001f600"))

    @given(st.binary() | JSON.map(lambda one: json.dumps(one).encode()))
    def test_anything(self, line: bytes) -> None:
        """
        Whatever comes, it is an event or an error of its own.
        """
        try:
            two = decodeEvent(line)
        except RelayError:
            return
        written(two)

    @given(
        st.fixed_dictionaries(
            {
                "log_time": st.floats(),
                "log_level": st.sampled_from(["info", "critical", "x"]),
                "log_namespace": st.text(),
                "log_system": st.none() | st.text(),
                "log_format": st.text(),
            },
            optional={"message": JSON, "isError": JSON, "x": JSON, "log_failure": JSON},
        )
    )
    def test_hostile(self, one: Any) -> None:
        """
        What looks like an event can be written by each observer, or is none.
        """
        try:
            two = decodeEvent(json.dumps(one).encode())
        except RelayError:
            return
        file = io.StringIO()
        textFileLogObserver(file)(dict(two))
        self.assertEqual(file.getvalue()[-1:], "\n" if two["log_format"] else "")
        LegacyLogObserverWrapper(log.FileLogObserver(file).emit)(two)

    def test_deep(self) -> None:
        """
        Absurd JSON is no event.
        """
        self.assertRaises(RelayError, decodeEvent, b"[" * 10**6)

    def test_noCode(self) -> None:
        """
        A text with what looks like fields shows nothing of the process that writes it.
        """
        line = encodeEvent(event("{x}", x="{log_level.name} {user.__class__}", user="u"))
        text = written(decodeEvent(line)) or ""
        self.assertIn("{log_level.name} {user.__class__}", text)


class PipeTests(SynchronousTestCase):
    """
    Tests for the pipe.
    """

    def setUp(self) -> None:
        self.lines: list[bytes] = []
        self.clock = Clock()
        self.clock.addReader = self.clock.removeReader = lambda reader: None  # type: ignore[attr-defined]
        self.reader = LogReader(self.clock, self.lines.append, LONGEST_LINE)
        self.end = self.reader.begin()
        self.addCleanup(self.reader.end)

    def test_lines(self) -> None:
        """
        Lines come whole, however they are written; what isn't ended doesn't come.
        """
        os.write(self.end, b"one\ntw")
        self.reader.doRead()
        os.write(self.end, b"o\nthree")
        self.reader.doRead()
        self.assertEqual(self.lines, [b"one", b"two"])
        os.close(self.end)

    def test_flood(self) -> None:
        """
        A worker that logs faster than it is read waits, with all threads; nothing is
        lost, and no two lines are mixed up.
        """
        relay = Relay(self.end)
        one = event("{x}", x="x" * 5000)
        threads = [
            Thread(target=lambda: [relay(one) for _ in range(100)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            self.reader.doRead()
        for thread in threads:
            thread.join()
        self.reader.doRead()
        self.reader.end()
        os.close(self.end)
        self.assertEqual(len(self.lines), 400)
        self.assertEqual(set(self.lines), {encodeEvent(one).rstrip()})

    def test_interrupted(self) -> None:
        """
        What the handler of a signal logs in the middle of a line comes after that.
        """

        class Interrupted(Relay):
            isInterrupted = False

            def _write(self, data: bytes) -> None:
                if not self.isInterrupted:
                    self.isInterrupted = True
                    super()._write(data[:10])
                    self.ready()
                    data = data[10:]
                super()._write(data)

        relay = Interrupted(self.end)
        one = event("{x}", x=1)
        relay(one)
        os.close(self.end)
        self.reader.doRead()
        self.assertEqual(self.lines, [encodeEvent(one).rstrip(), b"ready"])

    def test_gone(self) -> None:
        """
        A worker whose log isn't read any more goes on to its end.
        """
        self.reader.end()
        relay = Relay(self.end)
        relay(event(x=1))
        relay.ready()
        os.close(self.end)

    def test_closed(self) -> None:
        """
        What is left when the worker ends is read, and then the pipe is closed, also if
        another process has its end.
        """
        os.write(self.end, b"last\n")
        self.assertEqual(self.reader.end(), b"")
        self.assertEqual(self.lines, [b"last"])
        self.assertRaises(BrokenPipeError, os.write, self.end, b"x")
        os.close(self.end)

    def test_crowd(self) -> None:
        """
        Many short lines are read bit by bit; when the worker has ended, all.
        """
        reader = LogReader(self.clock, self.lines.append, 100)
        end = reader.begin()
        os.write(end, b"x\n" * 300)
        reader.doRead()
        self.assertEqual(len(self.lines), 50)
        reader.end()
        self.assertEqual(len(self.lines), 300)
        os.close(end)

    def test_pieces(self) -> None:
        """
        A line without an end takes no more memory than a line may.
        """
        lines = Lines(10)
        self.assertEqual(lines.feed(b"x" * 8), [])
        self.assertEqual(lines.feed(b"x" * 8), [b"x" * 16])
        self.assertEqual(lines.feed(b"y\n"), [b"y"])
