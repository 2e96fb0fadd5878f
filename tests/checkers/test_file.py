"""
Tests for L{mycred.checkers._file}, L{mycred.checkers._filesteps} and
L{mycred._checking._files}.
"""

from __future__ import annotations

import hmac
import os
import pickle
from collections.abc import Iterator
from typing import Any

from zope.interface.verify import verifyObject

from hypothesis import given, settings, strategies

from mycred._checking import _lookups
from mycred._hashes import Hash
from mycred._passwordfile import Entry, UserFile
from mycred.checkers import (
    FilePasswordDB,
    ICredentialsChecker,
    IUsernameHashedPassword,
    IUsernamePassword,
    OnDiskUsernamePasswordDatabase,
    _file,
)
from mycred.credentials import (
    CramMD5Credentials,
    IScramCredentials,
    UsernamePassword,
)
from mycred.error import TemporaryFailure
from mycred.testing import SteppedWorkers

from ..kit.files import BCRYPT, FileTestCase, StoreTests
from ..kit.work import WorkTests, answered, digested, typed, typedText


class FileDBTestCase(FileTestCase):
    """
    Base of the tests for L{FilePasswordDB}.
    """

    def database(self, content: bytes | None = None, **arguments: Any) -> FilePasswordDB:
        """
        Make a checker, of a file that holds this.
        """
        if content is not None:
            self.path.write_bytes(content)
        return FilePasswordDB(str(self.path), workers=self.workers, **arguments)


