"""
Tests for L{mycred._state._buckets}, and for the L{mycred._state._interface} and the
L{mycred._state._errors} that all homes have.
"""

from __future__ import annotations

from hypothesis import example, given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._state import Limit
from mycred._state._buckets import (
    EMPTY,
    LATELY,
    charged,
    isForgiven,
    isNew,
    pauseAfter,
    refunded,
    waitAt,
)

LIMIT = Limit(3, 60.0, 600.0)

#: Limits as a site may choose them.
limits = st.builds(
    Limit,
    st.integers(1, 1_000_000),
    st.floats(1, 3600),
    st.floats(1, 86_400),
)

times = st.floats(1, 4e9)


class BucketTests(SynchronousTestCase):
    """
    Tests for buckets.
    """

    def test_pauses(self) -> None:
        """
        What is free costs no pause; each failure more doubles it, up to the longest.
        """
        pauses = [pauseAfter(level, LIMIT) for level in range(13)]
        self.assertEqual(pauses, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60])

    def test_partly(self) -> None:
        """
        A failure that is forgotten in part counts whole.
        """
        self.assertEqual(pauseAfter(3.01, LIMIT), 1)

    def test_setBack(self) -> None:
        """
        Nobody waits for a clock that was set back.
        """
        bucket = EMPTY
        for _ in range(9):
            bucket = charged(bucket, 10_000.0, LIMIT)
        self.assertEqual(waitAt(10_000.0, bucket, LIMIT), 32)
        self.assertEqual(waitAt(9_000.0, bucket, LIMIT), 0)

    def test_new(self) -> None:
        """
        What has failed is no newcomer for a day, and not before all is forgotten.
        """
        bucket = charged(EMPTY, 100.0, LIMIT)
        self.assertTrue(isNew(100.0, EMPTY))
        self.assertFalse(isNew(100.0 + LATELY - 1, bucket))
        self.assertTrue(isNew(100.0 + LATELY, bucket))
        slow = Limit(3, 60.0, 2 * LATELY)
        self.assertFalse(isNew(100.0 + LATELY, charged(EMPTY, 100.0, slow)))

    def test_newAfterRefund(self) -> None:
        """
        What was taken back has never been.
        """
        bucket = refunded(charged(EMPTY, 100.0, LIMIT), 100.0, LIMIT)
        self.assertEqual(bucket, EMPTY)

    @given(st.floats(0, 4e9), st.floats(1, 4e7), limits)
    def test_forgiven(self, time: float, remember: float, limit: Limit) -> None:
        """
        The right password has failures forgotten when a source isn't known yet, and then
        once while one is forgotten by itself; also after a clock was set back.
        """
        until = time + remember
        self.assertTrue(isForgiven(time, 0.0, remember, limit))
        for later in (0.0, 0.5 * limit.forget, 0.9 * limit.forget):
            self.assertFalse(isForgiven(time + later, until, remember, limit))
        self.assertTrue(isForgiven(time + limit.forget + 1.0, until, remember, limit))
        self.assertTrue(isForgiven(time - 100.0, until, remember, limit))

    @example(Limit(1, 69.77817344144523, 600.0), 2771.0, 20)
    @given(limits, times, st.integers(0, 40))
    def test_bounded(self, limit: Limit, time: float, failures: int) -> None:
        """
        No wait is longer than the longest pause, and however long it went on, after the
        time that it takes to forget what was free no more than the longest pauses are
        left.
        """
        bucket = EMPTY
        for _ in range(failures):
            bucket = charged(bucket, time, limit)
            self.assertLessEqual(waitAt(time, bucket, limit), limit.longest)
            time += limit.longest
        empty, _ = bucket
        self.assertLessEqual(empty - time, (limit.free + 14) * limit.forget)

    @given(limits, times, st.integers(1, 40), st.integers(1, 10))
    def test_refundNeverGains(
        self, limit: Limit, time: float, failures: int, refunds: int
    ) -> None:
        """
        However many right logins there are, they take back no failure of others: at the
        top, where less than one is added, less than one, once.
        """
        bucket = EMPTY
        for _ in range(failures):
            bucket = charged(bucket, time, limit)
        before = bucket[0]
        for _ in range(refunds):
            bucket = refunded(charged(bucket, time, limit), time, limit)
        self.assertGreaterEqual(bucket[0], before - limit.forget - 1e-3)
