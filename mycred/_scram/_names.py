"""
Names as SASL sends them.
"""

from __future__ import annotations

import re

from .._secrets import isPlausible
from ..error import SASLError

#: What a name consists of where commas separate values: a comma and an equals sign are
#: written by their codes (saslname, RFC 5802, section 7).
SASLNAME = rb"[^\0,=]*(?:=(?:2C|3D)[^\0,=]*)*"

_CODE = re.compile(rb"=2C|=3D")
_CODES = {b"=2C": b",", b"=3D": b"="}


def sentName(name: bytes) -> bytes:
    """
    Return a name that a client has sent, if it can be one.

    @raise SASLError: if it isn't UTF-8, or is absurd.
    """
    if not isPlausible(name):
        raise SASLError("no name can be like this")
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        raise SASLError("a name must be UTF-8") from None
    return name


def unescapedName(name: bytes) -> bytes:
    """
    Return the name that a L{SASLNAME} stands for.

    @raise SASLError: as from L{sentName}.
    """
    if b"=" in name:
        name = _CODE.sub(lambda code: _CODES[code[0]], name)
    return sentName(name)


__all__ = ["SASLNAME", "sentName", "unescapedName"]
