"""
Tests for L{mycred.checkers.sshkeys} as a door, and for the auth type C{sshkey}.

They cover L{mycred.plugins.cred_sshkeys}, too.
"""

from __future__ import annotations

import io
import os
import pwd
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from twisted.conch import checkers, error
from twisted.trial.unittest import SynchronousTestCase

import mycred.checkers
from mycred._sshkeys import string
from mycred.checkers import sshkeys
from mycred.checkers.sshkeys._keystore import PrivilegedKeyStore
from mycred.credentials import ISSHPrivateKey
from mycred.plugins.cred_sshkeys import theSSHKeyCheckerFactory
from mycred.strcred import InvalidAuthArgumentString, findCheckerFactories, makeChecker

from ...kit.keycheckers import signed
from ...kit.keys import certificate, ed25519, line, lineOf, shortRSA

ALICE = ed25519()
USER = pwd.getpwuid(os.geteuid()).pw_name


class DoorTests(SynchronousTestCase):
    """
    The names.
    """

    def test_contracts(self) -> None:
        """
        What protocols match by identity is conch's own.
        """
        self.assertIs(sshkeys.IAuthorizedKeysDB, checkers.IAuthorizedKeysDB)
        self.assertIs(sshkeys.ValidPublicKey, error.ValidPublicKey)
        self.assertIs(sshkeys.NotEnoughAuthentication, error.NotEnoughAuthentication)

    def test_implementations(self) -> None:
        """
        What stands behind a contract isn't.
        """
        for name in (
            "SSHPublicKeyChecker",
            "InMemorySSHKeyDB",
            "UNIXAuthorizedKeysFiles",
            "readAuthorizedKeyFile",
            "SSHProtocolChecker",
            "UNIXPasswordDatabase",
            "verifyCryptedPassword",
        ):
            self.assertIsNot(getattr(sshkeys, name), getattr(checkers, name), name)

    def test_all(self) -> None:
        """
        All that is promised is there.
        """
        for name in sshkeys.__all__:
            self.assertTrue(hasattr(sshkeys, name), name)


