"""
Logging in, whatever the protocol: one login at a time, by a mechanism of SASL or by the
protocol's own commands.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import cache
from math import inf
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import ITLSTransport
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from .. import sasl
from .._cancelling import cancelSafely
from .._contracts import InterfaceType, Login
from .._facts import ConnectionFacts
from ..credentials import IScramCredentials, IUsernamePassword
from ..error import SASLError
from ..portal import SessionPortal
from ._challengers import Challenger, challengersIn, converse, usualIn
from ._lines import Lines
from ._reasons import NotOffered, Reason, reasonOf

# How many commands a client may send without a login: the answers are kept in memory
# until it reads them.
MOST_COMMANDS = 1000


class Logins(Lines):
    """
    A mix-in for a server's protocol in which users log in.

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
    _onLogout: Callable[[], object] | None
    _login: Deferred[Any] | None = None
    _refusals = 0
    _commandsLeft: float = MOST_COMMANDS

    def makeConnection(self, transport: Any) -> None:
        """
        Look for the context factory.
        """
        if self.ctx is None:
            self.ctx = getattr(self.factory, "contextFactory", None)
        super().makeConnection(transport)

    def commandReceived(self, line: bytes) -> None:
        """
        Take a command, unless there were too many without a login.
        """
        self._commandsLeft -= 1
        if self._commandsLeft < 0:
            self.hangUp("too many commands without a login")
        else:
            super().commandReceived(line)

    def _setting(self, name: str) -> Any:
        """
        Return a setting: the protocol's if it isn't the usual one, else the factory's.
        """
        usual, own = getattr(Logins, name), getattr(self, name)
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
        return _names(self.mechanisms(), self._ownChallengers())

    def _sendChallenge(self, line: bytes) -> None:
        """
        Send a challenge.

        @param line: the challenge, in base64.
        """
        raise NotImplementedError

    def _answerReceived(self, line: bytes, answer: Deferred[bytes]) -> None:
        """
        Take the answer to a challenge.
        """
        try:
            decoded = sasl.decode(line)
        except SASLError:
            answer.errback()
        else:
            answer.callback(decoded)

    def _ask(self, challenge: bytes) -> Deferred[bytes]:
        """
        Send a challenge.

        @return: a L{Deferred} that fires with the answer, or fails with L{SASLError}.
        """
        self._sendChallenge(b64encode(challenge))
        return self._awaitAnswer()

    def _authenticateBy(self, name: bytes, initial: bytes | None) -> Deferred[Login]:
        """
        Log in by a mechanism of SASL.

        @param name: the name of the mechanism, in whatever case.
        @param initial: the initial response as it was sent; L{None} if there was none.
        """
        if self.portal is None:
            raise NotOffered(Reason.UNAVAILABLE)
        name = name.upper()
        mechanisms, own = self.mechanisms(), self._ownChallengers()
        challenger, mechanism = own.get(name), mechanisms.get(name)
        decoded = None if initial is None else sasl.decodeInitial(initial)
        if challenger is not None:
            asked = Deferred.fromCoroutine(converse(challenger, decoded, self._ask))
            return asked.addCallback(self._logIn)
        if mechanism is None:
            raise NotOffered(self._whyNot(name))
        context = self._context(mechanism, _names(mechanisms, own))
        return sasl.authenticate(mechanism, context, decoded, self._ask, self._logIn)

    def _context(self, mechanism: sasl.Mechanism, offered: list[bytes]) -> sasl.Context:
        """
        Return what a mechanism needs to know.

        @param mechanism: the mechanism.
        @param offered: the names of those that are offered.
        """
        host, secret = self.serverName(), self._setting("siteSecret")
        more = {} if secret is None else {"secret": secret}
        if secret is None and mechanism.interface is IScramCredentials:
            _warnOnce()
        return sasl.Context(self.facts, offered=offered, host=host, **more)

    def serverName(self) -> bytes:
        """
        Return the name of this host.
        """
        return b"localhost"

    def _logIn(self, credentials: Any) -> Deferred[Login]:
        """
        Log in with credentials that are complete, or a conversation.
        """
        portal = self.openSession()
        login: Deferred[Login] = portal.login(credentials, None, *self.avatarInterfaces)
        return login

    def _whyNot(self, name: bytes) -> Reason:
        """
        Return why a mechanism isn't offered.
        """
        known = sasl.MECHANISMS.get(name)
        if known is None or not known.isClearText or self.isClearTextAllowed:
            return Reason.UNSUPPORTED
        return Reason.UNPRIVATE

    def _attempt(
        self,
        begin: Callable[[], object],
        done: Callable[[], object],
        refuse: Callable[[Reason, bytes], object],
    ) -> None:
        """
        Carry out a login.  Commands wait until it is done.

        @param begin: what begins it, and returns a L{Deferred} of it.
        @param done: what tells the client that it has succeeded.
        @param refuse: what tells the client that it hasn't: with the reason and a text.
        """

        def ebLogin(failure: Failure) -> None:
            if not self._isGone:
                self._refuse(failure, refuse)

        self._hold()
        login: Deferred[Any] = maybeDeferred(begin)
        self._login = login
        login.addCallback(self._cbLogin)
        login.addCallbacks(lambda _: done(), ebLogin)
        login.addErrback(lambda failure: self._log.failure("A login failed", failure))
        login.addBoth(self._cbDone)

    def _cbLogin(self, login: Login) -> None:
        """
        Take the avatar, if it is one that this protocol can serve.
        """
        interface, avatar, logout = login
        if self._isOver:
            logout()
            raise CancelledError
        if interface not in self.avatarInterfaces:
            logout()
            self._log.error("A realm has answered with {it!r}", it=interface)
            raise NotOffered(Reason.DEFECT)
        self._onLogout = logout
        self._commandsLeft = inf
        self.avatarReceived(interface, avatar)

    def avatarReceived(self, interface: InterfaceType, avatar: Any) -> None:
        """
        Take the avatar of the user who has logged in.
        """
        raise NotImplementedError

    def _refuse(
        self, failure: Failure, refuse: Callable[[Reason, bytes], object]
    ) -> None:
        """
        Tell the client that a login hasn't succeeded, and end the connection after too
        many of them.
        """
        reason = reasonOf(failure)
        text = reason.value
        if reason is Reason.DEFECT and not failure.check(NotOffered):
            self._log.failure("A login failed", failure)
        elif reason in (Reason.CANCELLED, Reason.MALFORMED):
            said = str(failure.value)
            text = said if said.isascii() and said.isprintable() and said else text
        refuse(reason, text.encode("ascii"))
        self._refusals += 1
        if self._refusals >= self._setting("mostRefused"):
            self._tellLast()
            self.hangUp("too many logins without success")

    def _tellLast(self) -> None:
        """
        Tell the client that the connection ends, if the protocol has words for it.
        """

    def _cbDone(self, _: object) -> None:
        """
        Go on with what the client has sent meanwhile.
        """
        self._login = self._answer = None
        self._release()

    @property
    def canBeginTLS(self) -> bool:
        """
        Whether the client may begin with TLS on this connection.
        """
        isPlain = ITLSTransport.providedBy(self.transport) and not self.facts.isSecure
        canStart = getattr(self, "canStartTLS", True)
        return bool(self.ctx and canStart and isPlain and not self.startedTLS)

    def _stop(self) -> None:
        """
        Take nothing more of what the client sends, and end the login that is under way.
        """
        super()._stop()
        login, self._login = self._login, None
        if login is not None:
            cancelSafely(login)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        End the login that is under way, and log out.
        """
        try:
            super().connectionLost(reason)
        finally:
            # A realm's logout may have failed.
            if isinstance(self.portal, SessionPortal):
                # From now on no avatar arrives, whatever comes of the login.
                self.portal.close()


@cache
def _warnOnce() -> None:
    """
    Log that no secret was set.
    """
    Logins._log.warn(
        "siteSecret isn't set: clients that compare what SCRAM answers before and after "
        "a restart can tell which names are unknown; set it to what "
        "mycred.sasl.secretIn(PATH) returns"
    )


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


def _names(*mechanisms: Mapping[bytes, object]) -> list[bytes]:
    """
    Return the names in several collections, each once.
    """
    return list(dict.fromkeys(name for some in mechanisms for name in some))


__all__ = ["MOST_COMMANDS", "Logins"]
