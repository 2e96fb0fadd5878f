"""
The public names of mycred, and the list of those that stood before.

C{publicnames.txt} has what C{python -m tests.kit.publicnames} prints, as of the last
release.  Names may be added to it, and none may go.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType

from mycred.checkers.ldap import ldapOptions
from mycred.checkers.sql import sqlOptions
from mycred.stack import stackSections
from mycred.strcred import Options

from .names import publicModules, quietly

LIST = Path(__file__).with_name("publicnames.txt")


def publicNames() -> Iterator[str]:
    """
    Return what programs and administrators may name, a line for each: names in public
    modules, the parameters of functions and methods, the options of auth types, and those
    in a stack's file.
    """
    for module in sorted(publicModules(), key=lambda module: module.__name__):
        yield module.__name__
        yield from _namesIn(module)
    for authType, options in sorted(_optionsByType().items()):
        yield f"--auth={authType}:"
        yield from (f"--auth={authType}:{option.key}=" for option in options)
    for section, options in stackSections.items():
        yield from (f"[{section}] {option.key}=" for option in options)


def _namesIn(module: ModuleType) -> Iterator[str]:
    """
    Return the public names of a module: those in C{__all__}, and those that are defined
    in it.
    """
    names = set(getattr(module, "__all__", ()))
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names.update(t.id for t in targets if isinstance(t, ast.Name))
    for attribute in sorted(names):
        if not attribute.startswith("_"):
            yield from _described(
                f"{module.__name__}.{attribute}", quietly(module, attribute)
            )


def _described(path: str, value: object) -> Iterator[str]:
    """
    Return a name with its parameters, and the names in a class of mycred's.
    """
    yield path + _parametersOf(value)
    if not inspect.isclass(value):
        return
    for attribute in sorted(dir(value)):
        definer = next((c for c in value.__mro__ if attribute in vars(c)), object)
        if not attribute.startswith("_") and definer.__module__.startswith("mycred"):
            member = inspect.getattr_static(value, attribute)
            function = getattr(member, "__func__", member)
            yield f"{path}.{attribute}{_parametersOf(function)}"


def _parametersOf(value: object) -> str:
    """
    Return the names of the parameters of a function or of a class of mycred's, in
    parentheses; empty for anything else.
    """
    isOurs = (getattr(value, "__module__", None) or "").startswith("mycred")
    if not isOurs or not (inspect.isfunction(value) or inspect.isclass(value)):
        return ""
    if inspect.isclass(value) and issubclass(value, Enum):
        # They are Python's, and differ between its versions.
        return ""
    try:
        parameters = inspect.signature(value).parameters.values()
    except ValueError:
        return ""
    pieces = []
    for parameter in parameters:
        isKeyword = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        if isKeyword and "*" not in pieces and not any(p[:1] == "*" for p in pieces):
            pieces.append("*")
        pieces.append(str(parameter.replace(annotation=parameter.empty)).split("=")[0])
    return f"({', '.join(pieces)})"


def _optionsByType() -> dict[str, Options]:
    """
    Return the options of each auth type.
    """
    options = {"ldap": ldapOptions, "sql": sqlOptions}
    for module in publicModules():
        if module.__name__.startswith("mycred.plugins."):
            for value in vars(module).values():
                if hasattr(value, "authType") and not inspect.isclass(value):
                    own = getattr(module, "options", Options())
                    options.setdefault(value.authType, own)
    return options


if __name__ == "__main__":
    print("\n".join(publicNames()))
