"""
One name for all spellings of it, for what counts guesses at an account.
"""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import category, name as nameOf, normalize

from .._encodings import decodedName
from .._secrets import LONGEST

# What directories and databases pass over when they compare names, or some of them:
# marks, spaces, and characters that aren't seen (RFC 4518, section 2).
_PASSED_OVER = {"Mn", "Me", "Zs", "Zl", "Zp", "Cc", "Cf"}

# By their names, letters that Active Directory takes for others though Unicode doesn't
# take them apart: a stroke is passed over like a mark, ligatures are two letters, and
# hiragana are katakana.
_LETTER = re.compile(
    "(?:LATIN (?:SMALL )?(?:LETTER|LIGATURE)|(?:HIRAGANA|KATAKANA) LETTER) "
    "(?:SMALL |SMALL CAPITAL |DOTLESS )?([A-Z]{1,3})(?: WITH .*)?"
)

# Of how many characters it is remembered what they come down to.
_MOST = 4096


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
    return "".join(map(_plain, folded)).encode("utf-8", "surrogatepass")


@lru_cache(_MOST)
def _plain(character: str) -> str:
    """
    Return what a character comes down to, which may be nothing.
    """
    if category(character) in _PASSED_OVER:
        return ""
    letter = _LETTER.fullmatch(nameOf(character, ""))
    return character if letter is None else letter[1].lower()


__all__ = ["spelledOnce"]
