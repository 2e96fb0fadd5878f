"""
Suites of tests that are loaded from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase


def casesOf(tests: object) -> Iterator[SynchronousTestCase]:
    """
    Walk through nested suites.
    """
    if isinstance(tests, SynchronousTestCase):
        yield tests
    else:
        for part in tests:  # type: ignore[attr-defined]
            yield from casesOf(part)
