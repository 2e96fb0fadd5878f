"""
Decide whether C{import twisted.cred.portal} and its like follow, with the uses of the
name C{twisted}, which is all that they bind; they all follow, or they all stay.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ._names import COUNTERPARTS, follow, isLost, moduleOf
from ._source import Source
from ._uses import Imported, Use, formatted, otherwiseBound


class Dotted:
    """
    What a module uses by the name C{twisted}.

    @ivar roots: the imports of what mycred has counterparts of.
    """

    def __init__(
        self,
        source: Source,
        tree: ast.Module,
        imports: Sequence[Imported],
        uses: Sequence[Use],
    ) -> None:
        self._source = source
        self._uses = uses
        self._top = {*tree.body}
        self._formatted = formatted(tree)
        self._otherwise = otherwiseBound(tree)
        bound = [one for one in imports if one.target == "twisted"]
        self.roots = [one for one in bound if follow(one.path)]
        self._others = [
            one.alias.lineno
            for one in bound
            if one.statement in self._top and one not in self.roots
        ]

    def whyTheyStay(self) -> str:
        """
        Return why all of them stay; the empty string if they follow.
        """
        for name in ("twisted", "mycred"):
            if name in self._otherwise:
                return f"something else is called {name} here"
        for one in self.roots:
            if one.statement not in self._top:
                return f"line {one.alias.lineno} imports {one.path} inside a block"
        return next(filter(None, map(self._whyItStays, self._uses)), "")

    def follow(self) -> None:
        """
        Have the uses changed.
        """
        for use in self._uses:
            if (module := _moduleIn(use)) and not use.isAsked:
                self._source.replace(*self._spanOf(use), COUNTERPARTS[module])

    def _whyItStays(self, use: Use) -> str:
        """
        Return why a use, and so all of them, must stay; the empty string if it needn't.
        """
        path = use.path("twisted")
        if isLost(path):
            return f"mycred has no {path}"
        if not moduleOf(path):
            isBrought = any(line < use.line for line in self._others)
            return "" if isBrought else f"it brings {path}, too"
        isLater = use.line > min(one.alias.lineno for one in self.roots)
        if use.isAsked or (isLater and self._isPlain(use)):
            return ""
        return f"line {use.line} uses it in a way that this can't change"

    def _isPlain(self, use: Use) -> bool:
        """
        Return whether a use is written without blanks, and stands in no f-string, whose
        parts older Pythons don't place.
        """
        text = self._source.text[slice(*self._spanOf(use))]
        return text == _moduleIn(use) and use.nodes[0] not in self._formatted

    def _spanOf(self, use: Use) -> tuple[int, int]:
        """
        Return where the part of a use stands that names a module.
        """
        return self._source.span(use.nodes[_moduleIn(use).count(".")])


def _moduleIn(use: Use) -> str:
    """
    Return the module that C{twisted.cred.portal.Portal} names.
    """
    return moduleOf(use.path("twisted"))


__all__ = ["Dotted"]
