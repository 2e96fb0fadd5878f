"""
Tests for L{mycred.demo._mailstore._store} with arbitrary steps of two programs that
share it.
"""

from __future__ import annotations

from itertools import count
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from mycred.demo._mailstore import Message, StoreService

from ..kit.sqlplaces import OnMariaDB, OnPostgreSQL, OnSQLite
from ..kit.stores import StoreCase

_USERS = (b"alice", b"bob")

_numbers = count()

stores, users = st.integers(0, 1), st.sampled_from(_USERS)
flags = st.sets(st.sampled_from(["\\Seen", "\\Deleted", "\\Draft"]))
uids = st.lists(st.integers(1, 12), max_size=4)


class _Watcher:
    """
    One who is told of new messages.
    """

    def __init__(self, user: bytes, uidNext: int) -> None:
        self.user = user
        self.uidNext = uidNext
        self.told: list[int] = []

    def take(self, message: Message) -> None:
        """
        Take a message.
        """
        self.told.append(message.uid)


class _Machine(RuleBasedStateMachine):
    """
    Two programs, and what should be in the mailboxes.
    """

    case: ClassVar[Any]

    def __init__(self) -> None:
        super().__init__()
        self.case.setUp()
        # Each example has users of its own in one database, which takes long to make.
        self.suffix = b"%d" % next(_numbers)
        self.both: list[StoreService] = [self.case.start(self.case.shared) for _ in "ab"]
        self.watchers: list[list[_Watcher]] = [[], []]
        self.mail: dict[bytes, dict[int, tuple[bytes, set[str]]]] = {}
        self.next: dict[bytes, int] = {}
        for user in _USERS:
            name = user + self.suffix
            self.case.done(self.both[0].mailbox(name))
            self.case.done(self.both[0].delete(name, [1]))
            self.mail[name], self.next[name] = {}, 2

    def teardown(self) -> None:
        """
        Stop the programs.
        """
        for store in self.both:
            store.stopService()

    def _new(self, user: bytes, content: bytes, flags: set[str]) -> int:
        """
        Note a new message.
        """
        uid = self.next[user]
        self.mail[user][uid] = content, flags
        self.next[user] = uid + 1
        return uid

    @rule(
        store=stores,
        names=st.sets(users, min_size=1),
        content=st.binary(min_size=1),
        has=flags,
    )
    def deliver(
        self, store: int, names: set[bytes], content: bytes, has: set[str]
    ) -> None:
        """
        Deliver a message.
        """
        names = {name + self.suffix for name in names}
        delivering = self.both[store].deliverToAll(names, content, 1.0, has)
        kept = content.replace(b"\r\n", b"\n")
        expected = {name: self._new(name, kept, has) for name in names}
        messages = self.case.done(delivering)
        self.case.assertEqual({n: m.uid for n, m in messages.items()}, expected)

    @rule(store=stores, user=users, chosen=uids)
    def copy(self, store: int, user: bytes, chosen: list[int]) -> None:
        """
        Copy messages.
        """
        user += self.suffix
        # Those that are copied now have numbers, too.
        known = dict(self.mail[user])
        copied = self.case.done(self.both[store].copy(user, chosen))
        expected = [(uid, self._new(user, *known[uid])) for uid in chosen if uid in known]
        self.case.assertEqual([(old, new.uid) for old, new in copied], expected)

    @rule(store=stores, user=users, chosen=uids, has=flags)
    def change(self, store: int, user: bytes, chosen: list[int], has: set[str]) -> None:
        """
        Change flags.
        """
        user += self.suffix
        after = self.case.done(
            self.both[store].changeFlags(user, chosen, lambda before: before ^ has)
        )
        known = self.mail[user]
        expected = {uid: known[uid][1] ^ has for uid in chosen if uid in known}
        self.case.assertEqual(after, expected)
        for uid, new in expected.items():
            known[uid] = known[uid][0], new

    @rule(store=stores, user=users, chosen=uids, isMarked=st.booleans())
    def remove(self, store: int, user: bytes, chosen: list[int], isMarked: bool) -> None:
        """
        Remove messages.
        """
        user += self.suffix
        known = self.mail[user]
        gone = set(chosen).intersection(known)
        if isMarked:
            gone = {uid for uid in gone if "\\Deleted" in known[uid][1]}
            removed = self.case.done(self.both[store].deleteMarked(user, chosen))
            self.case.assertEqual(set(removed), gone)
        else:
            self.case.done(self.both[store].delete(user, chosen))
        for uid in gone:
            del known[uid]

    @rule(store=stores, user=users, missed=st.integers(0, 3))
    def watch(self, store: int, user: bytes, missed: int) -> None:
        """
        Watch a mailbox, from a message on that may have come a while ago.
        """
        user += self.suffix
        watcher = _Watcher(user, max(1, self.next[user] - missed))
        self.both[store].watch(user, watcher.uidNext, watcher.take)
        self.watchers[store].append(watcher)
        self._insistOnAll(watcher)

    @rule(store=stores, user=users)
    def look(self, store: int, user: bytes) -> None:
        """
        Ask for what is new.
        """
        self.case.done(self.both[store].look(user + self.suffix))
        for watcher in self.watchers[store]:
            if watcher.user == user + self.suffix:
                self._insistOnAll(watcher)

    @rule()
    def poll(self) -> None:
        """
        Wait until both programs have asked for what is new.
        """
        self.case.clock.advance(1)
        for watcher in self.watchers[0] + self.watchers[1]:
            self._insistOnAll(watcher)

    def _insistOnAll(self, watcher: _Watcher) -> None:
        """
        Insist that a watcher was told of all that is there.
        """
        there = {uid for uid in self.mail[watcher.user] if uid >= watcher.uidNext}
        self.case.assertLessEqual(there, set(watcher.told))

    @invariant()
    def agree(self) -> None:
        """
        Both programs see what should be there, and nobody is told of anything twice, or
        in another order.
        """
        for user, known in self.mail.items():
            for store in self.both:
                mailbox = self.case.done(store.mailbox(user))
                self.case.assertEqual(mailbox.uidNext, self.next[user])
                found = {message.uid: message.flags for message in mailbox.messages}
                self.case.assertEqual(
                    found, {uid: has for uid, (_, has) in known.items()}
                )
                self.case.assertEqual(list(found), sorted(found))
            for uid, (content, _) in known.items():
                self.case.assertEqual(self.case.done(store.content(user, uid)), content)
        for watcher in self.watchers[0] + self.watchers[1]:
            self.case.assertEqual(watcher.told, sorted(set(watcher.told)))
            self.case.assertGreaterEqual(min(watcher.told, default=99), watcher.uidNext)


class _MachineTests(StoreCase):
    """
    Tests on a database.
    """

    def test_steps(self) -> None:
        """
        Whatever two programs do one after another, both find all mail as it should be,
        and all who watch a mailbox are told of each message once, in their order.
        """
        self.shared = self.place()
        run_state_machine_as_test(
            type("Machine", (_Machine,), {"case": self}),
            settings=settings(
                max_examples=12,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


class SQLiteTests(OnSQLite, _MachineTests):
    """
    Tests on SQLite.
    """


class PostgreSQLTests(OnPostgreSQL, _MachineTests):
    """
    Tests on PostgreSQL.
    """


class MariaDBTests(OnMariaDB, _MachineTests):
    """
    Tests on MariaDB.
    """


del _MachineTests