class PlainTextTests(FileDBTestCase):
    """
    Tests for lines of names and passwords.
    """

    def test_interfaces(self) -> None:
        """
        It is a checker, of challenge-response logins too unless the program
        hashes; its older name is the same class.
        """
        database = self.database(b"")
        self.assertTrue(verifyObject(ICredentialsChecker, database))
        self.assertEqual(
            database.credentialInterfaces,
            (IUsernamePassword, IUsernameHashedPassword, IScramCredentials),
        )
        hashing = self.database(hash=lambda *_: None)
        self.assertEqual(hashing.credentialInterfaces, (IUsernamePassword,))
        self.assertIs(OnDiskUsernamePasswordDatabase, FilePasswordDB)

    def test_login(self) -> None:
        """
        The right password names the avatar; a wrong one, an unknown user and an
        empty password are refused alike.
        """
        for cache in (False, True):
            database = self.database(b"alice:sesame\nbob:hunter2", cache=cache)
            self.assertAccepted(self.ask(database, b"alice", b"sesame"), b"alice")
            self.assertAccepted(self.ask(database, b"bob", b"hunter2"), b"bob")
            for name in (b"alice", b"eve"):
                for password in (b"x", b"", b"hunter2", b"sesame "):
                    self.assertRefused(self.ask(database, name, password))

    def test_challengeResponse(self) -> None:
        """
        Plain text serves a login that proves the password without sending it.
        """
        database = self.database(b"tim:tanstaaftanstaaf\n")
        credentials = CramMD5Credentials()
        credentials.challenge = b"<1896.697170952@postoffice.reston.mci.net>"
        credentials.setResponse(b"tim b913a602c7eda7a495b4e6e7334d3890")
        self.assertAccepted(database.requestAvatarId(credentials), b"tim")
        credentials.setResponse(b"tim b913a602c7eda7a495b4e6e7334d3891")
        self.assertRefused(database.requestAvatarId(credentials))

    def test_lines(self) -> None:
        """
        Comments, blank lines and lines without a password are skipped, what
        follows a second colon is ignored, CR is tolerated.
        """
        content = b"#eve:x\n\n   \nalone\nalice:sesame:1000:rest\r\n#\nbob:hunter2\r\n"
        for cache in (False, True):
            database = self.database(content, cache=cache)
            self.assertAccepted(self.ask(database, b"alice", b"sesame"), b"alice")
            self.assertAccepted(self.ask(database, b"bob", b"hunter2"), b"bob")
            for name in (b"#eve", b"eve", b"alone", b""):
                self.assertRefused(self.ask(database, name, b"x"))

    def test_empty(self) -> None:
        """
        An empty name or an empty secret matches nobody.
        """
        for cache in (False, True):
            database = self.database(b":sesame\nalice:\nbob::\n", cache=cache)
            self.assertRefused(self.ask(database, b"", b"sesame"))
            self.assertRefused(self.ask(database, b"alice", b""))
            self.assertRefused(self.ask(database, b"bob", b""))

    def test_firstWins(self) -> None:
        """
        Of two lines for a user the first counts, and the other one is logged, by
        its number and once as long as the file stays the same.
        """
        for cache in (False, True):
            del self.events[:]
            database = self.database(b"alice:one\nbob:x\nalice:two\n", cache=cache)
            for _ in range(2):
                self.assertAccepted(self.ask(database, b"alice", b"one"), b"alice")
                self.assertRefused(self.ask(database, b"alice", b"two"))
            [event] = self.logged("has a line already")
            self.assertEqual((event["name"], event["number"]), (b"alice", 3))
            self.assertNotIn("two", repr(event))

    def test_refusalsAreToldApart(self) -> None:
        """
        The log tells an unknown user from a wrong password, and doesn't hold the
        password.
        """
        database = self.database(b"alice:sesame\n")
        self.assertRefused(self.ask(database, b"alice", b"hunter2"))
        self.assertRefused(self.ask(database, b"eve", b"hunter2"))
        self.assertEqual(len(self.logged("wrong password")), 1)
        self.assertEqual(len(self.logged("no such user")), 1)
        self.assertNotIn("hunter2", repr(self.events))
        self.assertRefused(self.ask(database, b"e" * 1000000, b"x"))
        self.assertLess(len(repr(self.events[-1])), 5000)

    def test_text(self) -> None:
        """
        A name handed over as text comes back as text.
        """
        for cache in (False, True):
            content = "jürgen:schlüssel\n".encode()
            database = self.database(content, cache=cache)
            self.assertAccepted(self.ask(database, "jürgen", "schlüssel"), "jürgen")
            self.assertRefused(self.ask(database, "jürgen", "x"))
            self.assertRefused(self.ask(database, "eve", "x"))

    def test_absurd(self) -> None:
        """
        NUL, and what is absurdly long, is refused before the file is read.
        """
        database = self.database()
        for name, password in (
            (b"al\0ice", b"sesame"),
            (b"alice", b"ses\0ame"),
            (b"a" * 1025, b"sesame"),
            (b"alice", b"s" * 1025),
            ("a\0", "b"),
            (None, b"sesame"),
            (b"alice", None),
        ):
            self.assertRefused(self.ask(database, name, password))
        self.failureResultOf(self.ask(database, b"a" * 1024, b"x"), TemporaryFailure)

    def test_caseInsensitive(self) -> None:
        """
        As in Twisted: where case doesn't count, the avatar ID is in lower case.
        """
        for cache in (False, True):
            database = self.database(b"Alice:sesame\n", cache=cache, caseSensitive=False)
            for name in (b"alice", b"ALICE", b"Alice"):
                self.assertAccepted(self.ask(database, name, b"sesame"), b"alice")
            self.assertEqual(database.getUser(b"ALICE"), (b"alice", b"sesame"))

    def test_positional(self) -> None:
        """
        Programs give the arguments by position.
        """
        self.path.write_bytes(b"x;sesame;y;ALICE\n")
        database = FilePasswordDB(str(self.path), b";", 3, 1, False, None, True)
        self.assertAccepted(self.ask(database, b"alice", b"sesame"), b"alice")
        self.assertTrue(database.cache)

    @settings(deadline=None, database=None, max_examples=100)
    @given(content=strategies.binary(), name=strategies.binary())
    def test_anyContent(self, content: bytes, name: bytes) -> None:
        """
        No content of the file, and no name, makes anything fail but the login.
        """
        for cache in (False, True):
            database = self.database(content, cache=cache)
            self.assertRefused(self.ask(database, name, b"\xff never a password \xfe"))


class UncachedTests(StoreTests, FileDBTestCase):
    """
    Tests for a file that is read at each login.
    """

    def checker(self, content: bytes | None = None) -> FilePasswordDB:
        """
        Make a checker, of a file that holds this.
        """
        return self.database(content)

    def test_keepsNothing(self) -> None:
        """
        What the file holds isn't kept in memory.
        """
        checker = self.checker(b"alice:sesame\n")
        self.settle()
        for _ in range(2):
            self.assertAccepted(self.ask(checker, b"alice", b"sesame"), b"alice")
            assert checker._store is not None
            self.assertIsNone(checker._store.store._file._known)

    def test_changesWhileScanned(self) -> None:
        """
        What is read while the file changes isn't believed.
        """
        checker = self.checker(b"bob:tulip\n")
        self.settle()
        self.assertAccepted(self.ask(checker, b"bob", b"tulip"), b"bob")
        assert checker._store is not None

        def scan(name: bytes) -> Iterator[Entry]:
            self.path.write_bytes(b"alice:sesame\n")
            return iter(())

        self.patch(checker._store.store._file, "scan", scan)
        self.assertAccepted(self.ask(checker, b"alice", b"sesame"), b"alice")


