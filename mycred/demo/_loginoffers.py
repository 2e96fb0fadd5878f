"""
Which ways to log in a server offers, where its checkers can't all serve the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._audit import authTypeOf
from .._chain import CheckerChain, interfacesOf
from .._contracts import (
    InterfaceType,
    IUsernameDigestHash,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from ..portal import Portal

#: The interfaces of credentials that prove a password without sending it.
PROOFS: tuple[InterfaceType, ...] = (IUsernameHashedPassword, IUsernameDigestHash)


def isOffered(portal: Portal, *proofs: InterfaceType) -> bool:
    """
    Return whether to offer a login that proves the password without sending it.

    Clients choose it wherever it is offered, and don't fall back on another when it
    fails.  So it is offered only if no checker would be left out that verifies
    passwords; or if a checker can serve nothing else.

    @param portal: the portal of the server.
    @param proofs: the interfaces of the credentials; a checker of any of them is
        enough.
    """
    proving, sending = _provingAndSending(portal, proofs)
    serveAll = bool(proving) and not _without(sending, proving)
    return serveAll or bool(_without(proving, sending))


def proofServesMore(portal: Portal) -> bool:
    """
    Return whether everybody can log in by a proof, and somebody by nothing else.
    """
    proving, sending = _provingAndSending(portal, PROOFS)
    return bool(_without(proving, sending)) and not _without(sending, proving)


def leftOut(portal: Portal) -> list[str | None]:
    """
    List the auth types whose users can't log in by a proof, though those of others can.
    """
    proving, sending = _provingAndSending(portal, PROOFS)
    named = [authTypeOf(checker) for checker in _without(sending, proving)]
    return list(dict.fromkeys(named)) if proving else []


def _provingAndSending(
    portal: Portal, proofs: Iterable[InterfaceType]
) -> tuple[list[Any], list[Any]]:
    """
    List the checkers of proofs, and those of passwords that are sent.
    """
    return _checkersIn(portal, proofs), _checkersIn(portal, [IUsernamePassword])


def _checkersIn(portal: Portal, interfaces: Iterable[InterfaceType]) -> list[Any]:
    """
    List the checkers that are asked for credentials of any of these interfaces.
    """
    return [
        one
        for interface in interfaces
        if interface in portal.checkers
        for one in _apart(portal.checkers[interface], interface)
    ]


def _apart(checker: Any, interface: InterfaceType) -> list[Any]:
    """
    List the checkers of a chain that are for an interface, or the one that is no chain.
    """
    if not isinstance(checker, CheckerChain):
        return [checker]
    parts = [part for part in checker.checkers if interface in interfacesOf(part)]
    return [one for part in parts for one in _apart(part, interface)]


def _without(checkers: list[Any], others: list[Any]) -> list[Any]:
    """
    List the checkers that aren't among others: compared as objects, since a program's
    checkers may be equal to anything.
    """
    left = set(map(id, others))
    return [checker for checker in checkers if id(checker) not in left]


__all__ = ["PROOFS", "isOffered", "leftOut", "proofServesMore"]
