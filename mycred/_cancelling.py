"""
Whether what is waited for can be cancelled without losing what comes of it.
"""

from __future__ import annotations

from typing import TypeVar

from twisted.internet.defer import Deferred

_T = TypeVar("_T")


def cancelSafely(waiting: Deferred[_T]) -> None:
    """
    Cancel a L{Deferred} of a login, if it can be.

    One without a canceller swallows its result when it is cancelled, and with it an
    avatar that couldn't be logged out any more.  That one is left to end by itself.
    """
    current = waiting
    while current.called and isinstance(current.result, Deferred):
        current = current.result
    ownCancel = type(current).cancel is not Deferred.cancel
    if ownCancel or current._canceller is not None:
        waiting.cancel()


__all__ = ["cancelSafely"]
