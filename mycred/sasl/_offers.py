"""
Which mechanisms a server offers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .._chain import checkersFor, without
from .._contracts import (
    ICredentialsChecker,
    InterfaceType,
    IUsernameHashedPassword,
    IUsernamePassword,
)
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

    Clients take the strongest one, and don't fall back on another when it fails.  SCRAM
    is offered all the same as soon as a checker has keys for it: keys that are stored are
    meant to be used.  CRAM-MD5, and SCRAM where passwords are stored as they are, are
    left out if some checkers of passwords can't serve them while all others can be asked
    otherwise: over a connection where a password may be sent.

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
        Return whether the checkers can serve a mechanism, and either have keys for it, or
        none of them is left out by it that could be asked otherwise.
        """
        if mechanism.interface not in self._interfaces:
            return False
        if mechanism.interface not in _PROOFS or not self._checkers:
            return True
        proving = self._provers(mechanism)
        if not (proving and self._allowsClearText):
            return bool(proving)
        plain = self._checkersOf(IUsernameHashedPassword)
        sending = self._checkersOf(IUsernamePassword)
        # Those with keys, which serve nothing but SCRAM; then those that are left out;
        # then those that can't be asked otherwise.
        return (
            bool(without(proving, plain))
            or not without(sending, proving)
            or bool(without(proving, sending))
        )

    def _provers(self, mechanism: Mechanism) -> list[ICredentialsChecker]:
        """
        Return the checkers that can serve a mechanism that proves a password.
        """
        if mechanism.hash is None:
            return self._checkersOf(mechanism.interface)
        return scramCheckers(self._checkers, {mechanism.hash})

    def _checkersOf(self, interface: InterfaceType) -> list[ICredentialsChecker]:
        """
        Return the checkers that are asked for credentials of an interface.
        """
        return checkersFor(interface, self._checkers)


def scramCheckers(
    checkers: Mapping[InterfaceType, ICredentialsChecker],
    hashes: Iterable[str] = HASHES,
) -> list[ICredentialsChecker]:
    """
    Return the checkers that can serve SCRAM to at least one user.

    @param checkers: the checkers of a portal, by interface.
    @param hashes: the hashes of SCRAM that are meant.
    """
    asked = checkersFor(IScramCredentials, checkers)
    return [one for one in asked if not set(hashes).isdisjoint(_hashesOf(one))]


# The interfaces of credentials that prove a password without sending it.
_PROOFS = (IScramCredentials, IUsernameHashedPassword)


def _hashesOf(checker: Any) -> Collection[str]:
    """
    Return the hashes of SCRAM that a checker can serve to a user; all, if it doesn't
    say.
    """
    ask = getattr(checker, "scramHashes", None)
    return HASHES if ask is None else ask()


__all__ = ["mechanismsFor", "scramCheckers"]
