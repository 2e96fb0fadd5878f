"""
Rewrite import statements.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from ._source import Source

#: C{from}, the module, C{import (}, the names, and what ends it.
_FROM = re.compile(
    r"(from[\s\\]+)(\w[\w.\s\\]*?)([\s\\]+import[\s\\]*\(?)(.*?)(,?[\s\\]*\)?)", re.DOTALL
)


def isSplit(statement: ast.ImportFrom, new: Mapping[ast.alias, str]) -> bool:
    """
    Return whether an import becomes other statements: some of its names stay, or it
    is C{from twisted import cred}, which becomes C{import mycred as cred}.
    """
    return statement.module == "twisted" or not new.keys() >= {*statement.names}


def rename(
    source: Source, statement: ast.Import | ast.ImportFrom, new: Mapping[ast.alias, str]
) -> None:
    """
    Change the names in an import, and no more.

    @param new: the dotted names of what its names become; those of C{from} become all
        something.
    """
    if isinstance(statement, ast.ImportFrom):
        _renameFrom(source, statement, new)
        return
    for alias in statement.names:
        if alias in new:
            source.replace(*source.span(alias), _item(new[alias], alias.asname))


def split(
    source: Source, statement: ast.ImportFrom, new: Mapping[ast.alias, str]
) -> None:
    """
    Have an import followed by one of the names that stay; they keep their layout.

    @param statement: an import without comments.
    @param new: the dotted names of what its names become.
    """
    match = _parts(source, statement)
    texts = match[4].split(",")
    kept = [text for text, alias in zip(texts, statement.names) if alias not in new]
    statements = _written(
        {alias: new[alias] for alias in statement.names if alias in new}
    )
    if kept:
        names = ",".join(kept)
        if texts[0] == texts[0].lstrip():
            names = names.lstrip(" \t\f\r\n\\")
        statements.append(f"{match[1]}{match[2]}{match[3]}{names}{match[5]}")
    source.replace(*source.span(statement), source.between(statement).join(statements))


def _renameFrom(
    source: Source, statement: ast.ImportFrom, new: Mapping[ast.alias, str]
) -> None:
    """
    Change the module that C{from} names, and the names that are others there.
    """
    start, match = source.span(statement)[0], _parts(source, statement)
    package = new[statement.names[0]].rpartition(".")[0]
    source.replace(start + match.start(2), start + match.end(2), package)
    for alias in statement.names:
        name = new[alias].rpartition(".")[2]
        if name != alias.name:
            source.replace(*source.span(alias), _item(name, _bound(alias)))


def _written(new: Mapping[ast.alias, str]) -> list[str]:
    """
    Return the statements that import what mycred has.
    """
    items = []
    for alias, path in new.items():
        package, _, name = path.rpartition(".")
        items.append(_item(name, _bound(alias)))
    if not package:
        return [f"import {item}" for item in items]
    return [f"from {package} import {', '.join(items)}"]


def _item(name: str, bound: str | None) -> str:
    """
    Return one name of an import as it is written.
    """
    return name if bound in (None, name) else f"{name} as {bound}"


def _bound(alias: ast.alias) -> str:
    """
    Return the name that C{from} ... C{import} binds.
    """
    return alias.asname or alias.name


def _parts(source: Source, statement: ast.ImportFrom) -> re.Match[str]:
    """
    Return the parts of an import.
    """
    match = _FROM.fullmatch(source.of(statement))
    if match is None:
        raise ValueError(f"an import that can't be taken apart: {source.of(statement)}")
    return match


__all__ = ["isSplit", "rename", "split"]
