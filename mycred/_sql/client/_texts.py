"""
What of a database's error message may be shown.
"""

from __future__ import annotations

import re

# What messages quote, in whatever language: the name of something in the database, or
# else a value, with all that comes after it.
_QUOTED = re.compile(
    r"(?P<name>(?:argument|column|constraint|key|relation|table) (?:'\w+'|\"\w+\"))"
    r"|(?<!\w)['\"\u00ab\u00bb\u2018-\u201f\u300c].*"
)

# What psycopg puts before libpq's message.
_CONNECTING = re.compile(r"\Aconnection (?:failed|is bad): ")


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


def withoutValues(text: str, isOfStatement: bool) -> str:
    """
    Return the first line of a server's message without the values that were bound, or
    stand in rows.

    @param isOfStatement: whether it is about a statement: of those only MySQL's show
        values, in what they quote of the statement.
    """
    line = text.partition("\n")[0]
    if not isOfStatement:
        return _QUOTED.sub(lambda found: found["name"] or "...", line)
    before, mark, after = line.partition(" near '")
    return f"{before}{mark}{after.partition(chr(39))[0]}'" if mark else line


def inOneLine(text: str) -> str:
    """
    Return the message of a driver that can't connect as one line: without libpq's hints,
    which are indented, and with what it says of both its tries, with TLS and without it,
    once.
    """
    lines = _CONNECTING.sub("", text).splitlines()
    told = [" ".join(line.split()) for line in lines if not line.startswith("\t")]
    return " ".join(dict.fromkeys(told))


__all__ = ["inOneLine", "textOf", "withoutValues"]
