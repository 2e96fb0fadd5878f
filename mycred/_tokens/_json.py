"""
JSON that others have written: strict, so that nobody can read it in two ways.
"""

from __future__ import annotations

import json
import math
from typing import Any

# Claims hold no larger numbers.  Python takes a time that grows with the square of the
# length for them.
_MOST_DIGITS = 20


def parseObject(text: bytes) -> dict[str, Any]:
    """
    Parse a JSON object (RFC 8259).

    @param text: the text, in UTF-8.  Its size is up to the caller.

    @return: what it holds.

    @raise ValueError: if it is anything else; if a name stands twice in one object
        (RFC 8725, section 2.4, has what comes of that); or if a number is too large, or
        none.
    """
    try:
        value = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_withoutTwins,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_refuseConstant,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it isn't UTF-8") from None
    except json.JSONDecodeError as error:
        # The exception holds the whole text.
        raise ValueError(f"it isn't JSON: {error.msg} at {error.pos}") from None
    if not isinstance(value, dict):
        raise ValueError("it isn't an object")
    return value


def _withoutTwins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """
    Return an object, in which each name stands once.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in it")
    return found


def _integer(digits: str) -> int:
    """
    Return an integer of a sensible size.
    """
    if len(digits) > _MOST_DIGITS:
        raise ValueError("a number in it is too large")
    return int(digits)


def _finite(digits: str) -> float:
    """
    Return a number that isn't infinite.
    """
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number in it is too large")
    return number


def _refuseConstant(name: str) -> None:
    """
    Refuse what Python writes for what is no number, and JSON hasn't.
    """
    raise ValueError(f"{name} isn't JSON")


__all__ = ["parseObject"]
