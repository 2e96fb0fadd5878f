"""
Tests for L{mycred.checkers._certificate}, L{mycred.checkers.certificates},
L{mycred._certificates._users}, L{mycred._certificates._files} and
L{mycred._certificates._current}.
"""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from functools import partial
from typing import Any

from zope.interface import implementer
from zope.interface.verify import verifyObject

from cryptography.hazmat.primitives import hashes

from twisted.internet.defer import Deferred
from twisted.logger import formatEvent
from twisted.trial.unittest import SkipTest

from mycred import _files
from mycred._checking._stores import AsyncStore
from mycred.checkers import ICredentialsChecker
from mycred.checkers.certificates import CertificateChecker
from mycred.credentials import CertificateCredentials, ICertificateCredentials
from mycred.error import TemporaryFailure, UnauthorizedLogin
from mycred.portal import Portal, SessionPortal
from mycred.testing import SteppedWorkers

from ..kit.clientcertificates import CASES, LATER, Holder, World, named, pem
from ..kit.files import FileTestCase
from ..kit.sessions import Realm

DAY = timedelta(days=1)


class CertificateTestCase(FileTestCase):
    """
    Base of the tests for L{CertificateChecker}.
    """

    world = World()

    def setUp(self) -> None:
        super().setUp()
        self.settle()
        self.directory = self.path
        self.directory.mkdir()

    def checker(self, **arguments: Any) -> CertificateChecker:
        """
        Make a checker, which does its work at once.
        """
        return CertificateChecker(**arguments, workers=self.workers)

    def present(
        self, checker: CertificateChecker, holder: Holder, authzid: bytes = b""
    ) -> Deferred[Any]:
        """
        Present a certificate.
        """
        presented = CertificateCredentials(holder.certificate, holder.chain, authzid)
        return checker.requestAvatarId(presented)


class CaseTests(CertificateTestCase):
    """
    The table of certificates, good and bad.
    """

    def test_cases(self) -> None:
        """
        Each certificate lets in whom it should, and nobody else.
        """
        wrong = []
        for case in CASES:
            made = case.made(self.world)
            checker = self.checker(**case.prepare(made, self.world, self.directory))
            answers: list[Any] = []
            self.present(checker, made.holder, case.authzid).addBoth(answers.append)
            [answer] = answers
            error = getattr(answer, "value", None)
            if isinstance(error, TemporaryFailure):
                answer = LATER
            elif type(error) is UnauthorizedLogin:
                answer = None
            if answer != case.account:
                wrong.append((case.title, answer, getattr(error, "why", error)))
        self.assertEqual(wrong, [])

    def test_openssl(self) -> None:
        """
        openssl accepts each certificate that lets somebody in.
        """
        if shutil.which("openssl") is None:
            raise SkipTest("install openssl")
        wrong = []
        for case in CASES:
            if not isinstance(case.account, bytes):
                continue
            made = case.made(self.world)
            arguments = case.prepare(made, self.world, self.directory)
            certificate, _ = made.holder.save(self.directory)
            command = ["openssl", "verify", "-partial_chain", "-purpose", "sslclient"]
            command += ["-CAfile", arguments["ca"], "-untrusted", str(certificate)]
            if made.crl is not None:
                command += ["-crl_check", "-CRLfile", arguments["crl"]]
            done = subprocess.run(
                [*command, str(certificate)], capture_output=True, check=False
            )
            if done.returncode != 0:
                wrong.append((case.title, done.stderr))
        self.assertEqual(wrong, [])


