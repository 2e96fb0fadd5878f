"""
Tests for the checkers of UNIX accounts: L{mycred.checkers._unix},
L{mycred.checkers._unixsteps} and L{mycred._checking._accounts}; and for their auth types,
L{mycred.plugins.cred_unix} and L{mycred.plugins.cred_passwd}.
"""

from __future__ import annotations

import os
import pickle
import pwd
import time
from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from grp import struct_group
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from zope.interface.verify import verifyObject

from twisted.internet.defer import Deferred, fail, gatherResults, succeed
from twisted.logger import formatEvent
from twisted.python.fakepwd import ShadowDatabase as FakeShadow, UserDatabase
from twisted.spread.jelly import jelly, unjelly
from twisted.trial.unittest import TestCase

from mycred import _files, strcred
from mycred._accounts import ShadowDatabase, _rules
from mycred._hashes import Hash
from mycred._passwordfile import _userfile
from mycred.checkers import (
    AccountRules,
    ICredentialsChecker,
    IUsernamePassword,
    PasswdChecker,
    UNIXAccount,
    UNIXChecker,
    UNIXPasswordDatabase,
    _rules as _ofCheckers,
    _unix,
    accountOf,
)
from mycred.credentials import UsernamePassword, peerOf
from mycred.error import AccountDenied, DenialReason, TemporaryFailure, UnauthorizedLogin
from mycred.plugins import cred_passwd, cred_unix
from mycred.testing import SteppedWorkers

from ..kit.files import BCRYPT
from ..kit.machines import OTHER, PASSWORD, MachineTestCase


def closeOf(checker: Any) -> None:
    """
    End the processes of a checker.
    """
    checker._privileged._client.close()


class AccountTestCase(MachineTestCase):
    """
    Base of the tests that have a machine, and checkers for it.
    """

    def passwdChecker(self, **arguments: Any) -> PasswdChecker:
        """
        Make a checker of the machine's files.
        """
        return PasswdChecker(
            self.passwd, self.shadow, self.group, workers=self.workers, **arguments
        )

    def assertDenied(self, asking: Deferred[Any], reason: DenialReason) -> None:
        """
        Insist on a denial for this reason.
        """
        error: Any = self.failureResultOf(asking, AccountDenied).value
        self.assertEqual(error.reason, reason)

    def shown(self) -> str:
        """
        Show all that was logged.
        """
        return "\n".join(repr(sorted(e.items(), key=str)) for e in self.events)


