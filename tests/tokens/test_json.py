"""
Tests for L{mycred._tokens._json}.
"""

from __future__ import annotations

import contextlib
import json

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._tokens._json import parseObject

_VALUES = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.text()
    | strategies.integers(0, 9),
    lambda inner: (
        strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner)
    ),
    max_leaves=5,
)


class ParseTests(SynchronousTestCase):
    """
    Tests for L{parseObject}.
    """

    def test_refused(self) -> None:
        """
        What can be read in two ways, or only with much work, isn't read.
        """
        for text in (
            b"",
            b"[]",
            b'"a"',
            b"{",
            b'{"a":1}x',
            b'{"a":1,"a":1}',
            b'{"b":{"a":1,"\\u0061":2}}',
            b'{"a":NaN}',
            b'{"a":-Infinity}',
            b'{"a":1e999}',
            b'{"a":%s}' % (b"9" * 21),
            b'{"a":%s}' % (b"9" * 60_000),
            b'{"a":' + b"[" * 60_000,
            b'{"a":' * 60_000,
            b'{"a":"\xff"}',
            b'\xef\xbb\xbf{"a":1}',
            '{"a":1}'.encode("utf-16"),
        ):
            self.assertRaises(ValueError, parseObject, text)

    def test_silent(self) -> None:
        """
        What is wrong is told without what stands there.
        """
        error = self.assertRaises(ValueError, parseObject, b'{"a":sesame}')
        self.assertNotIn("sesame", repr(error))

    @given(strategies.dictionaries(strategies.text(), _VALUES, max_size=3))
    def test_roundTrip(self, value: dict[str, object]) -> None:
        """
        Each object is read as it was written.
        """
        text = json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
        self.assertEqual(parseObject(text), value)

    @given(strategies.binary() | strategies.text().map(str.encode))
    def test_anything(self, text: bytes) -> None:
        """
        Whatever comes, nothing but L{ValueError} is raised.
        """
        with contextlib.suppress(ValueError):
            self.assertIsInstance(parseObject(text), dict)
