"""
Tests for L{mycred._checking._passwords} and L{mycred._checking._lookups}: the public
base of checkers of passwords.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy, deepcopy
from pickle import dumps, loads
from typing import Any, NamedTuple

from zope.interface.verify import verifyObject

from twisted.cred.portal import Portal as TwistedPortal
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mycred._checking import _lookups
from mycred._hashes import Hash
from mycred.checkers import (
    ICredentialsChecker,
    IUsernameHashedPassword,
    IUsernamePassword,
    PasswordChecker,
)
from mycred.credentials import (
    CramMD5Credentials,
    IScramCredentials,
    UsernamePassword,
)
from mycred.error import (
    AccountDenied,
    DenialReason,
    TemporaryFailure,
    UnauthorizedLogin,
)
from mycred.testing import SteppedWorkers

from ..kit.files import BCRYPT

# htpasswd -nbs alice sesame
SHA = b"{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw="

USERS: dict[bytes, Any] = {
    b"alice": (b"alice", SHA),
    b"bob": (b"Bob", BCRYPT),
    b"carol": ("carol", SHA.decode("ascii")),
    b"locked": (b"locked", SHA, DenialReason.DISABLED),
    b"active": (b"active", SHA, None),
    b"odd": (b"odd", b"what odd has"),
    b"empty": (b"empty", b""),
}


class Checker(PasswordChecker):
    """
    A checker of users in memory.
    """

    def __init__(self, users: dict[bytes, Any], workers: Any) -> None:
        self.users = users
        self.workers = workers
        self.asked: list[bytes] = []

    def lookUp(self, username: bytes) -> Any:
        """
        Look a user up, and note it.
        """
        self.asked.append(username)
        found = self.users.get(username)
        if isinstance(found, Exception):
            raise found
        return found


class ThreadedChecker(Checker):
    """
    The same, in threads.
    """

    inThread = True


class DeferredChecker(Checker):
    """
    The same, with an answer that comes later.
    """

    def lookUp(self, username: bytes) -> Any:
        """
        Look a user up.
        """
        return succeed(username).addCallback(super().lookUp)


class CoroutineChecker(Checker):
    """
    The same, in a coroutine.
    """

    async def lookUp(self, username: bytes) -> Any:
        """
        Look a user up.
        """
        return super().lookUp(username)


class PlainChecker(Checker):
    """
    A checker of passwords that are stored as they are.
    """

    plain = True


class PasswordsTestCase(SynchronousTestCase):
    """
    Base of the tests below.
    """

    def setUp(self) -> None:
        self.workers = SteppedWorkers(running=False)
        self.verified: list[bytes] = []
        verify = Hash.verify

        def remember(found: Hash, password: bytes) -> bool:
            self.verified.append(found.kind[1])
            return verify(found, password)

        self.patch(Hash, "verify", remember)
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def ask(self, checker: Any, name: Any, password: Any = b"sesame") -> Deferred[Any]:
        """
        Present a name and a password.
        """
        return checker.requestAvatarId(UsernamePassword(name, password))

    def assertRefused(self, asking: Deferred[Any]) -> None:
        """
        Insist on an answer that tells nothing but no.
        """
        error = self.failureResultOf(asking).value
        self.assertIs(type(error), UnauthorizedLogin)
        self.assertEqual(error.args, ())

    def logged(self, text: str) -> list[str]:
        """
        Return the lines of the log that hold a text.
        """
        lines = [formatEvent(event) or "" for event in self.events]
        return [line for line in lines if text in line]


class EachWay:
    """
    What is the same however a subclass looks users up.
    """

    kind: Callable[..., Any]

    def checker(self: Any, **more: Any) -> Any:
        """
        Make a checker.
        """
        users = {**USERS, **{name.encode(): found for name, found in more.items()}}
        return self.kind(users, self.workers)

    def test_accepted(self: Any) -> None:
        """
        The right password is accepted, and the avatar ID is the store's spelling, in the
        type that the protocol gave.
        """
        checker = self.checker()
        for name, password, expected in (
            (b"alice", b"sesame", b"alice"),
            (b"bob", b"hashed", b"Bob"),
            (b"carol", b"sesame", b"carol"),
            (b"active", b"sesame", b"active"),
            ("alice", "sesame", "alice"),
            ("bob", "hashed", "Bob"),
        ):
            found = self.successResultOf(self.ask(checker, name, password))
            self.assertEqual((type(found), found), (type(expected), expected))

    def test_refused(self: Any) -> None:
        """
        A wrong password, an unknown user, and what is no hash are the same to the client;
        the log tells them apart.
        """
        checker = self.checker()
        self.ask(checker, b"alice")
        del self.verified[:]
        for name, why in (
            (b"alice", "wrong password"),
            (b"nobody", "no such user"),
            (b"odd", "no hash, or a damaged one"),
            (b"empty", "no hash, or a damaged one"),
        ):
            del self.events[:]
            self.assertRefused(self.ask(checker, name, b"tulip"))
            self.assertEqual(len(self.verified), 1, name)
            self.assertEqual(len(self.logged("Login refused")), 1)
            self.assertIn(why, self.logged("Login refused")[0])
            del self.verified[:]
        self.assertRefused(self.ask(checker, b"odd", b"what odd has"))
        self.assertRefused(self.ask(checker, b"empty", b""))

    def test_sameWork(self: Any) -> None:
        """
        An unknown user costs what most others do.
        """
        checker = self.checker(dave=(b"dave", BCRYPT))
        cost = b"04"
        for name in (b"bob", b"dave", b"alice", b"nobody", b"odd"):
            self.assertRefused(self.ask(checker, name, b"x"))
        self.assertEqual(self.verified, [cost, cost, b"", cost, cost])

    def test_sameParsing(self: Any) -> None:
        """
        Nor does an unknown user cost less before that: what is stored for another one is
        parsed.
        """
        parsed: list[object] = []
        parse = _lookups.parseStored

        def remember(name: object, stored: object, isPlain: bool) -> Any:
            parsed.append(name)
            return parse(name, stored, isPlain)

        self.patch(_lookups, "parseStored", remember)
        for plain in (False, True):
            checker = self.checker(dave=(b"dave", b"what dave has"))
            checker.plain = plain
            self.successResultOf(self.ask(checker, b"alice"))
            del parsed[:]
            counts = []
            for name in (b"dave", b"nobody", b"dave"):
                self.assertRefused(self.ask(checker, name, b"x"))
                counts.append(len(parsed))
                del parsed[:]
            self.assertEqual(len(set(counts)), 1, counts)
            self.assertGreater(counts[0], 0)

    def test_firstUnknown(self: Any) -> None:
        """
        Before anyone else has come, an unknown user costs what C{mycred passwd} makes.
        """
        self.assertRefused(self.ask(self.checker(), b"nobody"))
        self.assertEqual(self.verified, [b"12"])

    def test_implausible(self: Any) -> None:
        """
        What is too long, or holds a NUL, is refused before any work.
        """
        checker = self.checker()
        for name, password in (
            (b"alice\0", b"sesame"),
            (b"alice", b"sesame\0"),
            (b"a" * 1025, b"sesame"),
            (b"alice", b"x" * 1025),
            ([b"alice"], b"sesame"),
            (b"alice", None),
        ):
            self.assertRefused(self.ask(checker, name, password))
        self.assertEqual((checker.asked, self.verified), ([], []))

    def test_outage(self: Any) -> None:
        """
        Whatever a look-up raises is a temporary failure that tells the client nothing,
        and is logged; the store may be back for the next login.
        """
        checker = self.checker(down=OSError("the disk is gone"), bug=ZeroDivisionError())
        for name in (b"down", b"bug"):
            failure = self.failureResultOf(self.ask(checker, name), TemporaryFailure)
            self.assertEqual(failure.value.args, ("Temporarily unavailable",))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        said = f"{self.kind.__name__} can't be read: the disk is gone"
        self.assertTrue(self.logged(said))
        self.assertEqual(self.successResultOf(self.ask(checker, b"alice")), b"alice")

    def test_loginErrors(self: Any) -> None:
        """
        A look-up may fail a login by itself.
        """
        checker = self.checker(later=TemporaryFailure("later"))
        failure = self.failureResultOf(self.ask(checker, b"later"), TemporaryFailure)
        self.assertEqual(failure.value.args, ("later",))

    def test_denied(self: Any) -> None:
        """
        An account is denied after the right password, and only then.
        """
        checker = self.checker()
        failure = self.failureResultOf(self.ask(checker, b"locked"), AccountDenied)
        self.assertIs(failure.value.reason, DenialReason.DISABLED)
        self.assertRefused(self.ask(checker, b"locked", b"tulip"))
        self.assertEqual(len(self.logged("Login denied")), 1)

    def test_unusable(self: Any) -> None:
        """
        What nothing can match is logged once.
        """
        checker = self.checker()
        self.ask(checker, b"alice")
        for _ in range(3):
            self.assertRefused(self.ask(checker, b"odd"))
        self.assertEqual(len(self.logged("b'odd': ")), 1)
        self.assertEqual(self.logged("what odd has"), [])

    def test_malformed(self: Any) -> None:
        """
        What is no pair is a mistake of the program, and lets nobody in.  The log is told
        what would be right, and not what was returned.
        """
        mistakes: dict[str, Any] = {
            "one": (b"one",),
            "four": (b"four", SHA, None, None),
            "text": "sesame",
            "two": "se",
            "bytes": b"sesame",
            "dict": {0: b"dict", 1: SHA},
            "true": True,
            "nameless": (None, SHA),
            "empty": ("", SHA),
            "number": (5, SHA),
            "list": ([b"list"], SHA),
            "odd": (b"odd", 5),
            "yes": (b"yes", SHA, True),
            "word": (b"word", SHA, "sesame"),
        }
        for plain in (False, True):
            checker = self.checker(wrong=(b"wrong", None), **mistakes)
            checker.plain = plain
            self.successResultOf(self.ask(checker, b"alice"))
            for name in mistakes:
                for password in (b"sesame", b"s", b"e", b"5"):
                    asking = self.ask(checker, name.encode(), password)
                    self.failureResultOf(asking, TemporaryFailure)
                for failure in self.flushLoggedErrors(TypeError):
                    said = failure.getErrorMessage()
                    self.assertIn("lookUp has returned ", said)
                    self.assertNotIn("sesame", said)
            self.assertRefused(self.ask(checker, b"wrong"))

    def test_records(self: Any) -> None:
        """
        What databases return for rows and bytes will do.
        """

        class Row(NamedTuple):
            name: str
            secret: object

        rows: dict[str, Any] = {
            "list": [b"list", SHA],
            "row": Row("row", SHA),
            "array": Row("array", bytearray(SHA)),
            "view": Row("view", memoryview(SHA)),
        }
        checker = self.checker(**rows)
        for name in rows:
            asking = self.ask(checker, name.encode())
            self.assertEqual(self.successResultOf(asking), name.encode())
            self.assertRefused(self.ask(checker, name.encode(), SHA))

    def test_copied(self: Any) -> None:
        """
        A copy of a checker asks its own store, also after the first login.
        """
        checker = self.checker()
        self.successResultOf(self.ask(checker, b"alice"))
        for copied in (copy(checker), deepcopy(checker), loads(dumps(checker))):
            copied.users = {b"frank": (b"frank", SHA)}
            copied.workers = self.workers
            self.assertEqual(self.successResultOf(self.ask(copied, b"frank")), b"frank")
            self.assertRefused(self.ask(copied, b"alice"))
        self.assertEqual(self.successResultOf(self.ask(checker, b"alice")), b"alice")
        self.assertRefused(self.ask(checker, b"frank"))

    def test_longestPassword(self: Any) -> None:
        """
        A subclass may take longer passwords than are usual, and shorter ones only.
        """
        checker = self.checker()
        checker.longestPassword = 2000
        self.assertRefused(self.ask(checker, b"alice", b"x" * 2000))
        self.assertRefused(self.ask(checker, b"alice", b"x" * 2001))
        self.assertEqual(checker.asked, [b"alice"])
        checker.longestPassword = 5
        self.assertRefused(self.ask(checker, b"alice", b"sesame"))
        self.assertEqual(checker.asked, [b"alice"])

    def test_inTime(self: Any) -> None:
        """
        The password is verified in a thread, by one hop; a login that is cancelled
        meanwhile ends, and costs no more.
        """
        checker = self.checker()
        self.workers.reactor.running = True
        asking = self.ask(checker, b"alice")
        self.assertNoResult(asking)
        self.assertEqual(self.verified, [])
        self.workers.step()
        self.assertEqual(self.successResultOf(asking), b"alice")
        asking = self.ask(checker, b"alice")
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.workers.step()
        self.assertEqual(len(self.verified), 1)

    def test_text(self: Any) -> None:
        """
        Text that an FTP server has decoded as Latin-1 is read as the UTF-8 that it was.
        """
        name = "jörg".encode()
        checker = self.checker()
        checker.users[name] = (name, SHA)
        asking = self.ask(checker, name.decode("latin-1"), "sesame")
        self.assertEqual(self.successResultOf(asking), "jörg")

    def test_portal(self: Any) -> None:
        """
        Any portal takes it, for passwords that are sent, and for SCRAM; the log knows it
        by its class.
        """
        checker = self.checker()
        verifyObject(ICredentialsChecker, checker)
        served = [IUsernamePassword, IScramCredentials]
        self.assertEqual(list(checker.credentialInterfaces), served)
        portal = TwistedPortal(None, [checker])
        self.assertEqual(portal.listCredentialsInterfaces(), served)
        self.assertEqual(self.successResultOf(self.ask(checker, b"alice")), b"alice")
        self.assertIn(f"by={self.kind.__name__}", self.logged("Login accepted")[0])


class PlainLookUpTests(EachWay, PasswordsTestCase):
    """
    Tests for look-ups that are done at once.
    """

    kind = Checker


class ThreadedTests(EachWay, PasswordsTestCase):
    """
    Tests for look-ups in threads.
    """

    kind = ThreadedChecker

    def test_thread(self) -> None:
        """
        Nothing is looked up in the reactor's thread.
        """
        checker = self.checker()
        self.workers.reactor.running = True
        asking = self.ask(checker, b"alice")
        self.assertEqual(checker.asked, [])
        self.workers.step()
        self.assertEqual(checker.asked, [b"alice"])
        self.assertEqual(self.successResultOf(asking), b"alice")


class DeferredTests(EachWay, PasswordsTestCase):
    """
    Tests for look-ups that take their time.
    """

    kind = DeferredChecker

    def test_cancelled(self) -> None:
        """
        A login that is cancelled cancels the look-up.
        """
        checker = self.checker()
        waiting: Deferred[Any] = Deferred()
        self.patch(checker, "lookUp", lambda username: waiting)
        asking = self.ask(checker, b"alice")
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.assertTrue(waiting.called)
        self.assertEqual(len(self.logged("Login cancelled")), 1)

    def test_tooMany(self) -> None:
        """
        Only so many look-ups are under way at a time; one that ends makes room.
        """
        self.workers.queueLimit = 2
        checker = self.checker()
        waiting: list[Deferred[Any]] = [Deferred(), Deferred()]
        looking = iter(waiting)
        own = checker.lookUp
        self.patch(checker, "lookUp", lambda username: next(looking))
        asked = [self.ask(checker, b"alice") for _ in waiting]
        self.failureResultOf(self.ask(checker, b"alice"), TemporaryFailure)
        waiting[0].errback(OSError("down"))
        self.failureResultOf(asked[0], TemporaryFailure)
        self.patch(checker, "lookUp", own)
        self.assertEqual(self.successResultOf(self.ask(checker, b"alice")), b"alice")
        waiting[1].callback(None)
        self.assertRefused(asked[1])

    def test_deadline(self) -> None:
        """
        A look-up that takes too long is cancelled, and is a temporary failure.
        """
        self.workers.reactor.running = True
        checker = self.checker()
        waiting: Deferred[Any] = Deferred()
        self.patch(checker, "lookUp", lambda username: waiting)
        asking = self.ask(checker, b"alice")
        self.workers.reactor.advance(29)
        self.assertNoResult(asking)
        self.workers.reactor.advance(1)
        failure = self.failureResultOf(asking, TemporaryFailure)
        self.assertEqual(failure.value.args, ("Temporarily unavailable",))
        self.assertTrue(waiting.called)
        self.assertIn("it takes too long", self.logged("Login temporary")[0])

    def test_goesOn(self) -> None:
        """
        A look-up that goes on although it is cancelled keeps no login waiting, and what
        it finds later is nothing.
        """

        class Stubborn(Deferred[Any]):
            def cancel(self) -> None:
                """
                Go on.
                """

        class Broken(Deferred[Any]):
            def cancel(self) -> None:
                """
                Fail to be cancelled.
                """
                raise ZeroDivisionError

        self.workers.reactor.running = True
        checker = self.checker()
        for kind, late in ((Stubborn, USERS[b"alice"]), (Broken, Failure(OSError()))):
            waiting = [kind(), kind()]
            looking = iter(waiting)
            self.patch(checker, "lookUp", lambda username, one=looking: next(one))
            asking = self.ask(checker, b"alice")
            self.workers.reactor.advance(30)
            self.failureResultOf(asking, TemporaryFailure)
            asking = self.ask(checker, b"alice")
            asking.cancel()
            self.failureResultOf(asking, CancelledError)
            self.assertEqual(self.workers.reactor.getDelayedCalls(), [])
            for one in waiting:
                one.callback(late)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
        self.assertEqual((self.verified, self.workers.pool.jobs), ([], []))

    def test_oneDeadline(self) -> None:
        """
        The look-up and the hash have one deadline together.
        """
        self.workers.reactor.running = True
        checker = self.checker()
        waiting: Deferred[Any] = Deferred()
        self.patch(checker, "lookUp", lambda username: waiting)
        asking = self.ask(checker, b"alice")
        self.workers.reactor.advance(20)
        waiting.callback(USERS[b"alice"])
        self.workers.reactor.advance(10)
        self.failureResultOf(asking, TemporaryFailure)

    def test_noTimerLeft(self) -> None:
        """
        A look-up that ends in time leaves no timer behind.
        """
        self.workers.reactor.running = True
        asking = self.ask(self.checker(), b"alice")
        self.workers.step()
        self.successResultOf(asking)
        self.assertEqual(self.workers.reactor.getDelayedCalls(), [])


class CoroutineTests(EachWay, PasswordsTestCase):
    """
    Tests for look-ups in coroutines.
    """

    kind = CoroutineChecker


class StoredPlainTests(PasswordsTestCase):
    """
    Tests for passwords that are stored as they are.
    """

    def setUp(self) -> None:
        super().setUp()
        users = {b"alice": (b"alice", b"sesame"), b"erin": (b"erin", "s\xe9same")}
        users[b"locked"] = (b"locked", b"sesame", DenialReason.LOCKED)  # type: ignore[assignment]
        self.checker = PlainChecker({**USERS, **users}, self.workers)

    def answer(self, name: bytes, password: bytes) -> Deferred[Any]:
        """
        Prove a password without sending it.
        """
        credentials = CramMD5Credentials()
        challenge = credentials.getChallenge()
        from hmac import new

        digest = new(password, challenge, "md5").hexdigest().encode("ascii")
        credentials.setResponse(name + b" " + digest)
        return self.checker.requestAvatarId(credentials)

    def test_interfaces(self) -> None:
        """
        They serve credentials that don't send the password, too.
        """
        all_ = (IUsernamePassword, IUsernameHashedPassword, IScramCredentials)
        self.assertEqual(self.checker.credentialInterfaces, all_)
        self.assertEqual(self.successResultOf(self.answer(b"alice", b"sesame")), b"alice")
        self.assertRefused(self.answer(b"alice", b"tulip"))
        self.assertRefused(self.answer(b"nobody", b"sesame"))

    def test_interfacesInherited(self) -> None:
        """
        A class that says what it checks has said so for its subclasses.
        """

        class Typed(PlainChecker):
            credentialInterfaces = (IUsernamePassword,)

        class Inheriting(Typed):
            pass

        class Declaring(Typed):
            plain = True

        for kind in (Typed, Inheriting, Declaring):
            self.assertEqual(kind.credentialInterfaces, (IUsernamePassword,))

    def test_hashInAnArray(self) -> None:
        """
        A hash is one whatever a database has for bytes: who has seen it can't log in with
        it.
        """
        for array in (bytearray(SHA), memoryview(SHA)):
            self.checker.users[b"frank"] = (b"frank", array)
            self.assertRefused(self.ask(self.checker, b"frank", SHA))
            asking = self.ask(self.checker, b"frank")
            self.assertEqual(self.successResultOf(asking), b"frank")

    def test_typed(self) -> None:
        """
        They match what is typed, as bytes or text, and no thread is needed.
        """
        self.workers.reactor.running = True
        self.assertEqual(self.successResultOf(self.ask(self.checker, b"alice")), b"alice")
        asking = self.ask(self.checker, "erin", "s\xe9same")
        self.assertEqual(self.successResultOf(asking), "erin")
        self.assertRefused(self.ask(self.checker, b"alice", b"tulip"))
        self.assertRefused(self.ask(self.checker, b"nobody", b"sesame"))
        self.assertRefused(self.ask(self.checker, b"empty", b""))

    def test_hashes(self) -> None:
        """
        What is meant as a hash is one: it is verified, and isn't the password.
        """
        self.assertEqual(
            self.successResultOf(self.ask(self.checker, b"bob", b"hashed")), b"Bob"
        )
        self.assertRefused(self.ask(self.checker, b"bob", BCRYPT))
        self.assertRefused(self.answer(b"bob", BCRYPT))
        self.assertRefused(self.answer(b"bob", b"hashed"))

    def test_denied(self) -> None:
        """
        An account is denied after the right password, however it is proved.
        """
        for asking in (
            self.ask(self.checker, b"locked"),
            self.answer(b"locked", b"sesame"),
        ):
            failure = self.failureResultOf(asking, AccountDenied)
            self.assertIs(failure.value.reason, DenialReason.LOCKED)
        self.assertRefused(self.ask(self.checker, b"locked", b"tulip"))

    def test_ownComparison(self) -> None:
        """
        Credentials that compare passwords in a way of their own are asked.
        """

        class Reversed(UsernamePassword):
            def checkPassword(self, password: bytes) -> bool:
                return self.password == password[::-1]

        asking = self.checker.requestAvatarId(Reversed(b"alice", b"emases"))
        self.assertEqual(self.successResultOf(asking), b"alice")


class BaseTests(PasswordsTestCase):
    """
    Tests for the base itself.
    """

    def test_noLookUp(self) -> None:
        """
        A subclass that doesn't say how users are looked up lets nobody in.
        """
        checker = PasswordChecker()
        checker.workers = self.workers
        self.failureResultOf(self.ask(checker, b"alice"), TemporaryFailure)
        self.assertEqual(len(self.flushLoggedErrors(NotImplementedError)), 1)

    def test_ownAttributes(self) -> None:
        """
        A subclass may call its store what mycred's own call theirs.
        """

        class Stored(PasswordChecker):
            """
            A checker with a store.
            """

            def __init__(self, store: Any) -> None:
                self._store = store

            def lookUp(self, username: bytes) -> Any:
                """
                Look a user up.
                """
                return self._store.get(username)

        for store in (USERS, dict[bytes, Any]()):
            checker = Stored(store)
            checker.workers = self.workers
            asking = self.ask(checker, b"alice")
            if store:
                self.assertEqual(self.successResultOf(asking), b"alice")
            else:
                self.assertRefused(asking)
            self.assertIs(checker._store, store)

    def test_fewRemembered(self) -> None:
        """
        Of many users only the last ones are remembered.
        """
        users = {b"u%d" % n: (b"u%d" % n, SHA) for n in range(200)}
        checker = Checker(users, self.workers)
        for name in users:
            self.ask(checker, name)
        remembered: Any = checker._mycredLookUps
        self.assertEqual(len(remembered._hashes), 64)
