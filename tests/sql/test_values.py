"""
Tests for L{mycred._sql._values}: what the values of columns mean.
"""

from __future__ import annotations

import contextlib
from base64 import b64encode
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._hashes import recognize
from mycred._scram import ScramKeys
from mycred._sql._values import (
    readFact,
    readFlag,
    readID,
    readKeys,
    readMoment,
    readNames,
    readText,
)

from ..kit.sqlaccounts import VALUES

KEYS = ScramKeys.derived("sha256", b"sesame", b"salt", 3)


class ValuesTests(SynchronousTestCase):
    """
    Tests for each kind of value.
    """

    def assertTable(
        self, read: Callable[[Any], Any], right: list[tuple[Any, Any]], wrong: list[Any]
    ) -> None:
        """
        Insist on what values mean, and that others are refused.
        """
        for value, expected in right:
            found = read(value)
            self.assertEqual(found, expected, repr(value))
            self.assertIs(type(found), type(expected), repr(value))
        for value in wrong:
            error = self.assertRaises(ValueError, read, value)
            if len(repr(value)) > 4:
                self.assertNotIn(repr(value), str(error))

    def test_text(self) -> None:
        """
        Text may be bytes in UTF-8.
        """
        right = [(None, None), ("é", "é"), ("é".encode(), "é"), (memoryview(b"a"), "a")]
        self.assertTable(readText, right, [b"\xff", 1, 1.5, ["a"], True])

    def test_fact(self) -> None:
        """
        A path has no NUL, and may be empty, which is none.
        """
        right = [
            (None, None),
            ("", None),
            ("/home/a", "/home/a"),
            (b"/bin/sh", "/bin/sh"),
        ]
        self.assertTable(readFact, right, ["a\0b", "a" * 5000, 1, b"\xff"])

    def test_flag(self) -> None:
        """
        A flag is a boolean, a number or a word, in any case; nothing is no.
        """
        right = [(value, True) for value in (True, 1, -1, 2.5, Decimal(1), b"\1", "Yes")]
        right += [(word, True) for word in ("t", "TRUE", "y", "on", "1", " 1 ", b"t")]
        right += [(value, False) for value in (None, False, 0, 0.0, Decimal(0), b"\0")]
        right += [(word, False) for word in ("f", "False", "N", "no", "off", "0", b"0")]
        right += [(float("nan"), True), (float("inf"), True), (Decimal("sNaN"), True)]
        wrong = ["", "perhaps", "2", b"\2", b"\xff", [], ["t"], date(2020, 1, 1), "ja"]
        self.assertTable(readFlag, right, wrong)

    def test_moment(self) -> None:
        """
        A point in time is one of Python's, a number of seconds, or text as in ISO 8601;
        without a zone it is UTC, and a day is its beginning.
        """
        hour = timezone(timedelta(hours=1))
        right = [
            (None, None),
            (0, 0.0),
            (86_400, 86_400.0),
            (-1, -1.0),
            (1.5, 1.5),
            (Decimal("1.5"), 1.5),
            (date(1970, 1, 2), 86_400.0),
            (datetime(1970, 1, 2), 86_400.0),
            (datetime(1970, 1, 2, 1, tzinfo=hour), 86_400.0),
            ("1970-01-02", 86_400.0),
            ("1970-01-02 00:00:01", 86_401.0),
            ("1970-01-02T00:00:01.123456", 86_401.0),
            ("1970-01-02 00:01", 86_460.0),
            ("1970-01-02T00:00:00Z", 86_400.0),
            ("1970-01-02 01:00:00+01", 86_400.0),
            ("1970-01-02 01:00:00+0100", 86_400.0),
            ("1970-01-02 01:00:00.5 +01:00", 86_400.0),
            (b" 1970-01-02 ", 86_400.0),
        ]
        wrong = [
            *("", "never", "infinity", "0000-00-00", "0000-00-00 00:00:00", "1", "1e9"),
            *("2020-13-01", "2020-02-30", "2020-01-01 25:00", "1.2.2020", "20200101"),
            *(float("nan"), float("inf"), 1_700_000_000_000, -(10**13), 10**400),
            *(
                True,
                [],
                timedelta(1),
                b"\xff",
                Decimal("sNaN"),
                Decimal("1e9999"),
                "٢٠٢٠-٠١-٠١",
            ),
        ]
        self.assertTable(readMoment, right, wrong)

    def test_id(self) -> None:
        """
        A uid is a number of 32 bits but the last one, which is -1.
        """
        right = [(None, None), (0, 0), (1000, 1000), ("1000", 1000), (b" 7 ", 7)]
        right += [(4_294_967_294, 4_294_967_294), (Decimal(5), 5), (5.0, 5)]
        wrong = [-1, 2**32 - 1, "", "-1", "0x10", "1_000", "1e3", "٣", "9" * 5000]
        wrong += [1.5, float("nan"), float("inf"), True, [], b"\xff"]
        wrong += [Decimal("nan"), Decimal("sNaN"), Decimal("1e99999"), Decimal("0.5")]
        self.assertTable(readID, right, wrong)

    def test_names(self) -> None:
        """
        Groups are an array, or stand between commas.
        """
        right: list[tuple[Any, Any]] = [(None, ()), ("", ()), ("a", ("a",))]
        right += [("a, b,", ("a", "b")), (b"a,b", ("a", "b")), (["a", " b"], ("a", "b"))]
        self.assertTable(readNames, right, [1, [1], [None], b"\xff", {"a": 1}, "a\0b"])

    @given(st.sampled_from([readText, readFact, readFlag, readMoment, readID]), VALUES)
    def test_any(self, read: Callable[[Any], Any], value: Any) -> None:
        """
        Any value means something, or is refused.
        """
        with contextlib.suppress(ValueError):
            read(value)

    @given(VALUES)
    def test_anyNames(self, value: Any) -> None:
        """
        Any value is some names, or is refused.
        """
        try:
            names = readNames(value)
        except ValueError:
            return
        self.assertTrue(all(isinstance(name, str) and name for name in names))