class PasswdCheckerTests(AccountTestCase):
    """
    Tests for L{PasswdChecker}.
    """

    def test_interface(self) -> None:
        """
        It is a checker of names and passwords.
        """
        checker = self.passwdChecker()
        self.assertTrue(verifyObject(ICredentialsChecker, checker))
        self.assertEqual(list(checker.credentialInterfaces), [IUsernamePassword])

    def test_accepted(self) -> None:
        """
        The avatar ID is the name, in the type in which it came, and equals it.
        """
        checker = self.passwdChecker()
        for name, password in [(b"carol", PASSWORD), ("carol", PASSWORD.decode())]:
            avatarId = self.successResultOf(self.ask(checker, name, password))
            self.assertIsInstance(avatarId, type(name))
            self.assertEqual(avatarId, name)
            self.assertEqual({avatarId: 1}[name], 1)
            self.assertEqual(repr(avatarId), repr(name))

    def test_undeclared(self) -> None:
        """
        Credentials that don't say what they provide will do if they hold a password; such
        as hold none let nobody in.
        """
        credentials: Any = SimpleNamespace(username=b"carol", password=PASSWORD)
        checker = self.passwdChecker()
        asking = checker.requestAvatarId(credentials)
        self.assertEqual(self.successResultOf(asking), b"carol")
        credentials.password = b"tulip"
        asking = checker.requestAvatarId(credentials)
        self.failureResultOf(asking, UnauthorizedLogin)
        del credentials.password
        asking = checker.requestAvatarId(credentials)
        self.failureResultOf(asking, UnauthorizedLogin)

    def test_account(self) -> None:
        """
        The realm learns what is known of the account, by the avatar ID.
        """
        for name in (b"carol", "carol"):
            password = PASSWORD if isinstance(name, bytes) else PASSWORD.decode()
            asking = self.ask(self.passwdChecker(), name, password)
            account = accountOf(self.successResultOf(asking))
            self.assertIsInstance(account, UNIXAccount)
            assert account is not None
            self.assertEqual((account.uid, account.home), (1000, "/home/carol"))
            self.assertEqual(account.groups, ("users", "mail", "staff"))

    def test_perspectiveBroker(self) -> None:
        """
        The avatar ID crosses a connection of Perspective Broker as what it equals, and
        without the account.
        """
        for name, password in [(b"carol", PASSWORD), ("carol", PASSWORD.decode())]:
            avatarId = self.successResultOf(
                self.ask(self.passwdChecker(), name, password)
            )
            self.assertEqual(jelly([avatarId, avatarId]), jelly([name, name]))
            arrived = unjelly(jelly(avatarId))
            self.assertEqual((type(arrived), arrived), (type(name), name))

    def test_copies(self) -> None:
        """
        A copy, and one that was pickled, still knows the account.
        """
        asking = self.ask(self.passwdChecker(), b"carol", PASSWORD)
        avatarId = self.successResultOf(asking)
        for other in (copy(avatarId), pickle.loads(pickle.dumps(avatarId))):
            self.assertEqual(other, avatarId)
            self.assertEqual(accountOf(other), accountOf(avatarId))

    def test_noAccount(self) -> None:
        """
        Of what isn't from such a checker nothing is known.
        """
        for avatarId in (b"carol", "carol", (), None, object()):
            self.assertIsNone(accountOf(avatarId))

    def test_refused(self) -> None:
        """
        Unknown users, wrong passwords and accounts without one are refused alike,
        and the log tells them apart.
        """
        checker = self.passwdChecker()
        for name, why in [
            (b"carol", "wrong password"),
            (b"eve", "no such account"),
            (b"root", "no password"),
            (b"locked", "wrong password"),
        ]:
            del self.events[:]
            self.assertRefused(self.ask(checker, name, b"tulip"))
            [event] = self.logged("Login refused")
            self.assertEqual(event["user"], name.decode())
            self.assertIn(why, event["why"])

    def test_denied(self) -> None:
        """
        Who has the right password, and may not log in, is denied with a reason, which
        is logged.
        """
        checker = self.passwdChecker(rules=AccountRules(minuid=1001))
        for name, reason, why in [
            (b"locked", DenialReason.LOCKED, "locked"),
            (b"expired", DenialReason.EXPIRED, "expired on 2023-05-23"),
            (b"carol", DenialReason.POLICY, "below 1001"),
        ]:
            del self.events[:]
            self.assertDenied(self.ask(checker, name, PASSWORD), reason)
            [event] = self.logged("Login denied")
            self.assertEqual((event["user"], event["avatar"]), (name.decode(),) * 2)
            self.assertIn(why, event["why"])

    def test_oddLog(self) -> None:
        """
        What isn't UTF-8 in the files is shown in the log so that any log can take it.
        """
        self.write("passwd", b"carol:x:1000:100::/:/bin/\xff\n")
        shells = self.write("shells", b"/bin/sh\n")
        checker = self.passwdChecker(rules=AccountRules(shells=shells))
        self.assertDenied(self.ask(checker, b"carol", PASSWORD), DenialReason.POLICY)
        [event] = self.logged("Login denied")
        self.assertIn("/bin/\\udcff", event["why"])
        formatEvent(event).encode("utf-8")

    def test_secretsUnseen(self) -> None:
        """
        Neither passwords nor hashes come into the log.
        """
        checker = self.passwdChecker()
        for name in (b"carol", b"eve", b"locked", b"expired", b"root"):
            for password in (PASSWORD, b"tulip"):
                self.ask(checker, name, password).addBoth(lambda _: None)
        for secret in (PASSWORD, b"tulip", BCRYPT, OTHER):
            self.assertNotIn(secret.decode(), self.shown())

    def test_absurd(self) -> None:
        """
        What can't be a name, no password, and one that is too long or holds a NUL, is
        refused before any work.
        """
        checker = self.passwdChecker()
        for name, password in [
            (b"", PASSWORD),
            (b"carol:x", PASSWORD),
            (b"carol\n", PASSWORD),
            (b"carol\0", PASSWORD),
            (b"+carol", PASSWORD),
            (b"../carol", PASSWORD),
            (b"c" * 256, PASSWORD),
            (b"carol", b""),
            (b"carol", PASSWORD + b"\0"),
            (b"carol", b"x" * 1025),
            (5, PASSWORD),
            (None, PASSWORD),
            (b"carol", None),
        ]:
            self.assertRefused(self.ask(checker, name, password))
        self.assertEqual(self.verified, [])
        # Nobody looks for an account that is said to be missing.
        self.assertEqual(len(self.logged("or the password is empty")), 13)

    def test_oddBytes(self) -> None:
        """
        Passwords and names needn't be UTF-8.
        """
        # htpasswd -nbB -C 4 zoe $'pa\xdfw\xf6rt'
        stored = b"$2y$04$wpvO8.0GPXowx2APLW4nR.vb0rFQhVgdF2nueIa4hPZUMXwXDn2wW"
        self.write("passwd", b"zo\xeb:x:1:1:::\n")
        self.write("shadow", b"zo\xeb:" + stored + b":::::::\n")
        checker = self.passwdChecker()
        asking = self.ask(checker, b"zo\xeb", b"pa\xdfw\xf6rt")
        self.assertEqual(self.successResultOf(asking), b"zo\xeb")
        asking = self.ask(checker, "zo\udceb", "pa\udcdfw\udcf6rt")
        self.assertEqual(self.successResultOf(asking), "zo\udceb")

    def test_temporary(self) -> None:
        """
        A file that can't be read is no wrong password; the log names it and the peer
        isn't told.
        """
        checker = self.passwdChecker()
        for path in (self.passwd, self.shadow, self.group):
            Path(path).rename(path + "~")
            failure = self.failureResultOf(
                self.ask(checker, b"carol", PASSWORD), TemporaryFailure
            )
            self.assertNotIn(path, str(failure.value))
            for event, field in zip(self.logged("can't be read")[-2:], ["error", "why"]):
                self.assertIn(path, str(event[field]))
            Path(path + "~").rename(path)

    def test_halfWritten(self) -> None:
        """
        Nobody is refused because of a file that is just being written.
        """
        self.workers.reactor.running = True
        whole = Path(self.shadow).read_bytes()
        self.write("shadow", b"")
        asking = self.ask(self.passwdChecker(), b"carol", PASSWORD)
        self.workers.step()
        self.assertNoResult(asking)
        self.write("shadow", whole)
        self.workers.reactor.advance(1)
        self.workers.step()
        self.assertEqual(self.successResultOf(asking), b"carol")

    def test_orphan(self) -> None:
        """
        Who can't be found by his name although his password is right is told to come
        back.
        """
        asking = self.ask(self.passwdChecker(), b"orphan", PASSWORD)
        self.failureResultOf(asking, TemporaryFailure)
        self.assertEqual(len(self.logged("Login temporary")), 1)

    def test_oddFileName(self) -> None:
        """
        A file whose name isn't UTF-8 can be logged, too; and what was found odd before
        another file couldn't be read is.
        """
        odd = os.fsdecode(os.fsencode(self.folder) + b"/\xff")
        Path(odd).write_bytes(b"carol:nonsense:::::::\n")
        checker = PasswdChecker(self.passwd, odd, workers=self.workers)
        self.assertRefused(self.ask(checker, b"carol", PASSWORD))
        Path(self.passwd).unlink()
        self.ask(checker, b"carol", PASSWORD).addErrback(lambda _: None)
        for event in self.logged("matches nothing") + self.logged("can't be read"):
            formatEvent(event).encode("utf-8")
        self.assertEqual(len(self.logged("matches nothing")), 1)

    def test_notesBeforeFailure(self) -> None:
        """
        What is odd in one file is logged also if another can't be read.
        """
        self.write("passwd", b"carol:nonsense:1:1:::\n")
        checker = self.passwdChecker(rules=AccountRules(groups=("mail",)))
        Path(self.shadow).unlink()
        self.failureResultOf(self.ask(checker, b"eve", b"x"), TemporaryFailure)
        self.assertEqual(len(self.logged("matches nothing")), 1)

    def test_longName(self) -> None:
        """
        A long name is cut off in the log.
        """
        self.assertRefused(self.ask(self.passwdChecker(), b"c" * 200, b"x"))
        [event] = self.logged("Login refused")
        self.assertEqual(
            (event["user"], event["log_level"].name), ("c" * 64 + "...", "info")
        )

    def test_notes(self) -> None:
        """
        What is odd in a file is logged.
        """
        self.write("shadow", b"carol:" + BCRYPT + b":x:::::\n")
        self.assertRefused(self.ask(self.passwdChecker(), b"carol", PASSWORD))
        [event] = self.logged("matches nothing")
        self.assertEqual((event["file"], event["number"]), (self.shadow, 1))


