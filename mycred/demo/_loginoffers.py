"""
Decide which ways to log in the server offers, where not all of its checkers can serve
each.
"""

from __future__ import annotations

from collections.abc import Iterable

from .._audit import authTypeOf
from .._chain import checkersFor, without
from .._contracts import (
    ICredentialsChecker,
    InterfaceType,
    IUsernameDigestHash,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from ..portal import Portal
from ..sasl._offers import scramCheckers

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
    serveAll = bool(proving) and not without(sending, proving)
    return serveAll or bool(without(proving, sending))


def proofServesMore(portal: Portal) -> bool:
    """
    Return whether all users can log in by a proof, and some by nothing else.
    """
    proving, sending = _provingAndSending(portal, PROOFS)
    return bool(without(proving, sending)) and not without(sending, proving)


def leftOut(portal: Portal) -> list[str | None]:
    """
    Return the auth types whose users can't log in by a proof, if those of others can.
    """
    proving, sending = _provingAndSending(portal, PROOFS)
    return _namesOf(without(sending, proving)) if proving else []


def withoutScram(portal: Portal) -> list[str | None]:
    """
    Return the auth types whose users can't log in by SCRAM, if those of others can.
    """
    proving = scramCheckers(portal.checkers)
    sending = checkersFor(IUsernamePassword, portal.checkers)
    return _namesOf(without(sending, proving)) if proving else []


def _namesOf(checkers: list[ICredentialsChecker]) -> list[str | None]:
    """
    Return the auth types of checkers, each once.
    """
    return list(dict.fromkeys(map(authTypeOf, checkers)))


def _provingAndSending(
    portal: Portal, proofs: Iterable[InterfaceType]
) -> tuple[list[ICredentialsChecker], list[ICredentialsChecker]]:
    """
    Return the checkers of proofs, and those of passwords that are sent.
    """
    proving = [one for proof in proofs for one in checkersFor(proof, portal.checkers)]
    return proving, checkersFor(IUsernamePassword, portal.checkers)


__all__ = ["PROOFS", "isOffered", "leftOut", "proofServesMore", "withoutScram"]
