"""
Classes that stand in the place of Twisted's: what a program may count on that has always
had Twisted's.

It asks C{isinstance}, of what it has made itself and of what others have made; and it
overrides methods, which are asked then as Twisted asks them.
"""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Callable
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

# The functions that L{overridable} has seen.
_ours: set[Callable[..., Any]] = set()


class Counterpart(metaclass=ABCMeta):  # noqa: B024
    """
    Base of each such class, beside Twisted's, which stands last::

        class UsernamePassword(Counterpart, credentials.UsernamePassword): ...

    So its instances are instances of Twisted's class, and by this base those of Twisted's
    are instances of it.  That is so for itself: a program's subclass knows its own only.

    The metaclass is C{ABCMeta}, which goes together with that of nearly all classes.
    """

    __slots__ = ()

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        """
        Return whether a class is Twisted's or extends it.
        """
        if Counterpart in cls.__bases__:
            return issubclass(other, cls.__bases__[-1])
        return NotImplemented


def overridable(method: _F) -> _F:
    """
    Decorate a method of ours that has one of Twisted's behind it, which programs
    override.
    """
    _ours.add(method)
    return method


def isOverridden(owner: object, *names: str) -> bool:
    """
    Return whether a program has put something of its own in the place of a method that is
    L{overridable}: in a subclass, in the object itself, or in our class, as tests do.

    @param owner: whose methods they are.
    @param names: the names of methods, of which one will do.
    """
    for name in names:
        method = getattr(owner, name, None)
        if method is None:
            continue
        if getattr(method, "__func__", None) not in _ours:
            return True
        if getattr(method, "__self__", None) is not owner:
            # That of another object.
            return True
    return False


__all__ = ["Counterpart", "isOverridden", "overridable"]
