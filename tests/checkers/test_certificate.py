"""
Tests for L{mycred.checkers._certificate} and L{mycred.checkers.certificates}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from mycred.checkers.certificates import CertificateChecker
from mycred.credentials import CertificateCredentials
from mycred.error import TemporaryFailure, UnauthorizedLogin

from ..kit.clientcertificates import CASES, LATER, Holder, World
from ..kit.files import FileTestCase


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
