"""
Who may act as whom: everybody as themselves.
"""

from __future__ import annotations

from .error import UnauthorizedLogin


def insistOnOwnName(authzid: bytes, *names: bytes) -> None:
    """
    Insist that a client that has proved to be one user doesn't want to act as another
    (RFC 4422, section 3.4.1).

    @param authzid: the name of the user to act as; empty if the client sent none.
    @param names: the names of the user who logs in: as the client sent it, and as the
        store spells it, as far as these are known.

    @raise UnauthorizedLogin: if the name isn't one of these, byte by byte.
    """
    if authzid and authzid not in names:
        raise UnauthorizedLogin("acting as another user is not allowed")


__all__ = ["insistOnOwnName"]