class CachedTests(StoreTests, FileDBTestCase):
    """
    Tests for a file that is kept in memory.
    """

    def checker(self, content: bytes | None = None) -> FilePasswordDB:
        """
        Make a checker, of a file that holds this.
        """
        return self.database(content, cache=True)

    def test_readOnce(self) -> None:
        """
        A file that stays the same is read once.
        """
        checker = self.checker(b"alice:one\n")
        self.settle()
        self.assertAccepted(self.ask(checker, b"alice", b"one"), b"alice")
        self.patch(os, "read", None)
        self.assertAccepted(self.ask(checker, b"alice", b"one"), b"alice")

    def test_getUserOfMissing(self) -> None:
        """
        Looking a user up at once tells a missing file from a missing user, too.
        """
        checker = self.checker()
        self.assertRaises(TemporaryFailure, checker.getUser, b"alice")
        self.assertRaises(TemporaryFailure, checker.holdsHashes)
        self.path.write_bytes(b"alice:sesame\n")
        self.assertRaises(KeyError, checker.getUser, b"bob")
        self.assertEqual(checker.getUser("alice"), (b"alice", b"sesame"))
        self.assertEqual(list(checker._loadCredentials()), [(b"alice", b"sesame")])

    def test_pickle(self) -> None:
        """
        A pickle holds where the file is, and nothing that it held.
        """
        database = FilePasswordDB(str(self.path), cache=True)
        self.path.write_bytes(b"alice:sesame\n")
        self.assertAccepted(self.ask(database, b"alice", b"sesame"), b"alice")
        state = pickle.dumps(database)
        self.assertNotIn(b"sesame", state)
        again = pickle.loads(state)
        self.assertAccepted(self.ask(again, b"alice", b"sesame"), b"alice")


