"""
Tests for stronger hashes in place of outdated ones, after a login.

They cover L{mycred.checkers._hashupgrades}, L{mycred._sql._updates} and
L{mycred._hashes._outdated}.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mycred import hashes
from mycred._hashes import MAKERS, isOutdated, recognize
from mycred.checkers._hashupgrades import HashUpgrades
from mycred.checkers.sql import SQLChecker
from mycred.credentials import UsernamePassword
from mycred.error import AccountDenied, UnauthorizedLogin
from mycred.testing import SteppedWorkers

from ..kit.scram import Proving, storedKeys
from ..kit.sqlaccounts import (
    HASH,
    SQLTestCase,
)
from ..kit.sqlplaces import OnMariaDB, OnPostgreSQL, OnSQLite

UPDATE = "update accounts set password = :password where name = :name and password = :old"

# htpasswd -nbs alice sesame
WEAK = "{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw="


class Prepared:
    """
    What the tests below have in common.
    """

    def prepare(self: Any) -> None:
        """
        Make a table, and make new hashes cheap.
        """
        self.makeTable("disabled integer")
        usual = MAKERS["bcrypt"]
        self.addCleanup(MAKERS.update, bcrypt=usual)
        MAKERS["bcrypt"] = usual._replace(usualCost=5)

    def stored(self: Any, name: str) -> str:
        """
        Return what is stored for a user.
        """
        [(stored,)] = self.execute(f"select password from accounts where name = '{name}'")
        return str(stored)

    def logIn(
        self: Any, checker: SQLChecker, name: Any, password: Any = b"sesame"
    ) -> Any:
        """
        Return the avatar ID, or the error.
        """
        results: list[Any] = []
        credentials: Any = UsernamePassword(name, password)
        checking: Deferred[Any] = checker.requestAvatarId(credentials)
        checking.addBoth(results.append)
        [result] = results
        return getattr(result, "value", result)


class UpgradeTests(Prepared):
    """
    Tests on any database.
    """

    def test_weak(self: Any) -> None:
        """
        After the right password a weak hash is replaced, also one that is marked as plain
        text, and nobody else's; the password lets in as before.
        """
        self.prepare()
        self.add("alice", WEAK)
        self.add("bob", WEAK)
        self.add("carol", "{PLAIN}sesame")
        checker = self.checker(update=UPDATE)
        for name in ("alice", "carol"):
            self.assertEqual(self.logIn(checker, name.encode()), name.encode())
            self.assertTrue(self.stored(name).startswith("$2y$05$"))
            self.assertEqual(self.logIn(checker, name, "sesame"), name)
            self.assertIsInstance(self.logIn(checker, name, "x"), UnauthorizedLogin)
            self.assertIn(f"{name!r} has a stronger hash now", self.logged)
        self.assertEqual(self.stored("bob"), WEAK)

    def test_decoded(self: Any) -> None:
        """
        A password that came as text is hashed as the bytes that were right.
        """
        self.prepare()
        self.add("alice", hashes.make("sésame".encode("latin-1"), cost=4).decode())
        checker = self.checker(update=UPDATE)
        self.assertEqual(self.logIn(checker, "alice", "sésame"), "alice")
        self.assertTrue(hashes.verify(self.stored("alice"), "sésame".encode("latin-1")))

    def test_none(self: Any) -> None:
        """
        Nothing is replaced after a wrong password, a denial or a login by SCRAM; nor
        where the hash is strong, or no statement is there for it.
        """
        self.prepare()
        strong = hashes.make("sesame", cost=5).decode()
        rows = {
            "wrong": (WEAK, 0),
            "denied": (WEAK, 1),
            "strong": (strong, 0),
            "scram": (storedKeys().decode(), 0),
        }
        for name, (stored, disabled) in rows.items():
            self.add(name, stored, disabled=disabled)
        checker = self.checker(update=UPDATE)
        self.assertIsInstance(self.logIn(checker, b"wrong", b"x"), UnauthorizedLogin)
        self.assertIsInstance(self.logIn(checker, b"denied"), AccountDenied)
        self.assertEqual(self.logIn(checker, b"strong"), b"strong")
        self.assertEqual(self.logIn(checker, b"scram"), b"scram")
        proving = checker.requestAvatarId(Proving(b"scram"))
        self.assertEqual(self.successResultOf(proving), b"scram")
        self.assertEqual(self.logIn(self.checker(), b"wrong"), b"wrong")
        for name, (stored, _) in rows.items():
            self.assertEqual(self.stored(name), stored)

    def test_notCounted(self: Any) -> None:
        """
        Where the end of a password doesn't count the hash stays: made of what was typed,
        a new one would lock the user out.
        """
        self.prepare()
        # perl -e 'print crypt("password", "ab")'
        self.add("alice", "abJnggxhB/yWI")
        checker = self.checker(update=UPDATE)
        self.assertEqual(self.logIn(checker, b"alice", b"password!"), b"alice")
        self.assertEqual(self.stored("alice"), "abJnggxhB/yWI")
        self.assertEqual(self.logIn(checker, b"alice", b"password"), b"alice")
        self.assertTrue(self.stored("alice").startswith("$2y$05$"))

    def test_failing(self: Any) -> None:
        """
        If it can't be replaced the login succeeds, and the log says why, and no hash.
        """
        self.prepare()
        self.add("alice", WEAK)
        checker = self.checker(update=UPDATE)
        self.assertEqual(self.logIn(checker, b"nobody").args, ())
        self.execute("alter table accounts rename column password to secret")
        self.execute("alter table accounts add column password varchar(40)")
        self.execute("update accounts set password = secret")
        self.assertEqual(self.logIn(self.without(checker), b"alice"), b"alice")
        lines = [line for line in self.logged if "can't be replaced" in line]
        if self.server.dialect == "sqlite":
            # Which takes any length.
            self.assertEqual(lines, [])
        else:
            [line] = lines
            self.assertNotIn("$2y$", line)
            self.assertEqual(self.stored("alice"), WEAK)

    def without(self: Any, checker: SQLChecker) -> SQLChecker:
        """
        Return a checker whose query doesn't bring the column C{secret}.
        """
        query = "select name, password from accounts where name = :username"
        return self.checker(query, update=UPDATE)  # type: ignore[no-any-return]

    def test_quoted(self: Any) -> None:
        """
        What a database quotes when it refuses a value isn't in the log: it may be a hash.
        """
        self.prepare()
        self.add("alice", WEAK)
        self.execute("alter table accounts add column other varchar(100)")
        self.execute("create unique index others on accounts (other)")
        self.execute(
            f"insert into accounts (name, other, password) values ('bob', '{WEAK}', '')"
        )
        query = "select name, password from accounts where name = :username"
        for change in ("disabled = :password", "password = :password, other = :old"):
            update = f"update accounts set {change} where name = :name"
            checker = self.checker(query, update=update)
            self.assertEqual(self.logIn(checker, b"alice"), b"alice")
        lines = [line for line in self.logged if "can't be replaced" in line]
        # SQLite takes anything for a number.
        self.assertEqual(len(lines), 1 if self.server.dialect == "sqlite" else 2)
        for line in self.logged:
            self.assertNotIn("$2y$", line)
            self.assertNotIn("{SHA}", line)

    def test_refused(self: Any) -> None:
        """
        A server that refuses the update serves logins, if the program has started: it may
        be one that stands in for the first one.
        """
        self.prepare()
        self.add("alice", WEAK)
        checker = self.checker(update=UPDATE.replace("accounts", "acounts"))
        self.assertEqual(self.logIn(checker, b"alice"), b"alice")
        [line] = [line for line in self.logged if "can't be replaced" in line]
        self.assertIn("acounts", line)

    def test_several(self: Any) -> None:
        """
        An update that would change the rows of others changes none.
        """
        self.prepare()
        self.add("alice", WEAK)
        self.add("alice2", WEAK)
        like = "concat(:name, '%')" if self.server.dialect == "mysql" else ":name || '%'"
        update = f"update accounts set password = :password where name like {like}"
        checker = self.checker(update=update)
        self.assertEqual(self.logIn(checker, b"alice"), b"alice")
        self.assertEqual(self.stored("alice"), WEAK)
        self.assertEqual(self.stored("alice2"), WEAK)
        self.assertTrue(any("it changes 2 rows" in line for line in self.logged))


class PostgreSQLTests(OnPostgreSQL, UpgradeTests, SQLTestCase):
    """
    Tests on PostgreSQL.
    """


class MariaDBTests(OnMariaDB, UpgradeTests, SQLTestCase):
    """
    Tests on MariaDB.
    """


class SQLiteTests(OnSQLite, UpgradeTests, SQLTestCase):
    """
    Tests on SQLite.
    """


class SteppedTests(Prepared, OnSQLite, SQLTestCase):
    """
    Tests for when it is done.
    """

    def setUp(self) -> None:
        super().setUp()
        self.prepare()
        self.workers, self.databaseWorkers = SteppedWorkers(), SteppedWorkers()
        self.stepped = SQLChecker(
            self.checker(update=UPDATE)._settings,
            workers=self.workers,
            databaseWorkers=self.databaseWorkers,
        )
        self.addCleanup(self.stepped.close)

    def begin(self, name: str) -> None:
        """
        Have a user log in.
        """
        login = self.stepped.requestAvatarId(UsernamePassword(name.encode(), b"sesame"))
        self.databaseWorkers.step()
        self.workers.step()
        self.assertEqual(self.successResultOf(login), name.encode())

    def end(self) -> None:
        """
        Do all that waits.
        """
        for workers in (self.workers, self.databaseWorkers):
            while workers.pool.jobs:
                workers.step()

    def test_later(self) -> None:
        """
        The login doesn't wait for it.
        """
        self.add("alice", WEAK)
        self.begin("alice")
        self.assertEqual(self.stored("alice"), WEAK)
        self.end()
        self.assertTrue(self.stored("alice").startswith("$2y$05$"))

    def test_once(self) -> None:
        """
        Logins of one user at the same time begin one.
        """
        self.add("alice", WEAK)
        logins = [
            self.stepped.requestAvatarId(UsernamePassword(b"alice", b"sesame"))
            for _ in range(3)
        ]
        self.databaseWorkers.step(3)
        self.end()
        for login in logins:
            self.assertEqual(self.successResultOf(login), b"alice")
        line = "'alice' has a stronger hash now"
        self.assertEqual([e for e in self.logged if "hash" in e], [line])

    def test_bounded(self) -> None:
        """
        When many users log in at once all but one are left for their next login.
        """
        names = [f"user{number}" for number in range(12)]
        for name in names:
            self.add(name, WEAK)
        for name in names:
            self.stepped.requestAvatarId(UsernamePassword(name.encode(), b"sesame"))
        self.databaseWorkers.step(12)
        self.end()
        self.assertEqual([self.stored(name) for name in names].count(WEAK), 11)

    def test_changed(self) -> None:
        """
        A hash that was changed meanwhile stays.
        """
        self.add("alice", WEAK)
        self.begin("alice")
        self.execute(f"update accounts set password = '{HASH}'")
        self.end()
        self.assertEqual(self.stored("alice"), HASH)

    def test_resting(self) -> None:
        """
        A user whose hash couldn't be replaced is left alone for ten minutes: hashing for
        nothing would take time from others.
        """
        self.add("alice", WEAK)
        self.add("bob", WEAK)
        self.execute(
            "create trigger t before update on accounts when new.name = 'alice' "
            "begin select raise(abort, 'no'); end"
        )
        for name, attempts in (("alice", 1), ("alice", 1), ("bob", 1), ("alice", 1)):
            self.begin(name)
            self.end()
            lines = [line for line in self.logged if "can't be replaced" in line]
            self.assertEqual(len(lines), attempts)
        self.assertTrue(self.stored("bob").startswith("$2y$05$"))
        self.workers.reactor.advance(601)
        self.begin("alice")
        self.end()
        lines = [line for line in self.logged if "can't be replaced" in line]
        self.assertEqual(len(lines), 2)

    def test_locked(self) -> None:
        """
        While the table is locked against changes one user's hash is tried, for a moment,
        and then nobody's for a minute: logins need the connections.
        """
        self.patch(HashUpgrades, "longest", 0.05)
        stepped = SQLChecker(
            self.stepped._settings,
            workers=self.workers,
            databaseWorkers=self.databaseWorkers,
        )
        self.addCleanup(stepped.close)
        self.stepped = stepped
        self.execute("pragma journal_mode = wal")
        for name in ("alice", "bob"):
            self.add(name, WEAK)
        with closing(self.server.connect(self.database)) as writer:
            writer.execute("begin immediate")
            for name in ("alice", "bob"):
                self.begin(name)
                self.end()
        [line] = [line for line in self.logged if "can't be replaced" in line]
        self.assertIn("'alice'", line)
        self.begin("bob")
        self.assertEqual(len(self.workers.pool.jobs), 0)
        self.workers.reactor.advance(61)
        self.begin("bob")
        self.end()
        self.assertTrue(self.stored("bob").startswith("$2y$05$"))

    def test_stopping(self) -> None:
        """
        When the server stops nothing is begun, and nothing is said about it.
        """
        self.add("alice", WEAK)
        self.begin("alice")
        self.databaseWorkers.reactor.stop()
        self.end()
        self.assertEqual(self.stored("alice"), WEAK)
        self.assertFalse(any("can't be replaced" in line for line in self.logged))


class OutdatedTests(SynchronousTestCase):
    """
    Tests for which hashes are outdated.
    """

    def test_table(self) -> None:
        """
        Hashes that are weak, or cost less than new ones, are outdated; those that take
        much memory aren't, nor are keys of SCRAM.
        """
        salted = "A" * 22
        for stored, expected in (
            ("{PLAIN}sesame", True),
            (WEAK, True),
            ("$1$abcdefgh$" + salted, True),
            ("$apr1$abcdefgh$" + salted, True),
            ("$2y$11$" + HASH[7:], True),
            ("$2y$12$" + HASH[7:], False),
            ("$2b$13$" + HASH[7:], False),
            ("$5$abc$" + "A" * 43, True),
            ("$6$abc$" + "A" * 86, True),
            ("$6$rounds=499999$abc$" + "A" * 86, True),
            ("$6$rounds=500000$abc$" + "A" * 86, False),
            ("$y$j9T$abcd$" + "A" * 43, False),
            (storedKeys(), False),
        ):
            self.assertIs(isOutdated(recognize(stored), b"sesame"), expected, stored)

    def test_counted(self) -> None:
        """
        A hash isn't replaced by one of a password of which a part may be wrong.
        """
        # perl -e 'print crypt("password", "ab")'
        des = recognize("abJnggxhB/yWI")
        bcrypt = recognize("$2y$11$" + HASH[7:])
        for found, password, expected in (
            (des, b"password", True),
            (des, b"password1", False),
            (des, b"passwor\xe4", False),
            (bcrypt, b"x" * 72, True),
            (bcrypt, b"x" * 73, False),
            (recognize(WEAK), b"x" * 72, True),
        ):
            self.assertIs(isOutdated(found, password), expected, password)
