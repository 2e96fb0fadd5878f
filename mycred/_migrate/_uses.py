"""
The names of a module: which imports bind them, and where they are used.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Imported:
    """
    One name of an import, and the object that it stands for.

    @ivar path: the dotted name of what is imported.
    @ivar name: the name that it binds.
    @ivar target: the dotted name of what that name stands for: C{import a.b} binds C{a}.
    """

    statement: ast.Import | ast.ImportFrom
    alias: ast.alias
    path: str
    name: str
    target: str


@dataclass(frozen=True)
class Use:
    """
    A place where a name is used, with the attributes that are asked of it.

    @ivar nodes: the nodes of the name and of each attribute, as far as they are no
        strings.
    """

    words: tuple[str, ...]
    nodes: tuple[ast.expr, ...]

    def path(self, target: str) -> str:
        """
        Return the dotted name of what is used, if the name stands for C{target}.
        """
        return ".".join([target, *self.words[1:]])

    @property
    def isAsked(self) -> bool:
        """
        Whether the last attribute is a string.
        """
        return len(self.words) > len(self.nodes)

    @property
    def line(self) -> int:
        """
        The number of its line.
        """
        return self.nodes[0].lineno


def imports(tree: ast.Module) -> Iterator[Imported]:
    """
    Yield what a module imports, but for what is relative to its own package.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                target = alias.name if alias.asname else root
                yield Imported(node, alias, alias.name, alias.asname or root, target)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                path = f"{node.module}.{alias.name}"
                yield Imported(node, alias, path, alias.asname or alias.name, path)


def uses(tree: ast.Module) -> Iterator[Use]:
    """
    Yield the uses of names: C{a}, C{a.b.c}, and C{getattr(a.b, "c")} and its like.
    """
    inner: set[ast.expr] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Attribute, ast.Name)) and node not in inner:
            chain = _chain(node)
            inner.update(chain)
            if isinstance(chain[0], ast.Name) and isinstance(chain[0].ctx, ast.Load):
                yield Use(_words(chain), chain)
        elif isinstance(node, ast.Call):
            for argument, name in pairwise(node.args):
                chain = _chain(argument)
                if isinstance(name, ast.Constant) and isinstance(chain[0], ast.Name):
                    yield Use((*_words(chain), str(name.value)), chain)


def formatted(tree: ast.Module) -> set[ast.AST]:
    """
    Return what stands in f-strings.
    """
    return {
        inner
        for node in ast.walk(tree)
        if type(node).__name__ in ("JoinedStr", "TemplateStr")
        for inner in ast.walk(node)
    }


def otherwiseBound(tree: ast.Module) -> set[str]:
    """
    Return the names that anything but C{import name.more} binds, wherever that is.
    """
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.alias):
            names.add(node.asname or "")
        elif isinstance(node, ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            names.update(node.names)
        elif not (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)):
            # Whatever else has a name: functions, parameters, patterns, errors.
            names.update(
                str(getattr(node, key, "")) for key in ("id", "name", "arg", "rest")
            )
    return names


def _chain(node: ast.expr) -> tuple[ast.expr, ...]:
    """
    Return the parts of C{a.b.c}: C{a}, C{a.b} and C{a.b.c}.
    """
    chain = [node]
    while isinstance(node, ast.Attribute):
        node = node.value
        chain.append(node)
    return tuple(chain[::-1])


def _words(chain: tuple[ast.expr, ...]) -> tuple[str, ...]:
    """
    Return the words of what L{_chain} returned.
    """
    return tuple(getattr(node, "attr", getattr(node, "id", "")) for node in chain)


__all__ = ["Imported", "Use", "formatted", "imports", "otherwiseBound", "uses"]
