"""
Tests for L{mycred._sshkeys._options} and L{mycred._sshkeys._evidence};
L{tests.conch.test_correspondence} holds them to sshd.
"""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from mycred._records import pack
from mycred._sshkeys import BadOption, KeyEvidence, KeyOptions, merge, parseOptions


class MergeTests(SynchronousTestCase):
    """
    Tests for L{merge}.
    """

    def test_permissions(self) -> None:
        """
        What either forbids is forbidden.
        """
        for first, second in (("no-pty", ""), ("", "no-pty"), ("no-pty", "no-pty")):
            merged = merge(parseOptions(first), parseOptions(second))
            self.assertFalse(merged.pty)
        self.assertTrue(merge(KeyOptions(), KeyOptions()).pty)

    def test_requirements(self) -> None:
        """
        What either requires is required.
        """
        free = parseOptions("no-touch-required")
        strict = parseOptions("verify-required")
        for one, other in ((free, strict), (strict, free)):
            merged = merge(one, other)
            self.assertTrue(merged.touchRequired and merged.verifyRequired)
        self.assertFalse(merge(free, free).touchRequired)

    def test_command(self) -> None:
        """
        A command of either counts, and two that differ refuse.
        """
        a, b = parseOptions('command="a"'), parseOptions('command="b"')
        for one, other in ((a, KeyOptions()), (KeyOptions(), a), (a, a)):
            self.assertEqual(merge(one, other).command, "a")
        with self.assertRaises(BadOption):
            merge(a, b)

    def test_expiry(self) -> None:
        """
        The earlier time counts.
        """
        first = KeyOptions(expires=1)
        for one, other in ((first, KeyOptions(expires=2)), (KeyOptions(), first)):
            self.assertEqual(merge(one, other).expires, 1)
            self.assertEqual(merge(other, one).expires, 1)

    def test_lists(self) -> None:
        """
        The lists of either count; where both have some that differ, they refuse.
        """
        for text in (
            'permitopen="a:1"',
            'environment="A=1"',
            'tunnel="1"',
            'permitlisten="1"',
        ):
            one, other = parseOptions(text), parseOptions(text.replace("1", "2"))
            self.assertEqual(merge(one, KeyOptions()), one)
            self.assertEqual(merge(KeyOptions(), one), one)
            self.assertEqual(merge(one, one), one)
            with self.assertRaises(BadOption):
                merge(one, other)

    def test_authority(self) -> None:
        """
        What says who may sign isn't what the user may do.
        """
        merged = merge(parseOptions('cert-authority,principals="a"'), KeyOptions())
        self.assertEqual(merged, KeyOptions())


class EvidenceTests(SynchronousTestCase):
    """
    Tests for L{KeyEvidence}.
    """

    def test_restore(self) -> None:
        """
        It is the same after it has crossed to another process.
        """
        options = parseOptions('environment="A=b",permitopen="a:1",permitlisten="1"')
        evidence = KeyEvidence(
            "ssh-rsa", "SHA256:x", options, "/f", 3, "id", 7, "SHA256:y"
        )
        packed = json.loads(json.dumps(pack(evidence)))
        self.assertEqual(KeyEvidence.restore(packed), evidence)
        self.assertEqual(KeyEvidence.restore(evidence), evidence)
        packed["options"]["pyt"] = packed["options"].pop("pty")
        self.assertRaises(ValueError, KeyEvidence.restore, packed)
