"""
The point where an application and its authentication meet.

A L{Portal} associates one realm with a collection of checkers.  A protocol
holds a reference to the portal, and to nothing else: it calls L{Portal.login}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, TypeVar, cast

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
from ._cancelling import cancelSafely, loginIn
from ._chain import CheckerChain, acceptsAtOnce, interfacesOf, unhandled
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
from ._facts import ConnectionFacts
from ._reporting import (
    Attempt,
    Reporter,
    Watcher,
    isReportedAbove,
    noteAsked,
    reporterOf,
    setReporter,
)
from ._scramcredentials import ScramCredentials
from .error import (
    AccountDenied,
    LoginFailed,
    TemporaryFailure,
    Throttled,
    UnauthorizedLogin,
)

_T = TypeVar("_T")


class Portal(Counterpart, TwistedPortal):
    """
    A mediator between the protocols by which users log in and a realm.

    The class extends Twisted's because adapters are registered for that one
    (Perspective Broker's is), and is as permissive: neither checkers nor avatar
    IDs nor the answers of the realm are validated.

    @ivar realm: the realm.
    @ivar checkers: by interface of credentials, the checker that is asked.
    """

    checkers: dict[InterfaceType, ICredentialsChecker]

    # What the constructor has registered: nothing where a program doesn't call it.
    _given: Mapping[InterfaceType, ICredentialsChecker] = {}
    _chain: CheckerChain
    _reporter: Reporter | None = None

    # What is told how logins end.
    _watchers: tuple[Watcher, ...] = ()

    _log = Logger()

    def __init__(
        self, realm: IRealm, checkers: Iterable[ICredentialsChecker] = ()
    ) -> None:
        """
        @param realm: the realm that avatars are asked of.
        @param checkers: the checkers to register.  Those that check the same
            credentials, by one interface or by several, are all asked, in this
            order; see L{CheckerChain}.  In a subclass that overrides
            C{registerChecker} the last one is asked, as in Twisted.
        """
        self.realm = realm
        self.checkers = {}
        given = list(checkers)
        for checker in given:
            self.registerChecker(checker)
        if isOverridden(self, "registerChecker"):
            # Then the subclass decides what is asked, as in Twisted.
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
        Register a checker, in place of any that was registered before for the same
        interfaces.

        @param checker: the checker.
        @param credentialInterfaces: the interfaces of the credentials for which
            to ask it; those that the checker itself names if none is given.

        @raise TypeError: if the checker names one bare interface instead of a
            sequence of them.
        """
        interfaces = credentialInterfaces or interfacesOf(checker)
        for interface in interfaces:
            self.checkers[interface] = checker

    def watch(self, watcher: Watcher) -> None:
        """
        Have something told how each login ends, of all connections.

        @param watcher: a callable such as L{LoginMetrics<mycred.metrics.LoginMetrics>},
            which takes what is known of a login.  It must be quick.  What it raises is
            logged.
        """
        self._watchers += (watcher,)

    def login(
        self, credentials: ICredentials, mind: object, *interfaces: InterfaceType
    ) -> Deferred[Login]:
        """
        Log a user in.

        The credentials go to a checker, which answers with an avatar ID; the
        avatar ID goes to the realm, which answers with the avatar.

        @param credentials: what the user presents.
        @param mind: an object that stands for the user's end of the connection, for
            a realm that wants to notify it.  Mostly L{None}.
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
        isAbove = above is not None and above.owner is not self
        attempt = above if isAbove and isinstance(above, Attempt) else None
        if isAbove:
            noteAsked(above, checker)
        elif self._watchers:
            attempt = Attempt(credentials, self, began)
            attempt.checker = checker
            attempt.watch(self._watchers)
        else:
            # The checkers leave it to this portal to log the outcome.
            setReporter(credentials, self._reporter or self._makeReporter())
        asked: object
        try:
            if checker is None:
                asked = fail(unhandled(credentials))
            else:
                asked = checker.requestAvatarId(credentials)
        except BaseException:
            asked = fail()
        avatarId = asked if type(asked) is Deferred else _deferred(asked)
        if attempt is not None:
            if acceptsAtOnce(avatarId):
                attempt.accept(avatarId.result)
            else:
                avatarId.addCallback(attempt.accept)
        login = self._askRealm(avatarId, mind, interfaces)
        if isAbove:
            return login
        isDone = login.called and type(login.result) is tuple
        if attempt is None:
            setReporter(credentials, above)
            if isDone:
                return login
            attempt = Attempt(credentials, self, began)
            attempt.checker = checker
        if isDone:
            attempt.end(credentials, None, isLogged=False)
            return login
        return login.addBoth(_cbEnd, credentials, attempt)

    def _makeReporter(self) -> Reporter:
        """
        Make the mark that stands in credentials while a checker is asked.
        """
        self._reporter = Reporter(self)
        return self._reporter

    def _checkerFor(self, credentials: object) -> ICredentialsChecker | None:
        """
        Return the first registered checker for any interface that the credentials
        provide, derived interfaces included.
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
            given = self._given
            provided = {*claimed, *(i for i in given if i.providedBy(credentials))}
            # Unless a program has changed what it gave to the constructor.
            if all(checkers.get(i) is given.get(i) for i in provided):
                return self._chain
        return first

    def _askRealm(
        self,
        avatarId: Deferred[AvatarID],
        mind: object,
        interfaces: tuple[InterfaceType, ...],
    ) -> Deferred[Login]:
        """
        Ask the realm for the avatar, when its ID is known.

        @param avatarId: a L{Deferred} as from a checker.
        """
        if not (
            type(avatarId) is Deferred
            and avatarId.called
            and type(avatarId.result) is bytes
            and not avatarId.paused
        ):
            return avatarId.addCallback(self._cbAvatarId, mind, interfaces)
        # Most that needn't wait are like this.  The answer takes the place of the avatar
        # ID, as it would after addCallback, which takes as long as all the rest.
        answer: Any
        try:
            answer = self.realm.requestAvatar(avatarId.result, mind, *interfaces)
        except BaseException:
            return fail()
        if type(answer) is tuple:
            avatarId.result = answer
            return cast("Deferred[Login]", avatarId)
        return (
            self._awaitAvatar(answer) if isinstance(answer, Deferred) else succeed(answer)
        )

    def _cbAvatarId(
        self, avatarId: AvatarID, mind: object, interfaces: tuple[InterfaceType, ...]
    ) -> Login | Deferred[Login]:
        """
        Ask the realm for the avatar.
        """
        login: Login | Deferred[Login]
        login = self.realm.requestAvatar(avatarId, mind, *interfaces)
        return self._awaitAvatar(login) if isinstance(login, Deferred) else login

    def _awaitAvatar(self, login: Deferred[Login]) -> Deferred[Login]:
        """
        Wait for the realm, so that the login can be cancelled meanwhile.
        """

        cancelled = False

        def cancel(_: object) -> None:
            nonlocal cancelled
            cancelled = True
            cancelSafely(login)

        def pass_(result: Login | Failure) -> None:
            if answer.called or (cancelled and not isinstance(result, Failure)):
                self._discard(result)
            else:
                answer.callback(result)

        answer: Deferred[Login] = Deferred(cancel)
        login.addBoth(pass_)
        return answer

    def _discard(self, result: Login | Failure) -> None:
        """
        Log an avatar out whose login was cancelled.
        """
        if isinstance(result, Failure):
            self._log.info("A login failed after it was cancelled: {e}", e=result.value)
            return
        answered = loginIn(result)
        if answered is None:
            self._log.info("A realm answered a cancelled login with no avatar")
            return
        maybeDeferred(answered[2]).addErrback(
            lambda failure: self._log.failure("Logging out failed", failure=failure)
        )


def _deferred(asked: object) -> Deferred[AvatarID]:
    """
    Return a L{Deferred} of what a checker has answered: it may be one of a subclass, a
    coroutine, or a plain value.
    """
    if isinstance(asked, Deferred):
        return asked
    return maybeDeferred(lambda: cast(AvatarID, asked))


def _cbEnd(result: _T | Failure, credentials: object, attempt: Attempt) -> _T | Failure:
    """
    Log a login that has failed, since nothing nearer to the client does.  A failure that
    is no verdict, but a defect, the protocol logs, as with Twisted.  Who watches is told
    of every login.

    @return: the result.
    """
    isLogged = isinstance(result, Failure) and result.check(LoginFailed, CancelledError)
    attempt.end(credentials, result, isLogged=bool(isLogged))
    return result


class TooManyAtATime(TemporaryFailure):
    """
    A connection has as many logins under way as it may have.
    """


class SessionPortal(Portal):
    """
    A portal for one connection: the same realm and the same checkers as the server's
    portal, and logins that end with the connection.

    A protocol has one for as long as its connection lasts, and uses it like any portal::

        class MyProtocol(LineReceiver):
            def connectionMade(self):
                self.portal = SessionPortal(self.factory.portal, self, service="my")

            def connectionLost(self, reason):
                self.portal.close()

    At each login the checkers get to know where the client is, by attributes of the
    credentials: C{peer}, the address; C{session}, this portal, which stands for the
    connection; C{service}; and C{facts}, L{what is known of the connection
    <ConnectionFacts>}, such as whether it is encrypted.  The log gets to
    know how each login has ended, accepted ones included.

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
        @param protocol: the protocol of the connection, or its request, with an
            attribute C{transport}.  That is asked for the peer at each login: behind a
            proxy the client's address isn't known before the proxy has told it.
        @param service: the name of the protocol in the log, such as C{imap}.
        @param mostRefused: after how many refused logins the connection ends, for wrong
            passwords or since too many were under way, or have failed before
            (L{Throttled<mycred.error.Throttled>}); never if L{None}.
        """
        super().__init__(cast(IRealm, getattr(portal, "realm", None)))
        # A program's own may have no more than a method login.
        self.checkers = getattr(portal, "checkers", {})
        self._portal = portal
        self.protocol = protocol
        self._service = service
        self._mostRefused = mostRefused
        self._refused = 0
        # Whether the last one was told to come back later.
        self._isWaiting = False
        self._isClosed = False
        self._underWay: set[Callable[[], None]] = set()
        self._logouts: set[_Logout] = set()

    @property
    def facts(self) -> ConnectionFacts:
        """
        What is known of the connection.
        """
        return ConnectionFacts(getattr(self.protocol, "transport", None), self._service)

    def __deepcopy__(self, memo: object) -> SessionPortal:
        """
        Return the same one: copies of credentials belong to the same connection.
        """
        return self

    def __reduce__(self) -> tuple[object, ...]:
        """
        Stay behind when credentials go to another process: there it is L{None}.
        """
        return type(None), ()

    def listCredentialsInterfaces(self) -> list[InterfaceType]:
        """
        Return what the server's portal returns, which may be of a program's class.
        """
        return self._portal.listCredentialsInterfaces()

    def registerChecker(
        self, checker: ICredentialsChecker, *credentialInterfaces: InterfaceType
    ) -> None:
        """
        Register a checker with the server's portal.
        """
        self._portal.registerChecker(checker, *credentialInterfaces)

    def watch(self, watcher: Watcher) -> None:
        """
        Have something told how each login ends, of all connections.
        """
        self._portal.watch(watcher)

    def login(
        self, credentials: ICredentials, mind: object, *interfaces: InterfaceType
    ) -> Deferred[Login]:
        """
        Log a user in, for as long as the connection lasts.

        @return: a L{Deferred} as from L{Portal.login}, whose logout callable
            does its work once however often it is called.  It doesn't fire any
            more after L{close}.
        """
        if self._isClosed:
            # The client is gone.
            return Deferred()
        attempt = self._begin(credentials)
        login = self._refuseAtOnce()
        if login is not None and attempt is not None:
            attempt.watch(_watchersIn(self.checkers.values()))
        if login is None:
            login = self._ask(credentials, mind, interfaces)
        elif isinstance(credentials, ScramCredentials):
            # Without a look-up no user's salt is known: those that are made up would tell
            # which names are known.
            credentials.abandon()
        if isinstance(credentials, ScramCredentials):
            # Before the connection may end: that mustn't tell which names are known.
            login.addErrback(credentials.conclude)

        def stop(_: object = None) -> None:
            if isinstance(credentials, ScramCredentials):
                # Whatever the checker fails with then, the client isn't asked any more.
                credentials.abandon()
            self._cancel(login)

        answer: Deferred[Login] = Deferred(stop)
        self._underWay.add(stop)

        def deliver(result: Login | Failure) -> None:
            self._underWay.discard(stop)
            if attempt is not None:
                attempt.end(credentials, result)
            answered = loginIn(result)
            if answered is not None:
                interface, avatar, logout = answered
                once = _Logout(self._logouts, logout)
                result = interface, avatar, once
                if self._isClosed or answer.called:
                    once()
            if not (self._isClosed or answer.called):
                answer.callback(result)
            self._count(result)

        login.addBoth(deliver)
        return answer

    def noteRefused(
        self, credentials: Any, failure: Failure, began: float | None = None
    ) -> None:
        """
        Have a login logged that the protocol has refused by itself, so that no checker
        gets to see it.

        @param credentials: what was presented, as far as it could be parsed: an object
            with the attribute C{username}.
        @param failure: why it is refused.
        @param began: when it began, as C{time.monotonic} counts; now, if L{None}.
        """
        attempt = self._begin(credentials, began)
        if attempt is not None:
            attempt.watch(_watchersIn(self.checkers.values()))
            attempt.end(credentials, failure)

    def close(self, _: object = None) -> None:
        """
        Cancel the logins that are under way, and log out the avatars that the
        protocol hasn't logged out: the connection is gone.

        @param _: anything, so that this may be a callback of the connection's end.
        """
        self._isClosed = True
        for stop in list(self._underWay):
            stop()
        for logout in list(self._logouts):
            logout()

    def _ask(
        self, credentials: Any, mind: object, interfaces: tuple[InterfaceType, ...]
    ) -> Deferred[Login]:
        """
        Ask the server's portal.
        """
        # A program's own may answer in other ways.
        return maybeDeferred(self._portal.login, credentials, mind, *interfaces)

    def _cancel(self, login: Deferred[Login]) -> None:
        """
        Cancel a login.  Those of another portal's may have an avatar when it is too late.
        """
        # Twisted's is an instance of this class, too.
        if Portal in type(self._portal).__mro__:
            login.cancel()
        else:
            cancelSafely(login)

    def _begin(self, credentials: object, began: float | None = None) -> Attempt | None:
        """
        Attach to credentials what is known of the connection.

        @param began: when the login began; now, if L{None}.

        @return: what logs how the login ends; L{None} if an object nearer to the client
            does.
        """
        known = self.facts
        facts = {
            "peer": known.peer,
            "session": self,
            "service": self._service,
            "facts": known,
        }
        for name, fact in facts.items():
            # Programs' credentials may take no attribute, or not this one.
            with suppress(Exception):
                setattr(credentials, name, fact)
        if isReportedAbove(credentials, self):
            return None
        attempt = Attempt(credentials, self, began)
        attempt.watch(_watchersOf(self._portal))
        return attempt

    def _refuseAtOnce(self) -> Deferred[Login] | None:
        """
        Return a login that has failed already, if nothing more is to be checked for this
        connection; else L{None}.
        """
        if self._mostRefused is not None and self._refused >= self._mostRefused:
            # The client has sent this before the end of the connection reached it.
            why = "too many logins were refused on this connection"
            if self._isWaiting:
                # This password may be the right one.
                return fail(TooManyAtATime(why))
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
        Count a login if it was refused, and end the connection after the last one.
        """
        if not isinstance(result, Failure):
            return
        if result.check(AccountDenied, *UNFINISHED):
            return
        if not result.check(UnauthorizedLogin, TooManyAtATime, Throttled):
            return
        self._refused += 1
        self._isWaiting = result.check(TemporaryFailure) is not None
        if self._refused == self._mostRefused and not self._isClosed:
            # This way the client still gets the answer to this one.
            self.protocol.transport.loseConnection()


def _watchersOf(portal: object) -> tuple[Watcher, ...]:
    """
    Return what is told of the logins of a portal, which may be Twisted's.
    """
    while isinstance(portal, SessionPortal):
        portal = portal._portal
    watchers: tuple[Watcher, ...] = getattr(portal, "_watchers", ())
    return watchers


def _watchersIn(checkers: Iterable[object]) -> Iterator[Watcher]:
    """
    Yield what is told of logins by checkers, for one that they don't get to see.
    """
    for checker in checkers:
        if isinstance(checker, CheckerChain):
            yield from getattr(checker, "watchers", ())
            yield from _watchersIn(checker.checkers)


class _Logout:
    """
    A logout callable that does its work once.
    """

    def __init__(self, pending: set[_Logout], logout: Callable[[], object]) -> None:
        self._pending = pending
        self._logout = logout
        pending.add(self)

    def __call__(self) -> None:
        if self in self._pending:
            self._pending.remove(self)
            self._logout()


__all__ = ["ConnectionFacts", "IRealm", "Portal", "SessionPortal"]