class UNIXCheckerTests(AccountTestCase):
    """
    Tests for L{UNIXChecker}.
    """

    def unixChecker(self, **arguments: Any) -> UNIXChecker:
        """
        Make a checker for some users.
        """
        database = UserDatabase()
        for number, name in enumerate(("carol", "locked", "own"), 1000):
            secret = BCRYPT.decode() if name == "own" else "x"
            database.addUser(name, secret, number, 0, "", f"/home/{name}", "/bin/sh")
        arguments = {"shadow": self.shadow, "userdb": database, **arguments}
        return UNIXChecker(workers=self.workers, **arguments)

    def test_verdicts(self) -> None:
        """
        Users are those that the name service knows, hashes are those of the shadow
        file.
        """
        checker = self.unixChecker()
        avatarId = self.successResultOf(self.ask(checker, b"carol", PASSWORD))
        self.assertEqual(avatarId, b"carol")
        account = accountOf(avatarId)
        assert account is not None
        self.assertEqual((account.uid, account.gids[0]), (1000, 0))
        self.assertDenied(self.ask(checker, b"locked", PASSWORD), DenialReason.LOCKED)
        for name in (b"carol", b"locked", b"eve", b"dave"):
            self.assertRefused(self.ask(checker, name, b"tulip"))

    def test_rules(self) -> None:
        """
        It takes rules.
        """
        checker = self.unixChecker(rules=AccountRules(minuid=2000))
        self.assertDenied(self.ask(checker, b"carol", PASSWORD), DenialReason.POLICY)

    def test_noShadow(self) -> None:
        """
        A system without a shadow file has the hashes in the name service.
        """
        self.patch(_unix, "SHADOW", self.mktemp())
        checker = self.unixChecker(shadow=None)
        self.assertEqual(
            self.successResultOf(self.ask(checker, b"own", PASSWORD)), b"own"
        )
        self.assertRefused(self.ask(checker, b"carol", PASSWORD))

    def test_shadowByDefault(self) -> None:
        """
        The system's shadow file is meant if none is named.
        """
        self.patch(_unix, "SHADOW", self.shadow)
        checker = self.unixChecker(shadow=None)
        asking = self.ask(checker, b"carol", PASSWORD)
        self.assertEqual(self.successResultOf(asking), b"carol")

    def test_wrongShadow(self) -> None:
        """
        A shadow file that is named and isn't there is no wrong password.
        """
        asking = self.ask(self.unixChecker(shadow="/nowhere"), b"carol", PASSWORD)
        self.failureResultOf(asking, TemporaryFailure)

    def test_unreadable(self) -> None:
        """
        A shadow file that can't be read is no wrong password.
        """

        def deny(path: str, flags: int) -> int:
            raise PermissionError(13, "Permission denied", path)

        self.patch(_files, "_openWithoutWaiting", deny)
        asking = self.ask(self.unixChecker(), b"carol", PASSWORD)
        self.failureResultOf(asking, TemporaryFailure)

    def test_foreignUsers(self) -> None:
        """
        A database of the program's own can't be asked by other processes.
        """
        self.assertRaises(ValueError, self.unixChecker, separate=True)
        self.assertRaises(ValueError, UNIXChecker, groupdb=object(), separate=True)

    def test_groups(self) -> None:
        """
        Groups are those of the database that is given.
        """

        class Database:
            """
            A database with one group.
            """

            def getgrgid(self, gid: int) -> Any:
                """
                Find it.
                """
                return struct_group(("sole", "x", gid, []))

            def getgrnam(self, name: str) -> Any:
                """
                Find it.
                """
                return struct_group((name, "x", 0 if name == "sole" else 77, []))

        for group, allowed in [("sole", True), ("other", False)]:
            checker = self.unixChecker(
                groupdb=Database(), rules=AccountRules(groups=(group,))
            )
            asking = self.ask(checker, b"carol", PASSWORD)
            if not allowed:
                self.assertDenied(asking, DenialReason.POLICY)
                continue
            account = accountOf(self.successResultOf(asking))
            assert account is not None
            self.assertEqual(set(account.groups), {"sole"})

    def test_bySystem(self) -> None:
        """
        Without arguments it is for the system's users, of whom nobody has this
        password.
        """
        checker = UNIXChecker(shadow=self.shadow, workers=self.workers)
        name = os.fsencode(pwd.getpwuid(os.getuid()).pw_name)
        self.assertRefused(self.ask(checker, name, b"\xff\xfe no password"))


