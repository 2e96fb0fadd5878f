"""
Names that can't be typed, though they may look as if they could.
"""

from __future__ import annotations

from collections.abc import Iterator
from unicodedata import category, decomposition, name as unicodeName, normalize

# Categories of characters that don't show: control characters, those that turn the
# direction of text, private ones, halves of characters, and separators of lines.
_INVISIBLE = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")

# Invisible characters in other categories: fillers, variation selectors and their kind
# (Unicode's Default_Ignorable_Code_Point), and a blank of braille.
_IGNORABLE = (
    range(0x034F, 0x0350),
    range(0x115F, 0x1161),
    range(0x17B4, 0x17B6),
    range(0x180B, 0x1810),
    range(0x2800, 0x2801),
    range(0x3164, 0x3165),
    range(0xFE00, 0xFE10),
    range(0xFFA0, 0xFFA1),
    range(0xE0000, 0xE1000),
)

# Forms of letters that keyboards don't have: full-width, mathematical, encircled, and
# typographic ones.
_FORMS = (
    "<wide>",
    "<narrow>",
    "<font>",
    "<circle>",
    "<square>",
    "<initial>",
    "<medial>",
    "<final>",
    "<isolated>",
)
_LIGATURES = range(0xFB00, 0xFB50)


def oddities(name: bytes) -> Iterator[str]:
    """
    Yield why a name can't be typed.

    @param name: a name, as a file spells it.

    @return: what is odd about it: characters by their codes, never as they are.
    """
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        yield "it isn't UTF-8, which programs send"
        return
    if text.isascii() and text.isprintable() and " " not in text:
        # Most are so.
        return
    if text.startswith(" "):
        yield "it begins with a space"
    if text.endswith(" "):
        yield "it ends in a space"
    for character in dict.fromkeys(text):
        if _isInvisible(character):
            yield f"it holds {_nameOf(character)}"
        elif _isForm(character):
            yield f"it holds {_nameOf(character)}, a form that keyboards don't have"
    if normalize("NFC", text) != text:
        yield "it has accents apart from their letters (it isn't in Unicode's form NFC)"


def _isInvisible(character: str) -> bool:
    """
    Return whether a character doesn't show, or shows as another.
    """
    code, kind = ord(character), category(character)
    return (
        (kind in _INVISIBLE and character != "\0")
        or (kind == "Zs" and character != " ")
        # What replaces a damaged character, and codes that are no characters.
        or character == "\N{REPLACEMENT CHARACTER}"
        or code & 0xFFFE == 0xFFFE
        or code in range(0xFDD0, 0xFDF0)
        or any(code in each for each in _IGNORABLE)
    )


def _isForm(character: str) -> bool:
    """
    Return whether a character is a form of another one that keyboards don't have.
    """
    return ord(character) in _LIGATURES or decomposition(character).startswith(_FORMS)


def _nameOf(character: str) -> str:
    """
    Return the code and the name of a character, which can't be shown itself.
    """
    aliases = {"\t": "a tab", "\r": "a carriage return", "\ufeff": "a byte order mark"}
    name = aliases.get(character) or unicodeName(character, "a control character")
    return f"U+{ord(character):04X} ({name})"


__all__ = ["oddities"]