class HashTests(FileDBTestCase):
    """
    Tests for lines with a hash.
    """

    def test_verified(self) -> None:
        """
        A complete hash is verified, by the workers.
        """
        for cache in (False, True):
            database = self.database(b"carol:" + BCRYPT + b"\n", cache=cache)
            self.workers.reactor.running = True
            for password, name in ((b"hashed", b"carol"), ("hashed", "carol")):
                asking = self.ask(database, name, password)
                self.assertNoResult(asking)
                self.workers.step()
                self.assertAccepted(asking, name)
                self.assertEqual(self.verified.pop(), (BCRYPT, b"hashed"))
            self.workers.reactor.running = False
            self.assertRefused(self.ask(database, b"carol", b"wrong"))

    def test_neverText(self) -> None:
        """
        A hash is no password: whoever has read the file can't log in with what
        stands in it.
        """
        database = self.database(b"carol:" + BCRYPT + b"\n")
        self.assertRefused(self.ask(database, b"carol", BCRYPT))
        credentials = CramMD5Credentials()
        credentials.getChallenge()
        credentials.username = b"carol"
        self.patch(credentials, "checkPassword", lambda password: True)
        self.assertRefused(database.requestAvatarId(credentials))

    def test_damaged(self) -> None:
        """
        A hash that isn't whole, is of an unknown scheme, or costs too much matches
        nothing, itself included; it is logged without the hash, and refused after
        the same work as an unknown user.
        """
        dear = BCRYPT.replace(b"$04$", b"$18$")
        lost = [
            BCRYPT[:-1],
            b"$2b$",
            b"$2b",
            b"$",
            b"$6$salt$hash",
            b"$9$salt$hash",
            b"{SHA}aGFzaA==",
            b"{MD4}aGFzaA==",
            b"{SHA",
            dear,
        ]
        lines = [b"user%d:%s" % pair for pair in enumerate(lost)] + [b"carol:" + BCRYPT]
        for cache in (False, True):
            del self.events[:]
            database = self.database(b"\n".join(lines), cache=cache)
            for number, stored in enumerate(lost):
                del self.verified[:]
                self.assertRefused(self.ask(database, b"user%d" % number, stored))
                self.assertIn((BCRYPT, stored), self.verified)
            events = self.logged("matches nothing")
            self.assertEqual(
                [event["number"] for event in events], list(range(1, len(lost) + 1))
            )
            self.assertNotIn("salt", repr(events))
            self.assertIn("write {PLAIN} before it", events[0]["reason"])

    def test_unknownCostsTheSame(self) -> None:
        """
        Among hashes, an unknown user and a plain text password cost a
        verification of the kind that most hashes are of.
        """
        other = BCRYPT.replace(b"$04$", b"$05$")
        lines = [b"a:" + other, b"b:" + BCRYPT, b"c:" + BCRYPT, b"plain:text"]
        for cache in (False, True):
            database = self.database(b"\n".join(lines), cache=cache)
            # Once the file has settled, each look is the last.
            os.utime(self.path, (0, 0))
            self.settle()
            for name in (b"eve", b"plain"):
                for password in (b"hashed", b"wrong"):
                    del self.verified[:]
                    self.assertRefused(self.ask(database, name, password))
                    self.assertEqual(self.verified, [(BCRYPT, password)])
            del self.verified[:]
            self.assertAccepted(self.ask(database, b"plain", b"text"), b"plain")
            self.assertEqual(self.verified, [(BCRYPT, b"text")])

    def test_noHashesNoWork(self) -> None:
        """
        Without hashes in the file, none is verified.
        """
        self.assertRefused(self.ask(self.database(b"alice:sesame\n"), b"eve", b"x"))
        self.assertEqual(self.verified, [])

    def test_busy(self) -> None:
        """
        If the workers take no more jobs, that is no wrong password.
        """

        self.workers = SteppedWorkers(queueLimit=0)
        database = self.database(b"carol:" + BCRYPT + b"\n")
        for name in (b"carol", b"eve"):
            asking = self.ask(database, name, b"hashed")
            self.failureResultOf(asking, TemporaryFailure)

    def test_holdsHashes(self) -> None:
        """
        The checker knows whether the file can't serve everybody's
        challenge-response login.
        """
        self.assertFalse(self.database(b"alice:sesame\n").holdsHashes())
        mixed = self.database(b"alice:sesame\ncarol:" + BCRYPT)
        self.assertTrue(mixed.holdsHashes())

    def test_holdsHashesReadsOn(self) -> None:
        """
        Asking that keeps nothing out of the log: a name that comes again after a
        hash is told.
        """
        database = self.database(b"carol:" + BCRYPT + b"\nalice:one\nalice:two\n")
        self.assertTrue(database.holdsHashes())
        [event] = self.logged("has a line already")
        self.assertEqual(event["number"], 3)

    def test_lockedChallenge(self) -> None:
        """
        Who is locked can't answer a challenge, nor who has a hash; once there is a
        password instead they can.
        """
        for secret in (b"!", b"*", b"x", b"!" + BCRYPT, BCRYPT, b"$2y$damaged"):
            for cache in (False, True):
                database = self.database(b"bob:" + secret + b"\n", cache=cache)
                for password in (b"hashed", secret, b"tulip"):
                    self.assertRefused(self.answer(database, b"bob", password))
                self.path.write_bytes(b"bob:tulip\n")
                self.assertAccepted(self.answer(database, b"bob", b"tulip"), b"bob")

    def answer(self, database: FilePasswordDB, name: bytes, password: bytes) -> Any:
        """
        Answer a challenge of CRAM-MD5 with a password.
        """
        credentials = CramMD5Credentials()
        challenge = credentials.getChallenge()
        response = hmac.new(password, challenge, "md5").hexdigest().encode()
        credentials.setResponse(b" ".join((name, response)))
        return database.requestAvatarId(credentials)


