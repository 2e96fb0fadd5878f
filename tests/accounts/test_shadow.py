"""
Tests for L{mycred._accounts._shadow}.
"""

from __future__ import annotations

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._accounts._shadow import Shadow
from mycred.error import DenialReason

from ..kit.ages import AGES, written

LOCKED = DenialReason.LOCKED
EXPIRED = DenialReason.EXPIRED
PASSWORD_EXPIRED = DenialReason.PASSWORD_EXPIRED

TODAY = 20_000


class ShadowTests(SynchronousTestCase):
    """
    Tests for L{Shadow}.
    """

    def test_ages(self) -> None:
        """
        Each date and age denies the account on its day, and not the day before.
        """
        for fields, expected in AGES:
            shadow = Shadow.parse(b"hash:" + written(fields, TODAY))
            denial = shadow.denial(TODAY)
            self.assertEqual(denial and denial[0], expected, fields)

    def test_locked(self) -> None:
        """
        What is written before the hash locks the account, whatever its dates say.
        """
        for secret in (b"!", b"*", b"!!", b"!*", b"*LK*", b"!hash", b"*hash"):
            shadow = Shadow.parse(secret + b":1:0:1:7::1:")
            self.assertTrue(shadow.isLocked)
            self.assertEqual(shadow.denial(TODAY), (LOCKED, "it is locked"))
        self.assertFalse(Shadow.parse(b"hash!:::::::").isLocked)

    def test_why(self) -> None:
        """
        The log is told the day.
        """
        expired = Shadow.parse(b"hash:::::1:19000:")
        self.assertEqual(expired.denial(TODAY), (EXPIRED, "it expired on 2022-01-08"))
        old = Shadow.parse(b"hash:19000:0:1:7:::").denial(TODAY)
        assert old is not None
        self.assertIn("2022-01-09", old[1])
        inactive = Shadow.parse(b"hash:19000:0:1:7:1::").denial(TODAY)
        assert inactive is not None
        self.assertIn("2022-01-10", inactive[1])
        far = Shadow.parse(b"hash:1:0:2147483647:7:2147483647:2147483647:")
        denial = far.denial(2**33)
        assert denial is not None
        self.assertIn("day 2147483647", denial[1])

    def test_damaged(self) -> None:
        """
        A line that getspnam(3) doesn't understand isn't understood.
        """
        for fields in (
            b"",
            b"hash",
            b"hash:",
            b"hash:20000",
            b"hash:20000:0",
            b"hash:20000:0:9:7",
            b"hash:20000:0:9:7:",
            b"hash:20000:0:9:7::9:8:7",
            b"hash:20000:0:9:7::x:",
            b"hash:20000:0:9:7:::x",
            b"hash:2x:0:9:7:::",
            b"hash:-1:0:9:7:::",
            b"hash:0x10:0:9:7:::",
            b"hash:20000:0:99999999999999999999:7:::",
            b"hash:20000:0:4294967294:7:::",
            b"hash:20000:0:2147483648:7:::",
            "hash:²:0:9:7:::".encode(),
        ):
            self.assertRaises(ValueError, Shadow.parse, fields)

    def test_secretUnseen(self) -> None:
        """
        The hash shows nowhere.
        """
        self.assertNotIn("hash", repr(Shadow.parse(b"hash:::::::")))

    @given(strategies.binary(), strategies.integers(0, 2**40))
    def test_anything(self, fields: bytes, today: int) -> None:
        """
        Whatever stands there, it is read and judged, or it is no line.
        """
        try:
            shadow = Shadow.parse(fields)
        except ValueError:
            return
        shadow.denial(today)

    @given(strategies.lists(strategies.from_regex(rb"\A[0-9x-]{0,12}\Z"), max_size=9))
    def test_anyNumbers(self, fields: list[bytes]) -> None:
        """
        So it is with numbers.
        """
        self.test_anything.hypothesis.inner_test(  # type: ignore[attr-defined]
            self, b":".join([b"hash", *fields]), TODAY
        )
