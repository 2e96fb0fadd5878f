"""
What of a database's error message may be shown.
"""

from __future__ import annotations


def textOf(error: Exception) -> str:
    """
    Return what an error says, of what drivers tell in all: MySQL's put a number before
    it, and pg8000 shows all fields.
    """
    words = error.args
    if words and isinstance(words[0], dict):
        return str(words[0].get("M", ""))
    isNumbered = len(words) > 1 and isinstance(words[0], int)
    return str(words[1] if isNumbered else error)


def withoutValues(text: str) -> str:
    """
    Return the message of a server without the values that were bound: its first line, of
    which MySQL's ends where a value begins.
    """
    line = text.partition("\n")[0]
    before, mark, after = line.partition(" near '")
    return f"{before}{mark}{after.partition(chr(39))[0]}'" if mark else line


def joined(text: str) -> str:
    """
    Return the lines of a message as one.
    """
    return " ".join(text.split())


__all__ = ["joined", "textOf", "withoutValues"]
