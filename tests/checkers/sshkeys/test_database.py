"""
Tests for L{mycred.checkers.sshkeys._database}: the deprecated checker that programs
extend, as they do it.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from twisted.conch.error import ValidPublicKey
from twisted.internet.defer import succeed
from twisted.python.filepath import FilePath

from mycred.checkers import sshkeys
from mycred.checkers.sshkeys import keyOf
from mycred.error import UnauthorizedLogin

from ...kit.keycheckers import StepTestCase
from ...kit.keys import blobOf, ed25519, line, rsaKey

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    Database = sshkeys.SSHPublicKeyDatabase


class SingleFile(Database):  # type: ignore[misc]
    """
    All keys of all users in a file of the program's, as buildbot's manhole has them.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def checkKey(self, credentials: Any) -> Any:
        """
        Look for the key.
        """
        with open(self.path, "rb") as file:
            return int(any(blobOf(k) == credentials.blob for k in KEYS if file.read()))


KEYS: list[Any] = []


class Blobs(Database):  # type: ignore[misc]
    """
    One key for each user, as carbon has them.
    """

    def __init__(self, **keys: Any) -> None:
        self.blobs = {name.encode(): blobOf(key) for name, key in keys.items()}

    def checkKey(self, credentials: Any) -> Any:
        """
        Compare the key.
        """
        if credentials.username in self.blobs:
            return self.blobs[credentials.username] == credentials.blob
        return None


class OwnFiles(Database):  # type: ignore[misc]
    """
    Files of the program's, as vumi has them.
    """

    def __init__(self, *paths: str) -> None:
        self.paths = paths

    def getAuthorizedKeysFiles(self, credentials: Any) -> list[FilePath[str]]:
        """
        Return them.
        """
        return [FilePath(path) for path in self.paths]


