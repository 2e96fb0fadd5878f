"""
Logging in, whatever the protocol: one login at a time, by a mechanism of SASL or by the
protocol's own commands.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import cache
from math import inf
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from .. import sasl
from .._cancelling import cancelSafely
from .._contracts import InterfaceType, Login
from ..credentials import IScramCredentials
from ..error import SASLError
from ..portal import SessionPortal
from ._challengers import converse
from ._offers import Offers, namesIn
from ._reasons import NotOffered, Reason, reasonOf, textOf

# How many commands a client may send without a login: the answers are kept in memory
# until it reads them.
MOST_COMMANDS = 1000


class Logins(Offers):
    """
    A mix-in for a server's protocol in which users log in.
    """

    _onLogout: Callable[[], object] | None
    _login: Deferred[Any] | None = None
    _refusals = 0
    _commandsLeft: float = MOST_COMMANDS

    def commandReceived(self, line: bytes) -> None:
        """
        Take a command, unless there were too many without a login.
        """
        self._commandsLeft -= 1
        if self._commandsLeft < 0:
            self.hangUp("too many commands without a login")
        else:
            super().commandReceived(line)

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
        context = self._context(mechanism, namesIn(mechanisms, own))
        return sasl.authenticate(mechanism, context, decoded, self._ask, self._logIn)

    def _context(self, mechanism: sasl.Mechanism, offered: list[bytes]) -> sasl.Context:
        """
        Return what a mechanism needs to know.

        @param mechanism: the mechanism.
        @param offered: the names of those that are offered.
        """
        host, secret = self.serverName(), self._setting("siteSecret")
        more: dict[str, Any] = {} if secret is None else {"secret": secret}
        more["noteRefused"] = self.openSession().noteRefused
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
        if reason is Reason.DEFECT and not failure.check(NotOffered):
            self._log.failure("A login failed", failure)
        refuse(reason, textOf(failure, reason))
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


__all__ = ["MOST_COMMANDS", "Logins"]
