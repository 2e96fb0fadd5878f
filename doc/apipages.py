"""
How pydoctor builds the API's pages.

What a public module shows of a private one stands on the page of the public one, and what
belongs to Python, Zope or Twisted is a link to their documentation, without asking a
server for a list of it.
"""

from __future__ import annotations

import builtins
import sys
from importlib.util import find_spec
from typing import Any

from pydoctor.extensions import ExtRegistrar, ModuleMixin, PackageMixin
from pydoctor.model import Documentable, Module, System as PydoctorSystem
from pydoctor.sphinx import SphinxInventory

_PYTHON = "https://docs.python.org/3/library"
_TWISTED = "https://docs.twistedmatrix.com/en/stable/api"
_ZOPE = "https://zopeinterface.readthedocs.io/en/latest/api.html"


class PrivateModule(ModuleMixin, PackageMixin):
    """
    A module from which public modules take what they show, whatever its C{__all__} says.
    """

    _all: Any = None

    @property
    def all(self: Any) -> Any:
        return None if self.name.startswith("_") else self._all

    @all.setter
    def all(self, names: Any) -> None:
        self._all = names


class Inventory(SphinxInventory):
    """
    The links to what isn't mycred's.
    """

    system: System

    def getLink(self, name: str) -> str | None:
        """
        Return the address of the documentation of something, or L{None}.
        """
        name = self.system.original(name)
        moved = self.system.objForFullName(name)
        if moved is not None:
            return moved.url
        first, _, rest = name.partition(".")
        if hasattr(builtins, first) and not rest:
            kind = getattr(builtins, first)
            if isinstance(kind, type) and issubclass(kind, BaseException):
                return f"{_PYTHON}/exceptions.html#{name}"
            return f"{_PYTHON}/{'constants' if kind is None else 'functions'}.html#{name}"
        if first in sys.stdlib_module_names:
            module = moduleOf(name)
            return f"{_PYTHON}/{module}.html#{'module-' * (module == name)}{name}"
        if first == "twisted":
            # pydoctor's: a class has a page of its own.
            page = moduleOf(name)
            parts = name[len(page) + 1 :].split(".")
            if parts[0][:1].isupper():
                page = f"{page}.{parts.pop(0)}"
            return f"{_TWISTED}/{page}.html" + "#" * any(parts) + ".".join(parts)
        return _ZOPE if first == "zope" else None


def moduleOf(name: str) -> str:
    """
    Return the name of the module to which something belongs.
    """
    while not isModule(name):
        name = name.rpartition(".")[0]
    return name


def isModule(name: str) -> bool:
    """
    Return whether there is a module of this name.
    """
    try:
        return find_spec(name) is not None
    except ImportError:
        return False


class System(PydoctorSystem):
    """
    mycred's modules, for pydoctor.
    """

    custom_extensions = [__name__]

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.intersphinx = Inventory(logger=self.msg)
        self.intersphinx.system = self

    def original(self, name: str) -> str:
        """
        Return the name that something has where it is defined, for a name under which
        a module of mycred has imported it.

        A docstring that stands on another module's page knows what any module has
        imported.
        """
        expanded = self.expanded(name)
        while expanded != name:
            name, expanded = expanded, self.expanded(expanded)
        return name

    def expanded(self, name: str) -> str:
        """
        Return the name from which a module has imported what it calls so, or the name
        itself.
        """
        root, _, rest = name.partition(".")
        for package in self.rootobjects:
            if rest and package.name == root:
                return package.expandName(rest)
        if not hasattr(builtins, root):
            for module in self.objectsOfType(Module):
                if name in module._localNameToFullName_map:
                    return module.expandName(name)
        return name

    def find_object(self, full_name: str) -> Documentable | None:
        """
        Return an object of mycred, or L{None} for what is defined elsewhere.
        """
        return self.objForFullName(self.original(full_name))


def setup_pydoctor_extension(registrar: ExtRegistrar) -> None:
    """
    Have pydoctor take the modules from here.
    """
    registrar.register_mixin(PrivateModule)
