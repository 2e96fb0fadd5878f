"""
The point where an application and its authentication meet.

A L{Portal} associates one realm with a collection of checkers.  A protocol
holds a reference to the portal, and to nothing else: it calls L{Portal.login}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
from ._tellers import Attempt, Teller, nowAsked, setTeller, tellerOf
from .error import LoginFailed


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
    _teller: Teller | None = None

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
        above = tellerOf(credentials)
        isToldAbove = above is not None and above.owner is not self
        if isToldAbove:
            nowAsked(above, checker)
        else:
            # The checkers leave it to this portal to tell the log.
            setTeller(credentials, self._teller or self._makeTeller())
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
        if isToldAbove and isinstance(above, Attempt):
            avatarId.addCallback(above.accept)
        login = self._askRealm(avatarId, mind, interfaces)
        if not isToldAbove:
            setTeller(credentials, above)
            if not (login.called and type(login.result) is tuple):
                attempt = Attempt(credentials, self, began)
                attempt.checker = checker
                login.addBoth(_cbEnd, credentials, attempt)
        return login

    def _makeTeller(self) -> Teller:
        """
        Make what stands in credentials while a checker is asked.
        """
        self._teller = Teller(self)
        return self._teller

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


__all__ = ["IRealm", "Portal"]