class SeparateTests(TestCase):
    """
    Tests for checkers that ask other processes, while the reactor runs.
    """

    def setUp(self) -> None:
        self.machine = MachineTestCase()
        self.machine.setUp()
        self.addCleanup(self.machine.doCleanups)

    def ask(self, checker: Any, name: bytes, password: bytes) -> Deferred[Any]:
        """
        Present a name and a password, once the reactor runs.
        """
        from twisted.internet import reactor
        from twisted.internet.task import deferLater

        credentials = UsernamePassword(name, password)
        return deferLater(reactor, 0, checker.requestAvatarId, credentials)

    def separate(self) -> PasswdChecker:
        """
        Make a checker.
        """
        machine = self.machine
        checker = PasswdChecker(
            machine.passwd, machine.shadow, machine.group, separate=True
        )
        self.addCleanup(closeOf, checker)
        # What this process could find out doesn't matter.
        checker._store = None  # type: ignore[assignment]
        return checker

    def test_verdicts(self) -> Deferred[Any]:
        """
        The verdict is that of the other processes.
        """
        checker = self.separate()
        expected = [
            (b"carol", PASSWORD, None),
            (b"carol", b"tulip", UnauthorizedLogin),
            (b"eve", PASSWORD, UnauthorizedLogin),
            (b"locked", PASSWORD, AccountDenied),
            (b"orphan", PASSWORD, TemporaryFailure),
        ]
        asking = []
        for name, password, error in expected:
            one = self.ask(checker, name, password)
            if error is not None:
                one = self.assertFailure(one, error)
            asking.append(one)

        def cbAll(results: list[Any]) -> None:
            self.assertEqual(results[0], b"carol")
            account = accountOf(results[0])
            assert account is not None
            self.assertEqual((account.uid, account.groups[0]), (1000, "users"))
            self.assertIs(type(results[1]), UnauthorizedLogin)
            self.assertEqual(results[3].reason, DenialReason.LOCKED)

        return gatherResults(asking).addCallback(cbAll)

    def test_rules(self) -> Deferred[Any]:
        """
        The rules are theirs, too.
        """
        machine = self.machine
        checker = PasswdChecker(
            machine.passwd,
            machine.shadow,
            rules=AccountRules(minuid=1001),
            separate=True,
        )
        self.addCleanup(closeOf, checker)
        asking = self.ask(checker, b"carol", PASSWORD)
        return self.assertFailure(asking, AccountDenied)

    def test_system(self) -> Deferred[Any]:
        """
        They can be asked for the system's users.
        """
        name = pwd.getpwuid(os.getuid()).pw_name.encode()
        line = name + b":" + BCRYPT + b":::::::\n"
        shadow = self.machine.write("shadow", line)
        checker = UNIXChecker(shadow=shadow, separate=True)
        self.addCleanup(closeOf, checker)
        return self.ask(checker, name, PASSWORD).addCallback(self.assertEqual, name)


