"""
Tests for logins by SCRAM, by what checkers of passwords have stored: for
L{mycred._checking._passwords}, L{mycred._checking._lookups},
L{mycred._checking._files}, L{mycred._passwordfile._lookup},
L{mycred._passwordfile._stored},
L{mycred._passwordfile._linesurvey} and L{mycred._passwordfile._scramsurvey}.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from zope.interface.verify import verifyObject

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.logger import formatEvent

from mycred import _files
from mycred._checking._files import FileStore
from mycred._passwordfile import ScramSurvey
from mycred._scram import ScramKeys
from mycred.checkers import (
    FilePasswordDB,
    HtdigestChecker,
    HtpasswdChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
    IUsernamePassword,
    PasswdChecker,
    PasswordChecker,
)
from mycred.credentials import IScramCredentials
from mycred.error import (
    AccountDenied,
    DenialReason,
    SASLError,
    TemporaryFailure,
    UnauthorizedLogin,
)

from ..kit.files import BCRYPT, FileTestCase
from ..kit.sasl import ScramClient, Server, portalOf
from ..kit.scram import COUNT, SALT, Proving, storedKeys

# Users of all kinds: with keys for either hash, in plain text, with neither.
USERS = {
    b"alice": storedKeys(),
    b"bob": storedKeys(hash="sha1"),
    b"carol": BCRYPT,
    b"dave": b"{PLAIN}sesame",
    b"erin": storedKeys(),
    b"frank": storedKeys(),
    b"\xe2\x84\xab": storedKeys(),
    b"\xc3\xa9lan": storedKeys("pa\u00dfwort".encode()),
}


class Diary(PasswordChecker):
    """
    A program's own checker, of users in memory.
    """

    def __init__(self, users: dict[bytes, Any], workers: Any) -> None:
        self.users = users
        self.workers = workers
        self.asked: list[bytes] = []

    def lookUp(self, username: bytes) -> Any:
        """
        Look a user up.
        """
        self.asked.append(username)
        return self.users.get(username)


class ThreadedDiary(Diary):
    """
    One whose look-up blocks.
    """

    inThread = True


class PlainDiary(Diary):
    """
    One that holds passwords as they are.
    """

    plain = True


class Loading(FilePasswordDB):
    """
    A password file whose lines a program reads by itself.
    """

    def _loadCredentials(self) -> Any:
        """
        Return the lines.
        """
        yield from USERS.items()


class ScramTestCase(FileTestCase):
    """
    Base of the tests for logins by SCRAM.
    """

    def setUp(self) -> None:
        super().setUp()
        self.derived: list[tuple[bytes, int]] = []
        derive = ScramKeys.derived

        def remember(hash: str, password: bytes, salt: bytes, count: int) -> ScramKeys:
            self.derived.append((salt, count))
            return derive(hash, password, salt, count)

        self.patch(ScramKeys, "derived", staticmethod(remember))

    def write(self, users: dict[bytes, bytes]) -> str:
        """
        Write a file that isn't new.
        """
        lines = [b"%s:%s\n" % line for line in users.items()]
        self.path.write_bytes(b"".join(lines))
        os.utime(self.path, (0, 0))
        self.settle()
        return str(self.path)

    def htpasswd(self, users: dict[bytes, bytes] = USERS, **given: Any) -> Any:
        """
        Make a checker of a file.
        """
        return HtpasswdChecker(self.write(users), workers=self.workers, **given)

    def file(self, users: dict[bytes, bytes] = USERS, **given: Any) -> Any:
        """
        Make a checker of a file, as Twisted has it.
        """
        return FilePasswordDB(self.write(users), workers=self.workers, **given)

    def diary(self, users: dict[bytes, bytes] = USERS) -> Any:
        """
        Make a program's own checker.
        """
        return Diary({name: (name, users[name]) for name in users}, self.workers)

    def prove(self, checker: Any, *args: Any, **more: Any) -> tuple[Any, Any]:
        """
        Prove a password.

        @return: the credentials, and the avatar ID or the error.
        """
        credentials = Proving(*args, **more)
        ended: list[Any] = []
        checker.requestAvatarId(credentials).addBoth(ended.append)
        (outcome,) = ended
        return credentials, getattr(outcome, "value", outcome)

    def assertIn_(self, checker: Any, *args: Any, **more: Any) -> Any:
        """
        Insist on a login.

        @return: the credentials.
        """
        credentials, outcome = self.prove(checker, *args, **more)
        self.assertEqual(outcome, more.get("avatarId", credentials.username))
        return credentials

    def assertOut(self, checker: Any, *args: Any, **more: Any) -> Any:
        """
        Insist on an answer that tells nothing but no.

        @return: the credentials.
        """
        credentials, outcome = self.prove(checker, *args, **more)
        self.assertIs(type(outcome), UnauthorizedLogin)
        self.assertEqual(outcome.args, ())
        return credentials


class StoredTests(ScramTestCase):
    """
    Tests for who gets in, by stores of every kind.
    """

    def checkers(self) -> list[Any]:
        """
        Make a checker of each kind.
        """
        known = {name: (name, stored) for name, stored in USERS.items()}
        return [
            self.htpasswd(),
            self.file(),
            self.file(cache=True),
            Diary(known, self.workers),
            ThreadedDiary(known, self.workers),
            Loading("", workers=self.workers),
        ]

    def test_keys(self) -> None:
        """
        Stored keys serve their own hash.  The client is asked for just these keys, once.
        """
        for checker in self.checkers():
            credentials = self.assertIn_(checker)
            (keys,) = credentials.asked
            self.assertEqual((keys.salt, keys.iterations), (SALT, COUNT))
            self.assertOut(checker, b"alice", b"tulip")
            self.assertIn_(checker, b"bob", hash="sha1")
            self.assertEqual(self.assertOut(checker, b"bob").asked, [])
            self.assertEqual(self.assertOut(checker, b"alice", hash="sha1").asked, [])

    def test_plain(self) -> None:
        """
        A password in plain text serves both hashes, by keys with the salt that the
        credentials say.
        """
        for checker in self.checkers():
            for hash in ("sha1", "sha256"):
                credentials = self.assertIn_(checker, b"dave", hash=hash)
                self.assertEqual(credentials.asked[0].salt, Proving.salt)
                self.assertEqual(credentials.asked[0].iterations, 4096)
                self.assertOut(checker, b"dave", b"tulip", hash=hash)

    def test_noKeys(self) -> None:
        """
        A user with another kind of hash is refused as an unknown one is: the client isn't
        asked, and no hash is verified.
        """
        for checker in self.checkers():
            for name in (b"carol", b"eve"):
                self.assertEqual(self.assertOut(checker, name, b"hashed").asked, [])
        self.assertEqual(self.verified, [])
        told = [formatEvent(e) or "" for e in self.events]
        self.assertTrue(any('why="no keys for SCRAM-SHA-256"' in one for one in told))

    def test_storedHashIsNoPassword(self) -> None:
        """
        What is stored lets nobody in as the password.
        """
        for checker in self.checkers():
            for name, stored in USERS.items():
                for hash in ("sha1", "sha256"):
                    self.assertOut(checker, name, stored, hash=hash)

    def test_absurd(self) -> None:
        """
        NUL, and what is absurdly long, is refused before any look-up; nothing that a name
        can hold raises anything else.
        """
        for checker in self.checkers():
            checker.caseSensitive = False
            for name in (
                b"",
                b"alice\0",
                b"a" * 1025,
                b"\xff\xfe",
                b"\xed\xa0\x80",
                None,
            ):
                self.assertOut(checker, name)

    def test_prepared(self) -> None:
        """
        A name is looked up as it was sent, and prepared.  The avatar ID is as the store
        spells it.
        """
        for checker in self.checkers():
            self.assertEqual(self.prove(checker, b"ali\xc2\xadce")[1], b"alice")
            self.assertEqual(self.prove(checker, b"e\xcc\x81lan", b"x")[1].args, ())
            password = "pa\u00df\u00adwort".encode()
            found = self.prove(checker, b"e\xcc\x81lan", password)[1]
            self.assertEqual(found, b"\xc3\xa9lan")
            # Prepared, it is another one.
            self.assertIn_(checker, b"\xe2\x84\xab")

    def test_text(self) -> None:
        """
        A name that is text comes back as text.
        """
        for checker in self.checkers():
            self.assertEqual(self.prove(checker, "alice")[1], "alice")

    def test_conversation(self) -> None:
        """
        A client of SCRAM logs in, by keys and by plain text, and knows the server.  A
        wrong password, an unknown name and a user without keys get the same lines.
        """
        for checker in self.checkers():
            portal = portalOf(checker)
            for name in (b"alice", b"dave"):
                client = ScramClient(name=name)
                login = Server(portal).login("SCRAM-SHA-256", client.answer)
                self.successResultOf(login)
                self.assertTrue(client.isTrusted)
            for name in (b"alice", b"dave", b"carol", b"eve"):
                client, server = ScramClient(name=name, password=b"x"), Server(portal)
                refused = server.login("SCRAM-SHA-256", client.answer)
                self.failureResultOf(refused, UnauthorizedLogin)
                self.assertFalse(client.isTrusted)
                self.assertEqual(len(server.sent), 2, name)

    def test_interface(self) -> None:
        """
        They say that they are for such credentials.
        """
        verifyObject(IScramCredentials, Proving())
        for checker in self.checkers():
            self.assertIn(IScramCredentials, checker.credentialInterfaces)


class UnknownTests(ScramTestCase):
    """
    Tests for unknown users, who look like those who are known.
    """

    def test_expected(self) -> None:
        """
        What is said of an unknown user's keys is what most users' are like, for the hash
        that the client uses.
        """
        for make in (self.htpasswd, self.file, self.diary):
            checker = make()
            for name in USERS:
                self.prove(checker, name)
                self.prove(checker, name, hash="sha1")
            self.assertEqual(self.assertOut(checker, b"Eve").expected, [(3, 18, b"Eve")])
            expected = self.assertOut(checker, b"eve", hash="sha1").expected
            # Of one each the first in the store.
            self.assertIn(expected, ([(3, 18, b"eve")], [(4096, 16, None)]))
            self.assertEqual(self.assertOut(checker, b"carol").expected[0][:2], (3, 18))

    def test_spellings(self) -> None:
        """
        All spellings of an unknown name that the store would take for one name get one
        salt, as those of a known one do.
        """
        checker = self.file(caseSensitive=False)
        for name in (b"eve", b"EVE", b"E\xc2\xadve"):
            self.assertEqual(self.assertOut(checker, name).expected, [(3, 18, b"eve")])
            known = name.replace(b"v", b"rin").replace(b"V", b"RIN")[:-1]
            self.assertEqual(self.prove(checker, known)[1], b"erin", known)
        plain = self.file({b"dave": b"sesame"}, caseSensitive=False)
        self.assertEqual(self.assertOut(plain, b"EVE").expected, [(4096, 16, None)])
        self.assertEqual(self.prove(plain, b"DAVE")[0].asked[0].salt, Proving.salt)

    def test_sameWork(self) -> None:
        """
        As much is computed for an unknown user as for most known ones.
        """
        plain = {b"alice": b"sesame", b"bob": b"tulip", b"carol": b"{PLAIN}rose"}
        memory = InMemoryUsernamePasswordDatabaseDontUse()
        memory.workers = self.workers
        memory.users.update(plain)
        diary = PlainDiary({b"alice": (b"alice", b"sesame")}, self.workers)
        for checker in (self.file(plain), self.file(plain, cache=True), memory, diary):
            for hash in ("sha1", "sha256"):
                for name in (b"eve", b"alice", b"e\xc2\xadve", b"eve"):
                    del self.derived[:]
                    self.prove(checker, name, b"x", hash=hash)
                    work = [(Proving.salt, 4096)]
                    if name == b"alice":
                        # The client's own.
                        work += [(Proving.salt, 4096)]
                    elif b"\xc2" in name:
                        work *= 2
                    self.assertEqual(self.derived, work, (checker, name))
        for checker in (self.htpasswd(), self.file(), self.diary()):
            for name in (b"alice", b"eve"):
                self.prove(checker, name)
                del self.derived[:]
                self.prove(checker, name)
                self.assertEqual(len(self.derived), int(name == b"alice"))

    def test_severalNames(self) -> None:
        """
        A name that differs once it is prepared is looked up in both spellings, whichever
        is known.
        """
        checker = self.diary()
        for name in (b"\xe2\x84\xab", b"a\xc2\xadlice", b"e\xc2\xadve"):
            del checker.asked[:]
            self.prove(checker, name)
            self.assertEqual(len(checker.asked), 2)

    def test_nobody(self) -> None:
        """
        In an empty store nothing is expected, and nothing fails.
        """
        for make in (self.htpasswd, self.file, self.diary):
            self.assertEqual(self.assertOut(make({}), b"alice").expected, [])


class WaitingTests(ScramTestCase):
    """
    Tests for the time in which a client is asked.
    """

    def begin(self, checker: Any, *args: Any) -> tuple[Proving, Deferred[Any]]:
        """
        Begin a login, up to the client.
        """
        self.workers.reactor.running = True
        credentials = Proving(*args, isPatient=True)
        asking = checker.requestAvatarId(credentials)
        self.workers.step()
        self.assertEqual(len(credentials.asked), 1)
        return credentials, asking

    def test_noThread(self) -> None:
        """
        No thread waits for the client, and no time is counted.
        """
        memory = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
        memory.workers = self.workers
        for checker in (self.htpasswd(), self.file(), memory):
            credentials, asking = self.begin(checker)
            self.assertEqual(self.workers.pool.jobs, [])
            self.assertEqual(self.workers.reactor.getDelayedCalls(), [])
            self.assertNoResult(asking)
            credentials.answer()
            self.assertEqual(self.successResultOf(asking), b"alice")

    def test_fileChanges(self) -> None:
        """
        If the file changes meanwhile, what counts is what stood there.
        """
        credentials, asking = self.begin(self.htpasswd())
        self.path.write_bytes(b"")
        credentials.answer()
        self.assertEqual(self.successResultOf(asking), b"alice")

    def test_cancel(self) -> None:
        """
        A client that goes isn't waited for, and who asked for nothing isn't looked up.
        """
        credentials, asking = self.begin(self.htpasswd())
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.assertEqual(credentials.cancelled, 1)
        waiting = Proving(b"erin")
        asking = self.htpasswd().requestAvatarId(waiting)
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.workers.step()
        self.assertEqual(waiting.asked, [])

    def test_cancelBoth(self) -> None:
        """
        So it is where a name is looked up in two spellings; one of the look-ups may fail,
        too.
        """
        self.workers.reactor.running = True
        asking = self.htpasswd().requestAvatarId(Proving(b"a\xc2\xadlice"))
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        checker = self.diary()
        checker.users[b"alice"] = fail(OSError(5, "Input/output error"))
        asking = checker.requestAvatarId(Proving(b"a\xc2\xadlice"))
        self.failureResultOf(asking, TemporaryFailure)

    def test_malformed(self) -> None:
        """
        What the client says that makes no sense is passed on as what it is.
        """
        for error in (SASLError("no proof"), RuntimeError("a defect")):
            credentials, asking = self.begin(self.htpasswd())
            assert credentials.waiting is not None
            credentials.waiting.errback(error)
            self.assertIs(self.failureResultOf(asking).value, error)

    def test_young(self) -> None:
        """
        From a file that has just changed no client is asked: it may be half-written.
        """
        self.path.write_bytes(b"alice:ses")
        self.patch(_files, "SETTLING", 3600)
        self.workers.reactor.running = True
        credentials = Proving(b"alice", b"ses")
        checker = FilePasswordDB(str(self.path), workers=self.workers)
        asking = checker.requestAvatarId(credentials)
        self.workers.step()
        self.assertNoResult(asking)
        self.path.write_bytes(b"alice:sesame\n")
        self.settle()
        self.workers.reactor.advance(1)
        self.workers.step()
        self.assertRefused(asking)

    def test_down(self) -> None:
        """
        A file that can't be read is no wrong password.
        """
        checker = self.htpasswd()
        self.path.unlink()
        for name in (b"alice", b"eve"):
            credentials, outcome = self.prove(checker, name)
            self.assertIs(type(outcome), TemporaryFailure)
            self.assertEqual((credentials.asked, credentials.expected), ([], []))


class OwnCheckerTests(ScramTestCase):
    """
    Tests for programs' own checkers.
    """

    def test_denied(self) -> None:
        """
        A denial is told after the proof only.
        """
        known = (b"alice", storedKeys(), DenialReason.LOCKED)
        for kind in (Diary, ThreadedDiary):
            checker = kind({b"alice": known}, self.workers)
            self.assertIs(type(self.prove(checker)[1]), AccountDenied)
            self.assertOut(checker, b"alice", b"tulip")

    def test_deferred(self) -> None:
        """
        A look-up may be a Deferred, and what fails in it is a temporary failure.
        """
        checker = self.diary()
        found: Callable[[], Any]
        for found in (
            lambda: fail(RuntimeError("down")),
            lambda: ("alice", "sesame", "?"),
        ):
            checker.users[b"alice"] = found()
            self.assertIs(type(self.prove(checker)[1]), TemporaryFailure)
            self.flushLoggedErrors(RuntimeError, TypeError)
        checker.users[b"alice"] = succeed((b"alice", storedKeys()))
        self.assertIn_(checker)

    def test_ownConclusion(self) -> None:
        """
        A program's C{_cbPasswordMatch} has the last word.
        """

        class Closed(Diary):
            def _cbPasswordMatch(self, matched: bool, username: Any) -> Any:
                return succeed(b"the night porter") if matched else username

        checker = Closed({b"alice": (b"alice", storedKeys())}, self.workers)
        self.assertEqual(self.prove(checker)[1], b"the night porter")
        self.assertOut(checker, b"alice", b"x")

    def test_ownHash(self) -> None:
        """
        Where a program hashes in its own way, what is stored is no password: nobody logs
        in by SCRAM, and none is offered.
        """
        checker = self.file({b"alice": b"sesame"}, hash=lambda name, typed, kept: typed)
        self.assertOut(checker, b"alice", b"sesame")
        self.assertEqual(self.derived, [])
        self.assertEqual(list(checker.scramHashes()), [])
        self.assertNotIn(IScramCredentials, checker.credentialInterfaces)
        later = self.file({b"alice": b"sesame"})
        later.hash = checker.hash
        self.assertOut(later, b"alice", b"sesame")

    def test_otherSecrets(self) -> None:
        """
        What a checker has stored for other credentials is no password: hashes of HTTP
        Digest, those of accounts.  Nothing is looked up, though a portal should ask.
        """
        self.path.write_bytes(b"alice:Members:" + b"0" * 32 + b"\n")
        users = self.path.with_name("passwd")
        users.write_bytes(b"alice:{PLAIN}sesame:1000:1000::/home:/bin/sh\n")
        for checker in (
            HtdigestChecker(str(self.path), b"Members", workers=self.workers),
            PasswdChecker(str(users), str(users), workers=self.workers),
        ):
            for password in (b"0" * 32, b"sesame"):
                self.assertEqual(self.assertOut(checker, b"alice", password).asked, [])
        self.assertEqual(self.derived, [])

    def test_ownRequest(self) -> None:
        """
        A checker whose C{requestAvatarId} is a program's own isn't asked for what the
        program may not know, unless it says so.
        """

        class Own(InMemoryUsernamePasswordDatabaseDontUse):
            def requestAvatarId(self, credentials: Any) -> Any:
                return succeed(credentials.password)

        class OwnFile(FilePasswordDB):
            def requestAvatarId(self, credentials: Any) -> Any:
                return succeed(credentials.password)

        class OwnDiary(Diary):
            def requestAvatarId(self, credentials: Any) -> Any:
                return super().requestAvatarId(credentials)

        class Knowing(OwnDiary):
            credentialInterfaces = (IUsernamePassword, IScramCredentials)

            def requestAvatarId(self, credentials: Any) -> Any:
                return super().requestAvatarId(credentials)

        for checker in (Own(), OwnFile("x"), OwnDiary({}, None)):
            self.assertNotIn(IScramCredentials, checker.credentialInterfaces)
            self.assertIn(IUsernamePassword, checker.credentialInterfaces)
        self.assertIn(IScramCredentials, Knowing({}, None).credentialInterfaces)

    def test_oddUsers(self) -> None:
        """
        A user without a text for a name or a password can't log in.
        """

        class Odd(FilePasswordDB):
            def getUser(self, username: Any) -> Any:
                return {b"alice": (b"alice", None), b"bob": (1, b"sesame")}[username]

        checker = Odd("", workers=self.workers)
        for name in (b"alice", b"bob", b"eve"):
            self.assertOut(checker, name)

    def test_sameWork(self) -> None:
        """
        As much is remembered for an unknown name as for a known one, since it takes time;
        and it changes nothing.
        """
        checker = self.diary()
        self.prove(checker, b"alice")
        added: list[Any] = []
        add = ScramSurvey.add

        def count(survey: Any, user: Any) -> None:
            added.append(user)
            add(survey, user)

        self.patch(ScramSurvey, "add", count)
        for name in (b"alice", b"eve", b"eve"):
            self.prove(checker, name)
        first, *others = added
        self.assertEqual(others, [first, first])
        self.assertEqual(set(checker.scramHashes()), {"sha256"})

    def test_remembersNoPassword(self) -> None:
        """
        What is remembered of users to tell what most of them are like is no password, and
        isn't more for more of them.
        """
        users = {b"%d" % n: (b"%d" % n, b"secret") for n in range(200)}
        checker = PlainDiary(users, self.workers)
        for name in users:
            self.prove(checker, name)
        lookUps = checker._mycredLookUps
        assert lookUps is not None
        self.assertEqual(len(lookUps._found), 64)
        self.assertEqual(lookUps._survey.users, 64)
        self.assertNotIn(b"secret", [one.secret for one in lookUps._found.values()])


class OfferTests(ScramTestCase):
    """
    Tests for the hashes for which SCRAM is offered.
    """

    def test_hashes(self) -> None:
        """
        Those are offered for which at least one user has keys.
        """
        keys, others = {b"a": storedKeys(), b"b": BCRYPT}, {b"a": BCRYPT}
        for users, served in [
            (keys, {"sha256"}),
            (USERS, {"sha1", "sha256"}),
            (others, set()),
            ({}, set()),
        ]:
            for make in (self.htpasswd, self.file):
                self.assertEqual(set(make(users).scramHashes()), served)
        strong = self.htpasswd({b"a": b"{PLAIN}sesame"}, weak=False)
        self.assertEqual(set(strong.scramHashes()), set())
        plain = {b"a": b"sesame"}
        self.assertEqual(len(self.file(plain).scramHashes()), 2)
        self.assertEqual(len(self.htpasswd(plain).scramHashes()), 0)
        self.assertEqual(len(self.htpasswd(plain, plaintext=True).scramHashes()), 2)

    def test_memory(self) -> None:
        """
        In memory passwords are plain text, which serves both.
        """
        memory = InMemoryUsernamePasswordDatabaseDontUse()
        self.assertEqual(len(memory.scramHashes()), 0)
        memory.addUser(b"alice", b"sesame")
        self.assertEqual(set(memory.scramHashes()), {"sha1", "sha256"})

    def test_own(self) -> None:
        """
        Of a program's own store it is known what users have who were looked up, or that
        it holds passwords.
        """
        checker = self.diary()
        self.assertEqual(set(checker.scramHashes()), set())
        self.assertRefused(self.ask(checker, b"alice", b"x"))
        self.assertEqual(set(checker.scramHashes()), {"sha256"})
        self.prove(checker, b"bob")
        self.assertEqual(set(checker.scramHashes()), {"sha1", "sha256"})
        self.assertEqual(len(PlainDiary({}, self.workers).scramHashes()), 2)

    def test_first(self) -> None:
        """
        It is known before the first login, though no thread has read the file: also that
        there is no file, which may come later.
        """
        self.workers.reactor.running = True
        for make in (self.htpasswd, self.file):
            checker = make({b"alice": storedKeys()})
            self.assertEqual(set(checker.scramHashes()), {"sha256"})
        self.path.unlink()
        for checker in (
            HtpasswdChecker(str(self.path), workers=self.workers),
            FilePasswordDB(str(self.path), workers=self.workers),
        ):
            self.assertEqual(set(checker.scramHashes()), set())

    def test_neverWaits(self) -> None:
        """
        It is said without waiting: what was read last, and another thread looks whether
        the file differs, now and then.
        """
        checker = self.htpasswd({b"a": BCRYPT})
        self.workers.reactor.running = True
        self.assertEqual(set(checker.scramHashes()), set())
        self.assertEqual(len(self.workers.pool.jobs), 1)
        self.assertEqual(set(checker.scramHashes()), set())
        self.assertEqual(len(self.workers.pool.jobs), 1)
        self.workers.step()
        self.write({b"a": storedKeys()})
        self.assertEqual(set(checker.scramHashes()), set())
        self.workers.reactor.advance(FileStore.PERIOD)
        checker.scramHashes()
        self.workers.step()
        self.assertEqual(set(checker.scramHashes()), {"sha256"})
        self.path.unlink()
        self.workers.reactor.advance(FileStore.PERIOD)
        checker.scramHashes()
        self.workers.step()
        self.assertEqual(set(checker.scramHashes()), {"sha256"})

    def test_told(self) -> None:
        """
        The log says once for how many users a mechanism is no use, where others have
        keys, and again when the file differs; and nothing where SCRAM isn't used.
        """
        checker = self.htpasswd()
        self.assertRefused(self.ask(checker, b"eve", b"x"))
        self.assertEqual(self.logged("no keys"), [])
        for _ in range(2):
            checker.scramHashes()
            self.prove(checker, b"alice")
        told = [formatEvent(e) or "" for e in self.logged("no keys")]
        self.assertEqual(
            [one.removeprefix(f"{self.path}: ") for one in told],
            [
                "6 of 8 users that were examined can't log in by SCRAM-SHA-1, for which "
                "they have no keys",
                "2 of 8 users that were examined can't log in by SCRAM-SHA-256, for "
                "which they have no keys",
            ],
        )
        self.write({b"alice": storedKeys(), b"bob": BCRYPT})
        self.prove(checker, b"alice")
        self.assertEqual(len(self.logged("no keys")), 3)