class SameWorkTests(WorkTests, FileDBTestCase):
    """
    Tests for the work after which somebody is refused.
    """

    LINES = b"first:one\n!\n#gone:x\nmiddle:tulip\nlocked:!\nlast:three\n"
    NAMES = (b"first", b"middle", b"last", b"eve", b"gone", b"somebody", b"locked")

    def setUp(self) -> None:
        super().setUp()
        self.count(_file, "readHashOrPassword")

    def test_plainText(self) -> None:
        """
        A name that nobody has is refused after the work that others take, wherever their
        lines are and whether they can match anything: a line is taken apart, a secret is
        read, and something is compared.
        """
        least = {"parse": 1, "readHashOrPassword": 1, "checkPassword": 1}
        for cache in (False, True):
            database = self.database(self.LINES, cache=cache)
            self.settle()
            # The first look goes through the whole file.
            self.assertRefused(self.ask(database, b"eve", b"x"))
            for present in (typed, typedText, answered, digested):
                self.assertSameWork(database, present, *self.NAMES, **least)

    def test_hashed(self) -> None:
        """
        So it is among hashes, also for logins that no hash can serve.
        """
        for cache in (False, True):
            content = self.LINES.replace(b"tulip", BCRYPT) + b"dave:" + BCRYPT + b"\n"
            database = self.database(content.replace(b"one", BCRYPT), cache=cache)
            self.settle()
            self.assertRefused(self.ask(database, b"eve", b"x"))
            for present in (answered, digested):
                self.assertSameWork(database, present, *self.NAMES, checkPassword=1)
            for name in self.NAMES:
                self.workFor(database, typed(name))
                self.assertEqual(len(self.verified), 1, name)

    def test_unread(self) -> None:
        """
        Without an index the file is read to its end before anybody is refused; whoever
        types the right password doesn't wait for that.
        """
        readv, sizes = os.readv, []

        def reading(descriptor: int, buffers: Any) -> int:
            sizes.append(readv(descriptor, buffers))
            return sizes[-1]

        self.patch(os, "readv", reading)
        self.patch(UserFile, "CHUNK", 64)
        database = self.database(b"alice:sesame\ncarol:" + BCRYPT + b"\nbob:tulip\n" * 50)
        self.settle()
        self.assertAccepted(self.ask(database, b"alice", b"sesame"), b"alice")
        whole = self.path.stat().st_size
        for name, password in ((b"alice", b"sesame"), (b"carol", b"hashed")):
            del sizes[:]
            self.assertAccepted(self.ask(database, name, password), name)
            self.assertLess(sum(sizes), 200)
        for present in (typed, answered):
            for name in (b"alice", b"carol", b"bob", b"eve"):
                del sizes[:]
                self.assertRefused(database.requestAvatarId(present(name)))
                self.assertEqual(sum(sizes), whole, name)

    def test_emptySecret(self) -> None:
        """
        An empty password isn't right where an empty secret stands: the rest is read.
        """
        database = self.database(b"alice:\nbob:tulip\n")
        self.settle()
        self.assertRefused(self.ask(database, b"eve", b"x"))
        read: list[bytes] = []
        file = database._passwordFile().store._file

        def scan(name: bytes) -> Iterator[Entry]:
            yield Entry(b"alice", b"", 0, False)
            read.append(name)

        self.patch(file, "scan", scan)
        self.assertRefused(self.ask(database, b"alice", b""))
        self.assertEqual(read, [b"alice"])

    def test_ownHash(self) -> None:
        """
        A program's C{hash} is asked for a name that nobody has, too, with a secret that
        somebody has.
        """
        stored: list[bytes] = []

        def hashing(name: bytes, password: bytes, secret: bytes) -> bytes:
            stored.append(secret)
            return b"x"

        database = self.database(b"alice:\nbob:tulip\n", hash=hashing)
        for name in (b"bob", b"eve"):
            self.assertRefused(self.ask(database, name, b"x"))
        self.assertEqual(stored, [b"tulip"] * 2)

    def test_getUserOverridden(self) -> None:
        """
        A program is asked as often for a name that it knows as for one that it doesn't,
        and what it has for somebody else is read in place of a secret; with the right
        password it is asked once.
        """
        self.count(_lookups, "recognize")

        class Own(FilePasswordDB):
            """
            Users of a program's own.
            """

            users: dict[Any, Any]

            def getUser(self, username: Any) -> tuple[Any, Any]:
                return username, self.users[username]

        self.count(Own, "getUser")
        for users in (
            {b"alice": BCRYPT, b"bob": BCRYPT},
            {"alice": "sesame", "bob": "tulip"},
            {b"alice": b"sesame", b"bob": b"tulip"},
        ):
            own = Own(None, workers=self.workers)  # type: ignore[arg-type]
            own.users = users
            for present in (typed, typedText, answered):
                works = [self.workFor(own, present(n)) for n in (b"alice", b"eve")]
                for what in ("getUser", "recognize", "verified"):
                    known, unknown = (work.get(what, 0) for work in works)
                    self.assertEqual(known, unknown, what)
        self.work.clear()
        own.users = {"alice": "sesame"}
        self.assertAccepted(self.ask(own, "alice", "sesame"), "alice")
        self.assertEqual(self.work["getUser"], 1)

    def test_loadCredentialsOverridden(self) -> None:
        """
        What a program loads is gone through to its end, wherever somebody is in it; what
        goes wrong after him doesn't matter.
        """
        loaded: list[bytes] = []

        class Own(FilePasswordDB):
            """
            Users of a program's own.
            """

            def _loadCredentials(self) -> Any:
                for name in (b"alice", b"bob", b"carol"):
                    loaded.append(name)
                    yield name, b"tulip"
                raise ValueError("a line is damaged")

        own = Own(None)  # type: ignore[arg-type]
        for name in (b"alice", b"carol"):
            del loaded[:]
            self.assertRefused(self.ask(own, name, b"x"))
            self.assertEqual(len(loaded), 3)
            self.assertAccepted(self.ask(own, name, b"tulip"), name)


