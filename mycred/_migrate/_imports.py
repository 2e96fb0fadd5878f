"""
Decide which imports of a module follow to mycred, and change them.

An import follows if everything that the program takes from it is there in mycred.
Otherwise it stays, works as it did, and is left to a person.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from ._names import COUNTERPARTS, follow, isLost, moduleOf
from ._source import Source
from ._statements import isSplit, rename, split
from ._uses import Imported, Use, formatted, imports, otherwiseBound, uses


class Imports:
    """
    The imports of one module.

    @ivar left: the lines that a person has to look at, and why.
    """

    def __init__(self, source: Source, tree: ast.Module) -> None:
        self._source = source
        self._top = {*tree.body}
        self._all = list(imports(tree))
        # "import twisted.cred.portal" and its like: their uses follow, too.
        self._roots = [
            one for one in self._all if one.target == "twisted" and follow(one.path)
        ]
        self._uses: dict[str, list[Use]] = defaultdict(list)
        for use in uses(tree):
            self._uses[use.words[0]].append(use)
        self._formatted = formatted(tree)
        self._otherwise = otherwiseBound(tree)
        # What the names of imports become; those that stay are not in it.
        self._new: dict[ast.alias, str] = {}
        self.left: list[tuple[int, str]] = []

    def follow(self) -> None:
        """
        Have the source changed.
        """
        rootReason = self._whyRootsStay()
        for one in self._all:
            if moduleOf(one.path):
                reason = rootReason if one in self._roots else self._whyItStays(one)
                self._decide(one, reason)
        for statement in dict.fromkeys(one.statement for one in self._all):
            if not self._new.keys().isdisjoint(statement.names):
                self._rewrite(statement)
        if not rootReason:
            for use in self._rootUses():
                self._source.replace(*self._spanOf(use), COUNTERPARTS[_moduleIn(use)])
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
        if one.path == "twisted.cred" and "mycred" in self._otherwise:
            return "something else is called mycred here"
        paths = {use.path(one.target) for use in self._uses[one.name]}
        return _lacking(filter(isLost, paths))

    def _whyRootsStay(self) -> str:
        """
        Return why C{import twisted.cred.portal} and what uses it stay; the empty string
        if they follow.
        """
        for name in ("twisted", "mycred"):
            if name in self._otherwise:
                return f"something else is called {name} here"
        for one in self._roots:
            if one.statement not in self._top:
                return f"line {one.alias.lineno} imports {one.path} inside a block"
        paths = {use.path("twisted") for use in self._uses["twisted"]}
        if lacking := _lacking(filter(isLost, paths)):
            return lacking
        first = min((one.alias.lineno for one in self._roots), default=0)
        for use in self._rootUses():
            if not self._isPlain(use) or use.line <= first:
                return f"line {use.line} uses it in a way that this can't change"
        return self._whyRestNeedsIt()

    def _whyRestNeedsIt(self) -> str:
        """
        Return why what doesn't follow needs C{import twisted.cred.portal}, too.
        """
        others = [
            one.alias.lineno
            for one in self._all
            if one.target == "twisted" and one.statement in self._top
            if one not in self._roots
        ]
        for use in self._uses["twisted"]:
            path = use.path("twisted")
            if not moduleOf(path) and not any(line < use.line for line in others):
                return f"it brings {path}, too"
        return ""

    def _rootUses(self) -> Iterator[Use]:
        """
        Yield the uses that follow with C{import twisted.cred.portal}.
        """
        for use in self._uses["twisted"] if self._roots else ():
            if not use.isAsked and _moduleIn(use):
                yield use

    def _isPlain(self, use: Use) -> bool:
        """
        Return whether a use can be changed: it is written without blanks, and stands
        in no f-string, whose parts older Pythons don't place.
        """
        text = self._source.text[slice(*self._spanOf(use))]
        return text == _moduleIn(use) and use.nodes[0] not in self._formatted

    def _spanOf(self, use: Use) -> tuple[int, int]:
        """
        Return where the part of a use stands that names a module.
        """
        return self._source.span(use.nodes[_moduleIn(use).count(".")])

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
            and (one in self._roots or one.path == "twisted.cred")
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
            if one.target in ("twisted", "twisted.conch") and not (
                one.target == "twisted" and self._roots
            ):
                for use in self._uses[one.name]:
                    path = use.path(one.target)
                    if moduleOf(path):
                        self._leave(use.line, f"{path} stays: nothing here imports it")

    def _leave(self, line: int, reason: str) -> None:
        self.left.append((line, reason))


def _moduleIn(use: Use) -> str:
    """
    Return the module that C{twisted.cred.portal.Portal} names.
    """
    return moduleOf(use.path("twisted"))


def _lacking(paths: Iterator[str]) -> str:
    """
    Say what mycred lacks, if anything.
    """
    names = ", ".join(sorted(paths))
    return f"mycred has no {names}" if names else ""


__all__ = ["Imports"]
