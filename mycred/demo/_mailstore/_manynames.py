"""
Statements that name many values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

# How many values one statement names: where there are fewer one of them is named several
# times, so that it is the same statement.
_MOST_NAMED = 50


def naming(statement: str) -> str:
    """
    Return a statement with C{:named} in place of many names.
    """
    names = ", ".join(f":n{number}" for number in range(_MOST_NAMED))
    return statement.replace(":named", names)


def batches(values: Iterable[object]) -> Iterator[Mapping[str, object]]:
    """
    Yield values as the statements name them, so many at a time.
    """
    left = list(values)
    while left:
        some, left = left[:_MOST_NAMED], left[_MOST_NAMED:]
        some += some[-1:] * (_MOST_NAMED - len(some))
        yield {f"n{number}": value for number, value in enumerate(some)}


__all__ = ["batches", "naming"]
