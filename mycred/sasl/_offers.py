"""
Which mechanisms a server offers.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .._chain import CheckerChain, interfacesOf
from .._contracts import InterfaceType, IUsernameHashedPassword, IUsernamePassword
from .._facts import BINDINGS, ConnectionFacts
from .._scram import HASHES
from ..credentials import IScramCredentials
from ._mechanisms import MECHANISMS, Mechanism


def mechanismsFor(
    portal: Any, facts: ConnectionFacts, allowClearText: bool = False
) -> dict[bytes, Mechanism]:
    """
    Return the mechanisms that a client may use: those that the checkers of a portal can
    serve over a connection.

    Clients take the strongest one, and don't fall back on another when it fails.  So one
    that proves a password without sending it is left out if some checkers of passwords
    can't serve it while all others can be asked otherwise: over a connection where a
    password may be sent.

    @param portal: the portal: Twisted's, or any object with a method
        C{listCredentialsInterfaces}, and perhaps an attribute C{checkers}, by interface.
    @param facts: what is known of the connection.
    @param allowClearText: whether passwords and tokens may be sent over a connection
        where others on the network can read them.

    @return: the mechanisms by name, strongest first.
    """
    offer = _Offer(portal, facts, allowClearText or facts.isPrivate)
    return {
        name: mechanism
        for name, mechanism in MECHANISMS.items()
        if offer.fits(mechanism) and offer.isServed(mechanism)
    }


class _Offer:
    """
    What can be offered over one connection.
    """

    def __init__(self, portal: Any, facts: ConnectionFacts, allowClearText: bool) -> None:
        self._interfaces = portal.listCredentialsInterfaces()
        self._checkers = getattr(portal, "checkers", {})
        self._allowsClearText = allowClearText
        self._hasCertificate = facts.certificate is not None
        self._isBound = any(facts.channelBinding(name) for name in BINDINGS)

    def fits(self, mechanism: Mechanism) -> bool:
        """
        Return whether a mechanism can be used over the connection.
        """
        return not (
            (mechanism.isClearText and not self._allowsClearText)
            or (mechanism.isBound and not self._isBound)
            or (mechanism.needsCertificate and not self._hasCertificate)
        )

    def isServed(self, mechanism: Mechanism) -> bool:
        """
        Return whether the checkers can serve a mechanism, and none of them is left out by
        it that could be asked otherwise.
        """
        if mechanism.interface not in self._interfaces:
            return False
        if mechanism.interface not in _PROOFS or not self._checkers:
            return True
        proving = self._provers(mechanism)
        if not (proving and self._allowsClearText):
            return bool(proving)
        sending = self._checkersOf(IUsernamePassword)
        return not _without(sending, proving) or bool(_without(proving, sending))

    def _provers(self, mechanism: Mechanism) -> list[Any]:
        """
        Return the checkers that can serve a mechanism that proves a password.
        """
        checkers = self._checkersOf(mechanism.interface)
        if mechanism.hash is None:
            return checkers
        return [one for one in checkers if mechanism.hash in _hashesOf(one)]

    def _checkersOf(self, interface: InterfaceType) -> list[Any]:
        """
        Return the checkers that are asked for credentials of an interface.
        """
        checker = self._checkers.get(interface)
        return [] if checker is None else _parts(checker, interface)


# The interfaces of credentials that prove a password without sending it.
_PROOFS = (IScramCredentials, IUsernameHashedPassword)


def _hashesOf(checker: Any) -> Collection[str]:
    """
    Return the hashes of SCRAM that a checker can serve to somebody; all, if it doesn't
    say.
    """
    ask = getattr(checker, "scramHashes", None)
    return HASHES if ask is None else ask()


def _parts(checker: Any, interface: InterfaceType) -> list[Any]:
    """
    Return the checkers of a chain that are for an interface; of one that is no chain,
    itself.
    """
    if not isinstance(checker, CheckerChain):
        return [checker]
    parts = [part for part in checker.checkers if interface in interfacesOf(part)]
    return [one for part in parts for one in _parts(part, interface)]


def _without(checkers: list[Any], others: list[Any]) -> list[Any]:
    """
    Return the checkers that aren't among others, compared by identity: a program's
    checkers may be equal to anything.
    """
    left = set(map(id, others))
    return [checker for checker in checkers if id(checker) not in left]


__all__ = ["mechanismsFor"]
