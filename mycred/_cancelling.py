"""
What is waited for, and can be cancelled without losing an avatar that comes of it.
"""

from __future__ import annotations

from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from ._contracts import Login

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


def loginIn(result: Any) -> Login | None:
    """
    Return what a realm has answered, if it is what it should be: an interface, an avatar
    and a logout callable.  Protocols take any iterable of them.
    """
    try:
        interface, avatar, logout = result
    except (TypeError, ValueError):
        return None
    return interface, avatar, logout


__all__ = ["cancelSafely", "loginIn"]