class FactoryTests(SynchronousTestCase):
    """
    The auth type.
    """

    def setUp(self) -> None:
        home = pwd.getpwuid(os.geteuid()).pw_dir
        self.folder = Path(tempfile.mkdtemp(prefix=".mycred-", dir=home))
        self.addCleanup(shutil.rmtree, self.folder)
        self.errors = io.StringIO()
        self.patch(theSSHKeyCheckerFactory, "errorOutput", self.errors)

    def make(self, argstring: str) -> Any:
        """
        Make a checker, whose processes end with the test.
        """
        checker: Any = theSSHKeyCheckerFactory.generateChecker(
            argstring.replace("FOLDER", str(self.folder)).replace("USER", USER)
        )
        return self.close(checker)

    def close(self, checker: Any) -> Any:
        """
        Have the processes of a checker end with the test.
        """
        store = checker._keydb._store
        if isinstance(store, PrivilegedKeyStore):
            self.addCleanup(store._processes._client.close)
        return checker

    def assertWrong(self, argstring: str, *says: str) -> None:
        """
        Insist on an error that says what would be right.
        """
        with self.assertRaises(InvalidAuthArgumentString) as caught:
            self.make(argstring)
        for text in says:
            self.assertIn(text, str(caught.exception))

    def test_found(self) -> None:
        """
        It is the type C{sshkey}, and comes before Twisted's.
        """
        found = [one for one in findCheckerFactories() if one.authType == "sshkey"]
        self.assertIs(found[0], theSSHKeyCheckerFactory)
        self.assertEqual(theSSHKeyCheckerFactory.credentialInterfaces, (ISSHPrivateKey,))

    def test_plain(self) -> None:
        """
        It takes no options, as Twisted's.
        """
        checker = self.close(makeChecker("sshkey"))
        self.assertIsInstance(checker, sshkeys.SSHPublicKeyChecker)
        self.assertEqual(
            isinstance(checker._keydb._store, PrivilegedKeyStore), os.geteuid() == 0
        )

    def test_login(self) -> None:
        """
        Keys in a file named by user let him in.
        """
        user = pwd.getpwuid(os.geteuid()).pw_name
        (self.folder / user).write_bytes(line(ALICE))
        checker = self.make("file=FOLDER/%u")
        credentials = signed(ALICE)
        credentials.username = user.encode()
        avatarId = self.successResultOf(checker.requestAvatarId(credentials))
        self.assertEqual(avatarId, user.encode())

    def test_options(self) -> None:
        """
        Options take effect.
        """
        ca, revoked = self.folder / "ca", self.folder / "revoked"
        program = self.folder / "keys"
        ca.write_bytes(line(ALICE))
        revoked.write_bytes(b"")
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        checker = self.make(
            "file=FOLDER/%u,.ssh/keys:ca=FOLDER/ca:revoked=FOLDER/revoked:strict=no:"
            "principals=FOLDER/%u:account=yes:minuid=5:"
            "command=FOLDER/keys %u:commanduser=USER:minrsa=2048:"
            "algorithms=ssh-ed25519,rsa-sha2-512"
        )
        keydb = checker._keydb
        self.assertEqual(
            keydb._authority._files,
            (
                (f"{self.folder}/%u", ".ssh/keys"),
                str(ca),
                str(revoked),
                f"{self.folder}/%u",
                False,
            ),
        )
        self.assertEqual(checker._policy, (("ssh-ed25519", "rsa-sha2-512"), 2048))
        self.assertEqual(keydb._authority._policy, checker._policy)
        self.assertIsNotNone(keydb._authority._denial)
        self.assertEqual(keydb._command.path, str(program))

    def test_wrong(self) -> None:
        """
        What can't take effect is an error that names the option.
        """
        (self.folder / "empty").write_text("# nobody\n")
        (self.folder / "wrong").write_text("no key\n")
        (self.folder / "right").write_bytes(line(ALICE))
        (self.folder / "short").write_bytes(lineOf(shortRSA()))
        (self.folder / "half").write_bytes(line(ALICE) + b"\nno key\n")
        dsa = lineOf(string(b"ssh-dss") + b"whatever")
        (self.folder / "dsa").write_bytes(dsa)
        for argstring, says in (
            ("x", "write one of file="),
            ("files=x", "did you mean file="),
            ("file=", "file: write names"),
            ("file=a,,b", "file: write names"),
            ("file=%x", "file: a % must be followed by"),
            ("ca=FOLDER/missing", "ca: "),
            ("ca=FOLDER/empty", "ca: there is no key in"),
            ("ca=FOLDER/wrong", "line 1 is no key"),
            ("ca=FOLDER/half", "line 2 is no key"),
            ("ca=FOLDER/short", "line 1 is skipped: an RSA key of 768 bits"),
            ("ca=FOLDER/dsa", "of a type that counts"),
            ("ca=FOLDER", "ca: "),
            ("revoked=FOLDER/wrong", "revoked: "),
            ("revoked=FOLDER/missing", "revoked: "),
            ("principals=x", "write ca=FILE too"),
            ("strict=maybe", "strict: write yes or no"),
            ("account=1", "account: write yes or no"),
            ("minuid=5", "minuid: write account=yes too"),
            ("account=no:groups=x", "groups: write account=yes too"),
            ("account=yes:groups=no-such-group", "groups: there is no group"),
            ("command=keys", "command: write the full name of a program"),
            ("command=/missing", "command: "),
            ("command=FOLDER/empty", "command: "),
            ("commanduser=nobody", "commanduser: write command=PROGRAM too"),
            ("command=/bin/true:commanduser=no-such-user", "there is no account"),
            ("minrsa=big", "minrsa: "),
            ("algorithms=ssh-rsa", "algorithms: there is no algorithm 'ssh-rsa'"),
            ("algorithms=", "algorithms: write names"),
            ("minrsa=512", "minrsa: write a number of bits from 1024 to 16384"),
            ("minrsa=99999", "minrsa: write a number of bits from 1024 to 16384"),
            ("minrsa=4096:algorithms=ssh-ed25519", "minrsa: algorithms= leaves none"),
            ("ca=FOLDER/right:algorithms=rsa-sha2-512", "of a type that counts"),
            ("command=/bin/true '", "command: a quote in it has no end"),
        ):
            self.assertWrong(argstring, says)

    def test_besides(self) -> None:
        """
        One authority that counts is enough, whatever others there are.
        """
        dsa = lineOf(string(b"ssh-dss") + b"whatever")
        certified = lineOf(certificate(ALICE, ALICE))
        path = self.folder / "authorities"
        for besides in (lineOf(shortRSA()), dsa, certified):
            path.write_bytes(besides + b"\n" + line(ALICE))
            self.make(f"ca={path}:revoked={path}")

    def test_help(self) -> None:
        """
        The help tells of each option.
        """
        from mycred.plugins.cred_sshkeys import options

        for option in options:
            self.assertIn(f"\n{option.key}=", theSSHKeyCheckerFactory.authHelp)

    def test_withoutConch(self) -> None:
        """
        Where conch's libraries are missing, the message says what to install.
        """
        self.addCleanup(setattr, mycred.checkers, "sshkeys", sshkeys)
        del mycred.checkers.sshkeys
        with mock.patch.dict(sys.modules, {"mycred.checkers.sshkeys": None}):
            self.assertWrong("", "pip install '.[ssh]'")
