"""
The options that describe a database of accounts.
"""

from __future__ import annotations

from .._argstring import (
    Option,
    Options,
    integerBetween,
    nonEmpty,
    oneOf,
    readableFile,
    secondsForLogin,
)

# The largest file with a statement, in bytes.
_LARGEST_FILE = 2**16


def _parseURLs(text: str) -> tuple[str, ...]:
    """
    Return the URLs that are separated by white space.
    """
    urls = tuple(text.split())
    if not urls or not all("://" in url for url in urls):
        raise ValueError("write a URL, such as postgresql://myapp@localhost/accounts")
    if len(set(urls)) < len(urls):
        raise ValueError("one is there twice")
    return urls


def _textIn(path: str) -> str:
    """
    Return what a file of a statement holds.
    """
    with open(readableFile(path), "rb") as file:
        content = file.read(_LARGEST_FILE + 1)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} isn't in UTF-8") from None
    if len(content) > _LARGEST_FILE:
        raise ValueError(f"{path} is too large for a statement")
    return text


def _domain(text: str) -> str:
    """
    Return the name of a domain, in lower case.
    """
    if "@" in text or text.split() != [text]:
        raise ValueError("write what follows the @, such as example.org")
    return text.lower()


_QUERY = (
    "that finds a user, with :username where the name is bound, and columns name and "
    "password, or keys of SCRAM, and perhaps disabled, expires, must_change, uid, gid, "
    "home, shell and groups."
)

_UPDATE = (
    "that replaces a hash that is weaker than new ones after a right password, with "
    ":name, :password and, so that no change in between is undone, :old."
)

_URL = Option(
    "url",
    _parseURLs,
    "URL",
    "Where the database is, such as postgresql://myapp@db.example.org/accounts, "
    "mysql://... or sqlite:////srv/a.db; of several, with spaces between them, the "
    "first that works is asked.",
)

_OTHERS = (
    Option(
        "passwordfile",
        readableFile,
        "FILE",
        "A file with the password for URLs that have none, in one line, that not all "
        "users of the machine can read.",
    ),
    Option(
        "case",
        oneOf({"exact": False, "fold": True}),
        "exact|fold",
        "Whether the case of a name counts: it does, if not given; with fold names are "
        "bound in lower case, and the query must compare with lower().",
    ),
    Option(
        "realm",
        _domain,
        "DOMAIN",
        "A domain that is cut off what users type; those of other domains are unknown.",
    ),
    Option(
        "timeout",
        secondsForLogin,
        "N",
        "How long a look-up may take, in seconds, from 1 to 300; 10 if not given.",
    ),
    Option(
        "connections",
        integerBetween(1, 64, "a number from 1 to 64"),
        "N",
        "How many connections there are at most, 4 if not given.",
    ),
)

#: The options in a file.
FILE_OPTIONS = Options(
    _URL,
    Option("query", nonEmpty, "SELECT ...", f"The statement {_QUERY}"),
    Option("update", nonEmpty, "UPDATE ...", f"The statement {_UPDATE}"),
    *_OTHERS,
)

#: The options of C{--auth=sql}.
OPTIONS = Options(
    Option(
        "config",
        readableFile,
        "FILE",
        "A file that has all of these in a section [sql], in place of them, where query= "
        "and update= are statements.",
        positional=True,
    ),
    _URL,
    Option("query", _textIn, "FILE", f"A file with the statement {_QUERY}"),
    Option("update", _textIn, "FILE", f"A file with the statement {_UPDATE}"),
    *_OTHERS,
    format="FILE or url=URL:query=FILE[:passwordfile=FILE]...",
)

__all__ = ["FILE_OPTIONS", "OPTIONS"]
