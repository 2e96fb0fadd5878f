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

from ._audit import UNFINISHED, because
from ._contracts import ICredentialsChecker, InterfaceType, Login
from ._tellers import Attempt, isToldAbove
from .error import AccountDenied, TemporaryFailure, UnauthorizedLogin
from .portal import Portal


class TooManyAtATime(TemporaryFailure):
    """
    A connection has as many logins under way as it may have.
    """


class SessionPortal(Portal):
    """
    A portal for one connection: the same realm, the same checkers, and L{close}
    for when the connection is gone.

    It tells the checkers where the client is, and tells the log how each login has
    ended.

    @ivar protocol: the protocol of the connection, or its request.
    @cvar MOST_AT_A_TIME: how many logins of a connection may be under way.
    """

    MOST_AT_A_TIME = 4

    def __init__(
        self,
        portal: Portal,
        protocol: Any = None,
        *,
        service: str | None = None,
        mostRefused: int | None = None,
    ) -> None:
        """
        @param portal: the portal of the server.
        @param protocol: the protocol of the connection, or its request, which have a
            C{transport}.  That is asked at each login where the client is: behind a
            proxy it isn't known before the proxy has told it.
        @param service: what the log calls the protocol, such as C{imap}.
        @param mostRefused: how many logins that are refused end the connection: for
            wrong passwords, or since too many are under way.  L{None} for any number.
        """
        super().__init__(portal.realm)
        self.checkers = portal.checkers
        self._portal = portal
        self.protocol = protocol
        self._service = service
        self._mostRefused = mostRefused
        self._refused = 0
        self._closed = False
        self._underWay: set[Deferred[Login]] = set()
        self._logouts: set[_Logout] = set()

    def __deepcopy__(self, memo: object) -> SessionPortal:
        """
        Be the portal of the one connection for copies of credentials, too.
        """
        return self

    def __reduce__(self) -> Any:
        """
        Stay behind when credentials go to another process: there it is L{None}.
        """
        return type(None), ()

    def listCredentialsInterfaces(self) -> list[InterfaceType]:
        """
        Return what the portal of the server returns, which may be a program's.
        """
        return self._portal.listCredentialsInterfaces()

    def registerChecker(
        self, checker: ICredentialsChecker, *credentialInterfaces: InterfaceType
    ) -> None:
        """
        Have the portal of the server register a checker.
        """
        self._portal.registerChecker(checker, *credentialInterfaces)

    def login(
        self, credentials: Any, mind: object, *interfaces: InterfaceType
    ) -> Deferred[Login]:
        """
        Log in, until the connection is gone.

        @return: a L{Deferred} as from L{Portal.login}, whose logout callable
            does its work once however often it is called.  It doesn't fire any
            more after L{close}.
        """
        if self._closed:
            # There is nobody any more who would be let in.
            return Deferred()
        attempt = self._begin(credentials)
        login = self._why(credentials)
        if login is None:
            login = self._portal.login(credentials, mind, *interfaces)
        answer: Deferred[Login] = Deferred(lambda _: login.cancel())
        self._underWay.add(login)

        def deliver(result: Login | Failure) -> None:
            self._underWay.discard(login)
            if attempt is not None:
                attempt.end(credentials, result)
            if not isinstance(result, Failure):
                interface, avatar, logout = result
                once = _Logout(self._logouts, logout)
                result = interface, avatar, once
                if self._closed or answer.called:
                    once()
            if not (self._closed or answer.called):
                answer.callback(result)
            self._count(result)

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

    def _begin(self, credentials: Any) -> Attempt | None:
        """
        Tell the checkers what is known of the connection.

        @return: what tells the log how the login ends; L{None} if somebody nearer to
            the client does.
        """
        facts = {"peer": self._peer(), "session": self, "service": self._service}
        for name, fact in facts.items():
            # There are credentials that take no attribute, or not this one.
            with suppress(Exception):
                setattr(credentials, name, fact)
        return None if isToldAbove(credentials, self) else Attempt(credentials, self)

    def _peer(self) -> Any:
        """
        Return the address of the client; L{None} if it isn't known.
        """
        transport = getattr(self.protocol, "transport", None)
        return None if transport is None else transport.getPeer()

    def _why(self, credentials: Any) -> Deferred[Login] | None:
        """
        Fail at once if nothing more is to be checked for this connection.

        @return: the failure; L{None} if there is none.
        """
        if self._mostRefused is not None and self._refused >= self._mostRefused:
            # What was sent before the end of the connection came.
            why = "too many logins were refused on this connection"
            return fail(because(UnauthorizedLogin(), why))
        most = self.MOST_AT_A_TIME
        if self._mostRefused is not None:
            most = min(most, self._mostRefused - self._refused)
        if len(self._underWay) >= most:
            # A client that doesn't wait for answers would fill the queue for all.
            return fail(TooManyAtATime("Too many logins at a time"))
        return None

    def _count(self, result: Login | Failure) -> None:
        """
        Count a login that was refused, and end the connection after the last one.
        """
        if not isinstance(result, Failure):
            return
        if result.check(AccountDenied, *UNFINISHED):
            return
        if not result.check(UnauthorizedLogin, TooManyAtATime):
            return
        self._refused += 1
        if self._refused == self._mostRefused and not self._closed:
            # The client may read the answer to this one.
            self.protocol.transport.loseConnection()


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
