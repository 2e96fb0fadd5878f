"""
Tests for L{mycred.checkers._anonymous}.
"""

from __future__ import annotations

from zope.interface.verify import verifyObject

from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import ANONYMOUS, AllowAnonymousAccess, ICredentialsChecker
from mycred.credentials import Anonymous, IAnonymous


class AllowAnonymousAccessTests(SynchronousTestCase):
    """
    Tests for L{AllowAnonymousAccess}.
    """

    def test_anonymous(self) -> None:
        """
        Whoever asks without a name is let in without a name.
        """
        checker = AllowAnonymousAccess()
        self.assertTrue(verifyObject(ICredentialsChecker, checker))
        self.assertEqual(checker.credentialInterfaces, (IAnonymous,))
        accepted = self.successResultOf(checker.requestAvatarId(Anonymous()))
        self.assertIs(accepted, ANONYMOUS)
