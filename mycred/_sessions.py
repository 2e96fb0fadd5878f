"""
Logins that belong to a connection, and end with it.

A protocol calls the logout of its avatar when the connection is lost.  It can't
do so for a login that is still under way then; who serves protocols that he
didn't write does it for them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from ._contracts import InterfaceType, Login
from .error import TemporaryFailure
from .portal import Portal


class SessionPortal(Portal):
    """
    A portal for one connection: the same realm, the same checkers, and L{close}
    for when the connection is gone.

    @cvar MOST_AT_A_TIME: how many logins of a connection may be under way.
    """

    MOST_AT_A_TIME = 4

    def __init__(self, portal: Portal, peer: object = None) -> None:
        """
        @param portal: the portal of the server.
        @param peer: the address of the client, which checkers may want to know.
        """
        super().__init__(portal.realm)
        self._peer = peer
        self.checkers = portal.checkers
        self._portal = portal
        self._closed = False
        self._underWay: set[Deferred[Login]] = set()
        self._logouts: set[_Logout] = set()

    def login(
        self, credentials: Any, mind: object, *interfaces: InterfaceType
    ) -> Deferred[Login]:
        """
        Log in, until the connection is gone.

        @return: a L{Deferred} as from L{Portal.login}, whose logout callable
            does its work once however often it is called.  It doesn't fire any
            more after L{close}.
        """
        if len(self._underWay) >= self.MOST_AT_A_TIME:
            # A client that doesn't wait for answers would fill the queue for all.
            return fail(TemporaryFailure("Too many logins at a time"))
        # There are credentials that take no attribute.
        with suppress(AttributeError):
            credentials.peer = self._peer
        login = self._portal.login(credentials, mind, *interfaces)
        answer: Deferred[Login] = Deferred(lambda _: login.cancel())
        self._underWay.add(login)

        def deliver(result: Login | Failure) -> None:
            self._underWay.discard(login)
            if not isinstance(result, Failure):
                interface, avatar, logout = result
                once = _Logout(self._logouts, logout)
                result = interface, avatar, once
                if self._closed or answer.called:
                    once()
            if not (self._closed or answer.called):
                answer.callback(result)

        login.addBoth(deliver)
        return answer

    def close(self, _: object = None) -> None:
        """
        Cancel the logins that are under way, and log out the avatars that the
        protocol hasn't logged out.
        """
        self._closed = True
        for login in list(self._underWay):
            login.cancel()
        for logout in list(self._logouts):
            logout()


class _Logout:
    """
    A logout callable that does its work once.
    """

    def __init__(self, pending: set[_Logout], logout: Any) -> None:
        self._pending = pending
        self._logout = logout
        pending.add(self)

    def __call__(self) -> None:
        if self in self._pending:
            self._pending.remove(self)
            self._logout()


__all__ = ["SessionPortal"]
