"""
Names and passwords in one form, however they were typed (SASLprep, U{RFC 4013
<https://www.rfc-editor.org/rfc/rfc4013>}).

L{stringprep} has the tables, as functions of one character, which take several
milliseconds for a long name, in the reactor's thread.  What Unicode 3.2 says of a
character comes to the same, with a few exceptions.
"""

from __future__ import annotations

from unicodedata import ucd_3_2_0

# Section 2.1: each of these spaces becomes the usual one (RFC 3454, table C.1.2), and
# each of these characters nothing (table B.1).
_SPACES = [0xA0, 0x1680, *range(0x2000, 0x200C), 0x202F, 0x205F, 0x3000]
_NOTHING = [
    *(0xAD, 0x34F, 0x1806, 0x180B, 0x180C, 0x180D, 0x200C, 0x200D, 0x2060),
    *(*range(0xFE00, 0xFE10), 0xFEFF),
]
_MAPPED = {**dict.fromkeys(_SPACES, " "), **dict.fromkeys(_NOTHING, "")}

# Section 2.3: characters that control, format, separate lines, are private, or stand for
# none; and those that Unicode 3.2 doesn't know, whose form isn't certain for all times.
_PROHIBITED_CATEGORIES = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}

# What is prohibited besides, by tables C.6, C.7 and C.8.
_PROHIBITED = {0xFFFC, 0xFFFD, *range(0x2FF0, 0x2FFC), 0x340, 0x341}

# Written from right to left.
_RIGHT_TO_LEFT = {"R", "AL"}


def saslprep(text: str) -> str:
    """
    Return a name or a password as it is compared.

    @raise ValueError: if it holds what none can hold, or nothing that counts.
    """
    if text.isascii() and text.isprintable():
        prepared = text
    else:
        prepared = ucd_3_2_0.normalize("NFKC", text.translate(_MAPPED))
        _insistOnAllowed(prepared)
    if not prepared:
        raise ValueError("nothing is left of the text")
    return prepared


def prepared(secret: bytes) -> bytes:
    """
    Return a name or a password prepared where that can be done, and else as it is.
    """
    try:
        return saslprep(secret.decode("utf-8")).encode("utf-8")
    except ValueError:
        return secret


def _insistOnAllowed(text: str) -> None:
    """
    @raise ValueError: if a text holds a character that is prohibited, or mixes directions
        of writing (RFC 3454, section 6).
    """
    # Each character once: the long form of one can be a sentence.
    characters = set(text)
    if any(map(_isProhibited, characters)):
        raise ValueError("a prohibited character")
    directions = set(map(ucd_3_2_0.bidirectional, characters))
    if directions.isdisjoint(_RIGHT_TO_LEFT):
        return
    if "L" in directions:
        raise ValueError("characters of both directions of writing")
    ends = {ucd_3_2_0.bidirectional(text[0]), ucd_3_2_0.bidirectional(text[-1])}
    if not ends <= _RIGHT_TO_LEFT:
        raise ValueError("the direction of writing differs at one end")


def _isProhibited(character: str) -> bool:
    """
    Return whether no name or password may hold a character.
    """
    isKind = ucd_3_2_0.category(character) in _PROHIBITED_CATEGORIES
    return isKind or ord(character) in _PROHIBITED


__all__ = ["prepared", "saslprep"]
