"""
Decide which ways to log in the server offers, where not all of its checkers can serve
each.
"""

from __future__ import annotations

from collections.abc import Iterable

from .._audit import authTypeOf
from .._chain import CheckerChain, interfacesOf
from .._contracts import (
    ICredentialsChecker,
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
    fails.  So it is offered only if it leaves out no checker of passwords, or if a
    checker can serve nothing else.

    @param portal: the portal of the server.
    @param proofs: the interfaces of the credentials; a checker of any of them is
        enough.
    """
    proving, sending = _provingAndSending(portal, proofs)
    serveAll = bool(proving) and not _without(sending, proving)
    return serveAll or bool(_without(proving, sending))


def proofServesMore(portal: Portal) -> bool:
    """
    Return whether all users can log in by a proof, and some by nothing else.
    """
    proving, sending = _provingAndSending(portal, PROOFS)
    return bool(_without(proving, sending)) and not _without(sending, proving)


def leftOut(portal: Portal) -> list[str | None]:
    """
    Return the auth types whose users can't log in by a proof, if those of others can.
    """
    proving, sending = _provingAndSending(portal, PROOFS)
    named = [authTypeOf(checker) for checker in _without(sending, proving)]
    return list(dict.fromkeys(named)) if proving else []


def _provingAndSending(
    portal: Portal, proofs: Iterable[InterfaceType]
) -> tuple[list[ICredentialsChecker], list[ICredentialsChecker]]:
    """
    Return the checkers of proofs, and those of passwords that are sent.
    """
    return _checkersIn(portal, proofs), _checkersIn(portal, [IUsernamePassword])


def _checkersIn(
    portal: Portal, interfaces: Iterable[InterfaceType]
) -> list[ICredentialsChecker]:
    """
    Return the checkers that are asked for credentials of any of these interfaces.
    """
    return [
        one
        for interface in interfaces
        if interface in portal.checkers
        for one in _apart(portal.checkers[interface], interface)
    ]


def _apart(
    checker: ICredentialsChecker, interface: InterfaceType
) -> list[ICredentialsChecker]:
    """
    Return the checkers of a chain that are for an interface; of one that is no chain,
    itself.
    """
    if not isinstance(checker, CheckerChain):
        return [checker]
    parts = [part for part in checker.checkers if interface in interfacesOf(part)]
    return [one for part in parts for one in _apart(part, interface)]


def _without(
    checkers: list[ICredentialsChecker], others: list[ICredentialsChecker]
) -> list[ICredentialsChecker]:
    """
    Return the checkers that aren't among others, compared by identity: a program's
    checkers may be equal to anything.
    """
    left = set(map(id, others))
    return [checker for checker in checkers if id(checker) not in left]


__all__ = ["PROOFS", "isOffered", "leftOut", "proofServesMore"]
