"""
Tests for L{mycred._sshkeys._ports}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mycred._sshkeys import splitHost


class HostTests(SynchronousTestCase):
    """
    Tests for L{splitHost}.
    """

    def test_split(self) -> None:
        """
        Host and port are told apart.
        """
        for text, parts in (
            ("a:1", ("a", 1)),
            ("a:*", ("a", None)),
            ("*:80", ("*", 80)),
            ("[::1]:80", ("::1", 80)),
            ("a/1", ("a", 1)),
            ("a:ssh", ("a", 22)),
            ("a", None),
            ("::1:80", None),
            ("a:-1", None),
            ("a:", None),
        ):
            self.assertEqual(splitHost(text), parts, text)

    def test_named(self) -> None:
        """
        Only a port that isn't given by its number is asked for.
        """
        asked: list[str] = []

        def portNamed(name: str) -> int | None:
            asked.append(name)
            return {"x": 7, "high": 65536}.get(name)

        for text, parts in (
            ("a:1", ("a", 1)),
            ("a:*", ("a", None)),
            ("a:65536", None),
            ("a:x", ("a", 7)),
            ("a:high", None),
            ("a:\u0661", None),
            ("a:1_0", None),
        ):
            self.assertEqual(splitHost(text, portNamed), parts, text)
        self.assertEqual(asked, ["x", "high", "\u0661", "1_0"])
