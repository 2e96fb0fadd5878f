"""
One name for all spellings of it, for what counts guesses at an account.
"""

from __future__ import annotations

from unicodedata import category, normalize

from .._encodings import decodedName
from .._secrets import LONGEST

# What directories and databases pass over when they compare names, or some of them:
# marks, spaces, and characters that aren't seen (RFC 4518, section 2).
_PASSED_OVER = {"Mn", "Me", "Zs", "Zl", "Zp", "Cc", "Cf"}


def spelledOnce(name: object) -> bytes:
    """
    Return the same for all spellings that a store could take for one name, so that none
    of them gets guesses of its own.

    It is the same for some names that are different, too: their accounts are counted as
    one.  Names that are too long to be looked up may be among these, and whatever is no
    text.
    """
    if isinstance(name, bytes):
        name = name[:LONGEST].decode("utf-8", "surrogateescape")
    elif isinstance(name, str):
        name = decodedName(name[:LONGEST])
    text = name if isinstance(name, str) else ""
    folded = normalize("NFKD", normalize("NFKD", text).casefold())
    kept = "".join(c for c in folded if category(c) not in _PASSED_OVER)
    return kept.encode("utf-8", "surrogatepass")


__all__ = ["spelledOnce"]