class ProgramTests(StepTestCase):
    """
    Tests for subclasses as programs have them.
    """

    def assertChecks(self, checker: Any) -> None:
        """
        Insist on a checker by which the key lets its user in, and nothing else does.
        """
        self.assertEqual(self.login(checker), b"alice")
        offered = checker.requestAvatarId(self.present(isSigned=False))
        self.failureResultOf(offered, ValidPublicKey)
        self.assertRefused(checker, ed25519())
        self.assertRefused(checker, ed25519(), isSigned=False)
        self.assertRefused(checker, sigData=b"other data")
        self.assertRefused(checker, blob=b"no key")

    def test_checkKey(self) -> None:
        """
        A C{checkKey} that looks by itself, and doesn't call our constructor.
        """
        path = self.home / "keys"
        path.write_bytes(line(self.key))
        KEYS[:] = [self.key]
        self.addCleanup(KEYS.clear)
        self.assertChecks(SingleFile(str(path)))
        self.assertChecks(Blobs(alice=self.key))

    def test_files(self) -> None:
        """
        Files of the program's own, which may belong to anybody.
        """
        path = self.home / "keys"
        path.write_bytes(b"# comment\n\n" + line(ed25519()) + b"\n" + line(self.key))
        path.chmod(0o666)
        self.assertChecks(OwnFiles(str(self.home / "missing"), str(path)))

    def test_userdb(self) -> None:
        """
        As it is, with a C{_userdb} that a program has put in.
        """
        self.authorize()
        checker = Database()
        checker._userdb = self.userdb
        self.assertChecks(checker)

    def test_super(self) -> None:
        """
        A C{checkKey} that asks ours gets a plain truth value, for its own users.
        """

        class Some(Database):  # type: ignore[misc]
            """
            Some users only.
            """

            allowed = True

            def checkKey(self, credentials: Any) -> Any:
                """
                Ask.
                """
                found = super().checkKey(credentials)
                assert found in (True, False)
                return self.allowed and found

        self.authorize()
        checker = Some()
        checker._userdb = self.userdb
        self.assertChecks(checker)
        checker.allowed = False
        self.assertRefused(checker)
        self.assertRefused(checker, isSigned=False)

    def test_later(self) -> None:
        """
        It may answer later.
        """
        checker: Any = Database()
        for answer, isIn in ((True, True), (False, False), (None, False)):
            checker.checkKey = lambda _, answer=answer: succeed(answer)
            if isIn:
                self.assertEqual(self.login(checker), b"alice")
            else:
                self.assertRefused(checker)

    def test_defect(self) -> None:
        """
        What goes wrong in it is logged, and refused.
        """

        def checkKey(_: object) -> bool:
            raise ZeroDivisionError

        checker: Any = Database()
        checker.checkKey = checkKey
        failed = checker.requestAvatarId(self.present())
        self.failureResultOf(failed, UnauthorizedLogin)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class SafetyTests(StepTestCase):
    """
    Tests for what counts nowhere in mycred.
    """

    def databases(self) -> Any:
        """
        Make a database as it is, and one in which a method is overridden.
        """

        class Asking(Database):  # type: ignore[misc]
            """
            Do what is done anyhow.
            """

            def checkKey(self, credentials: Any) -> Any:
                """
                Ask.
                """
                return super().checkKey(credentials)

        for cls in (Database, Asking):
            checker = cls()
            checker._userdb = self.userdb
            yield checker

    def test_options(self) -> None:
        """
        A line with options isn't taken for one without: an option that nobody sees to
        refuses.
        """
        for options in (b'command="true" ', b"restrict ", b"cert-authority "):
            self.authorize(options)
            for checker in self.databases():
                self.assertRefused(checker)
                self.assertRefused(checker, isSigned=False)

    def test_quoted(self) -> None:
        """
        A key in the text of an option is none.
        """
        _, text, *_ = line(self.key).split()
        content = b'command="x %s" %s' % (text, line(ed25519()))
        self.ssh.joinpath("authorized_keys").write_bytes(content)
        for checker in self.databases():
            self.assertRefused(checker)

    def test_comments(self) -> None:
        """
        Nor is one that is commented out, which Twisted takes.
        """
        self.authorize(b"#")
        for checker in self.databases():
            self.assertRefused(checker)

    def test_writable(self) -> None:
        """
        A user's file to which others may write doesn't count.
        """
        self.authorize()
        self.ssh.joinpath("authorized_keys").chmod(0o666)
        for checker in self.databases():
            self.assertRefused(checker)

    def test_unknown(self) -> None:
        """
        Nobody is let in whom the user database doesn't know, or knows by another name.
        """
        self.authorize()
        known = self.userdb.getpwnam
        self.userdb.getpwnam = lambda name: known(name.lower())  # type: ignore[method-assign]
        for name in (b"eve", b"", b"a\0b", b"\xff", b"../alice"):
            for checker in self.databases():
                self.assertRefused(checker, username=name)
                self.flushLoggedErrors(KeyError)
        asIs, asking = self.databases()
        self.assertEqual(self.login(asIs, username=b"ALICE"), b"alice")
        self.assertRefused(asking, username=b"ALICE")
        self.flushLoggedErrors(KeyError)

    def test_weak(self) -> None:
        """
        A key or a signature that counts nowhere doesn't count here, whatever a program
        says.
        """
        checker: Any = Database()
        checker.checkKey = lambda _: True
        self.assertRefused(checker, rsaKey(1024), algName=b"ssh-rsa")
        self.assertEqual(self.login(checker, ed25519()), b"alice")

    def test_evidence(self) -> None:
        """
        The avatar ID knows the key.
        """
        self.authorize()
        for checker in self.databases():
            evidence = keyOf(self.login(checker))
            assert evidence is not None
            self.assertEqual(evidence.type, "ssh-ed25519")

    def test_nobodyElse(self) -> None:
        """
        No file is opened as another user, for which the whole process would be one.
        """
        self.authorize()
        self.ssh.joinpath("authorized_keys").chmod(0)
        self.patch(os, "seteuid", None)
        for checker in self.databases():
            checker.requestAvatarId(self.present()).addErrback(lambda _: None)
