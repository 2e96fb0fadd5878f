"""
Names and passwords in one form, however they were typed (SASLprep, U{RFC 4013
<https://www.rfc-editor.org/rfc/rfc4013>}).
"""

from __future__ import annotations

import stringprep
from unicodedata import ucd_3_2_0

# Section 2.3, with the code points that Unicode 3.2 doesn't know: what they become isn't
# certain for all times.
_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,
)


def saslprep(text: str) -> str:
    """
    Return a name or a password as it is compared.

    @raise ValueError: if it holds what none can hold, or nothing that counts.
    """
    if text.isascii() and text.isprintable():
        prepared = text
    else:
        prepared = ucd_3_2_0.normalize("NFKC", "".join(map(_mapped, text)))
        _insistOnAllowed(prepared)
    if not prepared:
        raise ValueError("nothing is left of the text")
    return prepared


def prepared(secret: bytes) -> bytes:
    """
    Return a name or a password prepared where that can be done, and else as it is.
    """
    if secret.isascii() and b"\x7f" not in secret and (not secret or min(secret) >= 32):
        return secret
    try:
        return saslprep(secret.decode("utf-8")).encode("utf-8")
    except ValueError:
        return secret


def _mapped(character: str) -> str:
    """
    Return what takes the place of a character (section 2.1).
    """
    if stringprep.in_table_c12(character):
        return " "
    return "" if stringprep.in_table_b1(character) else character


def _insistOnAllowed(text: str) -> None:
    """
    @raise ValueError: if a text holds a character that is prohibited, or mixes directions
        of writing (RFC 3454, section 6).
    """
    if any(prohibits(character) for character in text for prohibits in _PROHIBITED):
        raise ValueError("a prohibited character")
    if not any(map(stringprep.in_table_d1, text)):
        return
    if any(map(stringprep.in_table_d2, text)):
        raise ValueError("characters of both directions of writing")
    if not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
        raise ValueError("the direction of writing differs at one end")


__all__ = ["prepared", "saslprep"]