class SeparateNotRunningTests(AccountTestCase):
    """
    Tests for such checkers without a reactor, and with what the processes say.
    """

    def test_now(self) -> None:
        """
        While the reactor doesn't run, the look is made at once, and by the other
        processes all the same: this one never sees a hash.
        """
        checker = self.passwdChecker(separate=True)
        self.addCleanup(closeOf, checker)
        self.assertEqual(
            self.successResultOf(self.ask(checker, b"carol", PASSWORD)), b"carol"
        )
        self.assertRefused(self.ask(checker, b"carol", b"tulip"))
        self.assertEqual(self.verified, [])

    def test_notes(self) -> None:
        """
        What several processes find out is logged once.
        """
        self.write("shadow", b"carol:" + BCRYPT + b":x:::::\n")
        workers = SteppedWorkers()
        checker = PasswdChecker(self.passwd, self.shadow, separate=True, workers=workers)
        assert checker._privileged is not None
        self.addCleanup(closeOf, checker)
        for _ in range(4):
            asking = self.ask(checker, b"carol", PASSWORD)
            workers.step()
            self.assertRefused(asking)
        [event] = self.logged("shadow, line 1: ")
        self.assertEqual(event["log_level"].name, "warn")

    def test_cannotAsk(self) -> None:
        """
        Whatever goes wrong on this side is logged, and is no wrong password.
        """
        workers = SteppedWorkers()
        checker = PasswdChecker(self.passwd, self.shadow, separate=True, workers=workers)
        assert checker._privileged is not None
        self.addCleanup(closeOf, checker)
        self.patch(checker._privileged._client, "ask", lambda *_: 1 / 0)
        asking = self.ask(checker, b"carol", PASSWORD)
        workers.step()
        self.failureResultOf(asking, TemporaryFailure)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_tooLate(self) -> None:
        """
        A login takes no longer than one may.
        """
        workers = SteppedWorkers(deadline=7)
        checker = PasswdChecker(self.passwd, self.shadow, separate=True, workers=workers)
        assert checker._privileged is not None
        self.addCleanup(closeOf, checker)
        asking = self.ask(checker, b"carol", PASSWORD)
        workers.reactor.advance(7)
        self.failureResultOf(asking, TemporaryFailure)
        until: list[float] = []
        self.patch(checker._privileged._client, "ask", lambda *a: until.append(a[-1]))
        begun = time.monotonic()
        self.ask(checker, b"carol", PASSWORD).addErrback(lambda _: None)
        asked = time.monotonic()
        workers.step(2)
        # However long it has waited for a thread.
        self.assertTrue(begun + 6.7 < until[0] < asked + 6.8)
        self.flushLoggedErrors()


class StepTests(UNIXCheckerTests):
    """
    Tests for a L{UNIXChecker} one of whose steps a program has overridden, and asks ours:
    it does all that others do.
    """

    def unixChecker(self, **arguments: Any) -> UNIXChecker:
        """
        Make one.
        """
        made = super().unixChecker(**arguments)

        class Asking(UNIXChecker):
            """
            Do what is done anyhow.
            """

            def checkSpwd(self, spwd: Any, username: Any, password: Any) -> Any:
                """
                Ask.
                """
                return super().checkSpwd(spwd, username, password)

        made.__class__ = Asking
        return made

    def test_noShadow(self) -> None:
        """
        A shadow file that isn't there is no wrong password.
        """
        checker = self.unixChecker(shadow=str(self.path / "missing"))
        asked = self.ask(checker, b"carol", PASSWORD)
        self.failureResultOf(asked, TemporaryFailure)

    def test_emptyDatabase(self) -> None:
        """
        A program's database that holds no user isn't taken for none: the system's
        accounts don't count.
        """

        class Records(dict[str, Any]):
            """
            A database of users, with a length.
            """

            def getpwnam(self, name: str) -> Any:
                """
                Look a user up.
                """
                return self[name]

        empty = Records()
        asked = []

        class Noting(UNIXChecker):
            """
            Note which database is asked.
            """

            def checkPwd(self, pwd: Any, username: Any, password: Any) -> Any:
                """
                Ask.
                """
                asked.append(pwd)
                return super().checkPwd(pwd, username, password)

        checker = Noting(userdb=empty, shadow=self.shadow, workers=self.workers)
        self.assertRefused(self.ask(checker, b"root", PASSWORD))
        self.assertEqual(len(asked), 1)
        self.assertIs(asked[0], empty)

    def test_passwdFirst(self) -> None:
        """
        Where only C{checkPwd} is a program's, what it leaves is checked as always; what
        it says is the last word.
        """
        checker: Any = super().unixChecker()
        said: list[Any] = [None, succeed(b"somebody"), fail(UnauthorizedLogin())]
        asked = []

        def checkPwd(database: Any, username: Any, password: Any) -> Any:
            asked.append((database.getpwnam("carol").pw_uid, username, password))
            return said.pop(0)

        checker.checkPwd = checkPwd
        login = self.ask(checker, b"carol", PASSWORD)
        self.assertEqual(self.successResultOf(login), b"carol")
        login = self.ask(checker, b"carol", b"x")
        self.assertEqual(self.successResultOf(login), b"somebody")
        self.assertRefused(self.ask(checker, b"carol", PASSWORD))
        self.assertEqual(
            asked,
            [
                (1000, b"carol", PASSWORD),
                (1000, b"carol", b"x"),
                (1000, b"carol", PASSWORD),
            ],
        )

    def test_answers(self) -> None:
        """
        The methods answer as Twisted's: with a L{Deferred} that has fired, or with None
        where the hash is elsewhere or isn't the password's.
        """
        checker = super().unixChecker()
        users, shadow = checker._userdb, ShadowDatabase(self.shadow)
        for name, kind in ((b"own", bytes), ("own", str)):
            known = checker.checkPwd(users, name, PASSWORD)
            assert known is not None
            self.assertIsInstance(self.successResultOf(known), kind)
        self.assertIsNone(checker.checkPwd(users, b"own", b"x"))
        self.assertIsNone(checker.checkPwd(users, b"carol", PASSWORD))
        self.assertIsNone(checker.checkSpwd(shadow, b"carol", b"x"))
        known = checker.checkSpwd(shadow, b"carol", PASSWORD)
        assert known is not None
        self.assertEqual(self.successResultOf(known), b"carol")
        for check, database in ((checker.checkPwd, users), (checker.checkSpwd, shadow)):
            for name in (b"eve", b"", b"a\0b", "\udcff"):
                unknown = check(database, name, PASSWORD)
                assert unknown is not None
                self.failureResultOf(unknown, UnauthorizedLogin)

    def test_fake(self) -> None:
        """
        C{checkSpwd} takes what programs have in place of the module, too.
        """
        checker = super().unixChecker()
        fake = FakeShadow()
        fake.addUser("carol", BCRYPT.decode(), *[-1] * 7)
        known = checker.checkSpwd(fake, b"carol", PASSWORD)
        assert known is not None
        self.assertEqual(self.successResultOf(known), b"carol")
        fake.addUser("locked", "!" + BCRYPT.decode(), *[-1] * 7)
        known = checker.checkSpwd(fake, b"locked", PASSWORD)
        assert known is not None
        self.assertEqual(self.failureResultOf(known).value.reason, DenialReason.LOCKED)