class CheckerTests(CertificateTestCase):
    """
    Tests for L{CertificateChecker}.
    """

    def setUp(self) -> None:
        super().setUp()
        self.ca, self.crl, self.map = (
            self.directory / name for name in ("ca.pem", "ca.crl", "map")
        )
        self.ca.write_bytes(pem(self.world.root.certificate))
        self.alice = self.world.root.issue()

    def assertLater(self, asking: Deferred[Any]) -> None:
        """
        Insist on an answer that tells nothing.
        """
        error = self.failureResultOf(asking, TemporaryFailure).value
        self.assertEqual(str(error), "Temporarily unavailable")

    def noted(self, text: str) -> list[Any]:
        """
        Return the events of this text, without the lines of logins.
        """
        return [e for e in self.logged(text) if "Login" not in str(formatEvent(e))]

    def test_interface(self) -> None:
        """
        It checks certificates, and nothing else.
        """
        checker = self.checker(ca=self.ca)
        self.assertTrue(verifyObject(ICredentialsChecker, checker))
        self.assertEqual(checker.credentialInterfaces, (ICertificateCredentials,))

    def test_avatar(self) -> None:
        """
        The avatar ID is bytes, whatever names a program's credentials have.
        """
        checker = self.checker(ca=str(self.ca).encode(), domain="EXAMPLE.org")

        @implementer(ICertificateCredentials)
        class Bare:
            certificate, chain, authzid = self.alice.certificate, [], b""

        for presented in (Bare(), CertificateCredentials(self.alice.certificate)):
            avatarId = self.successResultOf(checker.requestAvatarId(presented))
            self.assertIsInstance(avatarId, bytes)
            self.assertEqual(avatarId, b"alice")

    def test_why(self) -> None:
        """
        The reason for the log is in words.
        """
        for domain, authzid, expected in (
            (None, b"root", "acting as another user is not allowed; the certificate is "),
            ("example.com", b"", "no email in the certificate is a user's; "),
        ):
            checker = self.checker(ca=self.ca, domain=domain)
            asking = self.present(checker, self.alice, authzid)
            why = self.failureResultOf(asking, UnauthorizedLogin).value.why
            self.assertTrue(why.startswith(expected), why)
            self.assertNotIn("b'", why)

    def test_log(self) -> None:
        """
        The log says which certificate let whom in, and why one is refused; the client
        isn't told.
        """
        checker = self.checker(ca=self.ca)
        portal = SessionPortal(Portal(Realm(), [checker]), service="imap")
        for holder in (self.alice, self.world.other.issue(named("evil\n\u202e"))):
            presented = CertificateCredentials(holder.certificate)
            asking = portal.login(presented, None, ICredentialsChecker)
            asking.addErrback(lambda failure: self.assertEqual(failure.value.args, ()))
        digits = self.alice.certificate.fingerprint(hashes.SHA256()).hex()
        accepted, refused = map(formatEvent, self.logged("Login "))
        self.assertIn('avatar="alice@example.org"', accepted)
        self.assertIn(f'key="certificate sha256:{digits} of CN', accepted)
        self.assertIn('why="unable to get local issuer certificate;', refused)
        self.assertTrue(refused.isprintable())

    def test_files(self) -> None:
        """
        The files are read again when they differ: who has been certified, revoked or
        given another account counts for the next login.
        """
        self.crl.write_bytes(pem(self.world.root.revoking()))
        self.map.write_bytes(b"alice@example.org al\n")
        checker = self.checker(ca=self.ca, crl=self.crl, map=self.map)
        self.assertEqual(
            set(checker.opensLater), {str(self.ca), *map(str, (self.crl, self.map))}
        )
        present = partial(self.present, checker, self.alice)
        self.assertEqual(self.successResultOf(present()), b"al")
        self.map.write_bytes(b"alice@example.org alice\n")
        self.assertEqual(self.successResultOf(present()), b"alice")
        self.crl.write_bytes(pem(self.world.root.revoking(self.alice)))
        self.assertRefused(present())
        self.crl.write_bytes(pem(self.world.root.revoking()))
        self.assertEqual(self.successResultOf(present()), b"alice")
        self.ca.write_bytes(pem(self.world.office.certificate))
        self.assertRefused(present())

    def test_broken(self) -> None:
        """
        While a file is missing, a directory or of no use nobody is let in, nobody is told
        that their certificate is wrong, and the log says why.
        """
        good = {
            self.ca: pem(self.world.root.certificate),
            self.crl: pem(self.world.root.revoking()),
            self.map: b"alice@example.org al\n",
        }
        for path, text in good.items():
            path.write_bytes(text)
        checker = self.checker(ca=self.ca, crl=self.crl, map=self.map)
        for path, text in good.items():
            for damage in (b"", text[:-30] + b"\0"):
                if path is self.map and not damage:
                    # Nobody has an account.
                    continue
                path.write_bytes(damage)
                self.assertLater(self.present(checker, self.alice))
                self.assertLater(self.present(checker, self.alice))
                self.assertEqual(len(self.noted(f"{path} can't be used")), 1)
                self.events.clear()
            path.unlink()
            self.assertLater(self.present(checker, self.alice))
            self.assertTrue(self.logged("can't be read: [Errno 2]"))
            path.mkdir()
            self.assertLater(self.present(checker, self.alice))
            path.rmdir()
            path.write_bytes(text)
            self.assertEqual(
                self.successResultOf(self.present(checker, self.alice)), b"al"
            )

    def test_stale(self) -> None:
        """
        A stale list lets nobody in, and the log says so once.
        """
        stale = self.world.root.revoking(since=-2 * DAY, until=-DAY)
        self.crl.write_bytes(pem(stale))
        checker = self.checker(ca=self.ca, crl=self.crl)
        for _ in range(2):
            self.assertLater(self.present(checker, self.alice))
        self.assertEqual(len(self.noted("crl: CRL has expired")), 1)

    def test_arguments(self) -> None:
        """
        Arguments that make no sense are told at once, by their names.
        """
        for arguments, why in (
            ({"name": "mail"}, "name: write one of email, cn, uri, "),
            ({"match": "("}, "match: it is no regular expression"),
            ({"match": "(a)(b)"}, "match: write one group at most"),
            ({"domain": "@example.org"}, "domain: write a domain"),
            ({"domain": "ex\u00e4mple.org"}, "domain: write a domain"),
            ({"domain": ""}, "domain: write a domain"),
            ({"name": "dn", "domain": "example.org"}, "domain: name=dn has none"),
        ):
            error = self.assertRaises(ValueError, self.checker, ca=self.ca, **arguments)
            self.assertTrue(str(error).startswith(why), str(error))

    def test_problems(self) -> None:
        """
        What time may mend is no error, and can be told.
        """
        root, office = self.world.root, self.world.office
        old = self.world.root.certify("old", since=-2 * DAY, until=-DAY).certificate
        self.ca.write_bytes(pem(root.certificate, old))
        self.crl.write_bytes(
            pem(office.revoking(), root.revoking(since=-2 * DAY, until=-DAY))
        )
        self.assertEqual(
            self.checker(ca=self.ca).problems(), ["ca: CN=old isn't valid now"]
        )
        self.assertEqual(
            self.checker(ca=self.ca, crl=self.crl).problems(),
            [
                "ca: CN=old isn't valid now",
                "crl: the list by CN=root isn't good now",
                "crl: there is no list by CN=old",
            ],
        )
        self.map.write_bytes(b"# nobody\n")
        self.assertRaises(ValueError, self.checker(ca=self.ca, map=self.map).problems)
        self.crl.write_bytes(pem(root.certificate))
        self.assertRaises(ValueError, self.checker(ca=self.ca, crl=self.crl).problems)
        self.assertRaises(OSError, self.checker(ca=self.directory / "none").problems)


class YoungTests(CertificateTestCase):
    """
    Tests for files that are being written.
    """

    def test_young(self) -> None:
        """
        What a file says that has just changed is believed when it has come to rest: also
        that a certificate isn't revoked.
        """
        self.patch(_files, "SETTLING", 3600)
        ca, crl = self.directory / "ca.pem", self.directory / "ca.crl"
        ca.write_bytes(pem(self.world.root.certificate))
        alice = self.world.root.issue()
        crl.write_bytes(pem(self.world.root.revoking()))
        workers = SteppedWorkers()
        checker = CertificateChecker(ca, crl=crl, workers=workers)
        asking = self.present(checker, alice)
        workers.step()
        self.assertNoResult(asking)
        crl.write_bytes(pem(self.world.root.revoking(alice)))
        self.patch(_files, "SETTLING", 0)
        workers.reactor.advance(AsyncStore.PAUSE)
        workers.step()
        self.assertRefused(asking)
