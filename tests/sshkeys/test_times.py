"""
Tests for L{mycred._sshkeys._times}; L{tests.sshkeys.test_optionlist} has those of time
zones.
"""

from __future__ import annotations

import calendar
import time

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._sshkeys._times import parseTime

# Digits of which many make a time.
_parts = strategies.tuples(
    strategies.sampled_from(("0000", "1969", "1970", "2024", "2038", "9999")),
    *(
        strategies.sampled_from(("00", "01", "02", "12", "13", "29", "30", "31", "32"))
        for _ in range(2)
    ),
    *(
        strategies.sampled_from(("00", "23", "24", "59", "60", "61", "62"))
        for _ in range(3)
    ),
)


def byTheLibrary(digits: str, isUTC: bool) -> int | None:
    """
    Read a time with strptime(3).
    """
    read = calendar.timegm if isUTC else time.mktime
    try:
        parsed = time.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S")
        seconds = int(read((*parsed[:6], 0, 0, 0)))
    except (ValueError, OverflowError):
        return None
    return seconds if seconds > 0 else None


class TimeTests(SynchronousTestCase):
    """
    Tests for L{parseTime}.
    """

    @given(
        _parts, strategies.sampled_from((8, 12, 14)), strategies.sampled_from(("", "Z"))
    )
    def test_likeTheLibrary(self, parts: tuple[str, ...], size: int, zone: str) -> None:
        """
        It is the time that strptime(3) would read.
        """
        digits = "".join(parts)[:size]
        try:
            found: int | None = parseTime(digits + zone)
        except ValueError:
            found = None
        self.assertEqual(found, byTheLibrary(digits, bool(zone)))

    @given(strategies.text("0123456789Zz utc\u0661\uff11_+-\n", max_size=20))
    def test_anything(self, text: str) -> None:
        """
        Arbitrary text raises nothing but C{ValueError}, and only digits of ASCII make a
        time.
        """
        try:
            parseTime(text)
        except ValueError:
            return
        digits = text.upper().removesuffix("UTC").removesuffix("Z")
        self.assertTrue(digits.isascii() and digits.isdigit(), repr(text))

    def test_zones(self) -> None:
        """
        The letters of a time zone are those of ASCII.
        """
        self.assertEqual(parseTime("20300102utc"), parseTime("203001020000Z"))
        for text in ("20300102\u017d", "20300102U\u0422C", "20300102Z\n", "20300102UTCZ"):
            self.assertRaises(ValueError, parseTime, text)