class UNIXPasswordDatabaseTests(AccountTestCase):
    """
    Tests for L{UNIXPasswordDatabase}.
    """

    def database(
        self, *functions: Callable[[str], Sequence[Any] | None]
    ) -> UNIXPasswordDatabase:
        """
        Make a checker of some functions.
        """
        return UNIXPasswordDatabase(list(functions), workers=self.workers)

    def test_functions(self) -> None:
        """
        As in conch: functions are asked one after another, until the password matches
        what one returns, which holds a hash, text or bytes; one that can't tell is
        skipped.
        """
        asked = []

        def first(name: str) -> Any:
            asked.append(f"first {name}")
            return {"carol": ("carol", BCRYPT.decode()), "dave": ("dave", "x")}.get(name)

        def second(name: str) -> Any:
            asked.append(f"second {name}")
            return {"carol": ("carol", OTHER), "dave": ("dave", BCRYPT)}[name]

        checker = self.database(first, second)
        self.assertAccepted(self.ask(checker, b"carol", PASSWORD), b"carol")
        self.assertEqual(asked, ["first carol"])
        self.assertAccepted(self.ask(checker, b"carol", b"password"), b"carol")
        self.assertAccepted(self.ask(checker, "dave", "hashed"), "dave")
        self.assertEqual(
            asked[1:], ["first carol", "second carol", "first dave", "second dave"]
        )
        for name, password in [(b"carol", b"x"), (b"dave", b"x"), (b"eve", PASSWORD)]:
            self.assertRefused(self.ask(checker, name, password))

    def test_nobody(self) -> None:
        """
        What is no hash, or locks one, lets nobody in.
        """
        for secret in (
            "",
            "x",
            "*",
            "!",
            "!" + BCRYPT.decode(),
            "{PLAIN}p",
            "p",
            b"\xff",
        ):
            checker = self.database(lambda name, secret=secret: (name, secret))
            for password in (b"", b"x", b"*", b"p", PASSWORD):
                self.assertRefused(self.ask(checker, b"carol", password))

    def test_keyError(self) -> None:
        """
        As in conch: once a function doesn't know the user, what others say is nothing,
        be it the hash or an error.
        """

        def unknown(name: str) -> Any:
            raise KeyError(name)

        for other in (lambda name: (name, BCRYPT), lambda name: 1 / 0):
            checker = self.database(unknown, other)
            self.assertRefused(self.ask(checker, b"carol", PASSWORD))

    def test_sameFunctions(self) -> None:
        """
        Whoever is refused is so after the same functions were asked, and as many hashes
        were verified: one of each function that ever had one.
        """
        asked: list[str] = []
        users = [{"carol": BCRYPT, "dave": "x"}, {"carol": OTHER, "dave": OTHER}]

        def ask(place: int, name: str) -> Any:
            asked.append(f"{place}")
            return name, users[place][name]

        checker = self.database(partial(ask, 0), partial(ask, 1))
        for name in (b"carol", b"dave"):
            self.assertRefused(self.ask(checker, name, b"tulip"))
        for name in (b"carol", b"dave", b"eve"):
            del self.verified[:], asked[:]
            self.assertRefused(self.ask(checker, name, b"tulip"))
            self.assertEqual(asked, ["0", "1"], name)
            verified = sorted(stored for stored, _ in self.verified)
            self.assertEqual(verified, sorted([BCRYPT, OTHER]), name)
        del self.verified[:]
        self.assertAccepted(self.ask(checker, b"dave", b"password"), b"dave")
        self.assertEqual(len(self.verified), 1)

    def test_nobodySeen(self) -> None:
        """
        Also before any hash was seen an unknown user is refused after work.
        """
        checker = self.database(lambda name: {"carol": ("carol", BCRYPT)}[name])
        self.assertRefused(self.ask(checker, b"eve", b"tulip"))
        self.assertEqual(len(self.verified), 1)

    def test_sameWork(self) -> None:
        """
        An unknown user is refused after the work that the last known one took.
        """
        checker = self.database(lambda name: {"carol": ("carol", BCRYPT)}[name])
        self.assertAccepted(self.ask(checker, b"carol", PASSWORD), b"carol")
        for name in (b"carol", b"eve", b"eve"):
            del self.verified[:]
            self.assertRefused(self.ask(checker, name, b"tulip"))
            self.assertEqual(self.verified, [(BCRYPT, b"tulip")], name)

    def test_noMemory(self) -> None:
        """
        If a hash can't be verified now, that is logged, and is no wrong password.
        """

        def fail(found: Hash, password: bytes) -> bool:
            raise MemoryError

        self.patch(Hash, "verify", fail)
        checker = self.database(lambda name: (name, BCRYPT))
        asking = self.ask(checker, b"carol", PASSWORD)
        self.failureResultOf(asking, TemporaryFailure)
        self.assertEqual(len(self.flushLoggedErrors(MemoryError)), 1)

    def test_error(self) -> None:
        """
        What a function raises is the failure.
        """
        checker = self.database(lambda name: 1 / 0)  # type: ignore[arg-type,return-value]
        self.failureResultOf(self.ask(checker, b"carol", PASSWORD), ZeroDivisionError)

    def test_absurd(self) -> None:
        """
        What holds a NUL or is too long reaches no function.
        """
        checker = self.database(lambda name: self.fail(name))
        for name, password in [(b"a\0", b"x"), (b"a", b"\0"), (b"a" * 1025, b"x")]:
            self.assertRefused(self.ask(checker, name, password))

    def test_system(self) -> None:
        """
        Without functions it is a checker of the system's accounts.
        """
        checker = UNIXPasswordDatabase(workers=self.workers)
        self.assertIsInstance(checker, UNIXChecker)
        checker._store = PasswdChecker(self.passwd, self.shadow)._store
        checker._store._workers = self.workers
        asking = self.ask(checker, b"carol", PASSWORD)
        self.assertEqual(self.successResultOf(asking), b"carol")
        self.assertDenied(self.ask(checker, b"locked", PASSWORD), DenialReason.LOCKED)


