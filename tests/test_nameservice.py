"""
Tests for accounts whose names the name service spells in another way than a client:
with a real one that ignores case, and with databases that answer oddly.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from twisted.python.fakepwd import UserDatabase
from twisted.trial.unittest import SkipTest, SynchronousTestCase

import mycred
from mycred._accounts import Accounts, SystemUsers
from mycred._accounts._pam import PAM
from mycred._sshkeys import Authority, KeyFiles, parseOffer
from mycred._verdict import Kind
from mycred.checkers import UNIXPasswordDatabase, accountOf
from mycred.checkers.sshkeys import (
    SSHPublicKeyChecker,
    UnauthorizedLogin,
    UNIXAuthorizedKeysFiles,
)

from .kit.files import BCRYPT, FileTestCase
from .kit.keycheckers import signed
from .kit.keys import blobOf, ed25519, line
from .kit.services import Services

ROOT = Path(mycred.__file__).parents[1]
_SOURCE = Path(__file__).with_name("kit") / "nssmodule.c"

KEY = ed25519()

#: What is typed for an account, by people and by attackers.
SPELLINGS = ("daemon", "Daemon", "DAEMON", "dAEMON")


def compileModule(folder: Path) -> None:
    """
    Compile the name service where the C library looks for it.
    """
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        raise SkipTest("install a C compiler, on Linux")
    path = folder / "libnss_mycredtests.so.2"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", path, _SOURCE], check=True)


class IgnoredCaseTests(Services, SynchronousTestCase):
    """
    Tests with a name service that ignores the case of names.
    """

    def setUp(self) -> None:
        super().setUp()
        compileModule(self.confdir)

    def names(self, source: str) -> list[Any]:
        """
        Run a program under that name service.

        @param source: what puts something into C{found} for each spelling C{typed} of
            the name of an account.

        @return: what it has found.
        """
        begin = f"""
            import ctypes, json, os, pwd
            folder = {str(self.confdir)!r}
            configure = ctypes.CDLL(None).__nss_configure_lookup
            assert configure(b"passwd", b"mycredtests") == 0
            found = []
            for typed in {SPELLINGS}:
                assert pwd.getpwnam(typed).pw_name == "daemon"
        """
        program = textwrap.dedent(begin) + textwrap.indent(
            textwrap.dedent(source), "    "
        )
        done = subprocess.run(
            [sys.executable, "-c", program + "\nprint(json.dumps(found))"],
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "LD_LIBRARY_PATH": str(self.confdir),
            },
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        found: list[Any] = json.loads(done.stdout)
        return found

    def test_pam(self) -> None:
        """
        PAM's verdict bears the account's own name, and its modules judge that one.
        """
        seen, program = self.confdir / "seen", self.confdir / "program"
        program.write_text(f"#!/bin/sh\necho $PAM_USER >>{seen}\n")
        program.chmod(0o700)
        self.service("exec", f"pam_exec.so {program}", f"pam_exec.so {program}")
        self.service("deny", "pam_permit.so", "pam_deny.so")
        found = self.names("""
            from mycred._accounts._pam import PAM
            for service in ("exec", "deny"):
                verdict = PAM(service, folder).lookUp(typed.encode(), b"x")
                account = verdict.account and verdict.account.name
                found.append([verdict.kind.name, verdict.name.decode(), account])
        """)
        accepted, denied = ["ACCEPTED", "daemon", "daemon"], ["DENIED", "daemon", None]
        self.assertEqual(found, [accepted, denied] * len(SPELLINGS))
        self.assertEqual(set(seen.read_text().split()), {"daemon"})

    def test_unix(self) -> None:
        """
        So it is with hashes in a shadow file.
        """
        (self.confdir / "shadow").write_bytes(b"daemon:" + BCRYPT + b":::::::\n")
        found = self.names("""
            from mycred._accounts import Accounts, SystemUsers
            accounts = Accounts(SystemUsers(), folder + "/shadow")
            verdict = accounts.lookUp(typed.encode(), b"hashed")
            found.append([verdict.kind.name, verdict.name.decode()])
        """)
        self.assertEqual(found, [["ACCEPTED", "daemon"]] * len(SPELLINGS))

    def test_keys(self) -> None:
        """
        So it is with keys, whose files are named by that name.
        """
        (self.confdir / "daemon").write_bytes(line(KEY))
        found = self.names(f"""
            from mycred._sshkeys import Authority, KeyFiles, parseOffer
            authority = Authority(KeyFiles((folder + "/%u",), isStrict=False))
            verdict = authority.lookUp(typed.encode(), parseOffer({blobOf(KEY)!r}), None)
            found.append([verdict.kind.name, verdict.name.decode()])
        """)
        self.assertEqual(found, [["ACCEPTED", "daemon"]] * len(SPELLINGS))

    def test_ownParser(self) -> None:
        """
        Where nothing but keys is handed out, they are those of the account's own name,
        and there are none for another.
        """
        (self.confdir / ".ssh").mkdir()
        (self.confdir / ".ssh" / "authorized_keys").write_bytes(line(KEY))
        found = self.names("""
            from mycred.checkers.sshkeys import UNIXAuthorizedKeysFiles

            class Database:
                def getpwnam(self, name):
                    record = list(pwd.getpwnam(name))
                    record[5] = folder
                    return pwd.struct_passwd(record)

            keys = UNIXAuthorizedKeysFiles(Database()).getAuthorizedKeys(typed.encode())
            found.append(len(list(keys)))
        """)
        self.assertEqual(found, [1, 0, 0, 0])

    def test_functions(self) -> None:
        """
        So it is with functions that ask the name service.
        """
        found = self.names(f"""
            from mycred.checkers import UNIXPasswordDatabase
            from mycred.credentials import UsernamePassword

            def function(name):
                record = list(pwd.getpwnam(name))
                record[1] = {BCRYPT.decode()!r}
                return pwd.struct_passwd(record)

            checker = UNIXPasswordDatabase([function])
            for credentials in (
                UsernamePassword(typed.encode(), b"hashed"),
                UsernamePassword(typed, "hashed"),
            ):
                checker.requestAvatarId(credentials).addCallback(
                    lambda avatarId: found.append(repr(avatarId))
                )
        """)
        self.assertEqual(found, ["b'daemon'", "'daemon'"] * len(SPELLINGS))


class OddDatabase:
    """
    A database that knows one account, by whatever name.
    """

    def __init__(self, name: str) -> None:
        self.record = pwd.struct_passwd(
            (name, "x", 4321, 4321, "", "/nowhere", "/bin/sh")
        )

    def getpwnam(self, name: str) -> Any:
        """
        Find it.
        """
        return self.record


class OddNameTests(Services, FileTestCase):
    """
    Tests with databases that answer with another name, or with none.
    """

    def setUp(self) -> None:
        FileTestCase.setUp(self)
        Services.setUp(self)

    def verdicts(self, name: str) -> list[Any]:
        """
        Have an account looked up that has this name in the database, in each way.
        """
        users = SystemUsers(OddDatabase(name))
        shadow = self.confdir / "shadow"
        shadow.write_bytes(os.fsencode(name) + b":" + BCRYPT + b":::::::\n")
        keys = self.confdir / "keys"
        keys.write_bytes(line(KEY))
        pam = PAM("permit", str(self.confdir))
        self.patch(pam, "_users", users)
        authority = Authority(KeyFiles((str(keys),), isStrict=False), users)
        looks = [
            lambda: Accounts(users, str(shadow)).lookUp(b"alias", b"hashed"),
            lambda: pam.lookUp(b"alias", b"hashed"),
            lambda: authority.lookUp(b"alias", parseOffer(blobOf(KEY)), None),
        ]
        return [attempted(look) for look in looks]

    def test_alias(self) -> None:
        """
        An alias is a name of the account, and the account bears its own.
        """
        for verdict in self.verdicts("carol"):
            self.assertEqual((verdict.kind, verdict.name), (Kind.ACCEPTED, b"carol"))
            self.assertEqual(verdict.account.name, "carol")

    def test_noName(self) -> None:
        """
        If the name service has no name for an account, or one that can be nobody's,
        nobody is let in.
        """
        for name in ("", "../x", "a:b", "+", "a\nb", "x" * 300):
            for error in self.verdicts(name):
                self.assertIsInstance(error, OSError)
                self.assertIn("no name", str(error))

    def test_functions(self) -> None:
        """
        A function's record bears the name that counts, if it is the name service's, or
        the same name in other letters; otherwise the name is as it was typed.
        """
        record = OddDatabase("carol").record
        secret = BCRYPT.decode()

        class Shadowed(tuple):  # type: ignore[type-arg]
            """
            A record as C{getspnam} has it.
            """

            sp_namp = "carol"

        for found, name in [
            (pwd.struct_passwd(("carol", secret, *record[2:])), b"carol"),
            (Shadowed(("carol", secret)), b"carol"),
            (("alias", secret), b"alias"),
            (("Alias", secret), b"Alias"),
            ((b"ALIAS", secret), b"ALIAS"),
            (("carol", secret), b"alias"),
            (("", secret), b"alias"),
            ((None, secret), b"alias"),
            ((b"\xff", secret), b"alias"),
        ]:
            checker = UNIXPasswordDatabase([lambda _, f=found: f], workers=self.workers)
            avatarId = self.successResultOf(self.ask(checker, b"alias", b"hashed"))
            self.assertEqual((type(avatarId), avatarId), (bytes, name), found)
        for noName in ("", "../x"):
            odd = pwd.struct_passwd((noName, secret, *record[2:]))
            checker = UNIXPasswordDatabase([lambda _, f=odd: f], workers=self.workers)
            self.assertRefused(self.ask(checker, b"alias", b"hashed"))

    def test_ownParser(self) -> None:
        """
        With a parser of one's own, and so without more than keys, nobody logs in by
        another name than the account's.
        """
        home = self.confdir / ".ssh"
        home.mkdir()
        (home / "authorized_keys").write_bytes(line(KEY))
        database = UserDatabase()
        arguments = ("x", 4321, 4321, "", str(self.confdir), "/bin/sh")
        database.addUser("alice", *arguments)
        find = database.getpwnam
        self.patch(database, "getpwnam", lambda name: find(name.lower()))
        keydb = UNIXAuthorizedKeysFiles(database, parseKey=lambda text: KEY.public())
        checker = SSHPublicKeyChecker(keydb)
        for name in (b"Alice", "ALICE"):
            credentials: Any = signed(KEY)
            credentials.username = name
            self.failureResultOf(checker.requestAvatarId(credentials), UnauthorizedLogin)
        avatarId = self.successResultOf(checker.requestAvatarId(signed(KEY)))
        self.assertEqual((avatarId, accountOf(avatarId)), (b"alice", None))


def attempted(look: Any) -> Any:
    """
    Look, and return what comes of it, also what is raised.
    """
    try:
        return look()
    except OSError as error:
        return error
