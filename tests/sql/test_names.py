"""
Tests for L{mycred._sql._names}.
"""

from __future__ import annotations

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._sql._names import Names


class NamesTests(SynchronousTestCase):
    """
    Tests for how names are spelled.
    """

    def test_exact(self) -> None:
        """
        Without options a name is asked for as it was typed.
        """
        for name in ("Alice", "alice@example.org", " a ", "@"):
            self.assertEqual(Names().asked(name), name)
            self.assertFalse(Names().isForeign(name))

    def test_realm(self) -> None:
        """
        The domain is cut off, in any case; what has another one, or more than one, is
        foreign.
        """
        names = Names(realm="example.org")
        for typed, asked, isForeign in (
            ("alice", "alice", False),
            ("alice@example.org", "alice", False),
            ("Alice@EXAMPLE.ORG", "Alice", False),
            ("@example.org", "", False),
            ("alice@example.com", "alice@example.com", True),
            ("alice@", "alice@", True),
            ("alice@example.org.", "alice@example.org.", True),
            ("alice@b@example.org", "alice@b@example.org", True),
            ("alice@example.org@example.org", "alice@example.org@example.org", True),
        ):
            self.assertEqual(names.asked(typed), asked)
            self.assertIs(names.isForeign(asked), isForeign, typed)

    @given(st.text(), st.booleans(), st.sampled_from([None, "example.org"]))
    def test_twice(self, typed: str, folds: bool, realm: str | None) -> None:
        """
        What is asked for is asked for as it is.
        """
        names = Names(folds, realm)
        for each in (typed, f"{typed}@example.org", f"{typed}@Example.ORG"):
            asked = names.asked(each)
            self.assertEqual(names.asked(asked), asked)
