"""
Tests for L{mycred.checkers._sql}: logins with accounts in PostgreSQL, MariaDB and SQLite.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode
from datetime import datetime, timezone
from typing import Any

from zope.interface.verify import verifyObject

from hypothesis import given, strategies as st

from twisted.internet.defer import CancelledError, Deferred

from mycred._hashes import Hash
from mycred._scram import ScramKeys
from mycred._sql.client import DatabaseURL
from mycred.checkers import ICredentialsChecker, accountOf
from mycred.checkers.sql import SQLAccount, SQLChecker
from mycred.credentials import UsernamePassword
from mycred.error import (
    AccountDenied,
    DenialReason,
    TemporaryFailure,
    UnauthorizedLogin,
)
from mycred.testing import SteppedWorkers

from ..kit.scram import Proving
from ..kit.sqlaccounts import (
    HASH,
    QUERY,
    SQLTestCase,
)
from ..kit.sqlplaces import OnMariaDB, OnPostgreSQL, OnSQLite

KEYS = ScramKeys.derived("sha1", b"sesame", b"a salt", 3)

SCRAM_COLUMNS = (
    "scram_salt {bytes}, scram_iterations integer, scram_stored_key {bytes}, "
    "scram_server_key {bytes}"
)

# Names that MariaDB takes for "alice", and that would end a quote, or be a pattern.
NOT_ALICE = (
    *("ALICE", "Alice", "alice ", " alice", "alicé", "ali\u0301ce", "alice\u0301"),
    *("alice\u00ad", "\uff41lice", "alice\t", "alice\n", "", " ", "%", "_lice", "a%"),
    *("' or '1'='1", "alice'--", 'alice"', "alice\\", "\\' or 1=1 -- ", ":username"),
    *("alice;", "%s", "%(username)s", "alice/*", "{username}", "\U0001f600", "a" * 1024),
)


def scramColumns(keys: ScramKeys = KEYS) -> dict[str, Any]:
    """
    Return the columns of keys, in bytes.
    """
    return {
        "scram_salt": keys.salt,
        "scram_iterations": keys.iterations,
        "scram_stored_key": keys.storedKey,
        "scram_server_key": keys.serverKey,
    }


class LoginTests:
    """
    Tests for logins, on any database.
    """

    server: Any

    def logIn(
        self: Any, checker: SQLChecker, name: Any, password: Any = b"sesame"
    ) -> Any:
        """
        Return the avatar ID, or the error.
        """
        return self.outcomeOf(checker, UsernamePassword(name, password))

    def outcomeOf(self: Any, checker: SQLChecker, credentials: Any) -> Any:
        """
        Return the avatar ID, or the error.
        """
        results: list[Any] = []
        checking: Deferred[Any] = checker.requestAvatarId(credentials)
        checking.addBoth(results.append)
        [result] = results
        return getattr(result, "value", result)

    def assertRefused(self: Any, outcome: object) -> None:
        """
        Insist on the error that says nothing.
        """
        self.assertIs(type(outcome), UnauthorizedLogin)
        self.assertEqual(str(outcome), "")

    def assertDenied(self: Any, outcome: object, reason: DenialReason) -> None:
        """
        Insist on a denial.
        """
        self.assertIsInstance(outcome, AccountDenied)
        self.assertIs(outcome.reason, reason)

    def test_right(self: Any) -> None:
        """
        The right password is accepted, and the avatar ID is the name as it is stored.
        """
        self.makeTable()
        self.add("alice")
        self.add("zoë")
        checker = self.checker()
        verifyObject(ICredentialsChecker, checker)
        self.assertEqual(self.logIn(checker, b"alice"), b"alice")
        self.assertEqual(self.logIn(checker, "zoë".encode()), "zoë".encode())
        self.assertEqual(self.logIn(checker, "zoë", "sesame"), "zoë")

    def test_wrong(self: Any) -> None:
        """
        Wrong passwords and unknown users are refused in the same words.
        """
        self.makeTable()
        self.add("alice")
        checker = self.checker()
        for password in (b"", b"Sesame", b"sesame ", b"sesame\0", b"s" * 1025, b"\xff"):
            self.assertRefused(self.logIn(checker, b"alice", password))
        self.assertRefused(self.logIn(checker, b"nobody"))

    def test_forms(self: Any) -> None:
        """
        A password is a hash in any spelling that mycred knows, in text or in bytes; plain
        text is one only where it is marked.
        """
        self.makeTable()
        self.add("dovecot", "{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=")
        self.add("marked", "{PLAIN}sesame")
        for number, password in enumerate(("sesame", "", None, "!", "x", HASH[:-1])):
            self.add(f"user{number}", password)
        checker = self.checker()
        self.assertEqual(self.logIn(checker, b"dovecot"), b"dovecot")
        self.assertEqual(self.logIn(checker, b"marked"), b"marked")
        for number in range(6):
            name = b"user%d" % number
            for password in (b"sesame", b"", b"!", b"x", b"None", HASH.encode()):
                self.assertRefused(self.logIn(checker, name, password))

    def test_bytes(self: Any) -> None:
        """
        A hash may be stored as bytes, and a name, too.
        """
        self.makeTable("hash {bytes}, who {bytes}")
        self.add("alice", None, hash=HASH.encode(), who=b"alice")
        checker = self.checker(
            "select who as NAME, hash as Password from accounts where name = :username"
        )
        self.assertEqual(self.logIn(checker, b"alice"), b"alice")

    def test_sameWork(self: Any) -> None:
        """
        Whoever is unknown is refused after one hash of the kind that users have; and so
        is who has no password, a damaged one, a name like another's, or one that nobody
        can have.
        """
        self.makeTable()
        self.add("alice")
        self.add("none", None)
        self.add("damaged", HASH[:-1])
        checker = self.checker(realm="example.org")
        self.logIn(checker, b"alice")
        verified: list[Any] = []
        verify = Hash.verify

        def remember(found: Hash, password: bytes) -> bool:
            verified.append(found.kind)
            return verify(found, password)

        self.patch(Hash, "verify", remember)
        for name in (
            *(b"alice", b"none", b"damaged", b"nobody", b"ALICE", b"alice ", b""),
            *(b"\xff", b"alice@example.com", "alic\u00e9".encode(), b"alice@example.org"),
        ):
            del verified[:]
            self.assertRefused(self.logIn(checker, name, b"wrong"))
            self.assertEqual(verified, [("bcrypt", b"04")], name)

    def test_names(self: Any) -> None:
        """
        What was typed must be equal to the name that is stored, whatever the database
        takes for equal; and no name is a part of the query.
        """
        self.makeTable()
        self.add("alice")
        checker = self.checker()
        for name in NOT_ALICE:
            self.assertRefused(self.logIn(checker, name.encode()))
            self.assertRefused(self.logIn(checker, name, "sesame"))
        for raw in (b"\xff", b"alice\xff", b"\xed\xa0\x80", b"alice\0", b"a" * 10_000):
            self.assertRefused(self.logIn(checker, raw))
        self.assertEqual(self.logIn(checker, b"alice"), b"alice")

    def test_anyName(self: Any) -> None:
        """
        No name at all is accepted but the right one, or is anything but refused.
        """
        self.makeTable()
        self.add("alice")
        checker = self.checker()
        alike = st.text(
            st.sampled_from("aliceALICEé \u0301'\"\\%;:-_ß\0\ud800"), max_size=8
        )

        @given(st.text() | alike | st.binary() | st.text(min_size=3000, max_size=3000))
        def hold(name: str | bytes) -> None:
            password = "sesame" if isinstance(name, str) else b"sesame"
            outcome = self.logIn(checker, name, password)
            if name in ("alice", b"alice"):
                self.assertEqual(outcome, name)
            else:
                self.assertRefused(outcome)

        hold()

    def test_stored(self: Any) -> None:
        """
        Any name that a database can hold lets its owner in, and nobody else.
        """
        self.makeTable(key="")
        names = ["o'brien", 'a"b', "a\\b", "%", "_", " a", "a b", "ärger", "ALICE"]
        for name in [*names, "a" * 200]:
            self.execute("delete from accounts")
            self.add(name)
            self.assertEqual(self.logIn(self.checker(), name.encode()), name.encode())
            self.assertRefused(self.logIn(self.checker(), b"alice"))
            self.assertRefused(self.logIn(self.checker(), b"A"))

    def test_severalRows(self: Any) -> None:
        """
        Of several rows the one counts whose name is equal to what was typed; if there are
        two of them none does, and the log is told.
        """
        self.makeTable(key="")
        other = "{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="
        for name, password in (("ALICE", other), ("alice", HASH), ("Alice", other)):
            self.add(name, password)
        checker = self.checker(f"{QUERY} or lower(name) = lower(:username)")
        self.assertEqual(self.logIn(checker, b"alice"), b"alice")
        self.assertRefused(self.logIn(checker, b"ALICE"))
        self.assertEqual(self.logIn(checker, b"ALICE", b"test"), b"ALICE")
        self.add("alice", other)
        self.assertRefused(self.logIn(checker, b"alice"))
        self.assertRefused(self.logIn(checker, b"alice", b"test"))
        self.assertIn("'alice' has 2 rows; none of them counts", self.logged)
        self.assertIn('why="more than one row has this name"', self.logged[-1])

    def test_case(self: Any) -> None:
        """
        With case=fold any case of a name lets in, as the one account that is stored.
        """
        self.makeTable()
        self.add("Alice")
        query = "select name, password from accounts where lower(name) = :username"
        checker = self.checker(query, case="fold")
        for name in (b"Alice", b"alice", b"ALICE"):
            self.assertEqual(self.logIn(checker, name), b"Alice")
        for name in ("alice ", "alicé", "al\u0131ce"):
            self.assertRefused(self.logIn(checker, name.encode()))
        keys = self.outcomeOf(checker, Proving(b"ALICE"))
        self.assertRefused(keys)

    def test_realm(self: Any) -> None:
        """
        A domain of ours is cut off what was typed; all others are unknown, though a row
        have such a name.
        """
        self.makeTable()
        for name in ("alice", "alice@other.org", "bob@example.org", "a@b", ""):
            self.add(name)
        checker = self.checker(realm="Example.org")
        for name in (b"alice", b"alice@example.org", b"alice@EXAMPLE.ORG"):
            self.assertEqual(self.logIn(checker, name), b"alice")
        for name in (
            *(b"alice@other.org", b"alice@", b"bob@example.org", b"alice@example.org."),
            *(b"a@b", b"a@b@example.org", b"alice@example.org@example.org"),
        ):
            self.assertRefused(self.logIn(checker, name))
        self.assertIn('why="the name is in another domain"', self.logged[-1])
        self.assertRefused(self.logIn(checker, b"@example.org"))
        self.assertIn('why="nothing stands before the domain"', self.logged[-1])

    def test_denied(self: Any) -> None:
        """
        A disabled account, one that has expired, and one whose password must be changed
        are denied after the right password, with the reason; before it they are refused
        as all others.
        """
        self.makeTable("disabled {flag}, expires {moment}, must_change {flag}")
        early = datetime(2020, 1, 1, tzinfo=timezone.utc)  # noqa: UP017
        late = early.replace(year=2500)
        if self.server.dialect != "postgresql":
            early, late = str(early)[:19], str(late)[:19]
        flagOf = bool if self.server.dialect == "postgresql" else int
        rows: list[tuple[Any, Any, Any, DenialReason | None]] = [
            (0, None, 0, None),
            (None, late, None, None),
            (1, None, 0, DenialReason.DISABLED),
            (0, early, 0, DenialReason.EXPIRED),
            (0, late, 1, DenialReason.PASSWORD_EXPIRED),
            (1, early, 1, DenialReason.DISABLED),
        ]
        for number, (disabled, expires, mustChange, _) in enumerate(rows):
            flags = [f if f is None else flagOf(f) for f in (disabled, mustChange)]
            self.add(
                f"user{number}",
                disabled=flags[0],
                expires=expires,
                must_change=flags[1],
            )
        checker = self.checker()
        for number, (*_, reason) in enumerate(rows):
            name = b"user%d" % number
            self.assertRefused(self.logIn(checker, name, b"wrong"))
            outcome = self.logIn(checker, name)
            if reason is None:
                self.assertEqual(outcome, name)
            else:
                self.assertDenied(outcome, reason)

    def test_negated(self: Any) -> None:
        """
        A column that says whether an account is active is turned around by the query.
        """
        self.makeTable("active {flag}")
        flagOf = bool if self.server.dialect == "postgresql" else int
        self.add("alice", active=flagOf(1))
        self.add("bob", active=flagOf(0))
        self.add("carol", active=None)
        checker = self.checker(
            "select name, password, not coalesce(active, {}) as disabled from accounts "
            "where name = :username".format(
                "false" if self.server.dialect == "postgresql" else "0"
            )
        )
        self.assertEqual(self.logIn(checker, b"alice"), b"alice")
        self.assertDenied(self.logIn(checker, b"bob"), DenialReason.DISABLED)
        self.assertDenied(self.logIn(checker, b"carol"), DenialReason.DISABLED)

    def test_strange(self: Any) -> None:
        """
        A value that makes no sense denies the account, and the log says which.
        """
        self.makeTable("disabled text")
        self.add("alice", disabled="perhaps")
        checker = self.checker()
        self.assertRefused(self.logIn(checker, b"alice", b"wrong"))
        self.assertDenied(self.logIn(checker, b"alice"), DenialReason.POLICY)
        line = "'alice': disabled: write a boolean, a number, yes or no"
        self.assertEqual(self.logged.count(line), 1)
        self.assertNotIn("perhaps", " ".join(self.logged))

    def test_facts(self: Any) -> None:
        """
        What the query brings of an account comes with the avatar ID; what it doesn't is
        L{None}.
        """
        self.makeTable("uid integer, gid bigint, home text, shell text, groups {names}")
        groups = ["staff", "wheel"]
        self.add(
            "alice",
            uid=1000,
            gid=100,
            home="/home/alice",
            groups=groups if self.server.dialect == "postgresql" else ",".join(groups),
        )
        avatarId = self.logIn(self.checker(), b"alice")
        self.assertEqual(avatarId, b"alice")
        account = SQLAccount("alice", 1000, 100, "/home/alice", None, ("staff", "wheel"))
        self.assertEqual(accountOf(avatarId), account)
        few = "select name, password, shell from accounts where name = :username"
        self.assertEqual(
            accountOf(self.logIn(self.checker(few), b"alice")), SQLAccount("alice")
        )
        none = "select name, password from accounts where name = :username"
        self.assertIs(accountOf(self.logIn(self.checker(none), b"alice")), None)

    def test_factsByScram(self: Any) -> None:
        """
        Who logs in by SCRAM has the same avatar ID.
        """
        self.makeTable(f"uid integer, {SCRAM_COLUMNS}")
        self.add("alice", None, uid=1000, **scramColumns())
        avatarId = self.outcomeOf(self.checker(), Proving(b"alice", hash="sha1"))
        self.assertEqual(avatarId, b"alice")
        self.assertEqual(accountOf(avatarId), SQLAccount("alice", 1000))

    def test_badFacts(self: Any) -> None:
        """
        A uid that is none denies the account.
        """
        self.makeTable("uid integer")
        self.add("alice", uid=-1)
        checker = self.checker()
        self.assertDenied(self.logIn(checker, b"alice"), DenialReason.POLICY)

    def test_scramKeys(self: Any) -> None:
        """
        Keys of SCRAM serve clients that prove the password, and those that send it; a
        hash beside them serves the latter.
        """
        self.makeTable(SCRAM_COLUMNS)
        other = "{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="
        self.add("keys", None, **scramColumns())
        self.add("both", other, **scramColumns())
        self.add("hash", HASH)
        checker = self.checker()
        for name in (b"keys", b"both"):
            proving = Proving(name, hash="sha1")
            self.assertEqual(self.outcomeOf(checker, proving), name)
            self.assertEqual(proving.asked, [KEYS])
            wrong = Proving(name, b"wrong", "sha1")
            self.assertRefused(self.outcomeOf(checker, wrong))
            self.assertRefused(self.outcomeOf(checker, Proving(name, hash="sha256")))
        self.assertEqual(self.logIn(checker, b"keys"), b"keys")
        self.assertRefused(self.logIn(checker, b"keys", b"wrong"))
        self.assertEqual(self.logIn(checker, b"both", b"test"), b"both")
        self.assertRefused(self.logIn(checker, b"both", b"sesame"))
        self.assertRefused(self.outcomeOf(checker, Proving(b"hash", hash="sha1")))
        self.assertEqual(self.logIn(checker, b"hash"), b"hash")

    def test_scramText(self: Any) -> None:
        """
        Keys may stand in base64, as ejabberd has them, or in the password.
        """
        self.makeTable("salt text, iterations integer, stored text, server text")
        columns = [b64encode(k).decode() for k in (KEYS.salt, KEYS.storedKey)]
        self.add("alice", b64encode(KEYS.storedKey).decode())
        self.execute(
            f"update accounts set salt = '{columns[0]}', iterations = 3, "
            f"server = '{b64encode(KEYS.serverKey).decode()}'"
        )
        checker = self.checker(
            "select name, password as scram_stored_key, server as scram_server_key, "
            "salt as scram_salt, iterations as scram_iterations from accounts where "
            "name = :username"
        )
        proving = Proving(b"alice", hash="sha1")
        self.assertEqual(self.outcomeOf(checker, proving), b"alice")
        self.assertEqual(self.logIn(checker, b"alice"), b"alice")

    def test_scramUnknown(self: Any) -> None:
        """
        A client with a name that nobody has isn't asked, and what it is led through
        looks like the keys of others; two spellings of one name look the same.
        """
        self.makeTable(SCRAM_COLUMNS)
        self.add("alice", None, **scramColumns())
        checker = self.checker(realm="example.org")
        self.outcomeOf(checker, Proving(b"alice", hash="sha1"))
        for name in (b"nobody", b"nobody@example.org", b"NOBODY"):
            proving = Proving(name, hash="sha1")
            self.assertRefused(self.outcomeOf(checker, proving))
            self.assertEqual(proving.asked, [])
            spelled = name.partition(b"@")[0]
            self.assertEqual(proving.expected, [(3, 6, spelled)])
        for name in (b"\xff", b"", b"ALICE", b"alice\0", b"a" * 3000):
            proving = Proving(name, hash="sha1")
            self.assertRefused(self.outcomeOf(checker, proving))
            self.assertEqual(proving.asked, [])

    def test_scramDenied(self: Any) -> None:
        """
        An account is denied only after the proof.
        """
        self.makeTable(f"disabled integer, {SCRAM_COLUMNS}")
        self.add("alice", None, disabled=1, **scramColumns())
        checker = self.checker()
        outcome = self.outcomeOf(checker, Proving(b"alice", hash="sha1"))
        self.assertDenied(outcome, DenialReason.DISABLED)
        wrong = Proving(b"alice", b"wrong", "sha1")
        self.assertRefused(self.outcomeOf(checker, wrong))

    def test_scramHashes(self: Any) -> None:
        """
        The hashes are those for which users have keys who were looked up; before that
        all, if the query has columns for keys.
        """
        self.makeTable(SCRAM_COLUMNS)
        self.add("alice", None, **scramColumns())
        checker = self.checker()
        self.assertEqual(set(checker.scramHashes()), set())
        checker.check()
        self.assertEqual(set(checker.scramHashes()), {"sha1", "sha256"})
        self.logIn(checker, b"nobody")
        self.assertEqual(set(checker.scramHashes()), {"sha1", "sha256"})
        self.outcomeOf(checker, Proving(b"alice", hash="sha256"))
        self.assertEqual(set(checker.scramHashes()), {"sha1"})
        plain = self.checker("select name, password from accounts where name = :username")
        plain.check()
        self.assertEqual(set(plain.scramHashes()), set())

    def test_late(self: Any) -> None:
        """
        A query that the database refuses is an error in the log, and logins are temporary
        failures; as soon as it is what it should be they work.
        """
        checker = self.checker()
        self.assertIsInstance(self.logIn(checker, b"alice"), TemporaryFailure)
        [line] = [line for line in self.logged if "can't be looked up" in line]
        self.assertIn("query: ", line)
        self.assertIn("accounts", line)
        self.makeTable("disabeled integer")
        self.add("alice")
        self.assertIsInstance(self.logIn(checker, b"alice"), TemporaryFailure)
        self.assertTrue(any("did you mean disabled?" in line for line in self.logged))
        self.execute("alter table accounts drop column disabeled")
        self.assertEqual(self.logIn(checker, b"alice"), b"alice")

    def test_changed(self: Any) -> None:
        """
        A column that appears later and isn't known lets nobody in.
        """
        self.makeTable()
        self.add("alice")
        checker = self.checker("select * from accounts where name = :username")
        self.assertEqual(self.logIn(checker, b"alice"), b"alice")
        self.execute("alter table accounts add column blocked integer default 1")
        self.assertIsInstance(self.logIn(checker, b"alice"), TemporaryFailure)

    def test_steps(self: Any) -> None:
        """
        The steps of a look-up name the server, the query without its values, the columns
        and the user, and nothing that is secret.
        """
        self.makeTable()
        self.add("alice")
        checker = self.checker()
        checker.store.isWatched = True
        self.logIn(checker, b"alice")
        query, rows, user = self.logged[:3]
        url = DatabaseURL.parse(self.server.url(self.database))
        took = r"^ +[0-9.]+ ms  "
        self.assertRegex(query, took + re.escape(f"query at {url}: {QUERY}") + "$")
        self.assertRegex(rows, f"{took}1 row of name, password$")
        self.assertRegex(user, f"{took}user 'alice', a password \\(bcrypt\\)$")
        self.assertNotIn("for the server", query)

    def test_stepsOfTwoServers(self: Any) -> None:
        """
        Of several servers the steps name the one that has answered.
        """
        self.makeTable()
        self.add("alice")
        own, dead = DatabaseURL.parse(self.server.url(self.database)), self.unreachable()
        checker = self.checker()
        checker = SQLChecker(
            checker._settings._replace(urls=(dead, own)),
            workers=SteppedWorkers(running=False),
            databaseWorkers=SteppedWorkers(running=False),
        )
        self.addCleanup(checker.close)
        checker.store.isWatched = True
        self.assertEqual(self.logIn(checker, b"alice"), b"alice")
        [query] = [line for line in self.logged if " query at " in line]
        self.assertIn(f"query at {own}: ", query)
        self.assertNotIn(str(dead), query)

    def test_unreachable(self: Any) -> None:
        """
        While the database can't be asked logins are temporary failures, for whatever
        name.
        """
        checker = SQLChecker(
            self.checker()._settings._replace(urls=(self.unreachable(),)),
            workers=SteppedWorkers(running=False),
            databaseWorkers=SteppedWorkers(running=False),
        )
        self.addCleanup(checker.close)
        for name in (b"alice", b"nobody"):
            self.assertIsInstance(self.logIn(checker, name), TemporaryFailure)
        proving = Proving(b"alice")
        self.assertIsInstance(self.outcomeOf(checker, proving), TemporaryFailure)
        self.assertEqual(proving.asked, [])

    def unreachable(self: Any) -> DatabaseURL:
        """
        Return the URL of a server that doesn't run.
        """
        return DatabaseURL.parse(f"{self.server.dialect}://myapp@127.0.0.1:1/d")


class PostgreSQLTests(OnPostgreSQL, LoginTests, SQLTestCase):
    """
    Tests on PostgreSQL.
    """

    def test_infinity(self) -> None:
        """
        A point in time that Python doesn't know lets nobody in, and the log says why;
        nullif() makes nothing of it.
        """
        self.makeTable("expires timestamp")
        self.add("alice", expires="infinity")
        self.assertRefused(self.logIn(self.checker(), b"alice"))
        self.assertIn("the row of 'alice' can't be used: ", self.logged[0])
        self.assertIn("timestamp too large", self.logged[0])
        checker = self.checker(
            "select name, password, nullif(expires, 'infinity') as expires "
            "from accounts where name = :username"
        )
        self.assertEqual(self.logIn(checker, b"alice"), b"alice")

    def test_quoted(self) -> None:
        """
        What the server quotes of a row that it can't convert isn't in the log.
        """
        self.makeTable()
        self.add("alice")
        self.add("bob", "1")
        checker = self.checker(
            "select name, password, password::integer as uid from accounts "
            "where name = :username"
        )
        self.assertRefused(self.logIn(checker, b"alice"))
        self.assertIn("invalid input syntax for type integer: ...", self.logged[-1])


class MariaDBTests(OnMariaDB, LoginTests, SQLTestCase):
    """
    Tests on MariaDB, whose usual collation takes many names for one.
    """

    def test_zeroDate(self) -> None:
        """
        What MariaDB has where there is no date denies the account, and the log says which
        column; nullif() makes nothing of it.
        """
        self.makeTable("expires datetime")
        self.execute(f"insert into accounts values ('alice', '{HASH}', '0000-00-00')")
        self.assertDenied(self.logIn(self.checker(), b"alice"), DenialReason.POLICY)
        self.assertTrue(any("'alice': expires: write a" in line for line in self.logged))
        checker = self.checker(
            "select name, password, nullif(expires, 0) as expires "
            "from accounts where name = :username"
        )
        self.assertEqual(self.logIn(checker, b"alice"), b"alice")

    def test_collation(self) -> None:
        """
        What the database takes for the same name is found by the query, and refused.
        """
        self.makeTable()
        self.execute(
            "alter table accounts convert to character set utf8mb4 "
            "collate utf8mb4_unicode_ci"
        )
        self.add("alice")
        for name in ("ALICE", "alice ", "alicé", unicodedata.normalize("NFD", "alicé")):
            checker = self.checker()
            checker.store.isWatched = True
            self.assertRefused(self.logIn(checker, name.encode()))
            told = [line for line in self.logged if "1 row of other names" in line]
            self.assertEqual(len(told), 1)
            del self.logged[:]


class SQLiteTests(OnSQLite, LoginTests, SQLTestCase):
    """
    Tests on SQLite.
    """

    def unreachable(self) -> DatabaseURL:
        """
        Return the URL of a file that doesn't exist.
        """
        return DatabaseURL.ofFile(str(self.home / "none" / "none.sqlite"))

    def test_anyValue(self) -> None:
        """
        Whatever stands in the columns, a login is accepted with the right password and
        nothing against it, or fails as logins do.
        """
        columns = "disabled, expires, must_change, uid, gid, home, shell, groups"
        self.makeTable(columns)
        checker = self.checker()
        values = (
            st.none()
            | st.integers(-(2**63), 2**63 - 1)
            | st.floats(allow_nan=False)
            | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
            | st.binary(max_size=20)
            | st.sampled_from(["yes", "no", "0", "2020-01-01", "3000-01-01T00:00:00Z"])
        )

        @given(
            values | st.just("alice"),
            values | st.just(HASH),
            st.lists(values, min_size=8, max_size=8),
        )
        def hold(name: Any, password: Any, more: list[Any]) -> None:
            self.execute("delete from accounts")
            if name is not None:
                self.add(name, password, **dict(zip(columns.split(", "), more)))
            outcome = self.logIn(checker, b"alice")
            isAccepted = outcome == b"alice"
            self.assertTrue(isAccepted or isinstance(outcome, UnauthorizedLogin), outcome)
            if isAccepted:
                self.assertIn(password, (HASH, HASH.encode()))
            self.assertIsInstance(self.logIn(checker, b"alice", b"x"), UnauthorizedLogin)

        hold()

    def test_notText(self) -> None:
        """
        A row that holds text in another encoding than UTF-8 lets nobody in, and is no
        outage: a client would be told that there is such a user.
        """
        self.makeTable("home")
        self.add("alice")
        self.execute("update accounts set home = cast(x'736563726574ff' as text)")
        checker = self.checker()
        self.assertRefused(self.logIn(checker, b"alice"))
        self.assertIn("the row of 'alice' can't be used: ", self.logged[0])
        self.assertNotIn("secret", " ".join(self.logged))
        self.assertRefused(self.logIn(checker, b"nobody"))

    def test_opensLater(self) -> None:
        """
        The file is opened with the rights that the server has later.
        """
        self.makeTable()
        self.assertEqual(self.checker().opensLater, (self.database,))


class CancelTests(OnSQLite, SQLTestCase):
    """
    Tests for logins that are cancelled, or wait for too long.
    """

    def setUp(self) -> None:
        super().setUp()
        self.makeTable()
        self.add("alice")
        self.workers, self.databaseWorkers = (
            SteppedWorkers(),
            SteppedWorkers(deadline=10.0),
        )
        self.stepped = SQLChecker(
            self.checker()._settings,
            workers=self.workers,
            databaseWorkers=self.databaseWorkers,
        )
        self.addCleanup(self.stepped.close)

    def logIn(self) -> Deferred[Any]:
        """
        Begin a login.
        """
        return self.stepped.requestAvatarId(UsernamePassword(b"alice", b"sesame"))

    def test_twoPools(self) -> None:
        """
        The database is asked in threads of its own, and the hash is verified elsewhere.
        """
        login = self.logIn()
        self.assertRaises(AssertionError, self.workers.step)
        self.databaseWorkers.step()
        self.assertNoResult(login)
        self.workers.step()
        self.assertEqual(self.successResultOf(login), b"alice")

    def test_cancel(self) -> None:
        """
        A login that is cancelled isn't waited for, wherever it is.
        """
        waiting, verifying = self.logIn(), self.logIn()
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.databaseWorkers.step()
        verifying.cancel()
        self.failureResultOf(verifying, CancelledError)

    def test_slow(self) -> None:
        """
        While the database hangs logins end by its deadline, and others' threads are free.
        """
        login = self.logIn()
        self.databaseWorkers.reactor.advance(11)
        self.failureResultOf(login, TemporaryFailure)
        other = self.workers.run(lambda: 1)
        self.workers.step()
        self.assertEqual(self.successResultOf(other), 1)

    def test_crowd(self) -> None:
        """
        When too many wait the next login is a temporary failure at once.
        """
        self.databaseWorkers.queueLimit = 2
        logins = [self.logIn() for _ in range(3)]
        failed = [login for login in logins if login.called]
        self.assertEqual(len(failed), 1)
        self.failureResultOf(failed[0], TemporaryFailure)
