"""
The point where an application and its authentication meet.

A L{Portal} associates one realm with a collection of checkers.  A protocol
holds a reference to the portal, and to nothing else: it calls L{Portal.login}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any

from zope.interface import providedBy

from twisted.internet.defer import (
    CancelledError,
    Deferred,
    fail,
    maybeDeferred,
    succeed,
)
from twisted.logger import Logger
from twisted.python.failure import Failure

from . import error as error
from ._audit import UNFINISHED, withReason
from ._chain import CheckerChain, interfacesOf, unhandled
from ._contracts import (
    AvatarID,
    ICredentials,
    ICredentialsChecker,
    InterfaceType,
    IRealm,
    Login,
    TwistedPortal,
)
from ._counterparts import Counterpart, isOverridden, overridable
from ._reporting import (
    Attempt,
    Reporter,
    isReportedAbove,
    noteAsked,
    reporterOf,
    setReporter,
)
from .error import AccountDenied, LoginFailed, TemporaryFailure, UnauthorizedLogin


class Portal(Counterpart, TwistedPortal):
    """
    A mediator between the protocols that users come by and a realm.

    The class extends Twisted's because adapters are registered for that one
    (Perspective Broker's is), and is as permissive: neither checkers nor avatar
    IDs nor the answers of the realm are validated.

    @ivar realm: the realm.
    @ivar checkers: which checker is asked for credentials of which interface.
    """

    checkers: dict[InterfaceType, ICredentialsChecker]

    # What the constructor has registered, as long as it runs at all.
    _given: Mapping[InterfaceType, ICredentialsChecker] = {}
    _chain: CheckerChain
    _reporter: Reporter | None = None

    _log = Logger()

    def __init__(
        self, realm: IRealm, checkers: Iterable[ICredentialsChecker] = ()
    ) -> None:
        """
        @param realm: the realm that avatars are asked of.
        @param checkers: the checkers to register.  Those that check the same
            credentials, by one interface or by several, are all asked, in their
            order; see L{CheckerChain}.  A subclass that overrides
            C{registerChecker} decides by itself: then the last one is asked, as in
            Twisted.
        """
        self.realm = realm
        self.checkers = {}
        given = list(checkers)
        for checker in given:
            self.registerChecker(checker)
        if isOverridden(self, "registerChecker"):
            # Then it decides what is asked, as in Twisted.
            return
        for interface in list(self.checkers):
            sharing = [c for c in given if interface in c.credentialInterfaces]
            if len(sharing) > 1:
                self.checkers[interface] = CheckerChain(sharing)
        self._given = dict(self.checkers)
        self._chain = CheckerChain(given)

    def listCredentialsInterfaces(self) -> list[InterfaceType]:
        """
        Return the interfaces of the credentials that can be used to log in.
        """
        return list(self.checkers)

    @overridable
    def registerChecker(
        self, checker: ICredentialsChecker, *credentialInterfaces: InterfaceType
    ) -> None:
        """
        Ask a checker from now on, in place of any that was registered before
        for the same interfaces.

        @param checker: the checker.
        @param credentialInterfaces: the interfaces of the credentials for which
            to ask it; those that the checker itself names if none is given.

        @raise TypeError: if the checker names one bare interface instead of a
            sequence of them.
        """
        interfaces = credentialInterfaces or interfacesOf(checker)
        for interface in interfaces:
            self.checkers[interface] = checker

    def login(
        self, credentials: ICredentials, mind: object, *interfaces: InterfaceType
    ) -> Deferred[Login]:
        """
        Log a user in.

        The credentials go to a checker, which answers with an avatar ID; the
        avatar ID goes to the realm, which answers with the avatar.

        @param credentials: what the user presents.
        @param mind: what stands for the user's end of the connection, for a
            realm that wants to notify it.  Mostly L{None}.
        @param interfaces: the interfaces that the avatar may provide, the
            preferred one first.  Mostly one.

        @return: a L{Deferred} that fires with what the realm answers: the
            interface that was chosen, the avatar, and the callable that logs
            the avatar out.  The protocol must call it when the user has left.

            It fails with L{UnauthorizedLogin<mycred.error.UnauthorizedLogin>}
            if the credentials are wrong, with
            L{TemporaryFailure<mycred.error.TemporaryFailure>} if that can't be
            told now, with
            L{UnhandledCredentials<mycred.error.UnhandledCredentials>} if no
            checker is registered for such credentials, or with whatever else
            the checker or the realm fails with.

            It may be cancelled at any time.  An avatar that arrives after that
            is logged out.
        """
        began = monotonic()
        checker = self._checkerFor(credentials)
        above = reporterOf(credentials)
        isReportedAbove = above is not None and above.owner is not self
        if isReportedAbove:
            noteAsked(above, checker)
        else:
            # The checkers leave it to this portal to tell the log.
            setReporter(credentials, self._reporter or self._makeReporter())
        avatarId: Any
        try:
            if checker is None:
                avatarId = fail(unhandled(credentials))
            else:
                avatarId = checker.requestAvatarId(credentials)
        except BaseException:
            avatarId = fail()
        if type(avatarId) is not Deferred and not isinstance(avatarId, Deferred):
            answer: Any = avatarId
            avatarId = maybeDeferred(lambda: answer)
        if isReportedAbove and isinstance(above, Attempt):
            avatarId.addCallback(above.accept)
        login = self._askRealm(avatarId, mind, interfaces)
        if not isReportedAbove:
            setReporter(credentials, above)
            if not (login.called and type(login.result) is tuple):
                attempt = Attempt(credentials, self, began)
                attempt.checker = checker
                login.addBoth(_cbEnd, credentials, attempt)
        return login

    def _makeReporter(self) -> Reporter:
        """
        Make what stands in credentials while a checker is asked.
        """
        self._reporter = Reporter(self)
        return self._reporter

    def _askRealm(
        self, avatarId: Any, mind: object, interfaces: tuple[InterfaceType, ...]
    ) -> Deferred[Any]:
        """
        Ask the realm for the avatar, when it is known of whom.

        @param avatarId: a L{Deferred} as from a checker.
        """
        if not (
            type(avatarId) is Deferred
            and avatarId.called
            and type(avatarId.result) is bytes
            and not avatarId.paused
        ):
            login: Deferred[Any] = avatarId.addCallback(
                self._cbAvatarId, mind, interfaces
            )
            return login
        # As most are that needn't wait.  The answer takes the place of the avatar ID, as
        # it would after addCallback, which takes as long as all the rest.
        try:
            answer: Any = self._cbAvatarId(avatarId.result, mind, interfaces)
        except BaseException:
            return fail()
        if type(answer) is tuple:
            avatarId.result = answer
            return avatarId
        return answer if isinstance(answer, Deferred) else succeed(answer)

    def _checkerFor(self, credentials: object) -> ICredentialsChecker | None:
        """
        Find the first registered checker for any interface that the
        credentials provide, derived interfaces included.
        """
        # What is registered may be many interfaces, what credentials provide is a
        # handful: the handful is looked up.  Where more than one of it is
        # registered, the order of registration decides.
        checkers = self.checkers
        found = None
        for interface in providedBy(credentials).__iro__:
            if interface in checkers:
                if found is not None:
                    break
                found = interface
        else:
            if found is not None:
                return checkers[found]
        claimed = [i for i in checkers if i.providedBy(credentials)]
        if not claimed:
            return None
        first = checkers[claimed[0]]
        # HTTP Digest can be checked in two ways, and so by two checkers.
        if any(checkers[interface] is not first for interface in claimed):
            mine = self._given
            provided = {*claimed, *(i for i in mine if i.providedBy(credentials))}
            # Unless a program has changed what it gave to the constructor.
            if all(checkers.get(i) is mine.get(i) for i in provided):
                return self._chain
        return first

    def _cbAvatarId(
        self, avatarId: AvatarID, mind: object, interfaces: tuple[InterfaceType, ...]
    ) -> Any:
        """
        Ask the realm for the avatar.
        """
        login: object = self.realm.requestAvatar(avatarId, mind, *interfaces)
        # Asked first, since to ask whether something else is a Deferred is slow:
        # its metaclass is that of abstract classes.
        if type(login) is tuple or not isinstance(login, Deferred):
            return login
        return self._awaitAvatar(login)

    def _awaitAvatar(self, login: Deferred[Login]) -> Deferred[Login]:
        """
        Wait for the realm, so that the login can be cancelled meanwhile.
        """

        cancelled = False

        def cancel(_: object) -> None:
            nonlocal cancelled
            cancelled = True
            if _cancellable(login):
                login.cancel()

        def pass_(result: Login | Failure) -> None:
            if answer.called or (cancelled and not isinstance(result, Failure)):
                self._abandon(result)
            else:
                answer.callback(result)

        answer: Deferred[Login] = Deferred(cancel)
        login.addBoth(pass_)
        return answer

    def _abandon(self, result: Login | Failure) -> None:
        """
        Log an avatar out for which nobody waits any more.
        """
        if isinstance(result, Failure):
            self._log.info("A login failed after it was cancelled: {e}", e=result.value)
            return
        try:
            _, _, logout = result
        except (TypeError, ValueError):
            self._log.info("A realm answered a cancelled login with no avatar")
            return
        maybeDeferred(logout).addErrback(
            lambda failure: self._log.failure("Logging out failed", failure=failure)
        )


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
        return None if isReportedAbove(credentials, self) else Attempt(credentials, self)

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
            return fail(withReason(UnauthorizedLogin(), why))
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


def _cbEnd(result: Any, credentials: object, attempt: Attempt) -> Any:
    """
    Tell the log of a login that has failed, as nobody nearer to the client does.  Of
    what is no answer, but a defect, the protocol tells, as with Twisted.

    @return: the result.
    """
    if isinstance(result, Failure) and result.check(LoginFailed, CancelledError):
        attempt.end(credentials, result)
    else:
        attempt.leave(credentials)
    return result


def _cancellable(waiting: Deferred[Any]) -> bool:
    """
    Tell whether somebody takes care of what a Deferred is waiting for.

    One that nobody can cancel would swallow its result when it is cancelled,
    and with it an avatar that nobody could log out any more.
    """
    while waiting.called and isinstance(waiting.result, Deferred):
        waiting = waiting.result
    ownCancel = type(waiting).cancel is not Deferred.cancel
    return ownCancel or waiting._canceller is not None


__all__ = ["IRealm", "Portal", "SessionPortal"]
