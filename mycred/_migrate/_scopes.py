"""
Which import a name stands for, at each place of a module.

The rules are Python's: a name belongs to the innermost function that binds it, and a
class's names are seen in its own body alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Union

Import = Union[ast.Import, ast.ImportFrom]
_Function = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_Comprehension = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

#: Functions that are given an object and the name of one of its attributes.
_ASKING = {"delattr", "getattr", "hasattr", "object", "patch", "setattr"}
_DOTTED = re.compile(r"(?<![\w.])[^\W\d]\w*(?:\.[^\W\d]\w*)*")


@dataclass(eq=False)
class Binding:
    """
    A name that an import binds.

    @ivar target: the dotted name of what it stands for.
    @ivar isDirect: whether the import runs whenever its module, class or function
        does: no C{if} and no C{try} is around it.
    @ivar isDeclared: whether C{global} or C{nonlocal} puts it into another scope.
    """

    statement: Import
    alias: ast.alias
    name: str
    target: str
    isDirect: bool
    isDeclared: bool = False


@dataclass(eq=False)
class Scope:
    """
    A module, class, function or comprehension.

    @ivar bound: who binds each name: imports, or L{None} for anything else.
    """

    parent: Scope | None
    node: ast.AST
    bound: dict[str, list[Binding | None]] = field(default_factory=dict)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)

    def bind(self, name: str, binding: Binding | None = None) -> None:
        """
        Note that a name is bound here.
        """
        self.bound.setdefault(name, []).append(binding)

    def find(self, name: str) -> Scope | None:
        """
        Return the scope that a name used here belongs to; L{None} if nobody binds it.
        """
        scope: Scope | None = self
        while scope is not None:
            if name in scope.globals:
                return scope.module()
            isSeen = scope is self or not isinstance(scope.node, ast.ClassDef)
            if isSeen and name in scope.bound and name not in scope.nonlocals:
                return scope
            scope = scope.parent
        return None

    def module(self) -> Scope:
        """
        Return the outermost scope.
        """
        return self if self.parent is None else self.parent.module()


@dataclass(eq=False)
class Use:
    """
    A place where a name is used, with the attributes that are asked of it.

    @ivar parts: the nodes of the name and of each attribute; none of what stands in a
        string.
    @ivar isFormatted: whether it stands in an f-string.
    @ivar isQuoted: whether it stands in an annotation in quotes.
    """

    scope: Scope
    words: list[str]
    parts: list[ast.expr]
    line: int
    isFormatted: bool
    isQuoted: bool = False


@dataclass(frozen=True)
class _Place:
    """
    Where a node stands.
    """

    scope: Scope
    isDirect: bool = False
    isFormatted: bool = False
    isAnnotation: bool = False


class Survey:
    """
    The names of a module: who binds them and who uses them.

    It has a stack of its own, since programs nest deeper than functions can be called.

    @ivar scopes: all scopes, the module's first.
    @ivar uses: all uses, in their order.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.module = Scope(None, tree)
        self.scopes = [self.module]
        self.uses: list[Use] = []
        self._stack: list[tuple[ast.AST, _Place]] = []
        self._body(tree.body, self.module)
        while self._stack:
            self._visit(*self._stack.pop())
        self._declare()
        self.uses.sort(key=lambda use: use.line)

    def bindings(self, use: Use) -> list[Binding]:
        """
        Return the imports that a use may refer to.
        """
        scope = use.scope.find(use.words[0])
        bound = [] if scope is None else scope.bound.get(use.words[0], [])
        return [binding for binding in bound if binding is not None]

    def _declare(self) -> None:
        """
        Move what C{global} and C{nonlocal} put into other scopes.
        """
        for scope in self.scopes[1:]:
            for name in (scope.globals | scope.nonlocals) & set(scope.bound):
                home = scope.find(name) or self.module
                for binding in scope.bound.pop(name):
                    if binding is not None:
                        binding.isDeclared = True
                    home.bind(name, binding)

    def _push(self, node: ast.AST | None, place: _Place) -> None:
        if node is not None:
            self._stack.append((node, place))

    def _pushAll(self, nodes: Iterator[ast.AST], place: _Place) -> None:
        self._stack.extend((node, place) for node in nodes)

    def _body(self, statements: list[ast.stmt], scope: Scope) -> None:
        """
        Go on with the body of a scope.
        """
        self._pushAll(iter(statements), _Place(scope, isDirect=True))

    def _inner(self, node: ast.AST, place: _Place) -> Scope:
        """
        Open a scope.
        """
        scope = Scope(place.scope, node)
        self.scopes.append(scope)
        for parameter in getattr(node, "type_params", ()):
            scope.bind(parameter.name)
            self._pushAll(ast.iter_child_nodes(parameter), _Place(scope))
        return scope

    def _visit(self, node: ast.AST, place: _Place) -> None:
        """
        Look at a node, and go on with its children.
        """
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._visitImport(node, place)
        elif isinstance(node, _Function):
            self._visitFunction(node, place)
        elif isinstance(node, ast.ClassDef):
            place.scope.bind(node.name)
            outer = [*node.decorator_list, *node.bases, *node.keywords]
            self._pushAll(iter(outer), replace(place, isDirect=False))
            self._body(node.body, self._inner(node, place))
        elif isinstance(node, _Comprehension):
            self._visitComprehension(node, place)
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                self._use([node.id], [node], place, node.lineno)
            else:
                place.scope.bind(node.id)
        elif isinstance(node, ast.Attribute):
            self._visitAttribute(node, place)
        else:
            self._visitOther(node, place)

    def _visitOther(self, node: ast.AST, place: _Place) -> None:
        """
        Look at what has no scope of its own.
        """
        for name in _namesBoundBy(node):
            place.scope.bind(name)
        if isinstance(node, ast.Global):
            place.scope.globals.update(node.names)
        elif isinstance(node, ast.Nonlocal):
            place.scope.nonlocals.update(node.names)
        elif isinstance(node, ast.Call):
            self._visitCall(node, place)
        elif isinstance(node, ast.AnnAssign):
            self._push(node.annotation, replace(place, isAnnotation=True))
        elif isinstance(node, ast.NamedExpr):
            # It binds outside of the comprehension that it may stand in.
            scope = place.scope
            while isinstance(scope.node, _Comprehension) and scope.parent is not None:
                scope = scope.parent
            scope.bind(node.target.id)
            self._push(node.value, place)
            return
        elif place.isAnnotation and isinstance(node, ast.Constant):
            self._visitQuoted(node, place)
        isFormatted = type(node).__name__ in ("JoinedStr", "TemplateStr")
        inner = replace(
            place, isDirect=False, isFormatted=place.isFormatted or isFormatted
        )
        for child in ast.iter_child_nodes(node):
            if not (isinstance(node, ast.AnnAssign) and child is node.annotation):
                self._push(child, inner)

    def _visitImport(self, node: Import, place: _Place) -> None:
        for alias in node.names:
            name, target = alias.asname or alias.name, pathOf(node, alias)
            if isinstance(node, ast.Import) and alias.asname is None:
                name = target = alias.name.partition(".")[0]
            if name != "*":
                binding = Binding(node, alias, name, target, place.isDirect)
                place.scope.bind(name, binding)

    def _visitFunction(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        place: _Place,
    ) -> None:
        outer = replace(place, isDirect=False)
        inner = self._inner(node, place)
        arguments = node.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        for argument in (*named, arguments.vararg, arguments.kwarg):
            if argument is not None:
                inner.bind(argument.arg)
                self._push(argument.annotation, replace(outer, isAnnotation=True))
        for default in (*arguments.defaults, *arguments.kw_defaults):
            self._push(default, outer)
        if isinstance(node, ast.Lambda):
            self._push(node.body, replace(outer, scope=inner))
            return
        place.scope.bind(node.name)
        self._pushAll(iter(node.decorator_list), outer)
        self._push(node.returns, replace(outer, isAnnotation=True))
        self._body(node.body, inner)

    def _visitComprehension(
        self,
        node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
        place: _Place,
    ) -> None:
        outer = replace(place, isDirect=False)
        inside = replace(outer, scope=self._inner(node, place))
        self._push(node.generators[0].iter, outer)
        for number, generator in enumerate(node.generators):
            self._push(generator.target, inside)
            self._pushAll(iter(generator.ifs), inside)
            if number:
                self._push(generator.iter, inside)
        for name in ("elt", "key", "value"):
            self._push(getattr(node, name, None), inside)

    def _visitAttribute(self, node: ast.Attribute, place: _Place) -> None:
        """
        Look at C{a.b.c}.
        """
        parts = _chain(node)
        base = parts[0]
        if isinstance(base, ast.Name):
            self._use(_words(parts), parts, place, base.lineno)
        else:
            self._push(base, place)

    def _visitCall(self, node: ast.Call, place: _Place) -> None:
        """
        Look at C{getattr(module, "name")} and its like.
        """
        called = getattr(node.func, "attr", getattr(node.func, "id", None))
        if called not in _ASKING:
            return
        for argument, name in zip(node.args, node.args[1:]):
            parts = _chain(argument)
            if isinstance(name, ast.Constant) and isinstance(parts[0], ast.Name):
                if isinstance(name.value, str):
                    self._use([*_words(parts), name.value], [], place, name.lineno)

    def _visitQuoted(self, node: ast.Constant, place: _Place) -> None:
        """
        Look at an annotation in quotes.
        """
        if isinstance(node.value, str):
            for match in _DOTTED.finditer(node.value):
                words = match[0].split(".")
                use = Use(place.scope, words, [], node.lineno, False, isQuoted=True)
                self.uses.append(use)

    def _use(
        self,
        words: list[str],
        parts: list[ast.expr],
        place: _Place,
        line: int,
    ) -> None:
        self.uses.append(Use(place.scope, words, parts, line, place.isFormatted))


def pathOf(statement: Import, alias: ast.alias) -> str:
    """
    Return the dotted name of what is imported.
    """
    if isinstance(statement, ast.Import):
        return alias.name
    return f"{'.' * statement.level}{statement.module or ''}.{alias.name}"


def _chain(node: ast.expr) -> list[ast.expr]:
    """
    Take C{a.b.c} apart, into C{a}, C{a.b} and C{a.b.c}.
    """
    parts = [node]
    while isinstance(node, ast.Attribute):
        node = node.value
        parts.append(node)
    return parts[::-1]


def _words(parts: list[ast.expr]) -> list[str]:
    """
    Return the words of what L{_chain} has taken apart.
    """
    return [getattr(part, "attr", getattr(part, "id", "")) for part in parts]


def _namesBoundBy(node: ast.AST) -> Iterator[str]:
    """
    Find the names that a node binds, beside those that are nodes themselves.
    """
    if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


__all__ = ["Binding", "Import", "Scope", "Survey", "Use", "pathOf"]
