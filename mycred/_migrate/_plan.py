"""
Decide which imports of a module follow to mycred, and which uses with them.

An import follows if everything that the program takes from it is there in mycred;
otherwise it stays as it is, and works as it did.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from ._edits import Text
from ._names import COUNTERPARTS, follow, isConcerned, moduleOf, starDifference
from ._scopes import Binding, Import, Scope, Survey, Use, pathOf
from ._statements import rewrite

_TAKEN = "the program calls something else mycred"


class Plan:
    """
    What is to be done with one module.

    @ivar left: the lines that a person has to look at, and why.
    """

    def __init__(self, text: Text, tree: ast.Module) -> None:
        self._text = text
        self._tree = tree
        self._survey = Survey(tree)
        self._uses: dict[Binding, list[tuple[Use, str]]] = defaultdict(list)
        for use in self._survey.uses:
            for binding in self._survey.bindings(use):
                path = ".".join([binding.target, *use.words[1:]])
                self._uses[binding].append((use, path))
        # What each import's names become; those that stay are not in it.
        self._new: dict[ast.alias, str] = {}
        # What must be imported with a statement beside its own names.
        self._extra: dict[Import, list[str]] = defaultdict(list)
        self.left: list[tuple[int, str]] = []

    def run(self) -> str:
        """
        Decide everything.

        @return: the new text.
        """
        bindings = [
            binding
            for scope in self._survey.scopes
            for bound in scope.bound.values()
            for binding in bound
            if binding is not None
        ]
        for binding in bindings:
            if isConcerned(pathOf(binding.statement, binding.alias)):
                self._decide(binding)
        for statement in self._statements():
            if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
                self._decideStar(statement)
        # Those of inner scopes first: they may hide what is bound outside of them.
        for decide in (self._decidePackage, self._decideRoot):
            for scope in reversed(self._survey.scopes):
                for name in scope.bound:
                    decide(scope, _inOrder(scope.bound[name]))
        for statement in self._statements():
            rewrite(self._text, statement, self._new, self._extra.get(statement, []))
        return self._text.edited()

    def _statements(self) -> Iterator[Import]:
        """
        Walk through the imports.
        """
        for node in ast.walk(self._tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                yield node

    def _decide(self, binding: Binding) -> None:
        """
        Decide whether a name that is imported follows.
        """
        path = pathOf(binding.statement, binding.alias)
        isModule = isinstance(binding.statement, ast.Import)
        new = COUNTERPARTS.get(path) if isModule else follow(path)
        if new is None:
            reason = f"{path} stays: mycred has nothing of that name"
        elif not isConcerned(binding.target):
            # "import twisted.cred.portal" binds "twisted".
            reason = self._whyRootStays(binding)
        elif binding.target == "twisted.cred" and self._isTaken():
            reason = f"{path} stays: {_TAKEN}"
        elif self._isCommented(binding.statement):
            reason = f"{path} stays: a comment stands in its parentheses"
        else:
            reason = self._whyModuleStays(binding, new)
        if reason or new is None:
            self._leave(binding.alias.lineno, reason)
        else:
            self._new[binding.alias] = new

    def _whyModuleStays(self, binding: Binding, new: str) -> str:
        """
        Say what mycred lacks of the attributes that a program takes.

        @return: nothing if it lacks none.
        """
        missing = sorted({p for _, p in self._uses[binding] if follow(p) is None})
        if not missing:
            return ""
        return f"{binding.target} stays: mycred has no {', '.join(missing)}"

    def _whyRootStays(self, binding: Binding) -> str:
        """
        Say why what C{import twisted.cred.portal} binds can't be told apart.

        @return: nothing if it can.
        """
        path = binding.alias.name
        if binding.isDeclared:
            return f"{path} stays: {binding.name} is declared global or nonlocal"
        if self._isTaken():
            return f"{path} stays: {_TAKEN}"
        for scope in self._survey.scopes:
            bound = scope.bound.get(binding.name, ())
            if binding in bound and not _isPackage(bound):
                return f"{path} stays: {binding.name} is something else, too"
        return ""

    def _isTaken(self) -> bool:
        """
        Whether the program has something else that it calls C{mycred}.
        """
        return any(
            binding is None or binding.target != "mycred"
            for scope in self._survey.scopes
            for binding in scope.bound.get("mycred", ())
        )

    def _isCommented(self, statement: Import) -> bool:
        """
        Whether an import would lose a comment: C{import mycred as cred} has no
        parentheses.
        """
        return (
            pathOf(statement, statement.names[0]) == "twisted.cred"
            and len({alias.name for alias in statement.names}) == 1
            and any(token.text[0] == "#" for token in self._text.tokens(statement))
        )

    def _decideStar(self, statement: ast.ImportFrom) -> None:
        """
        Decide whether C{import *} follows: if it brings what is used, and nothing else
        that would be.
        """
        module = "" if statement.level else statement.module or ""
        if not isConcerned(module):
            return
        named = {use.words[0] for use in self._survey.uses}
        named.update(name for scope in self._survey.scopes for name in scope.bound)
        if module not in COUNTERPARTS or module == "twisted.cred":
            reason = "mycred has nothing of that name"
        elif differing := sorted(starDifference(module) & named):
            reason = f"the counterpart differs in {', '.join(differing)}"
        else:
            self._new[statement.names[0]] = f"{COUNTERPARTS[module]}.*"
            return
        self._leave(statement.lineno, f"import * of {module} stays: {reason}")

    def _decidePackage(self, scope: Scope, bindings: list[Binding]) -> None:
        """
        Decide what must be imported for the uses of C{twisted.cred} under a name of its
        own.
        """
        for binding in bindings:
            if binding.target == "twisted.cred" and binding.alias in self._new:
                for use, path in self._uses[binding]:
                    module = COUNTERPARTS[moduleOf(path)]
                    self._need([binding], use.line, module, isBound=True)

    def _decideRoot(self, scope: Scope, bindings: list[Binding]) -> None:
        """
        Decide which uses of C{twisted} or C{twisted.conch} follow, and what must be
        imported for them.
        """
        roots = [b for b in bindings if b.target in ("twisted", "twisted.conch")]
        if not roots:
            return
        canFollow = _isPackage(scope.bound[roots[0].name]) and not self._isTaken()
        canFollow = canFollow and not any(binding.isDeclared for binding in roots)
        kept: list[int] = []
        for use, path in self._uses[roots[0]]:
            if not isConcerned(path) or use.isQuoted:
                # What is in quotes is among what is mentioned.
                kept.append(use.line)
                continue
            reason = "its import stays"
            if canFollow:
                reason = self._whyUseStays(use, path, scope)
            if reason:
                kept.append(use.line)
                self._leave(use.line, f"{path} stays: {reason}")
            elif use.parts:
                self._follow(use, path)
                isBound = self._isBound(scope, roots, use.line)
                self._need(roots, use.line, COUNTERPARTS[moduleOf(path)], isBound)
        staying = [b for b in roots if b.alias not in self._new]
        if kept and not any(b.isDirect and b.alias.lineno < min(kept) for b in staying):
            for host in _hosts(roots):
                if not any(b.statement is host.statement for b in staying):
                    self._extra[host.statement].append(roots[0].target)

    def _isBound(self, scope: Scope, roots: list[Binding], line: int) -> bool:
        """
        Whether an import before a line binds the name C{mycred}.
        """
        home = scope.find("mycred")
        bindings = [] if home is None else _inOrder(home.bound["mycred"])
        bindings += [
            binding
            for binding in roots
            if isinstance(binding.statement, ast.Import) and binding.alias in self._new
        ]
        return any(b.isDirect and b.alias.lineno < line for b in bindings)

    def _whyUseStays(self, use: Use, path: str, home: Scope) -> str:
        """
        Say why a use stays.

        @param home: the scope that its name belongs to.

        @return: nothing if it can follow.
        """
        if follow(path) is None:
            return "mycred has nothing of that name"
        if use.isFormatted:
            return "it stands in an f-string"
        if not use.parts:
            # Somebody asks a module for an attribute that it has.
            return ""
        start, end = self._spanOf(use, path)
        if not re.fullmatch(r"\w+([ \t]*\.[ \t]*\w+)*", self._text.text[start:end]):
            return "it is spread over lines, or in parentheses"
        scope: Scope | None = use.scope
        while scope is not None and scope is not home:
            if "mycred" in scope.bound or self._willBind(scope):
                return "another import there is of mycred, too"
            scope = scope.parent
        return ""

    def _willBind(self, scope: Scope) -> bool:
        """
        Whether an import in a scope will bind C{mycred}.
        """
        return any(
            (
                isinstance(binding.statement, ast.Import)
                and binding.alias in self._new
                and not binding.alias.asname
            )
            or any(m != "twisted" for m in self._extra.get(binding.statement, ()))
            for bound in scope.bound.values()
            for binding in bound
            if binding is not None
        )

    def _spanOf(self, use: Use, path: str) -> tuple[int, int]:
        """
        Return where the part of a use stands that names a module.
        """
        dropped = path.count(".") - moduleOf(path).count(".")
        return self._text.span(use.parts[len(use.parts) - 1 - dropped])

    def _follow(self, use: Use, path: str) -> None:
        """
        Have a use follow.
        """
        self._text.replace(*self._spanOf(use, path), COUNTERPARTS[moduleOf(path)])

    def _need(
        self, bindings: list[Binding], line: int, module: str, isBound: bool
    ) -> None:
        """
        Have a module imported with what binds the package, unless that is done there
        or at the beginning.

        @param line: where it is needed.
        @param isBound: whether the name C{mycred} is bound, or needn't be.
        """
        before = [b.statement for b in bindings if b.isDirect]
        if isBound:
            isImport = (ast.Import, ast.ImportFrom)
            before += [s for s in self._tree.body if isinstance(s, isImport)]
        if any(module in self._imported(s) for s in before if s.lineno < line):
            return
        for host in _hosts(bindings):
            if module not in self._imported(host.statement):
                self._extra[host.statement].append(module)

    def _imported(self, statement: Import) -> Iterator[str]:
        """
        Find the modules that a statement will import, those of mycred's with all that
        they are in.
        """
        for alias in statement.names:
            path = self._new.get(alias) or pathOf(statement, alias)
            words = path.split(".")
            for number in range(1, len(words) + 1):
                yield ".".join(words[:number])
        yield from self._extra.get(statement, ())

    def _leave(self, line: int, reason: str) -> None:
        self.left.append((line, reason))


def _isPackage(bound: list[Binding | None] | tuple[()]) -> bool:
    """
    Whether nothing but imports of one package binds a name.
    """
    return all(b is not None for b in bound) and len({b.target for b in bound if b}) < 2


def _inOrder(bound: list[Binding | None]) -> list[Binding]:
    """
    Return the imports among what binds a name, in their order.
    """
    bindings = [binding for binding in bound if binding is not None]
    return sorted(bindings, key=lambda b: (b.alias.lineno, b.alias.col_offset))


def _hosts(bindings: list[Binding]) -> list[Binding]:
    """
    Return the imports that are to bring what is needed after any of them: the first one
    that always runs, and those before it.
    """
    hosts = []
    for binding in bindings:
        hosts.append(binding)
        if binding.isDirect:
            break
    return hosts


__all__ = ["Plan"]
