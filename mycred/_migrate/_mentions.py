"""
What names C{twisted.cred} in strings and comments: for a person to decide.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Iterator

from ._names import follow, isShared

#: A name of what mycred takes the place of, with what follows it.
NAMED = re.compile(
    r"(?<![\w.])twisted\.(?:cred\b|conch\.checkers\b|plugins\.cred_\w+)(?:\.\w+)*"
)

_PATCHING = {"dict", "multiple", "object", "patch", "setattr"}
_LOADING = {
    "__import__",
    "find_spec",
    "getModule",
    "importorskip",
    "import_module",
    "import_string",
    "load_object",
    "namedAny",
    "namedClass",
    "namedModule",
    "namedObject",
    "requireModule",
    "resolve",
    "resolve_name",
}
_ASSERTING = re.compile("assert|fail(Unless|If)|flushLoggedErrors|raises|warns")


def mentions(text: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """
    Find what a person has to look at beside imports.

    @param text: the text of the module, with C{\\n} at the ends of lines.

    @return: numbers of lines, and what is there.
    """
    yield from _pluginImports(tree)
    if NAMED.search(text) is None:
        return
    strings = _strings(tree)
    code = _codeLines(tree)
    prose = []
    for number, line in enumerate(text.split("\n"), 1):
        for match in NAMED.finditer(line):
            column = len(line[: match.start()].encode())
            context = strings.around(number, column)
            if context == "docstring" and line.lstrip().startswith((">>>", "...")):
                yield number, f"{match[0]} in an example in a docstring: it must follow"
            elif context == "docstring":
                prose.append(number)
            elif context is not None and (number, column) not in code:
                yield number, _ofString(match[0], context)
            elif (number, column) in code:
                continue
            elif re.match(r".*#\s*type:", line[: match.start()]):
                yield number, f"{match[0]} in a comment that is a type: it must follow"
            elif "#" in line[: match.start()]:
                prose.append(number)
    if prose:
        lines = ", ".join(str(number) for number in sorted({*prose}))
        yield prose[0], f"documentation that speaks of twisted.cred, lines {lines}"


def ofPlainText(line: str) -> str | None:
    """
    Say what a line of a file names that is no Python; L{None} if nothing.
    """
    match = NAMED.search(line)
    return None if match is None else f"{match[0]} in a file that is no Python"


def _pluginImports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """
    Find imports of Twisted's plugins.
    """
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            package = ""
            if isinstance(node, ast.ImportFrom):
                package = f"{'.' * node.level}{node.module or ''}."
            for alias in node.names:
                path = package + alias.name
                if path.startswith("twisted.plugins.cred_"):
                    yield node.lineno, _ofPlugin(path)


def _ofPlugin(path: str) -> str:
    """
    Say what is to be thought of with a plugin of Twisted's.
    """
    module = ".".join(path.split(".")[:3])
    new = module.replace("twisted", "mycred", 1)
    return f"{module} stays, with Twisted's checkers; mycred's plugin is {new}"


class _Strings:
    """
    Where the strings of a module are, and what each is for.
    """

    def __init__(self) -> None:
        self._spans: list[tuple[tuple[int, int], tuple[int, int], str]] = []

    def add(self, node: ast.expr, context: str) -> None:
        """
        Note a string.
        """
        end = (node.end_lineno or 0, node.end_col_offset or 0)
        self._spans.append(((node.lineno, node.col_offset), end, context))

    def sort(self) -> _Strings:
        """
        Be ready to be asked.
        """
        self._spans.sort()
        return self

    def around(self, line: int, column: int) -> str | None:
        """
        Return what the string is for that is at a place; L{None} if there is none.
        """
        place = (line, column)
        number = bisect_right(self._spans, place, key=lambda span: span[0]) - 1
        if number >= 0 and place < self._spans[number][1]:
            return self._spans[number][2]
        return None


def _strings(tree: ast.Module) -> _Strings:
    """
    Find the strings of a module.

    @return: those that stand in no other string.
    """
    strings = _Strings()
    stack: list[tuple[ast.AST, str]] = [(tree, "string")]
    while stack:
        node, context = stack.pop()
        if isinstance(node, ast.Constant):
            if isinstance(node.value, (str, bytes)):
                strings.add(node, context)
            continue
        if isinstance(node, ast.expr) and type(node).__name__ in _FORMATTED:
            strings.add(node, context)
            continue
        for name, value in ast.iter_fields(node):
            inner = _contextOf(node, name, context)
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    stack.append((child, inner))
    return strings.sort()


_FORMATTED = ("JoinedStr", "TemplateStr")


def _contextOf(node: ast.AST, name: str, context: str) -> str:
    """
    Tell what the strings in a field of a node are for.
    """
    if name in ("annotation", "returns"):
        return "annotation"
    if isinstance(node, ast.Expr):
        return "docstring" if isinstance(node.value, ast.Constant) else "string"
    if isinstance(node, (ast.Compare, ast.Assert)):
        return "assertion"
    if isinstance(node, ast.Call) and name != "func":
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if called in _PATCHING:
            return "patch"
        if called in _LOADING:
            return "load"
        if _ASSERTING.match(called):
            return "assertion"
    # What stands in a list or a dictionary is for what that is for.
    return "string" if isinstance(node, (ast.stmt, ast.Lambda)) else context


def _ofString(path: str, context: str) -> str:
    """
    Say what is to be thought of with a name in a string.
    """
    if path.startswith("twisted.plugins."):
        return _ofPlugin(path)
    new = follow(path)
    if new is None:
        return f'"{path}" in a string: mycred has nothing of that name'
    if context == "annotation":
        return f'"{path}" in an annotation in quotes: must become {new}'
    if context == "patch":
        return f'"{path}" in a string to patch: must become {new}'
    if isShared(path):
        return f'"{path}" in a string: may stay, since mycred has the very object'
    if context == "load":
        return f'"{path}" in a string to load: must become {new}'
    if context == "assertion":
        return (
            f'"{path}" in an assertion: {new} if an object of mycred\'s is meant; '
            "interfaces, errors and messages keep Twisted's names"
        )
    return f'"{path}" in a string: {new} if it is loaded or shown, else it stays'


def _codeLines(tree: ast.Module) -> set[tuple[int, int]]:
    """
    Find where dotted names and imports begin that are code.
    """
    return {
        (node.lineno, node.col_offset)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Attribute, ast.alias))
    }


__all__ = ["NAMED", "mentions", "ofPlainText"]
