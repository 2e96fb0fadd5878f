"""
Tests for the states of stores (L{mycred._storedstate}), behind a cache: what ends a login
that is remembered, for each checker of passwords.

They cover L{mycred._accounts._seenfiles}, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock
from twisted.python.fakepwd import UserDatabase
from twisted.trial.unittest import SynchronousTestCase

from mycred import _files
from mycred._hashes import Hash
from mycred.checkers import (
    AccountRules,
    FilePasswordDB,
    HtpasswdChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
    IStoredState,
    PAMChecker,
    PasswdChecker,
    PasswordChecker,
    UNIXChecker,
    UNIXPasswordDatabase,
)
from mycred.checkers.ldap import LDAPChecker, ldapSettings
from mycred.credentials import UsernamePassword
from mycred.error import AccountDenied, DenialReason, TemporaryFailure, UnauthorizedLogin
from mycred.stack import CheckerStack, LoginCache
from mycred.testing import SteppedWorkers

from ..kit.directory import DirectoryTestCase
from ..kit.files import BCRYPT, FileTestCase
from ..kit.machines import OTHER, PASSWORD, MachineTestCase
from ..kit.slapd import PEOPLE, person
from ..kit.sqlaccounts import SQLTestCase
from ..kit.sqlplaces import OnPostgreSQL, OnSQLite

NEW = b"password"

#: For how long logins are remembered here, in seconds.
SECONDS = 300


class Cached:
    """
    Base of tests with a checker behind a cache: mix it with a class that counts hashes.

    @ivar clock: what tells the cache the time.
    @ivar stack: the checker with the cache around it.
    """

    clock: Clock
    stack: CheckerStack
    verified: list[Any]

    def around(self: Any, *checkers: Any) -> None:
        """
        Make the stack.
        """
        self.clock = Clock()
        cache = LoginCache(SECONDS, clock=self.clock)
        self.stack = CheckerStack(checkers, cache=cache)

    def outcome(self: Any, name: Any = b"carol", password: Any = PASSWORD) -> Any:
        """
        Log in.

        @return: the avatar ID, or the type of the error.
        """
        asking = self.stack.requestAvatarId(UsernamePassword(name, password))
        return self.successResultOf(asking.addErrback(lambda failure: failure.type))

    def assertHashes(
        self: Any,
        number: int,
        result: Any,
        name: Any = b"carol",
        password: Any = PASSWORD,
    ) -> None:
        """
        Insist on how a login ends, and on how many hashes it costs.
        """
        before = len(self.verified)
        self.assertEqual(self.outcome(name, password), result)
        self.assertEqual(len(self.verified) - before, number)

    def assertRemembered(
        self: Any, name: Any = b"carol", password: Any = PASSWORD
    ) -> None:
        """
        Insist on a login that is remembered.
        """
        self.assertHashes(0, name, name, password)


class ChangeTests(Cached):
    """
    Tests for stores that hold hashes of users: a subclass mixes them in.
    """

    def hold(self: Any, **users: bytes) -> None:
        """
        Have the store hold these users, each with the hash, and make a checker of it,
        unless there is one.
        """
        raise NotImplementedError

    def makeRemembered(self: Any) -> None:
        """
        Have a login remembered.
        """
        self.hold(carol=BCRYPT, dave=OTHER)
        self.assertHashes(1, b"carol")
        self.assertRemembered()

    def test_remembered(self: Any) -> None:
        """
        A login costs one hash, for as long as the cache may remember it.
        """
        self.makeRemembered()
        self.clock.advance(SECONDS - 1)
        self.assertRemembered()
        self.clock.advance(1)
        self.assertHashes(1, b"carol")

    def test_newPassword(self: Any) -> None:
        """
        A new password ends it at once: the old one is refused, and the new one counts.
        """
        self.makeRemembered()
        self.hold(carol=OTHER, dave=OTHER)
        self.assertHashes(1, UnauthorizedLogin)
        self.assertHashes(1, b"carol", password=NEW)
        self.assertRemembered(password=NEW)

    def test_removed(self: Any) -> None:
        """
        So does the removal of the user.
        """
        self.makeRemembered()
        self.hold(dave=OTHER)
        self.assertHashes(1, UnauthorizedLogin)
        self.hold(carol=BCRYPT, dave=OTHER)
        self.assertHashes(1, b"carol")

    def test_noHash(self: Any) -> None:
        """
        So does a hash that nothing matches.
        """
        self.makeRemembered()
        self.hold(carol=b"!" + BCRYPT, dave=OTHER)
        self.assertIn(self.outcome(), (UnauthorizedLogin, AccountDenied))

    def test_others(self: Any) -> None:
        """
        A change that is another user's ends nothing.
        """
        self.makeRemembered()
        self.hold(erin=OTHER, carol=BCRYPT)
        self.assertRemembered()

    def test_wrongPassword(self: Any) -> None:
        """
        A wrong password costs the same whether a login of the user is remembered or not.
        """
        self.makeRemembered()
        for name in (b"carol", b"dave", b"nobody"):
            self.assertHashes(1, UnauthorizedLogin, name, b"wrong")

    def test_states(self: Any) -> None:
        """
        The state differs between two users, and those who aren't there have one.
        """
        self.hold(carol=BCRYPT, dave=BCRYPT)
        [checker] = self.stack.checkers
        self.assertTrue(IStoredState.providedBy(checker))
        states = []
        for name in (b"carol", b"dave", b"nobody", b"none"):
            answer: Any = checker.storedState(UsernamePassword(name, b"x"))  # type: ignore[attr-defined]
            states.append(answer if isinstance(answer, bytes) else self.now(answer))
        carol, dave, nobody, none = states
        self.assertEqual(len({carol, dave, nobody}), 3)
        self.assertEqual(nobody, none)
        self.assertFalse([state for state in states if BCRYPT in state])

    def now(self: Any, answer: Any) -> Any:
        """
        Return the result of a L{Deferred}.
        """
        return self.successResultOf(answer)


class FileStateCase(ChangeTests):
    """
    Base of the tests of files with a line for each user.
    """

    def setUp(self: Any) -> None:
        super().setUp()
        self.settle()

    def make(self: Any) -> Any:
        """
        Make a checker of the file.
        """
        raise NotImplementedError

    def line(self: Any, name: str, secret: bytes) -> bytes:
        """
        Return a user's line.
        """
        return name.encode("ascii") + b":" + secret + b"\n"

    def hold(self: Any, **users: bytes) -> None:
        """
        Write the file.
        """
        isNew = not self.path.exists()
        new = self.path.with_suffix(".new")
        new.write_bytes(b"".join(self.line(*user) for user in users.items()))
        new.replace(self.path)
        if isNew:
            self.around(self.make())

    def test_gone(self: Any) -> None:
        """
        While the file can't be read nobody is let in, as without a cache.
        """
        self.hold(carol=BCRYPT)
        self.assertHashes(1, b"carol")
        self.path.rename(self.path.with_suffix(".bak"))
        self.assertHashes(0, TemporaryFailure)
        self.path.with_suffix(".bak").rename(self.path)
        self.assertRemembered()


class HtpasswdStateTests(FileStateCase, FileTestCase):
    """
    Tests for an htpasswd file.
    """

    def make(self) -> HtpasswdChecker:
        """
        Make a checker of the file.
        """
        return HtpasswdChecker(str(self.path), workers=self.workers)

    def test_inPlace(self) -> None:
        """
        A file that is written in place counts as one that is replaced, though it have the
        same length.
        """
        self.hold(carol=BCRYPT)
        self.assertHashes(1, b"carol")
        self.path.write_bytes(self.line("carol", OTHER))
        self.assertHashes(1, UnauthorizedLogin)

    def test_text(self) -> None:
        """
        A name that is text, in which it may be decoded in two ways, is remembered and
        forgotten as others are.
        """
        self.path.write_bytes(b"ren\xe9:" + BCRYPT + b"\n")
        self.around(self.make())
        text = PASSWORD.decode("ascii")
        self.assertHashes(2, "ren\udce9", "ren\xe9", text)
        self.assertHashes(0, "ren\udce9", "ren\xe9", text)
        self.path.write_bytes(b"ren\xe9:" + OTHER + b"\n")
        self.assertEqual(self.outcome("ren\xe9", text), UnauthorizedLogin)


class FilePasswordDBStateTests(FileStateCase, FileTestCase):
    """
    Tests for a file as Twisted has it.
    """

    options: Any = {}

    def make(self) -> FilePasswordDB:
        """
        Make a checker of the file.
        """
        return FilePasswordDB(str(self.path), workers=self.workers, **self.options)

    def test_case(self) -> None:
        """
        Where case doesn't count each spelling is remembered by itself, and all are
        forgotten when the line changes.
        """
        self.options = {"caseSensitive": False}
        self.hold(carol=BCRYPT)
        for name in (b"carol", b"Carol"):
            self.assertHashes(1, b"carol", name)
            self.assertHashes(0, b"carol", name)
        self.hold(carol=OTHER)
        for name in (b"carol", b"Carol"):
            self.assertHashes(1, UnauthorizedLogin, name)

    def test_theirs(self) -> None:
        """
        Of users whom a program looks up by itself no state is known: they are remembered
        for the time that is said.
        """

        class Theirs(FilePasswordDB):
            def getUser(self, username: Any) -> Any:
                return username, BCRYPT

        self.around(Theirs(str(self.path), workers=self.workers))
        self.assertHashes(1, b"carol")
        self.assertRemembered()
        self.clock.advance(SECONDS)
        self.assertHashes(1, b"carol")


class CachingFileStateTests(FilePasswordDBStateTests):
    """
    The same, for one that keeps what the file holds in memory.
    """

    options: Any = {"cache": True}


class OwnCheckerStateTests(ChangeTests, FileTestCase):
    """
    Tests for a program's own checker.
    """

    def hold(self, **users: bytes) -> None:
        """
        Have the checker know users.
        """
        self.users = {name.encode("ascii"): users[name] for name in users}

        class Own(PasswordChecker):
            inThread = True
            workers = self.workers

            def lookUp(checker, username: bytes) -> Any:
                found = self.users.get(username)
                return None if found is None else (username, found, *self.denial)

        if not hasattr(self, "stack"):
            self.denial: tuple[DenialReason, ...] = ()
            self.around(Own())

    def test_denied(self) -> None:
        """
        An account that is denied now isn't let in.
        """
        self.makeRemembered()
        self.denial = (DenialReason.DISABLED,)
        self.assertHashes(1, AccountDenied)
        self.denial = ()
        self.assertHashes(1, b"carol")

    def test_spelling(self) -> None:
        """
        A name that the store spells otherwise now is the new avatar ID.
        """
        names = [b"carol"]

        class Own(PasswordChecker):
            workers = self.workers

            def lookUp(checker, username: bytes) -> Any:
                return names[0], BCRYPT

        self.around(Own())
        self.assertHashes(1, b"carol")
        names[0] = b"Carol"
        self.assertHashes(1, b"Carol")


class AccountChangeTests(ChangeTests):
    """
    Tests for accounts: a subclass mixes them in.
    """

    rules = AccountRules()

    def setUp(self: Any) -> None:
        super().setUp()
        self.settle()

    def hold(self: Any, **users: bytes) -> None:
        """
        Write the files.
        """
        self.holdDated("", **users)

    def holdDated(self: Any, dates: str, **users: bytes) -> None:
        """
        Write the files, with fields of shadow(5) after each hash.
        """
        fields = (dates or "19000:0:99999:7:::").encode("ascii")
        passwd = shadow = b""
        for number, (name, secret) in enumerate(sorted(users.items()), 1000):
            user = name.encode("ascii")
            passwd += b"%s:x:%d:100::/home/%s:/bin/sh\n" % (user, number, user)
            shadow += b"%s:%s:%s\n" % (user, secret, fields)
        self.write("passwd", passwd)
        self.write("shadow", shadow)
        if not hasattr(self, "stack"):
            self.around(self.make())

    def assertEnds(self: Any, change: Callable[[], Any], ends: Any) -> None:
        """
        Insist on how a login that was remembered ends after a change.
        """
        self.makeRemembered()
        change()
        self.assertHashes(1, ends)

    def test_locked(self: Any) -> None:
        """
        An account that was locked isn't let in.
        """
        self.assertEnds(lambda: self.hold(carol=b"!" + BCRYPT), AccountDenied)

    def test_expired(self: Any) -> None:
        """
        Nor is one that has expired, or whose password must be changed.
        """
        for dates in ("19000:0:99999:7::19500:", "0:0:99999:7:::"):

            def change(dates: str = dates) -> None:
                self.holdDated(dates, carol=BCRYPT)

            self.assertEnds(change, AccountDenied)
            del self.stack

    def test_halfWritten(self: Any) -> None:
        """
        Nor is one of which half a line is there; no more is said of it than without a
        cache.
        """
        self.makeRemembered()
        self.write("shadow", b"carol:" + BCRYPT + b":x:::::\n")
        [checker] = self.stack.checkers
        asking = self.ask(checker, b"carol", PASSWORD)
        expected = self.failureResultOf(asking).type
        self.assertEqual(self.outcome(), expected)
        self.assertEqual(self.logged("A look-up in"), [])

    def test_day(self: Any) -> None:
        """
        Nor is one that expires while nothing changes but the day.
        """
        self.makeRemembered()
        self.holdDated("19000:0:99999:7::30000:", carol=BCRYPT)
        self.assertHashes(1, b"carol")
        self.assertRemembered()
        [checker] = self.stack.checkers
        self.patch(checker._store.store, "_now", lambda: 30_001 * 86_400)  # type: ignore[attr-defined]
        self.assertHashes(1, AccountDenied)


class PasswdStateTests(AccountChangeTests, MachineTestCase):
    """
    Tests for accounts in files.
    """

    def make(self) -> Any:
        """
        Make a checker of the files.
        """
        files = self.passwd, self.shadow, self.group
        return PasswdChecker(*files, self.rules, workers=self.workers)

    def test_groups(self) -> None:
        """
        When the groups of an account change, the next login gets to know them.
        """
        self.makeRemembered()
        self.assertIn("staff", self.outcome().account.groups)
        self.write("group", b"mail:x:8:carol\n")
        self.assertHashes(1, b"carol")
        self.assertEqual(self.outcome().account.groups, ("mail",))
        self.assertRemembered()

    def test_home(self) -> None:
        """
        So it is with the home directory.
        """
        self.makeRemembered()
        line = b"carol:x:1000:100::/srv/carol:/bin/sh\n"
        self.write("passwd", line)
        self.assertHashes(1, b"carol")
        self.assertEqual(self.outcome().account.home, "/srv/carol")


class OwnHashStateTests(ChangeTests, FileTestCase):
    """
    Tests for accounts whose hashes are in the passwd file.
    """

    def setUp(self) -> None:
        super().setUp()
        self.settle()

    def hold(self, **users: bytes) -> None:
        """
        Write the file.
        """
        lines = [
            b"%s:%s:1000:100::/home:/bin/sh\n" % (name.encode("ascii"), secret)
            for name, secret in users.items()
        ]
        self.path.write_bytes(b"".join(lines))
        if not hasattr(self, "stack"):
            self.around(PasswdChecker(str(self.path), workers=self.workers))


class SeparateStateTests(MachineTestCase, Cached):
    """
    Tests for accounts that other processes look up.
    """

    def setUp(self) -> None:
        super().setUp()
        self.settle()
        self.nologin = self.folder / "nologin"
        rules = AccountRules(nologin=(str(self.nologin),))
        files = self.passwd, self.shadow, self.group
        checker = PasswdChecker(*files, rules, separate=True, workers=self.workers)
        others: Any = checker._privileged
        self.addCleanup(others._client.close)
        self.seen: Any = checker._seen
        lookUp = others.lookUp

        def remember(*asked: Any) -> Any:
            self.verified.append(asked)
            return lookUp(*asked)

        self.patch(others, "lookUp", remember)
        self.around(checker)

    def test_changes(self) -> None:
        """
        A change of a file ends what is remembered, though this process can't read it: a
        lock, a removal, a group, and what keeps all users out.
        """
        self.assertHashes(1, b"carol")
        self.assertRemembered()
        self.write("shadow", b"carol:!" + BCRYPT + b":19000:0:99999:7:::\n")
        self.assertHashes(1, AccountDenied)
        self.write("shadow", b"carol:" + BCRYPT + b":19000:0:99999:7:::\n")
        self.assertHashes(1, b"carol")
        self.assertRemembered()
        self.write("group", b"")
        self.assertHashes(1, b"carol")
        self.assertRemembered()
        self.nologin.write_bytes(b"")
        self.assertHashes(1, AccountDenied)
        self.nologin.unlink()
        self.assertHashes(1, b"carol")
        self.write("passwd", b"")
        self.assertHashes(1, TemporaryFailure)

    def test_day(self) -> None:
        """
        Another day ends it, too, since accounts expire.
        """
        self.patch(self.seen, "_now", lambda: 86_399)
        self.assertHashes(1, b"carol")
        self.assertRemembered()
        self.patch(self.seen, "_now", lambda: 86_400)
        self.assertHashes(1, b"carol")

    def test_young(self) -> None:
        """
        By a file that may change without its times telling nothing is remembered.
        """
        self.patch(_files, "SETTLING", 3600)
        self.write("group", b"x")
        for _ in range(2):
            self.assertHashes(1, b"carol")


class UNIXStateTests(AccountChangeTests, MachineTestCase):
    """
    Tests for users of a name service.
    """

    def make(self) -> UNIXChecker:
        """
        Make a checker of the files.
        """
        services = {"userdb": self, "groupdb": self, "workers": self.workers}
        return UNIXChecker(self.rules, shadow=self.shadow, **services)

    def getpwnam(self, name: str) -> Any:
        """
        Look a user up in the file.
        """
        database = UserDatabase()
        for line in self.folder.joinpath("passwd").read_text().splitlines():
            user, secret, uid, gid, *rest = line.split(":")
            database.addUser(user, secret, int(uid), int(gid), *rest)
        return database.getpwnam(name)

    def getgrgid(self, gid: int) -> Any:
        """
        Look a group up: there are none by this.
        """
        raise KeyError(gid)

    getgrnam = getgrgid

    def test_rules(self) -> None:
        """
        A rule that comes into force counts at once.
        """
        nologin = self.folder / "nologin"
        self.rules = AccountRules(nologin=(str(nologin),))
        self.makeRemembered()
        nologin.write_bytes(b"")
        self.assertHashes(1, AccountDenied)
        nologin.unlink()
        self.assertHashes(1, b"carol")

    def test_steps(self) -> None:
        """
        Of what a program checks by itself no state is known.
        """

        class Theirs(UNIXChecker):
            def checkPwd(self, pwd: Any, username: Any, password: Any) -> Any:
                return None

        checkers = Theirs(shadow=self.shadow), UNIXPasswordDatabase([lambda name: None])
        for checker in checkers:
            state = checker.storedState(UsernamePassword(b"carol", b"x"))
            self.assertEqual(state, b"")


class SQLStateTests(ChangeTests):
    """
    Tests for accounts in a database: mix them with a place.
    """

    def setUp(self: Any) -> None:
        super().setUp()
        self.verified = []
        verify = Hash.verify

        def remember(found: Hash, password: bytes) -> bool:
            self.verified.append((found.text, password))
            return verify(found, password)

        self.patch(Hash, "verify", remember)

    def hold(self: Any, **users: bytes) -> None:
        """
        Write the table.
        """
        if not hasattr(self, "stack"):
            self.makeTable("disabled integer, home text")
            self.around(self.checker())
        self.execute("delete from accounts")
        for name, secret in users.items():
            self.add(name, secret.decode("ascii"))

    def test_disabled(self: Any) -> None:
        """
        An account that is disabled now isn't let in.
        """
        self.makeRemembered()
        self.execute("update accounts set disabled = 1 where name = 'carol'")
        self.assertHashes(1, AccountDenied)
        self.execute("update accounts set disabled = 0")
        self.assertHashes(1, b"carol")

    def test_account(self: Any) -> None:
        """
        When the row says something else of the account, the next login gets to know it.
        """
        self.makeRemembered()
        self.execute("update accounts set home = '/srv/carol'")
        self.assertHashes(1, b"carol")


class SQLiteStateTests(OnSQLite, SQLStateTests, SQLTestCase):
    """
    In SQLite.
    """


class PostgreSQLStateTests(OnPostgreSQL, SQLStateTests, SQLTestCase):
    """
    In PostgreSQL.
    """


class MemoryStateTests(SynchronousTestCase, Cached):
    """
    Tests for users in memory.
    """

    def test_changes(self) -> None:
        """
        What a program says of its users counts at once.
        """
        checker = InMemoryUsernamePasswordDatabaseDontUse(carol=b"sesame")
        asked: list[Any] = []
        check = checker._checkDecoded

        def remember(credentials: Any) -> Any:
            asked.append(credentials)
            return check(credentials)

        self.patch(checker, "_checkDecoded", remember)
        self.around(checker)
        for _ in range(2):
            self.assertEqual(self.outcome(b"carol", b"sesame"), b"carol")
        self.assertEqual(len(asked), 1)
        checker.addUser(b"carol", b"oak")
        self.assertEqual(self.outcome(b"carol", b"sesame"), UnauthorizedLogin)
        self.assertEqual(self.outcome(b"carol", b"oak"), b"carol")
        del checker.users[b"carol"]
        self.assertEqual(self.outcome(b"carol", b"oak"), UnauthorizedLogin)


class TwoStoresTests(FileTestCase, Cached):
    """
    Tests for several stores that know a user.
    """

    def setUp(self) -> None:
        super().setUp()
        self.settle()
        self.paths = [self.path.with_suffix(f".{n}") for n in range(2)]
        for path in self.paths:
            path.write_bytes(b"")
        checkers = [HtpasswdChecker(path, workers=self.workers) for path in self.paths]
        self.around(*checkers)

    def test_sameName(self) -> None:
        """
        A user of the second store is remembered by what both hold: one who comes into the
        first one is asked there.
        """
        first, second = self.paths
        second.write_bytes(b"carol:" + BCRYPT + b"\n")
        self.assertEqual(self.outcome(), b"carol")
        self.assertRemembered()
        first.write_bytes(b"carol:" + OTHER + b"\n")
        self.assertHashes(2, b"carol")
        self.assertRemembered()
        self.assertHashes(1, b"carol", password=NEW)
        second.write_bytes(b"dave:" + BCRYPT + b"\n")
        self.assertHashes(2, UnauthorizedLogin)
        self.assertRemembered(password=NEW)


class DirectoryStateTests(DirectoryTestCase, Cached):
    """
    Tests for a directory, which shows no passwords.
    """

    entries = (person("gail"),)

    def test_changes(self) -> None:
        """
        A login is remembered for the time that is said, wherever it comes from, whatever
        changes there.
        """
        settings = ldapSettings(host=self.server.socket, base=PEOPLE)
        checker = LDAPChecker(settings, workers=SteppedWorkers(running=False))
        self.addCleanup(checker.close)
        self.verified = []
        find = checker._findVerdict

        def remember(*asked: Any) -> Any:
            self.verified.append(asked)
            return find(*asked)

        self.patch(checker, "_findVerdict", remember)
        self.around(checker)
        self.assertHashes(1, b"gail", b"gail", b"sesame")
        self.server.modify(
            f"dn: uid=gail,{PEOPLE}\nchangetype: modify\n"
            "replace: userPassword\nuserPassword: oak\n"
        )
        self.clock.advance(SECONDS - 1)
        self.assertRemembered(b"gail", b"sesame")
        self.clock.advance(1)
        self.assertHashes(1, UnauthorizedLogin, b"gail", b"sesame")


class NoStateTests(SynchronousTestCase):
    """
    Tests for checkers that can't tell.
    """

    def test_pam(self) -> None:
        """
        PAM has no state: its modules go by the client's address, too.
        """
        self.assertFalse(IStoredState.implementedBy(PAMChecker))