class SubclassTests(FileDBTestCase):
    """
    Tests for what programs do with the class.
    """

    def test_ownHash(self) -> None:
        """
        C{hash} gets the name, what was typed, and what is stored, and returns what
        to compare; text is handed over as what the file holds.
        """
        seen = []

        def backwards(name: Any, typed: Any, stored: Any) -> Any:
            seen.append((name, typed, stored))
            return typed[::-1]

        database = self.database(b"alice:emases\n", hash=backwards)
        self.assertAccepted(self.ask(database, b"alice", b"sesame"), b"alice")
        self.assertAccepted(self.ask(database, "alice", "sesame"), "alice")
        self.assertRefused(self.ask(database, b"alice", b"emases"))
        self.assertRefused(self.ask(database, b"eve", b"sesame"))
        self.assertEqual(
            seen,
            [(b"alice", b"sesame", b"emases")] * 2
            + [(b"alice", b"emases", b"emases"), (b"eve", b"sesame", b"emases")],
        )

    def test_ownHashCountsOnUsers(self) -> None:
        """
        A C{hash} that fails for a user who doesn't exist refuses him; for one who
        does, what it raises comes out, as in Twisted.
        """
        salts = {b"alice": b"salt"}
        database = self.database(
            b"alice:sesamesalt\nbob:x\n", hash=lambda u, sent, stored: sent + salts[u]
        )
        self.assertAccepted(self.ask(database, b"alice", b"sesame"), b"alice")
        self.assertRefused(self.ask(database, b"eve", b"sesame"))
        self.failureResultOf(self.ask(database, b"bob", b"x"), KeyError)

    def test_ownHashOfNoPassword(self) -> None:
        """
        C{hash} isn't asked for credentials that hold no password.
        """
        database = self.database(b"alice:emases\n", hash=lambda *_: b"emases")
        credentials = CramMD5Credentials()
        credentials.username = b"alice"
        self.assertRefused(database.requestAvatarId(credentials))

    def test_getUserOverridden(self) -> None:
        """
        C{getUser} may look anywhere, with text or bytes, and the file isn't read.
        """

        class Own(FilePasswordDB):
            """
            Users of a program's own.
            """

            users: dict[Any, Any]

            def getUser(self, username: Any) -> tuple[Any, Any]:
                return username, self.users[username]

        plain = Own(None)  # type: ignore[arg-type]
        plain.users = {b"alice": b"sesame", "bob": "hunter2"}
        self.assertAccepted(self.ask(plain, b"alice", b"sesame"), b"alice")
        self.assertAccepted(self.ask(plain, "alice", "sesame"), "alice")
        self.assertAccepted(self.ask(plain, "bob", "hunter2"), "bob")
        self.assertRefused(self.ask(plain, "eve", "x"))
        hashing = Own(None, hash=lambda user, sent, stored: sent[::-1])  # type: ignore[arg-type]
        hashing.users = {b"alice": b"emases"}
        self.assertAccepted(self.ask(hashing, b"alice", b"sesame"), b"alice")

    def test_getUserOverriddenAmongHashes(self) -> None:
        """
        Hashes that a program looks up are verified by the workers, and once one was
        seen, an unknown user is refused after the same work.
        """

        class Own(FilePasswordDB):
            """
            Users of a program's own.
            """

            def getUser(self, username: Any) -> tuple[Any, Any]:
                users: dict[Any, Any] = {
                    b"carol": BCRYPT,
                    b"dave": b"$9$x$",
                    b"erin": b"{PLAIN}tulip",
                    "fay": BCRYPT.decode("ascii"),
                }
                return username, users[username]

        own = Own(None, workers=self.workers)  # type: ignore[arg-type]
        self.assertAccepted(self.ask(own, b"carol", b"hashed"), b"carol")
        self.assertAccepted(self.ask(own, "carol", "hashed"), "carol")
        self.assertAccepted(self.ask(own, b"erin", b"tulip"), b"erin")
        self.assertAccepted(self.ask(own, "fay", "hashed"), "fay")
        for name, password in [
            (b"carol", b"wrong"),
            (b"carol", BCRYPT),
            (b"eve", b"hashed"),
            (b"dave", b"$9$x$"),
            (b"erin", b"hashed"),
            ("fay", BCRYPT.decode("ascii")),
        ]:
            del self.verified[:]
            self.assertRefused(self.ask(own, name, password))
            self.assertEqual(len(self.verified), 1)

    def test_damagedHashOfTheirs(self) -> None:
        """
        A hash that looks whole, and that its library refuses, lets nobody in, and
        keeps nobody else out; too little memory is no wrong password.
        """
        # argon2's tag and salt are right by their length only.
        odd = b"$argon2id$v=19$m=8,t=1,p=1$" + b"A" * 10 + b"=" + b"$" + b"A" * 43
        odd = odd.replace(b"=$A", b"B$A").replace(b"m=8", b"m=7")

        class Own(FilePasswordDB):
            """
            Users of a program's own.
            """

            def getUser(self, username: Any) -> tuple[Any, Any]:
                users = {b"bad": odd, b"alice": b"sesame", b"carol": BCRYPT}
                return username, users[username]

        own = Own(None, workers=self.workers)  # type: ignore[arg-type]
        for _ in range(2):
            self.assertRefused(self.ask(own, b"bad", b"sesame"))
            self.assertAccepted(self.ask(own, b"alice", b"sesame"), b"alice")
            self.assertRefused(self.ask(own, b"eve", b"sesame"))
            self.assertAccepted(self.ask(own, b"carol", b"hashed"), b"carol")

        def exhausted(*_: object) -> None:
            raise MemoryError

        self.patch(Hash, "verify", exhausted)
        self.failureResultOf(self.ask(own, b"carol", b"hashed"), TemporaryFailure)
        self.assertEqual(len(self.flushLoggedErrors(MemoryError)), 1)

    def test_patchedInstance(self) -> None:
        """
        A method that a program puts on the object counts as well as one on a
        subclass.
        """
        database = self.database(b"alice:file\n", cache=True)
        self.assertAccepted(self.ask(database, b"alice", b"file"), b"alice")
        self.patch(database, "_loadCredentials", lambda: iter([(b"alice", b"loaded")]))
        self.assertAccepted(self.ask(database, b"alice", b"loaded"), b"alice")
        self.patch(database, "getUser", lambda name: (name, {7: b"lucky"}[name]))
        self.assertAccepted(self.ask(database, 7, b"lucky"), 7)
        self.assertRefused(self.ask(database, 8, b"x"))

    def test_changedAttributes(self) -> None:
        """
        What a program sets after the first login counts.
        """
        for cache in (False, True):
            database = self.database(b"alice:one;two\n", cache=cache)
            self.assertAccepted(self.ask(database, b"alice", b"one;two"), b"alice")
            database.delim, database.ufield, database.pfield = b";", 1, 0
            self.assertAccepted(self.ask(database, b"two", b"alice:one"), b"two")

    def test_whiteSpaceDelimiter(self) -> None:
        """
        As in Twisted, fields may be separated by white space.
        """
        for cache in (False, True):
            database = self.database(b"alice  sesame\n", delim=None, cache=cache)
            self.assertAccepted(self.ask(database, b"alice", b"sesame"), b"alice")

    def test_loadedCacheOfMissing(self) -> None:
        """
        A file that isn't there is no wrong password for a program that loads it by
        itself, either.
        """

        class Own(FilePasswordDB):
            """
            A file of a program's own.
            """

            def _loadCredentials(self) -> Any:
                return iter([])

        own = Own(str(self.path), cache=True)
        self.failureResultOf(self.ask(own, b"alice", b"x"), TemporaryFailure)

    def test_adaptedCredentials(self) -> None:
        """
        Credentials may be adapted to a name and a password.
        """

        class Foreign:
            """
            Credentials of another kind.
            """

            username = b"carol"

            def __conform__(self, interface: Any) -> Any:
                return UsernamePassword(b"carol", b"hashed")

        database = self.database(b"carol:" + BCRYPT)
        self.assertAccepted(database.requestAvatarId(Foreign()), b"carol")

    def test_loadCredentialsOverridden(self) -> None:
        """
        C{_loadCredentials} may read anywhere; without a cache it is asked at each
        login.
        """

        class Own(FilePasswordDB):
            """
            Users of a program's own.
            """

            users: list[tuple[Any, Any]]

            def _loadCredentials(self) -> Any:
                return iter(self.users)

        own = Own(None)  # type: ignore[arg-type]
        own.users = [(b"alice", b"one"), (b"alice", b"two")]
        self.assertAccepted(self.ask(own, b"alice", b"one"), b"alice")
        own.users = [(b"alice", b"three"), ("bob", "text")]
        self.assertAccepted(self.ask(own, b"alice", b"three"), b"alice")
        self.assertAccepted(self.ask(own, "bob", "text"), "bob")


