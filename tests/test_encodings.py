"""
Tests for L{mycred._encodings}, and for logins by what protocols hand over as text.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from ftplib import FTP as FTPClient, error_perm as FTPRefused
from typing import Any
from unittest import mock

import bcrypt
from hypothesis import given, strategies as st

from twisted.cred.credentials import UsernamePassword as TwistedUsernamePassword
from twisted.cred.portal import Portal as TwistedPortal
from twisted.internet.defer import Deferred, fail, inlineCallbacks, succeed
from twisted.internet.threads import deferToThread
from twisted.protocols.ftp import FTPFactory
from twisted.python.filepath import FilePath
from twisted.trial.unittest import SkipTest, SynchronousTestCase, TestCase
from twisted.words.service import InMemoryWordsRealm, IRCFactory

from mycred._encodings import decodedName, decodingsOf, triesDecodings
from mycred._secrets import asBytes
from mycred.checkers import (
    FilePasswordDB,
    HtpasswdChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
    PasswdChecker,
    UNIXPasswordDatabase,
)
from mycred.credentials import CramMD5Credentials, UsernamePassword
from mycred.error import AccountDenied, DenialReason, TemporaryFailure, UnauthorizedLogin
from mycred.portal import Portal

from .kit.protocols import PATIENCE, LoginTestCase, NotingFTPRealm, Refused
from .kit.server import ROOT, TWISTD

NAME, PASSWORD = "jürgen", "größe €"

# What Latin-1 can say.
PLAIN = "größe"


class ReadingTests(SynchronousTestCase):
    """
    Tests for L{decodingsOf}.
    """

    def test_ascii(self) -> None:
        """
        ASCII is read in one way.
        """
        self.assertEqual(decodingsOf("alice", "sesame"), [("alice", "sesame")])

    def test_utf8AsLatin1(self) -> None:
        """
        UTF-8 that was decoded as Latin-1 is most likely UTF-8.
        """
        typed = tuple(t.encode().decode("latin-1") for t in (NAME, PASSWORD))
        self.assertEqual(decodingsOf(*typed), [(NAME, PASSWORD), typed])

    def test_text(self) -> None:
        """
        Other text is most likely what it says, and may be bytes that are no UTF-8.
        """
        first, second = decodingsOf(NAME)
        self.assertEqual(first, (NAME,))
        self.assertEqual(asBytes(second[0]), b"j\xfcrgen")

    def test_notLatin1(self) -> None:
        """
        What Latin-1 can't say is what it says.
        """
        self.assertEqual(decodingsOf("alice", "€"), [("alice", "€")])

    def test_huge(self) -> None:
        """
        Nobody looks into a text that is longer than any name or password.
        """
        self.assertEqual(len(decodingsOf("\xe9" * 4096)), 2)
        for huge in ("\xe9" * 4097, "\xc3\xa9" * 10**6):
            self.assertEqual(
                decodingsOf("j\xc3\xbcrgen", huge), [("j\xc3\xbcrgen", huge)]
            )
            self.assertEqual(decodedName(huge), huge)

    def test_together(self) -> None:
        """
        A name and a password are read in the same way: one that is no UTF-8 shows that
        the other one is none.
        """
        first, second = decodingsOf("Ã¼", "ü")
        self.assertEqual(first, ("Ã¼", "ü"))
        self.assertEqual([asBytes(t) for t in second], [b"\xc3\xbc", b"\xfc"])

    @given(st.text(max_size=8), st.text(max_size=8))
    def test_anything(self, name: str, password: str) -> None:
        """
        There are one or two readings of anything, no more, and the text is one of them.
        """
        readings = decodingsOf(name, password)
        self.assertIn((name, password), readings)
        self.assertEqual(len(set(readings)), len(readings))
        self.assertLessEqual(len(readings), 2)

    @given(st.binary(max_size=8), st.binary(max_size=8))
    def test_wire(self, name: bytes, password: bytes) -> None:
        """
        What FTP got over the wire is one of the readings, and the first if it was UTF-8.
        """
        readings = decodingsOf(name.decode("latin-1"), password.decode("latin-1"))
        sent = [tuple(asBytes(t) for t in reading) for reading in readings]
        self.assertIn((name, password), sent)
        try:
            (name + b"\n" + password).decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            self.assertEqual(sent[0], (name, password))

    def test_name(self) -> None:
        """
        The log shows the likelier reading of a name; what is no text, as it is.
        """
        self.assertEqual(decodedName("Ã¼"), "ü")
        self.assertEqual(decodedName(b"\xc3\xbc"), b"\xc3\xbc")
        self.assertIsNone(decodedName(None))


class Noting:
    """
    A checker that notes what it is asked.
    """

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Any, Any]] = []

    @triesDecodings
    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """
        Answer as was prescribed.
        """
        self.asked.append((credentials.username, credentials.password))
        answer = self.answers.pop(0)
        return fail(answer) if answer else succeed(credentials.username)


class AskingTests(SynchronousTestCase):
    """
    Tests for L{triesDecodings}.
    """

    typed = UsernamePassword("Ã¼", "x")  # type: ignore[arg-type]

    def test_first(self) -> None:
        """
        A user who is let in by the likelier reading isn't asked for again.
        """
        checker = Noting(None)
        self.assertEqual(self.successResultOf(checker.requestAvatarId(self.typed)), "ü")
        self.assertEqual(checker.asked, [("ü", "x")])

    def test_second(self) -> None:
        """
        The other reading is asked for after the first is refused; the credentials stay
        what they are.
        """
        checker = Noting(UnauthorizedLogin(), None)
        self.assertEqual(self.successResultOf(checker.requestAvatarId(self.typed)), "Ã¼")
        self.assertEqual(checker.asked, [("ü", "x"), ("Ã¼", "x")])
        self.assertEqual(self.typed.username, "Ã¼")

    def test_decided(self) -> None:
        """
        What isn't a wrong password decides at once: who is denied has proved who they
        are, and a store that is down is asked once.
        """
        for error in (
            AccountDenied(DenialReason.DISABLED),
            TemporaryFailure(),
            ValueError(),
        ):
            checker = Noting(error)
            failure = self.failureResultOf(checker.requestAvatarId(self.typed))
            self.assertIs(failure.value, error)

    def test_refused(self) -> None:
        """
        Of two refusals the first counts, unless the second tells more.
        """
        first, second = UnauthorizedLogin(), UnauthorizedLogin()
        checker = Noting(first, second)
        failure = self.failureResultOf(checker.requestAvatarId(self.typed))
        self.assertIs(failure.value, first)
        checker = Noting(first, TemporaryFailure())
        self.failureResultOf(checker.requestAvatarId(self.typed), TemporaryFailure)

    def test_counting(self) -> None:
        """
        A store that counts wrong passwords is asked once.
        """
        checker: Any = Noting(UnauthorizedLogin())
        checker.countsRefusals = True
        self.failureResultOf(checker.requestAvatarId(self.typed), UnauthorizedLogin)
        self.assertEqual(checker.asked, [("ü", "x")])

    def test_others(self) -> None:
        """
        Bytes, and credentials that don't hold the password, are handed over untouched.
        """
        answer = CramMD5Credentials()
        answer.username, answer.password = "Ã¼", "x"  # type: ignore[assignment, attr-defined]
        for credentials in (UsernamePassword(b"\xc3\xbc", b"\xfc"), answer, object()):
            given: list[object] = []
            self.assertIs(triesDecodings(_give(given))(None, credentials), None)
            self.assertIs(given[0], credentials)


def _give(given: list[object]) -> Any:
    """
    Return a method that keeps what it is given.
    """
    return lambda self, credentials: given.append(credentials)


def hashed(password: bytes) -> bytes:
    """
    Hash a password.
    """
    return bcrypt.hashpw(password, bcrypt.gensalt(4))


def _crypt(password: bytes) -> bytes:
    """
    Hash a password as crypt(3) does.
    """
    return hashed(password).replace(b"$2b$", b"$2y$")


class CheckerTests(TestCase):
    """
    Tests for text that reaches each checker of passwords.

    @cvar encodings: how a file may be encoded, and a client encode.
    """

    encodings = ("utf-8", "latin-1")

    def checkers(self, encoding: str) -> dict[str, Any]:
        """
        Make a checker of each kind that knows one user.
        """
        name, password = NAME.encode(encoding), PLAIN.encode(encoding)
        files = {"file": b"%s:%s\n" % (name, password)}
        files["htpasswd"] = b"%s:%s\n" % (name, hashed(password))
        files["passwd"] = b"%s:x:4321:4321::/:/bin/sh\n" % name
        files["shadow"] = b"%s:%s:19000::::::\n" % (name, _crypt(password))
        files["group"] = b""
        paths = {}
        for kind, content in files.items():
            paths[kind] = FilePath(self.mktemp())
            paths[kind].setContent(content)
        memory = InMemoryUsernamePasswordDatabaseDontUse()
        memory.addUser(name, password)
        known = name.decode("utf-8", "surrogateescape")
        found = {known: (known, _crypt(password).decode("ascii"))}
        accounts = [paths[kind].path for kind in ("passwd", "shadow", "group")]
        return {
            "memory": memory,
            "file": FilePasswordDB(paths["file"].path),
            "hashes": FilePasswordDB(paths["htpasswd"].path),
            "htpasswd": HtpasswdChecker(paths["htpasswd"].path),
            "passwd": PasswdChecker(*accounts, separate=False),
            "functions": UNIXPasswordDatabase([found.__getitem__]),
        }

    @inlineCallbacks
    def test_ftp(self) -> Any:
        """
        Both a client that sends UTF-8 and one that sends Latin-1 log in over FTP,
        whichever of them the store is written in, by Twisted's credentials as by
        ours; the avatar ID is text whose bytes are the store's.
        """
        for stored in self.encodings:
            for kind, checker in self.checkers(stored).items():
                for sent in self.encodings:
                    for made in (UsernamePassword, TwistedUsernamePassword):
                        # As Twisted's server does it.
                        name, password = (
                            t.encode(sent).decode("latin-1") for t in (NAME, PLAIN)
                        )
                        # Nobody can tell what was meant.
                        if (stored, sent) == ("latin-1", "utf-8"):
                            continue
                        avatarId = yield checker.requestAvatarId(
                            made(name, password)  # type: ignore[arg-type]
                        )
                        self.assertIsInstance(avatarId, str, kind)
                        self.assertEqual(asBytes(avatarId), NAME.encode(stored), kind)

    @inlineCallbacks
    def test_refused(self) -> Any:
        """
        Nobody is let in by another one's password, or by a name and a password that are
        read in two ways.
        """
        for kind, checker in self.checkers("utf-8").items():
            for name, password in [
                ("jürgen", "grösse"),
                ("jã¼rgen", PLAIN),
                ("jÃ¼rgen", "größe"),
                (NAME, "x"),
                ("jurgen", PLAIN),
            ]:
                typed: Any = UsernamePassword(name, password)  # type: ignore[arg-type]
                attempt = checker.requestAvatarId(typed)
                yield self.assertFailure(attempt, UnauthorizedLogin)
                self.assertIsNotNone(kind)

    @inlineCallbacks
    def test_apart(self) -> Any:
        """
        Of two people whose names are one text in two encodings each gets in as
        themselves, even if they have the same password.
        """
        users = InMemoryUsernamePasswordDatabaseDontUse()
        mine, other = "ü".encode(), "Ã¼".encode()
        users.addUser(mine, b"x")
        users.addUser(other, b"x")
        for sent in (mine, other):
            typed: Any = UsernamePassword(sent.decode("latin-1"), "x")  # type: ignore[arg-type]
            avatarId = yield users.requestAvatarId(typed)
            self.assertEqual(asBytes(avatarId), sent)


class FTPTextTests(LoginTestCase):
    """
    Tests for FTP clients, and the home directories that they get.
    """

    def setUp(self) -> None:
        self.homes = FilePath(self.mktemp())
        self.users = FilePath(self.mktemp())
        content = b""
        for encoding, name in (("utf-8", NAME), ("latin-1", "zoë")):
            line = b"%s:%s\n" % (name.encode(encoding), PLAIN.encode(encoding))
            content += line
            home = FilePath(self.homes.path.encode() + b"/" + name.encode(encoding))
            home.makedirs()
            home.child(b"mine.txt").setContent(line)
        self.users.setContent(content)

    def logIn(self, encoding: str, name: str, password: str) -> bytes:
        """
        Log in, and read the file in the home directory.
        """
        with FTPClient(timeout=PATIENCE, encoding=encoding) as client:
            client.connect("127.0.0.1", self.port)
            try:
                answer = client.login(name, password)
            except FTPRefused as error:
                raise Refused(error)
            self.assertEqual(answer[:3], "230")
            content: list[bytes] = []
            client.retrbinary("RETR mine.txt", content.append)
            return b"".join(content)

    @inlineCallbacks
    def test_home(self) -> Any:
        """
        Clients that send UTF-8 or Latin-1 get in, and are at home in the directory that
        has the very bytes of the name in the file, under mycred's portal and Twisted's.
        """
        checker = FilePasswordDB(self.users.path)
        for portal in (Portal, TwistedPortal):
            realm = NotingFTPRealm(self.homes.path, self.homes.path)
            self.serve(FTPFactory(portal(realm, [checker])))
            for encoding, name in [
                ("utf-8", NAME),
                ("latin-1", NAME),
                ("latin-1", "zoë"),
            ]:
                content = yield deferToThread(self.logIn, encoding, name, PLAIN)
                self.assertTrue(content.startswith(name[:2].encode("ascii", "ignore")))
            wrong = deferToThread(self.logIn, "utf-8", NAME, "größer")
            refused = yield self.assertFailure(wrong, Refused)
            self.assertIn("530", refused.answer)

    @inlineCallbacks
    def test_log(self) -> Any:
        """
        The log shows the name as the client has meant it.
        """
        realm = NotingFTPRealm(self.homes.path, self.homes.path)
        self.serve(FTPFactory(Portal(realm, [FilePasswordDB(self.users.path)])))
        with mock.patch("mycred._loginline._log.emit") as emit:
            wrong = deferToThread(self.logIn, "utf-8", NAME, "größer")
            yield self.assertFailure(wrong, Refused)
        [told] = [call.kwargs for call in emit.call_args_list]
        self.assertEqual(told["user"], NAME)


class IRCTextTests(LoginTestCase):
    """
    Tests for IRC clients, which send UTF-8.
    """

    def logIn(self, name: str, password: str) -> str:
        """
        Say PASS and NICK, and wait for the welcome or the end.
        """
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            connection.sendall(f"PASS :{password}\r\nNICK {name}\r\n".encode())
            with connection.makefile("r", encoding="utf-8", newline="\r\n") as lines:
                for line in lines:
                    words = line.split()
                    if words[1] == "001":
                        return words[2]
        raise Refused(line)

    @inlineCallbacks
    def test_words(self) -> Any:
        """
        Names and passwords of any letters get in, also those that UTF-8 makes of others
        when it is taken for Latin-1.
        """
        users = FilePath(self.mktemp())
        people = [(NAME, PASSWORD), ("zoë", "größe"), ("Ã¼", "xyz"), ("ł", "Ã¼")]
        lines = "".join(f"{name}:{password}\n" for name, password in people)
        users.setContent(lines.encode())
        realm = InMemoryWordsRealm("chat")
        realm.createUserOnRequest = True
        portal = Portal(realm, [FilePasswordDB(users.path)])
        self.serve(IRCFactory(realm, portal))
        for name, password in people:
            nick = yield deferToThread(self.logIn, name, password)
            self.assertEqual(nick, name)
        wrong = deferToThread(self.logIn, NAME, "größe")
        yield self.assertFailure(wrong, Refused)


class TwistdTests(SynchronousTestCase):
    """
    Tests for C{twistd ftp}, with clients that users have.
    """

    def setUp(self) -> None:
        users = FilePath(self.mktemp())
        users.setContent(b"%s:%s\n" % (NAME.encode(), hashed(PLAIN.encode())))
        root = FilePath(self.mktemp())
        root.makedirs()
        auth = f"--auth=htpasswd:{users.path}"
        self.server = subprocess.Popen(
            [*TWISTD, "ftp", "--port=0", f"--root={root.path}", auth],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.addCleanup(self.stop)
        assert self.server.stdout is not None
        for line in self.server.stdout:
            started = re.search(r"FTPFactory .*starting on (\d+)$", line)
            if started:
                self.port = int(started[1])
                return
        self.fail("twistd ftp did not start")

    def stop(self) -> None:
        """
        End the server.
        """
        self.server.terminate()
        self.server.communicate(timeout=PATIENCE)

    def test_ftplib(self) -> None:
        """
        Names and passwords that are no ASCII get in by either encoding.
        """
        for encoding in ("utf-8", "latin-1"):
            with FTPClient(timeout=PATIENCE, encoding=encoding) as client:
                client.connect("127.0.0.1", self.port)
                self.assertEqual(client.login(NAME, PLAIN)[:3], "230")
                self.assertRaises(FTPRefused, client.login, NAME, "größer")

    def test_curl(self) -> None:
        """
        curl gets in by what a terminal that speaks UTF-8 hands over.
        """
        curl = shutil.which("curl")
        if curl is None:
            raise SkipTest("install curl")
        for password, answer in [(PLAIN, "< 230 "), ("größer", "< 530 ")]:
            url = f"ftp://127.0.0.1:{self.port}/"
            ran = subprocess.run(
                [curl, "-sv", "--user", f"{NAME}:{password}", url],
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
            self.assertIn(answer, ran.stderr.decode("utf-8", "replace"))