class VerifyCryptedPasswordTests(AccountTestCase):
    """
    Tests for C{verifyCryptedPassword}.
    """

    def test_module(self) -> None:
        """
        As in Twisted: the checker is found in the plugin's module, too, and nothing
        else is.
        """
        self.assertIs(cred_unix.UNIXChecker, UNIXChecker)
        self.assertFalse(hasattr(cred_unix, "Checker"))

    def test_verify(self) -> None:
        """
        As in Twisted: it takes text and bytes, of the schemes of crypt(3), on every
        version of Python; what is no hash, or locks one, matches nothing.
        """
        verify = cred_unix.verifyCryptedPassword
        for stored in (BCRYPT, BCRYPT.decode()):
            for password in (PASSWORD, PASSWORD.decode()):
                self.assertTrue(verify(stored, password))
                self.assertFalse(verify(stored, password * 2))
        for nothing in ("", "x", "*", "hashed", "{PLAIN}hashed", "!" + BCRYPT.decode()):
            self.assertFalse(verify(nothing, "hashed"))
            self.assertFalse(verify(nothing, ""))
        # mkpasswd -m descrypt -S ab hashed
        self.assertTrue(verify("abFKYiDO7xYQI", "hashed"))


class PeerTests(AccountTestCase):
    """
    Tests for L{peerOf}.
    """

    def test_peer(self) -> None:
        """
        A peer is told as an address, or as the text of one, on credentials of any
        kind.
        """
        from twisted.cred.credentials import UsernamePassword as Theirs
        from twisted.internet.address import IPv4Address, UNIXAddress

        for credentials in (UsernamePassword(b"a", b"b"), Theirs(b"a", b"b")):
            self.assertIsNone(peerOf(credentials))
            for peer, host in [
                (IPv4Address("TCP", "192.0.2.7", 25), "192.0.2.7"),
                ("2001:db8::1", "2001:db8::1"),
                (UNIXAddress("/run/socket"), None),
                (None, None),
                (5, None),
            ]:
                credentials.peer = peer
                self.assertEqual(peerOf(credentials), host)


