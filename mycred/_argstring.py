"""
Argument strings in the style of Twisted's endpoints, and the options in them.

A positional value comes first, then C{key=value}, separated by colons, with
C{\\} before a colon or a backslash that is meant as such::

    /etc/nginx/htpasswd:weak=no
    host=a.example.org:base=ou=people,dc=example,dc=org
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import cleandoc
from typing import Any, TypeVar

from ._contracts import InvalidAuthArgumentString
from ._files import openRegular

_T = TypeVar("_T")

_seconds = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,9})?")


class WrongSettings(InvalidAuthArgumentString):
    """
    What is wrong is in a file that the argument string names, and not in that.
    """


@dataclass(frozen=True)
class Option:
    """
    An option of an auth type.

    @ivar key: its name, as in C{key=value}.
    @ivar parse: return what a value means, of its text.  It raises L{ValueError}, with a
        text that says what would be right, if it can't use the value.
    @ivar value: how a value is written in help, such as C{FILE} or C{yes|no}.
    @ivar help: one sentence of help.
    @ivar default: what counts if the option isn't given; L{None} if nothing does.
    @ivar required: whether it must be given.
    @ivar positional: whether its value may stand without its key; of several such
        options, in the order of the table.
    """

    key: str
    parse: Callable[[str], object]
    value: str
    help: str
    default: object = None
    required: bool = False
    positional: bool = False

    def __str__(self) -> str:
        """
        Return how it is written, with what may be left out in brackets.
        """
        key = f"[{self.key}=]" if self.positional else f"{self.key}="
        return key + self.value


class Options:
    """
    The options of an auth type: a table from which come what its argument string means,
    and what users are told of it.

    ::

        options = Options(
            Option("database", readableFile, "FILE", "The database.",
                   required=True, positional=True),
            Option("audit", yesNo, "yes", "Logs each login.", default=False),
        )
        options.parse("/srv/a.sqlite:audit=yes")
        # {'database': '/srv/a.sqlite', 'audit': True}
        options.format
        # FILE[:audit=yes]

    @ivar format: how the argument string is written, in one line, for
        C{ICheckerFactory.argStringFormat}.
    """

    def __init__(self, *options: Option, format: str | None = None) -> None:
        """
        @param options: the options, in the order in which help names them.
        @param format: how the argument string is written, where listing all options in
            their order doesn't say it.
        """
        self._options = {option.key: option for option in options}
        self.format = _formatOf(options) if format is None else format

    def __iter__(self) -> Iterator[Option]:
        """
        Iterate over the options.
        """
        return iter(self._options.values())

    def parse(self, argstring: str) -> dict[str, Any]:
        """
        Return the values of an argument string by their keys, with the defaults of
        those that aren't given and have one.

        @param argstring: what follows the auth type, and a colon, on the command line.

        @raise InvalidAuthArgumentString: if an option is unknown, missing or given
            twice, or its value can't be used.  The text names the key and what would be
            right, but not the value, which may be a secret.
        """
        if argstring and not self._options:
            raise InvalidAuthArgumentString("nothing may follow it")
        positional = [option.key for option in self if option.positional]
        values = _parse(argstring, self._options, positional)
        for option in self:
            if option.default is not None:
                values.setdefault(option.key, option.default)
        return values

    def parseEach(
        self, texts: Mapping[str, str]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """
        Return the values of options, with the defaults of those that aren't given and
        have one; and what is wrong with others, by their keys, in the words of L{parse}.

        @param texts: the text of each, by its key.
        """
        values, mistakes = {}, {}
        for key, text in texts.items():
            if key not in self._options:
                mistakes[key] = _unknown(key, self._options)
                continue
            try:
                values[key] = _valueOf(self._options[key], text)
            except InvalidAuthArgumentString as error:
                mistakes[key] = str(error)
        for option in self:
            if option.required and option.key not in texts:
                mistakes[option.key] = f"{option.key} must be given"
            elif option.default is not None:
                values.setdefault(option.key, option.default)
        return values, mistakes

    def help(self, before: str, after: str = "") -> str:
        """
        Return help for C{ICheckerFactory.authHelp}: what each option means, in one
        paragraph each, between other paragraphs.

        @param before: the paragraphs before the options; common indentation is removed.
        @param after: those after them, such as an example.
        """
        pieces = [cleandoc(before)]
        for option in self:
            meaning = textwrap.fill(
                option.help, 86, initial_indent="    ", subsequent_indent="    "
            )
            pieces.append(f"{option}\n{meaning}")
        if after:
            pieces.append(cleandoc(after))
        return "\n\n".join(pieces) + "\n"


def parseArgString(
    argstring: str,
    keys: Mapping[str, Callable[[str], object]],
    positional: Iterable[str] = (),
    required: Iterable[str] = (),
) -> dict[str, Any]:
    """
    Return the values of an argument string by their keys, without a table of options.

    L{Options} does more: it keeps help and format beside what parses a value.

    @param argstring: what follows the auth type on the command line.
    @param keys: what parses the value of each key, as L{Option.parse} does.
    @param positional: the keys whose values may stand without them, in this order.
    @param required: the keys that must be given.

    @raise InvalidAuthArgumentString: as from L{Options.parse}.
    """
    required = set(required)
    options = {
        key: Option(key, parse, "VALUE", "", required=key in required)
        for key, parse in keys.items()
    }
    return _parse(argstring, options, positional)


def yesNo(text: str) -> bool:
    """
    Return whether a value is C{yes}.

    @raise ValueError: if it is neither C{yes} nor C{no}.
    """
    if text not in ("yes", "no"):
        raise ValueError("write yes or no")
    return text == "yes"


def nonEmpty(text: str) -> str:
    """
    Return a value that is any text but an empty one.

    @raise ValueError: if it is empty.
    """
    if not text:
        raise ValueError("a value is missing")
    return text


def readableFile(text: str) -> str:
    """
    Return the absolute path of a file that can be read now; twistd may change the
    directory before the first login.

    @raise ValueError: if the value is empty, or the path isn't that of a regular file
        that can be read.
    """
    path = os.path.abspath(nonEmpty(text))
    try:
        openRegular(path).close()
    except OSError as error:
        raise ValueError(
            f"{path} can't be read ({error.strerror or error}); write the path of a "
            "file that the server can read"
        ) from None
    return path


def namesLike(example: str) -> Callable[[str], tuple[str, ...]]:
    """
    Return what parses names separated by commas.

    @param example: what is told where a name is empty, such as C{mail,staff}.
    """

    def parse(text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        if "" in names:
            raise ValueError(f"write names separated by commas, such as {example}")
        return names

    return parse


def integerBetween(least: int, most: int, meaning: str) -> Callable[[str], int]:
    """
    Return what parses an integer, in the digits 0 to 9 alone.

    @param least: the least that it may be.
    @param most: the most.
    @param meaning: what is told where it isn't, such as C{a port from 1 to 65535}.
    """

    def parse(text: str) -> int:
        digits = text.lstrip("0") or "0"
        isInteger = text.isascii() and text.isdigit() and len(digits) <= len(str(most))
        if not isInteger or not least <= int(digits) <= most:
            raise ValueError(f"write {meaning}")
        return int(digits)

    return parse


def oneOf(choices: Mapping[str, _T]) -> Callable[[str], _T]:
    """
    Return what parses one of a few words.

    @param choices: what each word means.
    """

    def parse(text: str) -> _T:
        if text not in choices:
            raise ValueError(f"write one of {', '.join(choices)}")
        return choices[text]

    return parse


def secondsForLogin(text: str) -> float:
    """
    Return how long a login may take, in seconds.

    @raise ValueError: if it is no number of them, or absurd.
    """
    seconds = float(text) if _seconds.fullmatch(text) else 0
    if not 1 <= seconds <= 300:
        raise ValueError("write a number of seconds from 1 to 300, such as 10")
    return seconds


def _formatOf(options: Sequence[Option]) -> str:
    """
    Return how an argument string is written, with what may be left out in brackets.
    """
    pieces: list[str] = []
    for option in options:
        piece = option.value if option.positional else str(option)
        colon = ":" if pieces else ""
        pieces.append(colon + piece if option.required else f"[{colon}{piece}]")
    return "".join(pieces) or "No argstring required."


def _parse(
    argstring: str, options: Mapping[str, Option], positional: Iterable[str]
) -> dict[str, Any]:
    """
    Return the values that are given in an argument string.

    @param positional: the keys whose values may stand without them, in this order.
    """
    texts: dict[str, str] = {}
    waiting = list(positional)
    for name, text in _split(argstring):
        key = name
        if key is None:
            if not waiting:
                raise InvalidAuthArgumentString(_surplus(text, options))
            key = waiting.pop(0)
        elif key not in options:
            raise InvalidAuthArgumentString(_unknown(key, options))
        if key in texts:
            raise InvalidAuthArgumentString(f"{key} is given twice")
        if key in waiting:
            waiting.remove(key)
        texts[key] = text
    # A value that is cut off, since a colon in it isn't escaped, is told before what is
    # missing.
    values = {key: _valueOf(options[key], text) for key, text in texts.items()}
    missing = [o.key for o in options.values() if o.required and o.key not in texts]
    if missing:
        raise InvalidAuthArgumentString(f"{' and '.join(missing)} must be given")
    return values


def _valueOf(option: Option, text: str) -> object:
    """
    Return what the text of an option's value means.
    """
    try:
        return option.parse(text)
    except ValueError as error:
        raise InvalidAuthArgumentString(f"{option.key}: {error}") from None


def _split(argstring: str) -> list[tuple[str | None, str]]:
    """
    Return the pairs of a key, or L{None}, and a value in an argument string.
    """
    if not argstring:
        return []
    pairs: list[tuple[str | None, str]] = []
    key: str | None = None
    value = ""
    characters = iter(argstring)
    for character in characters:
        if character == "\\":
            value += next(characters, "\\")
        elif character == ":":
            pairs.append((key, value))
            key, value = None, ""
        elif character == "=" and key is None:
            key, value = value, ""
        else:
            value += character
    pairs.append((key, value))
    return pairs


def _unknown(key: str, options: Mapping[str, Option]) -> str:
    """
    Return a message about an unknown key, which says what may have been meant.
    """
    if not re.fullmatch("[ \\w-]+", key):
        # Something else stands before the =, which may be a secret.
        return f"a key is unknown, {_choice(options)}"
    if key.strip() in options:
        return f"write {key.strip()}= without a space beside it"
    similar = get_close_matches(key.lower(), options, 1)
    if similar:
        return f"there is no {key}=, did you mean {similar[0]}=?"
    return f"there is no {key}=, {_choice(options)}"


def _example(option: Option) -> str:
    """
    Return how an option is written with its value.
    """
    key = option.key
    return f"{key}=no or {key}=yes" if option.parse is yesNo else f"{key}={option.value}"


def _surplus(text: str, options: Mapping[str, Option]) -> str:
    """
    Return a message about a value that stands where a key is needed.
    """
    colon = "a colon within a value is written \\:, and the shell wants that in quotes"
    if not text:
        return f"nothing follows a colon ({colon})"
    if text in options:
        return f"{text} has no value, write {_example(options[text])}"
    return f"a value has no key, {_choice(options)} ({colon})"


def _choice(options: Mapping[str, Option]) -> str:
    """
    Return a request to write one of the options.
    """
    if len(options) == 1:
        return f"write {_example(*options.values())}"
    return f"write one of {', '.join(f'{key}=' for key in options)}"


__all__ = [
    "Option",
    "Options",
    "WrongSettings",
    "integerBetween",
    "namesLike",
    "nonEmpty",
    "oneOf",
    "parseArgString",
    "readableFile",
    "secondsForLogin",
    "yesNo",
]