class KeysTests(SynchronousTestCase):
    """
    Tests for keys of SCRAM.
    """

    def columns(self, **other: Any) -> dict[str, Any]:
        """
        Return the columns of keys, some of them others.
        """
        return {
            "scram_salt": KEYS.salt,
            "scram_iterations": KEYS.iterations,
            "scram_stored_key": KEYS.storedKey,
            "scram_server_key": KEYS.serverKey,
            **other,
        }

    def test_right(self) -> None:
        """
        Keys are bytes, or text in base64, and as long as their hash.
        """
        text = {
            key: b64encode(value).decode() if isinstance(value, bytes) else str(value)
            for key, value in self.columns().items()
        }
        for columns in (
            self.columns(),
            text,
            self.columns(scram_hash="SCRAM-SHA-256"),
            self.columns(scram_hash="sha256"),
            self.columns(scram_hash=None),
            self.columns(scram_salt=memoryview(KEYS.salt)),
        ):
            keys = readKeys(columns)
            assert keys is not None
            self.assertEqual(recognize(keys).scramKeys, KEYS)

    def test_none(self) -> None:
        """
        Where no column holds anything there are no keys, whatever the hash is called.
        """
        for value in (None, "", b""):
            columns = dict.fromkeys(self.columns(), value)
            self.assertIs(readKeys({**columns, "scram_iterations": 0}), None)
            self.assertIs(readKeys({**columns, "scram_hash": "SHA-1"}), None)

    def test_wrong(self) -> None:
        """
        Keys that aren't whole are none.
        """
        for key, value in (
            *(("scram_salt", None), ("scram_salt", b""), ("scram_salt", b"s" * 64)),
            *(("scram_salt", "*"), ("scram_salt", 1), ("scram_salt", "é")),
            *(("scram_iterations", None), ("scram_iterations", 0)),
            *(("scram_iterations", -1), ("scram_iterations", 10**7)),
            *(("scram_iterations", "many"), ("scram_stored_key", None)),
            *(("scram_stored_key", b"k" * 20), ("scram_stored_key", b"k" * 31)),
            *(("scram_server_key", b"k" * 20), ("scram_server_key", "a2V5")),
            *(("scram_hash", "SHA-1"), ("scram_hash", "md5"), ("scram_hash", 256)),
        ):
            columns = self.columns(**{key: value})
            self.assertRaises(ValueError, readKeys, columns)

    @given(st.lists(VALUES, min_size=5, max_size=5))
    def test_any(self, values: list[Any]) -> None:
        """
        Any values are keys, or are refused.
        """
        names = [*self.columns(), "scram_hash"]
        try:
            keys = readKeys(dict(zip(names, values)))
        except ValueError:
            return
        if keys is not None:
            self.assertIsNot(recognize(keys).scramKeys, None)
