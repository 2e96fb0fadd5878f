"""
Argument strings in the style of Twisted's endpoints.

A positional value comes first, then C{key=value}, separated by colons, with
C{\\} before a colon or a backslash that is meant as such::

    /etc/nginx/htpasswd:weak=no
    host=a.example.org:base=ou=people,dc=example,dc=org
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from ._contracts import InvalidAuthArgumentString


def parseArgString(
    argstring: str,
    keys: Mapping[str, Callable[[str], Any]],
    positional: Iterable[str] = (),
    required: Iterable[str] = (),
) -> dict[str, Any]:
    """
    Read the argument string of an auth type, for its C{generateChecker}.

    @param argstring: what follows the auth type on the command line.
    @param keys: how to read the value of each key: a callable that takes a
        L{str} and raises L{ValueError}, with a text that says what would be
        right, if it can't use it.
    @param positional: the keys whose values may stand without their names, in
        this order.
    @param required: the keys that must be given.

    @return: the values that were given, by their keys.

    @raise InvalidAuthArgumentString: if a key is unknown, missing, given twice,
        or its value can't be used.  The text names the key and not the value,
        which may be a secret.
    """
    texts: dict[str, str] = {}
    waiting = list(positional)
    for name, text in _split(argstring):
        key = name
        if key is None:
            if not waiting:
                raise InvalidAuthArgumentString(_surplus(text, keys))
            key = waiting.pop(0)
        elif key not in keys:
            raise InvalidAuthArgumentString(_unknown(key, keys))
        if key in texts:
            raise InvalidAuthArgumentString(f"{key} is given twice")
        if key in waiting:
            waiting.remove(key)
        texts[key] = text
    missing = [key for key in required if key not in texts]
    # Only now: where a colon isn't escaped, a value is wrong because it is cut off.
    values = {key: _read(key, keys[key], text) for key, text in texts.items()}
    if missing:
        raise InvalidAuthArgumentString(f"{' and '.join(missing)} must be given")
    return values


def _read(key: str, reader: Callable[[str], Any], text: str) -> Any:
    """
    Read a value.
    """
    try:
        return reader(text)
    except ValueError as error:
        raise InvalidAuthArgumentString(f"{key}: {error}") from None


def yesNo(text: str) -> bool:
    """
    Read C{yes} or C{no}.

    @raise ValueError: if it is neither.
    """
    if text not in ("yes", "no"):
        raise ValueError("write yes or no")
    return text == "yes"


def nonEmpty(text: str) -> str:
    """
    Read any text that isn't empty.

    @raise ValueError: if it is.
    """
    if not text:
        raise ValueError("a value is missing")
    return text


def _split(argstring: str) -> list[tuple[str | None, str]]:
    """
    Split an argument string into pairs of a key, or L{None}, and a value.
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


def _unknown(key: str, keys: Mapping[str, object]) -> str:
    """
    Say that a key is unknown, and which one may have been meant.
    """
    if not re.fullmatch("[ \\w-]+", key):
        # Something else stands before the =, which may be a secret.
        return f"a key is unknown, {_choice(keys)}"
    if key.strip() in keys:
        return f"no space stands beside {key.strip()}="
    similar = get_close_matches(key.lower(), keys, 1)
    if similar:
        return f"there is no {key}=, did you mean {similar[0]}=?"
    return f"there is no {key}=, {_choice(keys)}"


def _example(key: str, keys: Mapping[str, object]) -> str:
    """
    Say how a key is written with its value.
    """
    return f"{key}=no or {key}=yes" if keys[key] is yesNo else f"{key}=VALUE"


def _surplus(text: str, keys: Mapping[str, object]) -> str:
    """
    Say that a value stands where a key is needed.
    """
    colon = "a colon within a value is written \\:, and the shell wants that in quotes"
    if not text:
        return f"nothing follows a colon ({colon})"
    if text in keys:
        return f"{text} stands without a value, write {_example(text, keys)}"
    return f"a value stands without its key, {_choice(keys)} ({colon})"


def _choice(keys: Mapping[str, object]) -> str:
    """
    Say which keys there are.
    """
    if len(keys) == 1:
        return f"write {_example(next(iter(keys)), keys)}"
    return f"write one of {', '.join(f'{key}=' for key in keys)}"


__all__ = ["nonEmpty", "parseArgString", "yesNo"]
