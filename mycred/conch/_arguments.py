"""
Check what clients ask for, as far as that can be done before it is carried out.
"""

from __future__ import annotations

from .._sshkeys import Fields
from ._logger import LONGEST
from ._malformed import Malformed
from ._names import isName

# How many texts requests begin with.  They are handed to programs, to which no NUL can be
# handed.
_TEXTS = {b"env": 2, b"exec": 1, b"pty-req": 1, b"subsystem": 1}

# Those whose first text conch logs, and that is a name.
_LOGGED = (b"pty-req", b"subsystem")

_LONGEST_HOST, _LAST_PORT = 255, 65535


def insistOnRequest(requestType: bytes, data: bytes) -> None:
    """
    Insist that a request to a channel has a name, and texts that can be handed on.

    @raise Malformed: if it doesn't.
    """
    if not isName(requestType):
        raise Malformed("no name of a request")
    fields = Fields(data)
    texts = [fields.text() for _ in range(_TEXTS.get(requestType, 0))]
    if requestType in _LOGGED and len(texts[0]) > LONGEST:
        raise Malformed("too long a name")


def insistOnPlace(data: bytes) -> None:
    """
    Insist on a host and a port to connect to, or to listen at.

    @raise Malformed: if there are none.
    """
    fields = Fields(data)
    host, port = fields.text(), fields.number(4)
    if len(host) > _LONGEST_HOST or port > _LAST_PORT:
        raise Malformed("no such place")


__all__ = ["insistOnPlace", "insistOnRequest"]
