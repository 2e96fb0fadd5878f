"""
Require several factors of who logs in by SSH.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from zope.interface import implementer, providedBy

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.logger import Logger
from twisted.python.reflect import qual

from .._conchcontracts import NotEnoughAuthentication
from .._contracts import AvatarID, ICredentialsChecker, InterfaceType
from ..error import UnhandledCredentials


@implementer(ICredentialsChecker)
class SSHProtocolChecker:
    """
    A checker that asks others, and is content when L{areDone} says so.

    What has succeeded is remembered for each connection by itself, if the credentials
    tell it: their attribute C{connection}, which L{mycred.conch} sets.  A factor counts
    once: the same kind of credentials again, or the same key, is nothing new.

    @ivar checkers: by the interface of the credentials, the checker that is asked.
    @ivar successfulCredentials: by avatar ID, the credentials that have succeeded, in
        the connection that is asked about when L{areDone} is called.
    """

    _log = Logger()

    def __init__(self) -> None:
        self.checkers: dict[InterfaceType, Any] = {}
        self.successfulCredentials: dict[AvatarID, list[Any]] = {}
        self._progress: WeakKeyDictionary[Any, dict[AvatarID, list[Any]]]
        self._progress = WeakKeyDictionary()

    @property
    def credentialInterfaces(self) -> list[InterfaceType]:
        """
        The interfaces of the credentials that can be checked.
        """
        return list(self.checkers)

    def registerChecker(self, checker: Any, *credentialInterfaces: InterfaceType) -> None:
        """
        Have a checker asked.

        @param checker: the checker.
        @param credentialInterfaces: the interfaces of the credentials that it is asked
            about; those that it names itself if there are none.
        """
        for interface in credentialInterfaces or checker.credentialInterfaces:
            self.checkers[interface] = checker

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """
        Have credentials checked.

        @return: a L{Deferred} that fires with the avatar ID if that is enough, and
            fails with C{NotEnoughAuthentication} if it isn't.
        """
        interfaces = list(providedBy(credentials))
        for interface in interfaces:
            checker = self.checkers.get(interface)
            if checker is not None:
                asking: Deferred[Any] = maybeDeferred(
                    checker.requestAvatarId, credentials
                )
                return asking.addCallback(
                    self._cbGoodAuthentication, credentials, interface
                )
        names = ", ".join(map(qual, interfaces))
        return fail(UnhandledCredentials(f"No checker for {names}"))

    def _cbGoodAuthentication(
        self, avatarId: AvatarID, credentials: Any, interface: InterfaceType
    ) -> AvatarID:
        """
        Remember what has succeeded, and tell whether it is enough.
        """
        connection = getattr(credentials, "connection", None)
        if connection is None:
            # Nobody can tell which connection this is, so that nothing that was proved
            # before can be counted.
            self.successfulCredentials = {}
        else:
            self.successfulCredentials = self._progress.setdefault(connection, {})
            others = [one for one in self.successfulCredentials if one != avatarId]
            for other in others:
                # Somebody else's factors prove nothing here (RFC 4252, section 5).
                del self.successfulCredentials[other]
        factors = self.successfulCredentials.setdefault(avatarId, [])
        if not any(_isSameFactor(one, credentials, interface) for one in factors):
            factors.append(credentials)
        if self.areDone(avatarId):
            del self.successfulCredentials[avatarId]
            return avatarId
        if connection is None:
            self._log.warn(
                "The server doesn't say which connection a login belongs to, so that it "
                "counts by itself; mycred.conch does"
            )
        raise NotEnoughAuthentication()

    def areDone(self, avatarId: AvatarID) -> bool:
        """
        Tell whether an avatar has been authenticated enough.  Subclasses may look at
        C{self.successfulCredentials[avatarId]}.

        @param avatarId: what the checkers have answered, which must be the same.
        """
        return True


def _isSameFactor(one: Any, other: Any, interface: InterfaceType) -> bool:
    """
    Tell whether credentials prove the same as others: the same key, or something else
    of the same kind.
    """
    if interface not in providedBy(one):
        return False
    keys = getattr(one, "blob", None), getattr(other, "blob", None)
    return keys[0] == keys[1]


__all__ = ["SSHProtocolChecker"]
