"""
How an import is written once it is known what its names become.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from ._edits import Text
from ._scopes import Import


def rewrite(
    text: Text, statement: Import, new: Mapping[ast.alias, str], extra: list[str]
) -> None:
    """
    Change an import.

    @param text: where it stands.
    @param statement: the import.
    @param new: the dotted names of what its names become; those that stay aren't in it.
    @param extra: modules that are to be imported with it.
    """
    moved = {alias: new[alias] for alias in statement.names if alias in new}
    extra = sorted(extra)
    if isinstance(statement, ast.Import):
        for alias, module in moved.items():
            _renameModule(text, alias, module)
        if extra:
            _, end = text.span(statement)
            text.replace(end, end, "".join(f", {name}" for name in extra))
    elif len(moved) == len(statement.names):
        _renameAll(text, statement, moved, extra)
    elif moved or extra:
        text.insertBefore(statement, _written(moved, extra))
        if moved:
            text.removeItems(statement, {*moved})


def _renameModule(text: Text, alias: ast.alias, module: str) -> None:
    """
    Change the module in C{import a.b as c}.
    """
    tokens = text.tokens(alias)
    words = [token.text for token in tokens]
    last = words.index("as") if alias.asname else len(words)
    text.replace(tokens[0].start, tokens[last - 1].end, module)


def _renameAll(
    text: Text, statement: ast.ImportFrom, new: dict[ast.alias, str], extra: list[str]
) -> None:
    """
    Change an import all of whose names follow.
    """
    if statement.module == "twisted":
        text.replace(*text.span(statement), _written(new, extra))
        return
    tokens = text.tokens(statement)
    last = next(n for n, token in enumerate(tokens) if token.text == "import")
    package = new[statement.names[0]].rpartition(".")[0]
    text.replace(tokens[1].start, tokens[last - 1].end, package)
    for alias in statement.names:
        name = new[alias].rpartition(".")[2]
        if name != alias.name:
            start, end = text.span(alias)
            text.replace(start, end, f"{name} as {alias.asname or alias.name}")


def _written(new: dict[ast.alias, str], extra: list[str]) -> str:
    """
    Write the import of what follows.
    """
    package, items = "", []
    for alias, path in new.items():
        package, _, name = path.rpartition(".")
        bound = alias.asname or alias.name
        items.append(name if name == bound else f"{name} as {bound}")
    # Only what is imported from "twisted" can need more.
    start = f"from {package} " if package else ""
    return f"{start}import {', '.join([*items, *extra])}"


__all__ = ["rewrite"]
