"""
Tests for L{mycred.checkers.sshkeys.SSHPublicKeyChecker}.

They cover L{mycred._sshkeys._settings}, L{mycred.checkers.sshkeys._keystore},
L{mycred.checkers.sshkeys._plainkeys} and L{mycred.checkers.sshkeys._proof}, too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from zope.interface import implementer

from twisted.conch.checkers import UNIXAuthorizedKeysFiles
from twisted.internet.defer import Deferred, fail

from mycred._sshkeys import string
from mycred._verdict import Kind, Verdict
from mycred.checkers import accountOf
from mycred.checkers.sshkeys import (
    IAuthorizedKeysDB,
    InMemorySSHKeyDB,
    KeyOptions,
    KeyPolicy,
    SSHPublicKeyChecker,
    ValidPublicKey,
    keyOf,
)
from mycred.credentials import SSHPrivateKey
from mycred.error import (
    AccountDenied,
    DenialReason,
    LoginFailed,
    TemporaryFailure,
    UnauthorizedLogin,
)
from mycred.testing import SteppedWorkers

from ...kit.keycheckers import (
    ACCOUNT,
    ALICE,
    Files,
    KeyTestCase,
    accepted,
    offered,
    signed,
)
from ...kit.keys import SecurityKey, blobOf, certificate, ecdsa, ed25519, line, rsaKey


class DatabaseTests(KeyTestCase):
    """
    Databases of others.
    """

    keydb = InMemorySSHKeyDB({b"alice": [ecdsa().public(), ALICE.public()]})

    def test_proved(self) -> None:
        """
        Who proves an authorized key is let in; the avatar ID knows the key.
        """
        avatarId = self.successResultOf(self.check(self.keydb, signed(ALICE)))
        self.assertEqual(avatarId, b"alice")
        evidence = keyOf(avatarId)
        assert evidence is not None
        self.assertEqual(evidence.type, "ssh-ed25519")
        self.assertEqual(evidence.options, KeyOptions())
        self.assertLogged(evidence.fingerprint)

    def test_offered(self) -> None:
        """
        Who offers it is told to prove it.
        """
        self.failureResultOf(self.check(self.keydb, offered(ALICE)), ValidPublicKey)

    def test_offeredOther(self) -> None:
        """
        Who offers another isn't: a mere question tells nothing that isn't so.
        """
        for credentials in (offered(ed25519()), signed(ed25519())):
            failure = self.failureResultOf(
                self.check(self.keydb, credentials), UnauthorizedLogin
            )
            self.assertIs(failure.type, UnauthorizedLogin)

    def test_emptySignature(self) -> None:
        """
        An empty signature is none.
        """
        credentials = offered(ALICE, sigData=b"data", signature=b"")
        self.failureResultOf(self.check(self.keydb, credentials), ValidPublicKey)

    def test_nothingRemembered(self) -> None:
        """
        An offer leaves nothing behind that would do in place of a proof.
        """
        checker = SSHPublicKeyChecker(self.keydb)
        self.failureResultOf(checker.requestAvatarId(offered(ALICE)), ValidPublicKey)
        forged = signed(ALICE)
        forged.sigData = b"other"
        self.failureResultOf(checker.requestAvatarId(forged), UnauthorizedLogin)

    def test_deferred(self) -> None:
        """
        A database may take its time, and fail.
        """
        waiting: Deferred[Any] = Deferred()

        @implementer(IAuthorizedKeysDB)
        class Slow:
            def getAuthorizedKeys(self, avatarId: bytes) -> Any:
                return waiting

        login = self.check(Slow(), signed(ALICE))
        self.assertNoResult(login)
        waiting.callback([ALICE.public()])
        self.assertEqual(self.successResultOf(login), b"alice")
        waiting = fail(TemporaryFailure())
        self.failureResultOf(self.check(Slow(), signed(ALICE)), TemporaryFailure)

    def test_noNumbersOfAKey(self) -> None:
        """
        A key with numbers that no key has is refused: an exponent that is even, too small
        or larger than the modulus, and a point that isn't on its curve.
        """
        modulus = string(b"\0" + b"\xff" * 256)
        exponents = b"\2", b"\1", b"\1\0\0", b"\1" * 300
        blobs = [string(b"ssh-rsa") + string(one) + modulus for one in exponents]
        for name, size in ((b"nistp256", 64), (b"nistp384", 96), (b"nistp521", 132)):
            type = b"ecdsa-sha2-" + name
            blobs.append(string(type) + string(name) + string(b"\4" + b"\1" * size))
        for blob in blobs:
            for signature in (None, b"signature"):
                credentials = SSHPrivateKey(b"alice", None, blob, b"data", signature)
                checking = self.check(self.keydb, credentials)
                self.failureResultOf(checking, UnauthorizedLogin)
                self.assertLogged("nobody can sign with such a key")
                del self.events[:]

    def test_noName(self) -> None:
        """
        A name that Twisted's own database of keys can't take for one is refused.
        """
        for name in (b"\xff", b"a\0b", b"\xed\xb2\x80"):
            credentials = offered(ALICE, username=name)
            checking = self.check(UNIXAuthorizedKeysFiles(), credentials)
            self.failureResultOf(checking, UnauthorizedLogin)
            self.assertLogged("no such key is authorized")
            del self.events[:]

    def test_securityKeyIsNoPlainKey(self) -> None:
        """
        A plain key in a database isn't a security key of the same number, which conch
        holds for equal.
        """
        token = SecurityKey()
        raw = token._key.public_key()
        from twisted.conch.ssh.keys import Key

        keydb = InMemorySSHKeyDB({b"alice": [Key(raw)]})
        signature, data = token.sign(b"message")
        credentials = SSHPrivateKey(
            b"alice", b"sk-ssh-ed25519@openssh.com", token.blob, data, signature
        )
        self.failureResultOf(self.check(keydb, credentials), UnauthorizedLogin)
        keydb = InMemorySSHKeyDB({b"alice": [Key.fromString(token.blob)]})
        self.assertEqual(self.successResultOf(self.check(keydb, credentials)), b"alice")

    def test_certificate(self) -> None:
        """
        Certificates aren't looked up there.
        """
        credentials = signed(ALICE)
        credentials.blob = certificate(ed25519(), ALICE)
        credentials.algName = b"ssh-ed25519-cert-v01@openssh.com"
        self.failureResultOf(self.check(self.keydb, credentials), UnauthorizedLogin)

    def test_text(self) -> None:
        """
        Who names the user in text gets text back.
        """
        credentials = signed(ALICE)
        credentials.username = "alice"  # type: ignore[assignment]
        keydb = InMemorySSHKeyDB({"alice": [ALICE.public()]})  # type: ignore[dict-item]
        avatarId = self.successResultOf(self.check(keydb, credentials))
        self.assertEqual(avatarId, "alice")

    def test_written(self) -> None:
        """
        As in Twisted, a key may be offered as it is written in a file; with options it
        is none.
        """
        for blob, isKey in (
            (line(ALICE), True),
            (line(ALICE, b"") + b"x" * 2**15, True),
            (b"no-pty " + line(ALICE), False),
            (b'command="' + b'\\"' * 2**14 + b'" ' + line(ALICE), False),
        ):
            credentials = signed(ALICE)
            credentials.blob = blob
            login = self.check(Files(accepted()), credentials)
            if isKey:
                self.successResultOf(login)
            else:
                self.failureResultOf(login, UnauthorizedLogin)


class SignatureTests(KeyTestCase):
    """
    Signatures.
    """

    def test_sha1(self) -> None:
        """
        Signatures with SHA-1 don't count; nor would the offer to make one.
        """
        key = rsaKey()
        keydb = InMemorySSHKeyDB({b"alice": [key.public()]})
        for credentials in (signed(key, b"ssh-rsa"), offered(key, b"ssh-rsa")):
            self.failureResultOf(self.check(keydb, credentials), UnauthorizedLogin)
        for algorithm in (b"rsa-sha2-256", b"rsa-sha2-512"):
            login = self.check(keydb, signed(key, algorithm))
            self.assertEqual(self.successResultOf(login), b"alice")

    def test_wrong(self) -> None:
        """
        A wrong signature lets nobody in, whatever the options of the key are.
        """
        for options in ("", "no-touch-required"):
            for signature in (signed(ed25519()).signature, b"x"):
                credentials = signed(ALICE)
                credentials.signature = signature
                login = self.check(Files(accepted(options)), credentials)
                self.failureResultOf(login, UnauthorizedLogin)

    def test_otherThanAnnounced(self) -> None:
        """
        A signature is by the algorithm that was announced.
        """
        key = rsaKey()
        keydb = InMemorySSHKeyDB({b"alice": [key.public()]})
        credentials = signed(key, b"rsa-sha2-256")
        credentials.algName = b"rsa-sha2-512"
        self.failureResultOf(self.check(keydb, credentials), UnauthorizedLogin)
        credentials.algName = None  # type: ignore[assignment]
        self.assertEqual(self.successResultOf(self.check(keydb, credentials)), b"alice")

    def test_otherType(self) -> None:
        """
        The algorithm of a certificate is for certificates, and no other is.
        """
        signedByCA = certificate(ed25519(), ALICE)
        name = b"ssh-ed25519-cert-v01@openssh.com"
        for blob, algorithm in ((blobOf(ALICE), name), (signedByCA, b"ssh-ed25519")):
            credentials = offered(ALICE, algorithm, blob=blob)
            login = self.check(Files(accepted()), credentials)
            failure = self.failureResultOf(login, UnauthorizedLogin)
            self.assertIs(failure.type, UnauthorizedLogin)

    def test_policy(self) -> None:
        """
        Keys and algorithms that don't count are refused before anything is looked up.
        """
        files = Files(accepted())
        for key, policy in (
            (rsaKey(1024), KeyPolicy(minimumRSA=2048)),
            (ALICE, KeyPolicy(("rsa-sha2-512",))),
        ):
            for credentials in (signed(key), offered(key, signed(key).algName)):
                login = self.check(files, credentials, policy=policy)
                self.failureResultOf(login, UnauthorizedLogin)
        self.assertEqual(files.asked, [])

    def test_touch(self) -> None:
        """
        A security key must have been touched, unless its line says otherwise; and have
        seen its owner, if it says so.
        """
        token = SecurityKey()
        for options, flags, isLetIn in (
            ("", 1, True),
            ("", 0, False),
            ("no-touch-required", 0, True),
            ("verify-required", 1, False),
            ("verify-required", 5, True),
            ("no-touch-required,verify-required", 4, True),
        ):
            signature, data = token.sign(b"message", flags)
            credentials = SSHPrivateKey(
                b"alice", b"sk-ssh-ed25519@openssh.com", token.blob, data, signature
            )
            login = self.check(Files(accepted(options)), credentials)
            if isLetIn:
                self.assertEqual(self.successResultOf(login), b"alice", options)
            else:
                self.failureResultOf(login, UnauthorizedLogin)

    def test_thread(self) -> None:
        """
        Signatures are verified in a thread.
        """
        workers = SteppedWorkers()
        keydb = InMemorySSHKeyDB({b"alice": [ALICE.public()]})
        login = self.check(keydb, signed(ALICE), workers=workers)
        self.assertNoResult(login)
        workers.step()
        self.assertEqual(self.successResultOf(login), b"alice")

    def test_cancel(self) -> None:
        """
        A login can be cancelled while its signature is verified.
        """
        workers = SteppedWorkers()
        keydb = InMemorySSHKeyDB({b"alice": [ALICE.public()]})
        login = self.check(keydb, signed(ALICE), workers=workers)
        login.cancel()
        self.failureResultOf(login)
        workers.step()
        self.assertEqual(workers.pool.jobs, [])


class VerdictTests(KeyTestCase):
    """
    What files say.
    """

    def test_account(self) -> None:
        """
        The avatar ID is the name of the account, and knows it, and the key.
        """
        avatarId = self.successResultOf(
            self.check(Files(accepted('from="*"')), signed(ALICE))
        )
        self.assertEqual(avatarId, b"alice")
        self.assertEqual(accountOf(avatarId), ACCOUNT)
        evidence = keyOf(avatarId)
        assert evidence is not None
        self.assertEqual((evidence.file, evidence.line), ("/keys", 3))
        self.assertEqual(evidence.options.sources, "*")

    def test_peer(self) -> None:
        """
        The database is told where the client comes from.
        """
        files = Files(accepted())
        self.check(files, offered(ALICE, peer="192.0.2.1")).addErrback(lambda _: None)
        self.check(files, offered(ALICE)).addErrback(lambda _: None)
        self.assertEqual(files.asked, [(b"alice", "192.0.2.1"), (b"alice", None)])

    def test_honors(self) -> None:
        """
        A key with options that only a server can see to is refused, offered or proved,
        unless the application, or the server, has said that it does.
        """
        files = Files(accepted('command="a",no-pty'))
        for credentials in (offered(ALICE), signed(ALICE)):
            login = self.check(files, credentials)
            failure = self.failureResultOf(login, UnauthorizedLogin)
            self.assertIs(failure.type, UnauthorizedLogin)
        self.assertLogged("/keys:3: this server doesn't see to command, no-pty")
        self.failureResultOf(
            self.check(files, signed(ALICE), honors=["command"]), UnauthorizedLogin
        )
        both = ["command", "no-pty"]
        self.successResultOf(self.check(files, signed(ALICE), honors=both))
        self.successResultOf(self.check(files, signed(ALICE, honors=both)))
        one = signed(ALICE, honors=["no-pty"])
        self.successResultOf(self.check(files, one, honors=["command"]))

    def test_unknownHonors(self) -> None:
        """
        To see to something that isn't an option is an error.
        """
        for honors in (["x"], "x", ["from"]):
            with self.assertRaises(ValueError):
                SSHPublicKeyChecker(Files(accepted()), honors=honors)
        SSHPublicKeyChecker(Files(accepted()), honors="command")

    def test_denied(self) -> None:
        """
        That an account is denied is told to who has proved a key, and to nobody else.
        """
        verdict = replace(
            accepted(), kind=Kind.DENIED, denial=DenialReason.LOCKED, why="it is locked"
        )
        failure = self.failureResultOf(
            self.check(Files(verdict), signed(ALICE)), AccountDenied
        )
        self.assertIs(failure.value.reason, DenialReason.LOCKED)
        self.assertLogged("it is locked")
        forged = signed(ALICE)
        forged.sigData = b"other"
        for credentials in (offered(ALICE), forged):
            failure = self.failureResultOf(
                self.check(Files(verdict), credentials), UnauthorizedLogin
            )
            self.assertIs(failure.type, UnauthorizedLogin)

    def test_unsure(self) -> None:
        """
        That nothing could be found out is no refusal, and no key is good.
        """
        verdict = Verdict(Kind.UNSURE, b"alice", "the disk is gone")
        for credentials in (offered(ALICE), signed(ALICE)):
            failure = self.failureResultOf(
                self.check(Files(verdict), credentials), TemporaryFailure
            )
            self.assertNotIsInstance(failure.value, UnauthorizedLogin)
        self.assertLogged("the disk is gone")

    def test_noKey(self) -> None:
        """
        What is no key at all is refused, whatever it is.
        """
        for blob in (
            b"",
            b"x",
            b"\0",
            string(b"ssh-ed25519"),
            "x",
            None,
            b"ssh-rsa x",
            b"-----BEGIN OPENSSH PRIVATE KEY-----\nx\n",
            5,
        ):
            credentials = signed(ALICE)
            credentials.blob = blob  # type: ignore[assignment]
            login = self.check(Files(accepted()), credentials)
            failure = self.failureResultOf(login)
            self.assertTrue(failure.check(LoginFailed), blob)

    def test_secretsOutOfSight(self) -> None:
        """
        A private key that somebody sends by mistake isn't repeated.
        """
        credentials = signed(ALICE)
        credentials.blob = ALICE.toString("openssh")
        failure = self.failureResultOf(self.check(Files(accepted()), credentials))
        self.assertNotIn("PRIVATE", str(failure.value))
        for event in self.events:
            self.assertNotIn("PRIVATE", repr(event))
