"""
Tests for L{mycred._metrics._samples}.
"""

from __future__ import annotations

import json

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._metrics._samples import (
    BadSamples,
    Family,
    Sample,
    add,
    counted,
    decode,
    encode,
)

FAMILIES = {"logins": Family("counter", "Logins."), "queue": Family("gauge", "Queue.")}

_labels = st.lists(st.tuples(st.text(), st.text()), max_size=3).map(tuple)

_sample = st.builds(
    Sample,
    st.sampled_from([*FAMILIES]),
    st.sampled_from(["", "_total"]),
    _labels,
    st.integers(0, 2**60),
)

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def logins(value: float, outcome: str = "accepted") -> Sample:
    """
    Return a number of logins.
    """
    return Sample("logins", "_total", (("outcome", outcome),), value)


class SamplesTests(SynchronousTestCase):
    """
    Tests for samples of several processes.
    """

    def test_counted(self) -> None:
        """
        What processes have counted is added up.
        """
        added = add(
            FAMILIES, [("1", [logins(2)]), ("2", [logins(3), logins(4, "refused")])]
        )
        self.assertEqual(added, [logins(5), logins(4, "refused")])

    def test_gauges(self) -> None:
        """
        A gauge is marked by its process, unless the process has no mark.
        """
        queue = Sample("queue", "", (), 7)
        first = queue._replace(labels=(("worker", "1"),))
        self.assertEqual(add(FAMILIES, [("1", [queue])]), [first])
        self.assertEqual(add(FAMILIES, [(None, [queue])]), [queue])

    def test_neverFall(self) -> None:
        """
        A process that takes the place of another goes on with its counts, and not with
        its gauges.
        """
        samples = [logins(2), Sample("queue", "", (), 7)]
        self.assertEqual(counted(FAMILIES, samples), [logins(2)])

    @given(st.lists(_sample, max_size=5))
    def test_encoded(self, samples: list[Sample]) -> None:
        """
        Samples come through as they were.
        """
        self.assertEqual(decode(FAMILIES, encode(samples)), samples)

    @given(st.binary() | _json.map(lambda value: json.dumps(value).encode()))
    def test_decode(self, data: bytes) -> None:
        """
        Whatever a process writes, it is samples, or an error that says so.
        """
        try:
            samples = decode(FAMILIES, data)
        except BadSamples:
            return
        self.assertEqual(decode(FAMILIES, encode(samples)), samples)

    def test_bad(self) -> None:
        """
        What isn't samples is refused, each part of it.
        """
        good = ["logins", "_total", [["outcome", "accepted"]], 1]
        self.assertEqual(decode(FAMILIES, json.dumps([good]).encode()), [logins(1)])
        for index, bad in [
            (0, "others"),
            (0, []),
            (1, None),
            (2, {}),
            (2, [["outcome"]]),
            (2, [["outcome", 1]]),
            (3, -1),
            (3, True),
            (3, float("nan")),
            (3, float("inf")),
        ]:
            row = [*good]
            row[index] = bad  # type: ignore[call-overload]
            data = json.dumps([row]).encode()
            self.assertRaises(BadSamples, decode, FAMILIES, data)
        self.assertRaises(BadSamples, decode, FAMILIES, b"[" * 100_000)
