"""
What a server's protocol offers over its connection, whatever the protocol: by its
settings, and by what the checkers of its portal can serve.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.interfaces import ITLSTransport

from .. import sasl
from .._contracts import InterfaceType
from .._facts import ConnectionFacts
from ..credentials import IUsernamePassword
from ..portal import SessionPortal
from ._challengers import Challenger, challengersIn, usualIn
from ._lines import Lines
from ._reasons import Reason


class Offers(Lines):
    """
    A mix-in for a server's protocol: which ways to log in it offers.

    What follows may be set in the class, in an instance, or in its factory.

    @cvar allowClearText: whether passwords may be sent as they are over a connection that
        others may read.
    @cvar mostRefused: after how many logins without success the connection ends.
    @cvar siteSecret: the secret from which keys are made up for users whom no checker
        knows; see L{mycred.sasl.secretIn}.  Without one they differ after a restart, from
        which a patient client learns who is unknown.
    @ivar ctx: the context factory for STARTTLS; the C{contextFactory} of the factory if
        L{None}.
    """

    allowClearText = False
    mostRefused = 10
    siteSecret: bytes | None = None

    # Set by each protocol: its name in the log, what its avatars provide, and the
    # mechanisms of the program.
    service: str
    avatarInterfaces: tuple[InterfaceType, ...]
    challengers: Mapping[bytes, Challenger] | None = None

    portal: Any

    def makeConnection(self, transport: Any) -> None:
        """
        Look for the context factory.
        """
        if self.ctx is None:
            self.ctx = getattr(self.factory, "contextFactory", None)
        super().makeConnection(transport)

    def _setting(self, name: str) -> Any:
        """
        Return a setting: the protocol's if it isn't the usual one, else the factory's.
        """
        usual, own = getattr(Offers, name), getattr(self, name)
        return getattr(self.factory, name, own) if own == usual else own

    def openSession(self) -> Any:
        """
        Return the portal of this connection, made of the one that the program has given.

        @return: a L{SessionPortal}; L{None} if the program has given no portal.
        """
        if self.portal is not None and not isinstance(self.portal, SessionPortal):
            whole = _whole(self.portal)
            self.portal = SessionPortal(whole, self, service=self.service)
        return self.portal

    @property
    def facts(self) -> ConnectionFacts:
        """
        What is known of this connection now.
        """
        return ConnectionFacts(self.transport, self.service)

    @property
    def isClearTextAllowed(self) -> bool:
        """
        Whether passwords may be sent as they are over this connection.
        """
        return bool(self._setting("allowClearText")) or self.facts.isPrivate

    @property
    def _hasPasswords(self) -> bool:
        """
        Whether some checker checks passwords.
        """
        portal = self.openSession()
        return portal is None or IUsernamePassword in portal.listCredentialsInterfaces()

    def mechanisms(self) -> dict[bytes, sasl.Mechanism]:
        """
        Return the mechanisms of SASL by which a user can log in over this connection, as
        it is now: those that a checker can serve, and those of Twisted's that the program
        names.  A subclass may leave some out.
        """
        portal, allowed = self.openSession(), self.isClearTextAllowed
        named = usualIn(self.challengers or {}, allowed)
        if portal is None:
            return named
        return {**sasl.mechanismsFor(portal, self.facts, allowed), **named}

    def _ownChallengers(self) -> dict[bytes, Challenger]:
        """
        Return the mechanisms of SASL that the program brings along.
        """
        return challengersIn(self.challengers or {}, self.isClearTextAllowed)

    def mechanismNames(self) -> list[bytes]:
        """
        Return the names of all mechanisms that are offered, the best first.
        """
        return namesIn(self.mechanisms(), self._ownChallengers())

    def _whyNot(self, name: bytes) -> Reason:
        """
        Return why a mechanism isn't offered.
        """
        known = sasl.MECHANISMS.get(name)
        if known is None or not known.isClearText or self.isClearTextAllowed:
            return Reason.UNSUPPORTED
        return Reason.UNPRIVATE

    @property
    def canBeginTLS(self) -> bool:
        """
        Whether the client may begin with TLS on this connection.
        """
        isPlain = ITLSTransport.providedBy(self.transport) and not self.facts.isSecure
        canStart = getattr(self, "canStartTLS", True)
        return bool(self.ctx and canStart and isPlain and not self.startedTLS)


class _OnlyLogin:
    """
    A portal of a program's that may have no more than a method C{login}.
    """

    realm: Any = None

    def __init__(self, portal: Any) -> None:
        self.login = portal.login
        self.checkers = getattr(portal, "checkers", {})
        known = getattr(portal, "listCredentialsInterfaces", lambda: [IUsernamePassword])
        self.listCredentialsInterfaces = known


def _whole(portal: Any) -> Any:
    """
    Return a portal with all that L{SessionPortal} needs.
    """
    needed = ("checkers", "listCredentialsInterfaces", "realm")
    isWhole = all(hasattr(portal, name) for name in needed)
    return portal if isWhole else _OnlyLogin(portal)


def namesIn(*mechanisms: Mapping[bytes, object]) -> list[bytes]:
    """
    Return the names in several collections, each once.
    """
    return list(dict.fromkeys(name for some in mechanisms for name in some))


__all__ = ["Offers", "namesIn"]
