"""
What a name of Twisted's is called in mycred.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import twisted

#: The modules that mycred has a counterpart of, and the package that they are in.
COUNTERPARTS = {
    "twisted.cred": "mycred",
    "twisted.cred.checkers": "mycred.checkers",
    "twisted.cred.credentials": "mycred.credentials",
    "twisted.cred.error": "mycred.error",
    "twisted.cred.portal": "mycred.portal",
    "twisted.cred.strcred": "mycred.strcred",
    "twisted.conch.checkers": "mycred.checkers.sshkeys",
}

#: The modules through which Twisted's own objects come into mycred.
_DOORS = {"_contracts", "_conchcontracts"}

_ROOTS = {
    "mycred": Path(__file__).parents[1],
    "twisted": Path(twisted.__file__).parent,
}


def isConcerned(path: str) -> bool:
    """
    Whether a dotted name is in a part of Twisted that mycred takes the place of.
    """
    return any(
        path == part or path.startswith(f"{part}.")
        for part in ("twisted.cred", "twisted.conch.checkers")
    )


def moduleOf(path: str) -> str:
    """
    Return the longest part of a dotted name that is in L{COUNTERPARTS}.

    @param path: a name that L{isConcerned}.
    """
    while path not in COUNTERPARTS:
        path = path.rpartition(".")[0]
    return path


def follow(path: str) -> str | None:
    """
    Return what a dotted name is called in mycred, or L{None} if it has nothing of that
    name.
    """
    if not isConcerned(path):
        return None
    old = moduleOf(path)
    rest = path[len(old) :]
    if rest and not _has(COUNTERPARTS[old], rest.split(".")[1]):
        return None
    return COUNTERPARTS[old] + rest


def isShared(path: str) -> bool:
    """
    Whether mycred has Twisted's very object, which keeps the name that Twisted gave it.

    @param path: the dotted name in Twisted of what L{follow} knows.
    """
    old = moduleOf(path)
    name = path[len(old) + 1 :].partition(".")[0]
    return bool(name) and _bound(COUNTERPARTS[old]).get(name, False)


def starDifference(module: str) -> frozenset[str]:
    """
    Return the names that C{import *} brings from a module of Twisted's and not from its
    counterpart, or the other way round.
    """
    return _starred(module) ^ _starred(COUNTERPARTS[module])


@cache
def _starred(module: str) -> frozenset[str]:
    """
    Return the names that C{import *} brings.
    """
    tree = _tree(module)
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            if "__all__" in dict(_bindings([node])):
                return frozenset(ast.literal_eval(node.value))
    return frozenset(name for name, _ in _bindings(tree.body) if not name.startswith("_"))


def _has(module: str, name: str) -> bool:
    """
    Whether a module of mycred's has a public name.
    """
    if name.startswith("__") and name.endswith("__"):
        return True
    return not name.startswith("_") and name in _bound(module)


@cache
def _bound(module: str) -> dict[str, bool]:
    """
    Find the names that a module binds; with each, whether it is Twisted's.

    They are read, not imported: conch's libraries needn't be there.
    """
    return dict(_bindings(_tree(module).body))


def _bindings(statements: list[ast.stmt]) -> Iterator[tuple[str, bool]]:
    """
    Walk through what statements bind.
    """
    for node in statements:
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            shared = module in _DOORS or module.startswith("twisted.")
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


def _tree(module: str) -> ast.Module:
    """
    Parse a module of mycred's or of Twisted's.
    """
    package, *words = module.split(".")
    path = _ROOTS[package].joinpath(*words)
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text("utf-8"))


__all__ = [
    "COUNTERPARTS",
    "follow",
    "isConcerned",
    "isShared",
    "moduleOf",
    "starDifference",
]