class PluginTests(AccountTestCase):
    """
    Tests for the auth types C{unix} and C{passwd}.
    """

    def make(self, description: str) -> Any:
        """
        Make a checker, whose processes end with the test.
        """
        checker: Any = strcred.makeChecker(description)
        if checker._privileged is not None:
            self.addCleanup(closeOf, checker)
        return checker

    def assertWrong(self, description: str, says: str) -> None:
        """
        Insist on an error that says this.
        """
        error = self.assertRaises(
            strcred.InvalidAuthArgumentString, strcred.makeChecker, description
        )
        self.assertIn(says, str(error))

    def assertLetIn(self, checker: Any, name: bytes) -> None:
        """
        Insist on somebody who is let in.
        """
        asking = self.ask(checker, name, PASSWORD)
        self.assertEqual(self.successResultOf(asking), name)

    def rules(self, checker: Any) -> AccountRules:
        """
        Tell the rules of a checker.
        """
        if checker._privileged is not None:
            rules = checker._privileged._client._settings.rules
        else:
            rules = checker._store.store._rules
        return rules  # type: ignore[no-any-return]

    def test_unix(self) -> None:
        """
        C{unix} makes a checker of the system's accounts, without rules if none are
        given; as root, with processes that stay root.
        """
        checker = self.make("unix")
        self.assertIs(type(checker), UNIXChecker)
        self.assertEqual(self.rules(checker), AccountRules())
        self.assertEqual(checker._privileged is not None, os.geteuid() == 0)

    def test_rules(self) -> None:
        """
        Both types take the rules.
        """
        files = f"passwd:{self.passwd}:shadow={self.shadow}:group={self.group}"
        options = ":minuid=500:groups=root:shells=yes:nologin=yes"
        for description in ("unix", files):
            checker = self.make(description + options)
            self.assertEqual(
                self.rules(checker),
                AccountRules(_rules.NOLOGIN, "/etc/shells", 500, ("root",)),
            )
            checker = self.make(description + ":shells=no:nologin=no:minuid=0")
            self.assertEqual(self.rules(checker), AccountRules())

    def test_wrongRules(self) -> None:
        """
        A rule that can't take effect is told, with what would be right.
        """
        files = f"passwd:{self.passwd}:shadow={self.shadow}:group={self.group}"
        for description in ("unix", files):
            for options, says in [
                (":shell=yes", "did you mean shells="),
                (":shells=maybe", "shells: write yes or no"),
                (":nologin=1", "nologin: write yes or no"),
                (":minuid=-1", "minuid: write a uid, such as 1000"),
                (":minuid=", "minuid: "),
                (":minuid=root", "minuid: "),
                (":minuid=4294967295", "minuid: "),
                (":minuid=²", "minuid: write a uid, such as 1000"),
                (":minuid=" + "1" * 5000, "minuid: write a uid, such as 1000"),
                (":groups=no-such-group", "groups: there is no group 'no-such-group'"),
                (":groups=root,", "groups: write names"),
                (":groups=", "groups: "),
                (":minuid=1:minuid=2", "minuid is given twice"),
            ]:
                self.assertWrong(description + options, says)

    def test_noShells(self) -> None:
        """
        C{shells=yes} needs the file.
        """
        missing = self.mktemp()
        self.patch(_ofCheckers, "SHELLS", missing)
        self.assertWrong("unix:shells=yes", f"shells: {missing} can't be read")

    def test_unreadableShadow(self) -> None:
        """
        If hashes can't be read, that is worth a warning that says what to do; without
        a shadow file there is none.
        """
        factory = cred_unix.theUnixCheckerFactory
        for shadow, says in [(os.getcwd(), "start as root"), (self.mktemp(), "")]:
            output = StringIO()
            self.patch(factory, "errorOutput", output)
            self.patch(factory, "shadow", shadow)
            self.make("unix")
            self.assertIn(says, output.getvalue())
            self.assertEqual(output.getvalue().count("\n"), 1 if says else 0)

    def test_processesDontStart(self) -> None:
        """
        If the processes can't be started, that ends the program's start.
        """

        def fail(*arguments: Any, **more: Any) -> Any:
            raise OSError("no processes")

        self.patch(_unix, "PrivilegedClient", fail)
        self.patch(os, "geteuid", lambda: 0)
        self.assertWrong("unix", "no processes")
        self.assertWrong(f"passwd:{self.passwd}", "no processes")

    def test_passwd(self) -> None:
        """
        C{passwd} makes a checker of files, with or without the others.
        """
        self.patch(_files, "SETTLING", 0)
        description = f"passwd:{self.passwd}:shadow={self.shadow}"
        for options in ("", f":group={self.group}"):
            checker = self.make(description + options)
            self.assertIs(type(checker), PasswdChecker)
            self.assertLetIn(checker, b"carol")
        checker = self.make(f"passwd:{self.passwd}")
        self.assertLetIn(checker, b"own")
        bare = self.write("bare", b"carol:x:1000:100:::\n")
        groups = f":group={self.group}:groups=users"
        for user, options in [(None, ""), (1000, groups)]:
            if user is not None:
                self.patch(os, "geteuid", lambda user=user: user)
            checker = self.make(f"passwd:{bare}:shadow={self.shadow}{options}")
            self.assertLetIn(checker, b"carol")
        # Whoever isn't root has no privileges to keep.
        self.assertIsNone(checker._privileged)
        self.assertIsNone(self.make("unix")._privileged)

    def test_wrongFiles(self) -> None:
        """
        Files that are missing, or without which nobody could log in, are told.
        """
        self.assertWrong("passwd:", "passwd must be given")
        self.assertWrong("passwd:passwd=", "passwd: a value is missing")
        self.assertWrong("passwd:shadow=/etc/passwd", "passwd must be given")
        self.assertWrong("passwd:/nowhere/passwd", "/nowhere/passwd can't be read")
        for key in ("shadow", "group"):
            self.assertWrong(
                f"passwd:{self.passwd}:{key}=/nowhere/x", f"{key}: /nowhere/x can't be"
            )
        self.assertWrong(
            f"passwd:{self.passwd}:shadow={self.shadow}:groups=mail", "write group=FILE"
        )
        bare = self.write("bare", b"carol:x:1000:100:::\nroot:*:0:0:::\nbob:!!:1:1:::\n")
        self.assertWrong(f"passwd:{bare}", "write shadow=FILE")
        locked = self.write("locked", b"carol:!:19000::::::\nroot:*:19000::::::\n")
        self.assertWrong(f"passwd:{bare}:shadow={locked}", "shadow: no user has a hash")
        empty = self.write("empty", b"\n# nobody\n")
        self.assertWrong(f"passwd:{empty}:shadow={empty}", "shadow: no user has a hash")

        def changing(self: Any) -> Any:
            raise OSError(16, "it changes while it is read")

        # Root's server has others look at them.
        self.patch(os, "geteuid", lambda: 1000)
        self.patch(_userfile.UserFile, "snapshot", changing)
        self.assertWrong(f"passwd:{self.passwd}", "it changes while it is read")

    def test_help(self) -> None:
        """
        The help of each type names all its options, and an example that works.
        """
        for factory, keys in [
            (cred_unix.theUnixCheckerFactory, ()),
            (cred_passwd.thePasswdCheckerFactory, ("shadow", "group")),
        ]:
            for key in (*keys, "minuid", "groups", "shells", "nologin"):
                self.assertIn(f"\n{key}=", factory.authHelp)
            self.assertIn(f"--auth={factory.authType}:", factory.authHelp)
