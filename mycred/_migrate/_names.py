"""
What a name of Twisted's is called in mycred.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import twisted

#: The modules that mycred has a counterpart of.
COUNTERPARTS = {
    "twisted.cred": "mycred",
    "twisted.cred.checkers": "mycred.checkers",
    "twisted.cred.credentials": "mycred.credentials",
    "twisted.cred.error": "mycred.error",
    "twisted.cred.portal": "mycred.portal",
    "twisted.cred.strcred": "mycred.strcred",
    "twisted.conch.checkers": "mycred.checkers.sshkeys",
    "twisted.plugins.cred_anonymous": "mycred.plugins.cred_anonymous",
    "twisted.plugins.cred_file": "mycred.plugins.cred_file",
    "twisted.plugins.cred_memory": "mycred.plugins.cred_memory",
    "twisted.plugins.cred_sshkeys": "mycred.plugins.cred_sshkeys",
    "twisted.plugins.cred_unix": "mycred.plugins.cred_unix",
}

# The modules from which mycred imports Twisted's own objects.
_SHARED = {"_contracts", "_conchcontracts"}

_ROOTS = {
    "mycred": Path(__file__).parents[1],
    "twisted": Path(twisted.__file__).parent,
}


def moduleOf(path: str) -> str:
    """
    Return the longest part of a dotted name that is in L{COUNTERPARTS}; the empty
    string if there is none: then mycred has no counterpart of it.
    """
    while path and path not in COUNTERPARTS:
        path = path.rpartition(".")[0]
    return path


def follow(path: str) -> str | None:
    """
    Return the dotted name in mycred for one in Twisted, or L{None} if mycred has nothing
    of that name.
    """
    module = moduleOf(path)
    name = _nameIn(module, path)
    if not module or (name and not _has(COUNTERPARTS[module], name)):
        return None
    return COUNTERPARTS[module] + path[len(module) :]


def isLost(path: str) -> bool:
    """
    Return whether Twisted has something under a dotted name, and mycred hasn't.
    """
    module = moduleOf(path)
    return bool(module) and not follow(path) and _nameIn(module, path) in _bound(module)


def isShared(path: str) -> bool:
    """
    Return whether mycred has Twisted's very object under the same name.
    """
    module = moduleOf(path)
    return bool(module) and _bound(COUNTERPARTS[module]).get(_nameIn(module, path), False)


def _nameIn(module: str, path: str) -> str:
    """
    Return the word of a dotted name that follows the name of its module.
    """
    return path[len(module) + 1 :].partition(".")[0]


def _has(module: str, name: str) -> bool:
    """
    Return whether a module of mycred's has a public name.
    """
    isSpecial = name.startswith("__") and name.endswith("__")
    return isSpecial or (not name.startswith("_") and name in _bound(module))


@cache
def _bound(module: str) -> dict[str, bool]:
    """
    Return the names that a module has; for each, whether it is Twisted's.

    They are read, not imported: conch's libraries needn't be there.
    """
    package, *words = module.split(".")
    path = _ROOTS[package].joinpath(*words)
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    names = dict(_bindings(ast.parse(source.read_text("utf-8")).body))
    if module == "twisted.cred":
        names.update((inner.stem, True) for inner in path.iterdir())
    return names


def _bindings(statements: list[ast.stmt]) -> Iterator[tuple[str, bool]]:
    """
    Yield what statements bind.
    """
    for node in statements:
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            shared = module in _SHARED or module.startswith("twisted.")
            for alias in node.names:
                yield alias.asname or alias.name, shared
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], False
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield node.name, False
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    yield target.id, False
        elif isinstance(node, ast.Try):
            yield from _bindings(node.body)
            for handler in node.handlers:
                yield from _bindings(handler.body)


__all__ = ["COUNTERPARTS", "follow", "isLost", "isShared", "moduleOf"]
