"""
Tests for who may act as whom, L{mycred._authzid}.
"""

from __future__ import annotations

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._authzid import insistOnOwnName
from mycred.error import UnauthorizedLogin


class OwnNameTests(SynchronousTestCase):
    """
    Tests for L{insistOnOwnName}.
    """

    def test_own(self) -> None:
        """
        No name, and each of the user's own, is fine.
        """
        for authzid in (b"", b"Alice", b"alice"):
            insistOnOwnName(authzid, b"Alice", b"alice")
        insistOnOwnName(b"")

    def test_others(self) -> None:
        """
        Any other name is refused, however alike it is, and whoever it is.
        """
        for authzid in (b"ALICE", b"alice ", b"alice\0", b"alic", b"root", b"*"):
            self.assertRaises(UnauthorizedLogin, insistOnOwnName, authzid, b"alice")
        self.assertRaises(UnauthorizedLogin, insistOnOwnName, b"alice")
        self.assertRaises(UnauthorizedLogin, insistOnOwnName, b"root", b"")

    @given(st.binary(), st.lists(st.binary(), max_size=3))
    def test_anything(self, authzid: bytes, names: list[bytes]) -> None:
        """
        Nobody becomes another user, whatever the names are.
        """
        try:
            insistOnOwnName(authzid, *names)
        except UnauthorizedLogin:
            self.assertNotIn(authzid, (b"", *names))
        else:
            self.assertIn(authzid, (b"", *names))
