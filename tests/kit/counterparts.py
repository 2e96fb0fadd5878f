"""
The classes that Twisted has and mycred has made anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

from zope.interface.interface import InterfaceClass

from .names import quietly

#: Twisted's modules, and those that stand in their place.
MODULES = {
    "twisted.cred.checkers": "mycred.checkers",
    "twisted.cred.credentials": "mycred.credentials",
    "twisted.cred.error": "mycred.error",
    "twisted.cred.portal": "mycred.portal",
    "twisted.cred.strcred": "mycred.strcred",
    "twisted.cred._digest": "mycred._digest",
    "twisted.conch.checkers": "mycred.checkers.sshkeys",
}


# What a mixin is isn't asked: whether it was mixed in is a question about the options.
NO_COUNTERPARTS = {"AuthOptionMixin"}

# A module that is shown by another one, and is no part of what that offers.
OTHERS = ("pwd", "spwd")


def isTwisteds(module: ModuleType, name: str, value: Any) -> bool:
    """
    Tell whether a name in one of Twisted's modules is one that programs import from
    there: cred's and conch's own, and not what the module has imported for itself.
    """
    if name.startswith("_") or name in OTHERS:
        return False
    if isinstance(value, ModuleType):
        return value.__name__.startswith(("twisted.cred", "twisted.conch"))
    home = getattr(value, "__module__", None)
    if isinstance(value, (type, FunctionType, InterfaceClass)):
        own = ("twisted.cred.", "twisted.conch.", "twisted.plugins.cred_")
        return str(home).startswith(own)
    # Constants; what is left of those is a library's.
    return isinstance(value, (str, tuple, dict)) and name != "TYPE_CHECKING"


def publicNames() -> Iterator[tuple[ModuleType, ModuleType, str, Any]]:
    """
    Walk through Twisted's public names.

    @return: Twisted's module, mycred's, the name, and what it is in Twisted's.
    """
    for theirs, ours in MODULES.items():
        twisteds = import_module(theirs)
        for name in vars(twisteds):
            value = quietly(twisteds, name)
            if isTwisteds(twisteds, name, value):
                yield twisteds, import_module(ours), name, value


def counterparts() -> Iterator[tuple[type, type]]:
    """
    Walk through the classes that Twisted has and mycred has made anew.

    @return: Twisted's, and mycred's.
    """
    from twisted.plugins.cred_unix import UNIXChecker

    from mycred.checkers import UNIXChecker as ours

    yield UNIXChecker, ours
    for _, module, name, value in publicNames():
        isClass = isinstance(value, type) and not isinstance(value, InterfaceClass)
        if isClass and name not in NO_COUNTERPARTS:
            mine = quietly(module, name)
            if mine is not value:
                yield value, mine
