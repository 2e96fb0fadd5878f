"""
What tests of the checkers of SSH keys have in common: credentials, verdicts, and a user
with a home directory.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.python.fakepwd import UserDatabase
from twisted.trial.unittest import SynchronousTestCase

from mycred._sshkeys import parseOffer, parseOptions
from mycred._timing import Timing
from mycred._verdict import Account, Kind, Verdict
from mycred.checkers.sshkeys import (
    KeyEvidence,
    SSHPublicKeyChecker,
    UNIXAuthorizedKeysFiles,
    ValidPublicKey,
)
from mycred.checkers.sshkeys._proof import Proof
from mycred.credentials import SSHPrivateKey
from mycred.error import LoginFailed, TemporaryFailure

from .keys import blobOf, ed25519, line

ALICE, BOB, CA = ed25519(), ed25519(), ed25519()

ACCOUNT = Account("alice", 1000, 1000, "/home/alice", "/bin/sh")


def offered(key: Any, algorithm: bytes | None = None, **attributes: Any) -> SSHPrivateKey:
    """
    Offer a key.
    """
    name = algorithm or key.sshType()
    credentials = SSHPrivateKey(b"alice", name, blobOf(key), None, None)
    vars(credentials).update(attributes)
    return credentials


def signed(key: Any, algorithm: bytes | None = None, **attributes: Any) -> SSHPrivateKey:
    """
    Prove a key.
    """
    name = algorithm or key.supportedSignatureAlgorithms()[0]
    credentials = offered(key, name, **attributes)
    credentials.sigData = b"data"
    credentials.signature = key.sign(b"data", name)
    return credentials


class Files:
    """
    A database that gives a verdict, as that of files does.
    """

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.asked: list[Any] = []

    def authorize(self, name: bytes, proof: Any, peer: Any) -> Deferred[Verdict]:
        """
        Give it.
        """
        self.asked.append((name, peer))
        return succeed(self.verdict)


def accepted(options: str = "", **fields: Any) -> Verdict:
    """
    Make a good verdict.
    """
    evidence = KeyEvidence(
        "ssh-ed25519", "SHA256:x", parseOptions(options), "/keys", 3, **fields
    )
    return Verdict(Kind.ACCEPTED, b"alice", account=ACCOUNT, key=evidence)


class KeyTestCase(SynchronousTestCase):
    """
    What the tests have in common.
    """

    def setUp(self) -> None:
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def check(self, keydb: Any, credentials: Any, **settings: Any) -> Deferred[Any]:
        """
        Have credentials checked.
        """
        return SSHPublicKeyChecker(keydb, **settings).requestAvatarId(credentials)

    def assertLogged(self, text: str) -> None:
        """
        Insist on something in the log.
        """
        logged = [
            event["log_format"].format(**event)
            for event in self.events
            if event.get("log_format")
        ]
        self.assertTrue(any(text in line for line in logged), logged)


def proofOf(offer: Any) -> Proof:
    """
    Offer a key.
    """
    return Proof(offer, signed(ALICE), frozenset())


class MachineTestCase(KeyTestCase):
    """
    What the tests have in common: a user with a home.
    """

    def setUp(self) -> None:
        super().setUp()
        # Nobody waits for files to come to rest.
        self.patch(time, "sleep", lambda seconds: None)
        self.home = Path(self.mktemp()).resolve()
        self.ssh = self.home / ".ssh"
        self.ssh.mkdir(parents=True)
        self.file = self.ssh / "authorized_keys"
        self.userdb = UserDatabase()
        self.userdb.addUser(
            "alice", "x", os.geteuid(), os.getegid(), "", str(self.home), "/bin/sh"
        )
        self.userdb.addUser("bob", "x", 4321, os.getegid(), "", "/nowhere", "/bin/sh")

    def keys(self, **settings: Any) -> UNIXAuthorizedKeysFiles:
        """
        Make a database.
        """
        return UNIXAuthorizedKeysFiles(self.userdb, **settings)

    def look(
        self, offer: Any, name: bytes = b"alice", peer: str | None = None, **settings: Any
    ) -> Verdict:
        """
        Look a key up.
        """
        return self.lookIn(self.keys(**settings), offer, name, peer)

    def lookIn(
        self,
        keys: UNIXAuthorizedKeysFiles,
        offer: Any,
        name: bytes = b"alice",
        peer: str | None = None,
    ) -> Verdict:
        """
        Look a key up in a database.

        @return: the verdict; that nothing could be found out is one, too.
        """
        blob = offer if isinstance(offer, bytes) else blobOf(offer)
        authorize = keys.authorize
        assert authorize is not None
        return self.verdictOf(authorize(name, proofOf(parseOffer(blob)), peer))

    def verdictOf(self, asking: Deferred[Verdict]) -> Verdict:
        """
        Return the verdict that a L{Deferred} has fired with, or stands for by its
        failure.
        """

        def ebUnsure(failure: Failure) -> Verdict:
            failure.trap(TemporaryFailure)
            error: Any = failure.value
            return Verdict(Kind.UNSURE, b"alice", error.why)

        return self.successResultOf(asking.addErrback(ebUnsure))

    def assertRefused(self, verdict: Verdict) -> None:
        """
        Insist on a refusal.
        """
        self.assertIs(verdict.kind, Kind.REFUSED, verdict.why)


class Command:
    """
    A command that has an answer.
    """

    path = "/bin/keys"

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Account] = []

    def run(self, account: Account, offer: Any, source: Any) -> Deferred[bytes]:
        """
        Give it.
        """
        self.asked.append(account)
        if isinstance(self.answer, bytes):
            return succeed(self.answer)
        waiting: Deferred[bytes] = self.answer
        return waiting


DATA = b"data that is signed"


class StepTestCase(SynchronousTestCase):
    """
    What the tests have in common: users with keys.
    """

    def setUp(self) -> None:
        self.patch(SSHPublicKeyChecker, "_leastRefusal", 0)
        self.patch(Timing, "least", lambda _: 0)
        self.patch(time, "sleep", lambda seconds: None)
        self.home = Path(self.mktemp()).resolve()
        self.ssh = self.home / ".ssh"
        self.ssh.mkdir(parents=True)
        self.userdb = UserDatabase()
        home = str(self.home)
        self.userdb.addUser("alice", "x", os.geteuid(), os.getegid(), "", home, "/bin/sh")
        self.key = ed25519()
        # There is none, and so nobody needs to be root.
        self.patch(UNIXAuthorizedKeysFiles, "_shadow", str(self.home / "shadow"))

    def authorize(self, options: bytes = b"") -> None:
        """
        Write the user's file.
        """
        self.ssh.joinpath("authorized_keys").write_bytes(options + line(self.key) + b"\n")

    def files(self, **settings: Any) -> UNIXAuthorizedKeysFiles:
        """
        Make a database of what is in files.
        """
        return UNIXAuthorizedKeysFiles(self.userdb, **settings)

    def present(self, key: Any = None, isSigned: bool = True, **more: Any) -> Any:
        """
        Make credentials.
        """
        key = key or self.key
        signature = key.sign(DATA) if isSigned else None
        made: Any = SSHPrivateKey(b"alice", key.sshType(), blobOf(key), DATA, signature)
        vars(made).update(more)
        return made

    def login(self, checker: Any, *args: Any, **more: Any) -> Any:
        """
        Log in.

        @return: the avatar ID.
        """
        presented = self.present(*args, **more)
        return self.successResultOf(checker.requestAvatarId(presented))

    def assertRefused(self, checker: Any, *args: Any, **more: Any) -> None:
        """
        Insist on a refusal.
        """
        presented = self.present(*args, **more)
        failure = self.failureResultOf(checker.requestAvatarId(presented))
        self.assertTrue(failure.check(LoginFailed), failure)
        self.assertFalse(failure.check(ValidPublicKey), failure)
