"""
Tests for L{mycred.checkers.sshkeys.SSHProtocolChecker}.
"""

from __future__ import annotations

import gc
import weakref
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mycred._contracts import ISSHPrivateKey, IUsernamePassword
from mycred._sshkeys import parseOffer, parseOptions
from mycred._verdict import Verdict
from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.checkers.sshkeys import (
    KeyEvidence,
    NotEnoughAuthentication,
    SSHProtocolChecker,
    SSHPublicKeyChecker,
    keyOf,
)
from mycred.credentials import UsernamePassword
from mycred.error import UnauthorizedLogin

from ...kit.keycheckers import Files, accepted, signed
from ...kit.keys import blobOf, certificate, ed25519

ALICE, SECOND, CA = ed25519(), ed25519(), ed25519()


class Connection:
    """
    A connection.
    """


class Two(SSHProtocolChecker):
    """
    A checker that wants two factors.
    """

    def areDone(self, avatarId: Any) -> bool:
        """
        Count them.
        """
        return len(self.successfulCredentials[avatarId]) >= 2


class ByKey(Files):
    """
    Another verdict for each key.
    """

    def __init__(self, **verdicts: Verdict) -> None:
        self.verdicts = verdicts

    def authorize(self, name: bytes, proof: Any, peer: Any) -> Any:
        """
        Give it.
        """
        self.verdict = self.verdicts[
            "alice" if proof.offer == parseOffer(blobOf(ALICE)) else "second"
        ]
        self.asked = []
        return super().authorize(name, proof, peer)


class FactorTests(SynchronousTestCase):
    """
    Several factors.
    """

    def setUp(self) -> None:
        passwords = InMemoryUsernamePasswordDatabaseDontUse(alice=b"a", bob=b"b")
        self.checker = Two()
        self.checker.registerChecker(passwords, IUsernamePassword)
        self.checker.registerChecker(SSHPublicKeyChecker(Files(accepted())))
        self.connection = Connection()

    def password(self, name: bytes = b"alice", connection: Any = None) -> Any:
        """
        Log in by password.
        """
        credentials = UsernamePassword(name, name[:1])
        vars(credentials)["connection"] = connection or self.connection
        return self.checker.requestAvatarId(credentials)

    def key(self, key: Any = ALICE, connection: Any = None) -> Any:
        """
        Log in by key.
        """
        credentials = signed(key, connection=connection or self.connection)
        return self.checker.requestAvatarId(credentials)

    def test_interfaces(self) -> None:
        """
        Each kind of credentials has its checker.
        """
        self.assertEqual(
            self.checker.credentialInterfaces, [IUsernamePassword, ISSHPrivateKey]
        )

    def test_two(self) -> None:
        """
        Two factors are enough, in any order.
        """
        for first, second in ((self.password, self.key), (self.key, self.password)):
            self.failureResultOf(first(), NotEnoughAuthentication)
            self.assertEqual(self.successResultOf(second()), b"alice")

    def test_again(self) -> None:
        """
        What was enough once isn't enough for the next login.
        """
        self.password().addErrback(lambda _: None)
        self.successResultOf(self.key())
        self.failureResultOf(self.key(), NotEnoughAuthentication)

    def test_same(self) -> None:
        """
        The same factor twice is one factor.
        """
        for factor in (self.password, self.key):
            connection = Connection()
            for _ in range(3):
                self.failureResultOf(
                    factor(connection=connection), NotEnoughAuthentication
                )

    def test_twoKeys(self) -> None:
        """
        Two keys are two factors; a key and its certificate are one.
        """
        self.failureResultOf(self.key(), NotEnoughAuthentication)
        credentials = signed(ALICE, connection=self.connection)
        credentials.blob = certificate(CA, ALICE)
        credentials.algName = b"ssh-ed25519-cert-v01@openssh.com"
        self.failureResultOf(
            self.checker.requestAvatarId(credentials), NotEnoughAuthentication
        )
        self.assertEqual(self.successResultOf(self.key(SECOND)), b"alice")

    def test_otherConnection(self) -> None:
        """
        What was proved in one connection doesn't count in another.
        """
        self.failureResultOf(self.password(), NotEnoughAuthentication)
        other = Connection()
        self.failureResultOf(self.key(connection=other), NotEnoughAuthentication)
        self.successResultOf(self.key())

    def test_noConnection(self) -> None:
        """
        Where the connection isn't told, nothing adds up.
        """
        for _ in range(2):
            for credentials in (UsernamePassword(b"alice", b"a"), signed(ALICE)):
                self.failureResultOf(
                    self.checker.requestAvatarId(credentials), NotEnoughAuthentication
                )

    def test_otherUser(self) -> None:
        """
        What one user has proved doesn't count for another, also later.
        """
        self.failureResultOf(self.password(), NotEnoughAuthentication)
        self.failureResultOf(self.password(b"bob"), NotEnoughAuthentication)
        self.failureResultOf(self.key(), NotEnoughAuthentication)

    def test_wrong(self) -> None:
        """
        A wrong factor is none.
        """
        self.failureResultOf(self.key(), NotEnoughAuthentication)
        wrong = UsernamePassword(b"alice", b"x")
        vars(wrong)["connection"] = self.connection
        self.failureResultOf(self.checker.requestAvatarId(wrong), UnauthorizedLogin)

    def test_forgotten(self) -> None:
        """
        With the connection goes what was proved in it.
        """
        self.password().addErrback(lambda _: None)
        known = weakref.ref(self.connection)
        del self.connection
        gc.collect()
        self.assertIsNone(known())


class RestrictionTests(FactorTests):
    """
    What keys forbid.
    """

    def restricted(self, first: str, second: str) -> Any:
        """
        Log in by two keys.
        """
        self.checker.registerChecker(
            SSHPublicKeyChecker(
                ByKey(alice=accepted(first), second=accepted(second)),
                honors=["no-pty", "command"],
            )
        )
        self.failureResultOf(self.key(), NotEnoughAuthentication)
        return self.key(SECOND)

    def test_password(self) -> None:
        """
        What a key forbids a password doesn't permit.
        """
        files = Files(accepted("no-pty"))
        self.checker.registerChecker(SSHPublicKeyChecker(files, honors=["no-pty"]))
        self.failureResultOf(self.key(), NotEnoughAuthentication)
        avatarId = self.successResultOf(self.password())
        self.assertEqual(avatarId, b"alice")
        evidence = keyOf(avatarId)
        assert isinstance(evidence, KeyEvidence)
        self.assertFalse(evidence.options.pty)

    def test_keys(self) -> None:
        """
        What one key forbids another doesn't permit.
        """
        avatarId = self.successResultOf(self.restricted("no-pty", 'command="a"'))
        evidence = keyOf(avatarId)
        assert evidence is not None
        self.assertEqual(evidence.options, parseOptions('no-pty,command="a"'))

    def test_contradiction(self) -> None:
        """
        Keys with different commands let nobody in.
        """
        login = self.restricted('command="a"', 'command="b"')
        self.failureResultOf(login, UnauthorizedLogin)
