"""
Decide which imports of a module follow to mycred, and change them.

An import follows if everything that the program takes from it is there in mycred.
Otherwise it stays, works as it did, and is left to a person.
"""

from __future__ import annotations

import ast
from collections import defaultdict

from ._dotted import Dotted
from ._names import COUNTERPARTS, follow, isLost, moduleOf
from ._source import Source
from ._statements import isSplit, rename, split
from ._uses import Imported, Use, imports, otherwiseBound, uses


class Imports:
    """
    The imports of one module.

    @ivar left: the lines that a person has to look at, and why.
    """

    def __init__(self, source: Source, tree: ast.Module) -> None:
        self._source = source
        self._top = {*tree.body}
        self._isTaken = "mycred" in otherwiseBound(tree)
        self._all = list(imports(tree))
        self._uses: dict[str, list[Use]] = defaultdict(list)
        for use in uses(tree):
            self._uses[use.words[0]].append(use)
        self._dotted = Dotted(source, tree, self._all, self._uses["twisted"])
        # What the names of imports become; those that stay are not in it.
        self._new: dict[ast.alias, str] = {}
        self.left: list[tuple[int, str]] = []

    def follow(self) -> None:
        """
        Have the source changed.
        """
        roots = self._dotted.roots
        rootReason = self._dotted.whyTheyStay() if roots else ""
        for one in self._all:
            if moduleOf(one.path):
                self._decide(one, rootReason if one in roots else self._whyItStays(one))
        for statement in dict.fromkeys(one.statement for one in self._all):
            if not self._new.keys().isdisjoint(statement.names):
                self._rewrite(statement)
        if roots and not rootReason:
            self._dotted.follow()
        self._bringModules()
        self._leaveUses()

    def _decide(self, one: Imported, reason: str) -> None:
        """
        Note what becomes of a name.

        @param reason: why it stays; empty if it follows.
        """
        new = follow(one.path)
        if reason or new is None:
            self._leave(one.alias.lineno, f"{one.path} stays: {reason}")
        else:
            self._new[one.alias] = new

    def _whyItStays(self, one: Imported) -> str:
        """
        Return why a name stays that is imported by itself; the empty string if it
        follows.
        """
        if one.alias.name == "*":
            return "name what is used instead"
        if follow(one.path) is None:
            return "mycred has nothing of that name"
        if one.path == "twisted.cred" and one.statement not in self._top:
            return "it is imported inside a block"
        if one.path == "twisted.cred" and self._isTaken:
            return "something else is called mycred here"
        paths = {use.path(one.target) for use in self._uses[one.name]}
        lost = ", ".join(sorted(filter(isLost, paths)))
        return f"mycred has no {lost}" if lost else ""

    def _rewrite(self, statement: ast.Import | ast.ImportFrom) -> None:
        """
        Change an import.
        """
        if isinstance(statement, ast.Import) or not isSplit(statement, self._new):
            rename(self._source, statement, self._new)
        elif "#" not in self._source.of(statement):
            split(self._source, statement, self._new)
        else:
            for alias in statement.names:
                if self._new.pop(alias, ""):
                    path = f"{statement.module}.{alias.name}"
                    self._leave(
                        alias.lineno, f"{path} stays: comments stand between the names"
                    )

    def _bringModules(self) -> None:
        """
        Have modules imported that were there before without an import of their own,
        and are used as C{cred.portal} or C{twisted.cred.portal}.
        """
        packages = [
            one
            for one in self._all
            if one.alias in self._new
            and (one in self._dotted.roots or one.path == "twisted.cred")
        ]
        needed = {
            COUNTERPARTS[moduleOf(use.path(one.target))]
            for one in packages
            for use in self._uses[one.name]
            if moduleOf(use.path(one.target))
        }
        for one in self._all:
            if one.statement in self._top:
                path = self._new.get(one.alias, one.path)
                needed -= {
                    module for module in needed if f"{path}.".startswith(f"{module}.")
                }
        for module in sorted(needed):
            statement = packages[0].statement
            start, _ = self._source.span(statement)
            new = f"import {module}{self._source.between(statement)}"
            self._source.replace(start, start, new)

    def _leaveUses(self) -> None:
        """
        Leave uses of modules that this module doesn't import by their names.
        """
        for one in self._all:
            isDotted = one.target == "twisted" and self._dotted.roots
            if one.target in ("twisted", "twisted.conch") and not isDotted:
                for use in self._uses[one.name]:
                    path = use.path(one.target)
                    if moduleOf(path):
                        self._leave(use.line, f"{path} stays: nothing here imports it")

    def _leave(self, line: int, reason: str) -> None:
        self.left.append((line, reason))


__all__ = ["Imports"]
