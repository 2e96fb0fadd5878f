"""
Classes that stand in the place of Twisted's, for programs that were written for those:
C{isinstance} answers as it does in Twisted, both ways, and a method that a program
overrides is called as Twisted calls it.
"""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Callable
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., object])

# The functions that L{overridable} has seen.
_ours: set[Callable[..., object]] = set()


class Counterpart(metaclass=ABCMeta):  # noqa: B024
    """
    The base of each such class, beside Twisted's, which stands last::

        class UsernamePassword(Counterpart, credentials.UsernamePassword): ...

    So its instances are instances of Twisted's class, and by this base instances of
    Twisted's class are instances of it.  That is so for the class itself: for a program's
    subclass of it only the subclass's own instances are.

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
    Decorate a method that stands in the place of one of Twisted's which programs
    override.
    """
    _ours.add(method)
    return method


def isOverridden(owner: object, *names: str) -> bool:
    """
    Return whether a program has replaced a method that is L{overridable}: in a subclass,
    in the object itself, or in our class, as tests do.

    @param owner: the object with the methods.
    @param names: the names of the methods, of which one will do.
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
