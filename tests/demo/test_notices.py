"""
Tests for L{mycred.demo._mailstore._notices}, and for
L{mycred.demo._mailstore._newmail} where a database tells of new mail.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

from hypothesis import given, strategies as st

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mycred._sql.client import DatabaseURL, driverFor
from mycred.demo._mailstore import StoreService, _notices
from mycred.demo._mailstore._notices import Notices, canListen, noticeOf, readNotice

from ..kit.databases import PostgreSQL


class NoticeTests(SynchronousTestCase):
    """
    Tests for the text of a notice.
    """

    @given(st.binary(max_size=1024), st.integers(1, 2**63))
    def test_written(self, user: bytes, uidNext: int) -> None:
        """
        A notice is read as it was written, and is short enough for PostgreSQL.
        """
        text = noticeOf(user, uidNext)
        self.assertLess(len(text), 8000)
        self.assertEqual(readNotice(text), (user, uidNext))

    @given(st.text() | st.text(":0123456789abcdef ٣²"))
    def test_anything(self, text: str) -> None:
        """
        What others send at our channel is a notice or none.
        """
        found = readNotice(text)
        if found is not None:
            self.assertEqual(noticeOf(*found).lower(), _plain(text))

    def test_canListen(self) -> None:
        """
        PostgreSQL tells of new mail to psycopg, whose connections can be waited for.
        """
        for text, can in (
            ("postgresql://a@localhost/b", True),
            ("postgresql+psycopg://a@localhost/b", True),
            ("mysql://a@localhost/b", False),
            ("sqlite:////tmp/x", False),
        ):
            self.assertEqual(canListen(DatabaseURL.parse(text)), can)


def _plain(text: str) -> str:
    """
    Return a notice without leading zeros and the spaces that L{bytes.fromhex} skips.
    """
    uidNext, _, user = text.partition(":")
    return f"{int(uidNext)}:{''.join(user.split()).lower()}"


class ListeningTests(TestCase):
    """
    Tests with a server that can be restarted.
    """

    server: PostgreSQL

    @inlineCallbacks
    def setUp(self) -> Any:
        self.server = PostgreSQL()
        self.addCleanup(self.server.stop)
        self.place = DatabaseURL.parse(self.server.url(self.server.makeDatabase()))
        self.ours, self.theirs = [StoreService(self.place, timeout=30) for _ in range(2)]
        # Threads are used from when the reactor runs.
        yield deferLater(reactor, 0)
        for store in (self.ours, self.theirs):
            store.startService()
            self.addCleanup(store.stopService)
        yield self.ours.mailbox(b"alice")
        self.told: list[int] = []
        self.waiting: Deferred[None] | None = None
        self.ours.watch(b"alice", 2, self.arrived)

    def arrived(self, message: Any) -> None:
        """
        Take note of a message.
        """
        self.told.append(message.uid)
        waiting, self.waiting = self.waiting, None
        if waiting is not None:
            waiting.callback(None)

    @inlineCallbacks
    def toldAll(self, *uids: int) -> Any:
        """
        Wait until messages have been told.
        """
        while len(self.told) < len(uids):
            self.waiting = Deferred()
            yield self.waiting.addTimeout(30, reactor)
        self.assertEqual(self.told, list(uids))

    @inlineCallbacks
    def listening(self) -> Any:
        """
        Wait until a connection listens.
        """
        listening = "select 1 from pg_stat_activity where query like 'listen %'"
        while not self.server.query(listening):
            yield deferLater(reactor, 0.02)

    @inlineCallbacks
    def test_told(self) -> Any:
        """
        Mail that another program delivers is told though nobody polls.
        """
        yield self.listening()
        # The first look after that is a poll.
        yield self.theirs.deliver(b"alice", b"x")
        yield self.toldAll(2)
        self.patch(self.ours._newMail._polling, "_poll", lambda: None)
        self.ours._newMail._polling.stop()
        yield self.theirs.deliver(b"alice", b"x")
        yield self.theirs.copy(b"alice", [1, 2])
        yield self.toldAll(2, 3, 4, 5)

    @inlineCallbacks
    def test_lost(self) -> Any:
        """
        What comes while the connection is lost is found when it is there again, and the
        log says that it was lost.
        """
        yield self.listening()
        with capturedLogs() as events:
            self.server.killConnections()
            yield self.theirs.deliver(b"alice", b"x")
            yield self.toldAll(2)
            yield self.listening()
        lines = [line for line in map(formatEvent, events) if line is not None]
        [line] = [line for line in lines if "doesn't tell" in line]
        self.assertIn("once a second", line)
        self.assertNotIn("for the server", line)
        yield self.theirs.deliver(b"alice", b"x")
        yield self.toldAll(2, 3)

    @inlineCallbacks
    def test_down(self) -> Any:
        """
        While the server is down the log says once that nothing is told, however often it
        is tried to listen again.
        """
        yield self.listening()
        self.patch(_notices, "_SHORT", 0.05)
        self.patch(_notices, "_LONG", 0.1)
        failed: list[str | None] = []
        newMail = self.ours._newMail
        changed = newMail._notices._changed  # type: ignore[union-attr]
        self.patch(
            newMail._notices, "_changed", lambda why: (failed.append(why), changed(why))
        )
        with capturedLogs() as events:
            self.server.kill()
            while len(failed) < 3:
                yield deferLater(reactor, 0.02)
            self.server.start()
            yield self.listening()
        lines = [str(formatEvent(event)) for event in events]
        self.assertEqual(len([line for line in lines if "doesn't tell" in line]), 1)

    @inlineCallbacks
    def test_garbage(self) -> Any:
        """
        What others send at our channel does no harm.
        """
        yield self.listening()
        for text in ("", "x", "5:zz", "9:00", "9999999999:616c696365"):
            statement = f"select pg_notify(channel, '{text}') from mycred_schema"
            self.server.query(statement, self.place.url.database)
        yield self.theirs.deliver(b"alice", b"x")
        yield self.toldAll(2)

    @inlineCallbacks
    def test_secret(self) -> Any:
        """
        Another user of the database, who may not read the tables, isn't told who gets
        mail: they don't know the name of the channel, which no other database has.
        """
        database = self.place.url.database
        channels = "select channel from mycred_schema"
        [(channel,)] = self.server.query(channels, database)
        other = DatabaseURL.parse(self.server.url(self.server.makeDatabase()))
        store = StoreService(other, timeout=30)
        store.startService()
        yield store.mailbox(b"alice")
        yield store.stopService()
        [(others,)] = self.server.query(channels, other.url.database)
        self.assertNotEqual(channel, others)
        self.assertRegex(channel, "^mycred_[0-9a-f]{32}$")
        self.server.query("create user reader password 'x'")
        url = f"postgresql://reader:x@127.0.0.1:{self.server.port}/{database}"
        with closing(driverFor(DatabaseURL.parse(url)).connect(10)) as connection:
            with self.assertRaises(Exception) as raised:
                connection.execute(channels)
            self.assertIn("permission denied", str(raised.exception))
            connection.execute("listen mycred_mail")
            yield self.theirs.deliver(b"alice", b"x")
            yield self.toldAll(2)
            self.assertEqual(list(connection.notifies(timeout=0)), [])

    @inlineCallbacks
    def test_stop(self) -> Any:
        """
        A store that stops listens no more.
        """
        yield self.listening()
        notices = self.ours._newMail._notices
        assert isinstance(notices, Notices)
        yield self.ours.stopService()
        notices._thread.join(20)
        self.assertFalse(notices._thread.is_alive())