class OwnCredentialsTests(FileDBTestCase):
    """
    Tests for credentials whose C{checkPassword} is a program's.
    """

    def test_withheld(self) -> None:
        """
        A right password is refused if they say so, also where a hash is stored.
        """

        class Withheld(UsernamePassword):
            """
            Nobody is let in.
            """

            def checkPassword(self, password: bytes) -> bool:
                """
                Refuse.
                """
                return False

        for stored in (b"hashed", BCRYPT):
            for cache in (False, True):
                database = self.database(b"alice:" + stored + b"\n", cache=cache)
                right = UsernamePassword(b"alice", b"hashed")
                self.assertAccepted(database.requestAvatarId(right), b"alice")
                withheld = Withheld(b"alice", b"hashed")
                self.assertRefused(database.requestAvatarId(withheld))

    def test_shown(self) -> None:
        """
        They are shown what is stored, as by Twisted, and may verify it by themselves,
        also if it is of a kind that isn't known; an unknown user is refused whatever they
        say.
        """
        shown: list[bytes] = []

        class Verifying(UsernamePassword):
            """
            A hash that only the program knows.
            """

            def checkPassword(self, password: bytes) -> bool:
                """
                Verify it.
                """
                shown.append(password)
                return True

        for stored in (BCRYPT, b"$own$abc", b"sesame"):
            database = self.database(b"alice:" + stored + b"\n")
            login = database.requestAvatarId(Verifying(b"alice", b"x"))
            self.assertAccepted(login, b"alice")
            self.assertEqual(shown.pop(), stored)
            self.assertRefused(database.requestAvatarId(Verifying(b"eve", b"x")))
            self.assertNotIn(shown.pop(), (stored, b"x"))

    def test_stolen(self) -> None:
        """
        Unlike in Twisted: the stored hash itself is no password, though the program's
        method compares text.
        """

        class Comparing(UsernamePassword):
            """
            Do what is done anyhow.
            """

            def checkPassword(self, password: bytes) -> bool:
                """
                Compare.
                """
                return super().checkPassword(password)

        database = self.database(b"alice:" + BCRYPT + b"\nbob:tulip\n")
        self.assertRefused(database.requestAvatarId(Comparing(b"alice", BCRYPT)))
        text: Any = Comparing("alice", BCRYPT.decode("ascii"))  # type: ignore[arg-type]
        self.assertRefused(database.requestAvatarId(text))
        bob = Comparing(b"bob", b"tulip")
        self.assertAccepted(database.requestAvatarId(bob), b"bob")

    def test_stolenFromADatabase(self) -> None:
        """
        Nor is a hash for which a program's own look-up has an array, as databases do.
        """

        class Comparing(UsernamePassword):
            """
            Do what is done anyhow.
            """

            def checkPassword(self, password: bytes) -> bool:
                """
                Compare.
                """
                return super().checkPassword(password)

        database = self.database(b"")
        for array in (bytearray(BCRYPT), memoryview(BCRYPT)):
            database.getUser = lambda name, one=array: (name, one)  # type: ignore[method-assign]
            for kind in (Comparing, UsernamePassword):
                stolen = kind(b"alice", BCRYPT)
                self.assertRefused(database.requestAvatarId(stolen))
            right = UsernamePassword(b"alice", b"hashed")
            self.assertAccepted(database.requestAvatarId(right), b"alice")

    def test_otherTypes(self) -> None:
        """
        As in Twisted: a program that looks users up by itself may have passwords that are
        no text.
        """
        database = self.database(b"")
        database.getUser = lambda name: (name, 2)  # type: ignore[method-assign]
        for name in (b"alice", 1):
            right: Any = UsernamePassword(name, 2)  # type: ignore[arg-type]
            self.assertAccepted(database.requestAvatarId(right), name)
            wrong: Any = UsernamePassword(name, 3)  # type: ignore[arg-type]
            self.assertRefused(database.requestAvatarId(wrong))
