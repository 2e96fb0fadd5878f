"""
Tests for L{mycred._tokens._client}.
"""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._tokens import OAuthClient

from ..kit.tokens import writeSecret


class OAuthClientTests(SynchronousTestCase):
    """
    Tests for L{OAuthClient}.
    """

    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def read(self, text: bytes) -> OAuthClient:
        """
        Read a file.
        """
        return OAuthClient.inFile(str(writeSecret(self.path, text)))

    def test_file(self) -> None:
        """
        The first line is the id, the second the secret.
        """
        for text in (b"mail\nses:ame\n", b"mail\r\nses:ame\r\n", b"mail\nses:ame"):
            self.assertEqual(self.read(text), OAuthClient("mail", "ses:ame"))

    def test_malformed(self) -> None:
        """
        A file that holds anything else is refused, and not shown.
        """
        for text in (
            b"",
            b"mail:sesame",
            b"mail\n",
            b"mail\n\n",
            b"\nsesame\n",
            b"mail\nsesame\nmore\n",
            b"mail\nses ame\n",
            b"mail\nsesame \n",
            b"mail\nsesame\0\n",
            b"\xef\xbb\xbfmail\nsesame\n",
            b"mail\n" + b"s" * 5000,
        ):
            error = self.assertRaises(ValueError, self.read, text)
            self.assertNotIn("sesame", str(error))

    def test_mode(self) -> None:
        """
        A file that everybody can read is refused.
        """
        writeSecret(self.path, b"mail\nsesame\n").chmod(0o644)
        error = self.assertRaises(ValueError, OAuthClient.inFile, str(self.path))
        self.assertIn("chmod o-rwx", str(error))

    def test_header(self) -> None:
        """
        Id and secret are encoded as those of a form, so that colons stay what they are.
        """
        sent = OAuthClient("a:b", "c d+é%").authorization
        self.assertEqual(base64.b64decode(sent[6:]), b"a%3Ab:c+d%2B%C3%A9%25")

    def test_repr(self) -> None:
        """
        The secret isn't shown.
        """
        self.assertNotIn("sesame", repr(OAuthClient("mail", "sesame")))

    @given(strategies.binary())
    def test_anything(self, text: bytes) -> None:
        """
        Whatever stands there, nothing but L{ValueError} is raised.
        """
        with contextlib.suppress(ValueError):
            self.read(text)
