"""
Tests for L{mycred.demo._mailstore._rows}.
"""

from __future__ import annotations

import math
import time
from datetime import datetime, timezone

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred.demo._mailstore import FLAGS
from mycred.demo._mailstore._rows import (
    HIGHEST_UID,
    contentIn,
    isUID,
    knownFlags,
    messageOf,
    nextUID,
)

# What a column of SQLite may hold, and more: its type is only a hint.
values = st.one_of(
    st.none(), st.integers(), st.floats(), st.text(), st.binary(), st.booleans()
)


class RowTests(SynchronousTestCase):
    """
    Tests for rows that something else may have written.
    """

    def test_whole(self) -> None:
        """
        A row as this server writes it is a message; without a UID there is none.
        """
        message = messageOf(3, 120, 1.5, "\\Deleted \\Seen")
        assert message is not None
        self.assertEqual((message.uid, message.size, message.date), (3, 120, 1.5))
        self.assertEqual(message.flags, {"\\Deleted", "\\Seen"})
        for uid in (None, 0, -1, HIGHEST_UID + 1, "3", 3.5):
            self.assertIs(messageOf(uid, 120, 1.5, ""), None)

    @given(values)
    def test_content(self, value: object) -> None:
        """
        Whatever stands where a message should be is one: bytes as they are, and other
        things as text.
        """
        content = contentIn(value)
        if isinstance(value, bytes):
            self.assertEqual(content, value)
        elif value is not None:
            self.assertEqual(content, str(value).encode())

    @given(st.one_of(values, st.just(1)), values, values, values)
    def test_any(
        self, uid: object, size: object, received: object, flags: object
    ) -> None:
        """
        Whatever a row holds, what becomes of it can be shown: with a UID and a size, a
        moment that has a date, and no flags but those that are kept.
        """
        message = messageOf(uid, size, received, flags)
        if message is not None:
            self.assertTrue(1 <= message.uid <= HIGHEST_UID)
            self.assertGreater(message.size, 0)
            datetime.fromtimestamp(message.date, timezone.utc)  # noqa: UP017
            time.gmtime(message.date)
            self.assertLessEqual(message.flags, set(FLAGS))

    def test_dates(self) -> None:
        """
        The first and the last moment that has a date are kept; what has none is the
        epoch.
        """
        for kept in (-62_135_596_800, -1.0, 253_402_300_799):
            message = messageOf(1, 1, kept, "")
            self.assertEqual(message and message.date, kept)
        for odd in (-62_135_596_801, 253_402_300_800, math.nan, math.inf, -math.inf, "1"):
            message = messageOf(1, 1, odd, "")
            self.assertEqual(message and message.date, 0.0)

    def test_flags(self) -> None:
        """
        What would end a list of flags, or a line, is no flag.
        """
        for odd in ("\\Seen) (X", "\\seen", "\\Seen\r\n*", b"\\Seen", None, 5, "é"):
            self.assertLessEqual(knownFlags(odd), {"\\Seen"})

    def test_nextUID(self) -> None:
        """
        The next UID is higher than any that there is, whatever the row says.
        """
        for uidNext, highest, expected in [
            (1, None, 1),
            (5, 3, 5),
            (1, 3, 4),
            (-3, None, 1),
            ("x", 2, 3),
            (2, "x", 2),
        ]:
            self.assertEqual(nextUID(uidNext, highest), expected)
        self.assertTrue(isUID(1) and not isUID(1.0))
