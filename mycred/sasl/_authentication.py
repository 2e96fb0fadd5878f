"""
One login, from the client's first answer to the avatar.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from types import SimpleNamespace
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred, fail, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._audit import LoginEvent
from .._cancelling import loginIn
from .._contracts import ICredentials
from .._loginline import logLogin
from ..error import SASLError, UnauthorizedLogin
from ._context import Context
from ._exchange import Ask
from ._mechanisms import Mechanism

_T = TypeVar("_T")


def authenticate(
    mechanism: Mechanism,
    context: Context,
    initial: bytes | None,
    ask: Ask,
    login: Callable[[Any], Deferred[_T]],
) -> Deferred[_T]:
    """
    Lead a client through a login.

    @param mechanism: the mechanism that the client has chosen, one that it was offered.
    @param context: what is known besides what the client sends.
    @param initial: what the client has sent together with the name of the mechanism,
        decoded (L{decodeInitial}); L{None} if nothing.
    @param ask: sends a challenge to the client, and returns a L{Deferred} that fires with
        the client's answer, both without the encoding that the protocol wraps them in.
        It fails with L{SASLError<mycred.error.SASLError>} if the answer makes no sense,
        as L{decode} does, and must have a canceller, which has the protocol no longer
        wait.
    @param login: logs in with credentials, such as C{lambda credentials:
        portal.login(credentials, None, IMailbox)}.

    @return: a L{Deferred} that fires with the login.  It fails with L{SASLError
        <mycred.error.SASLError>} if what the client sends makes no sense, with
        L{SASLCancelled<mycred.error.SASLCancelled>} if the client ends the login itself,
        or with what the login fails with.  Cancelling it cancels what it waits for.
    """
    return _Authentication(mechanism, context, ask, login).start(initial)


class _Authentication:
    """
    One login.
    """

    _log = Logger()

    _step: Deferred[Any]
    _isCancelled = False

    def __init__(
        self,
        mechanism: Mechanism,
        context: Context,
        ask: Ask,
        login: Callable[[ICredentials], Deferred[Any]],
    ) -> None:
        self._mechanism = mechanism
        self._context = context
        self._send = ask
        self._login = login
        self._began = monotonic()
        self._exchange = mechanism.exchange(context, self._ask)

    def start(self, initial: bytes | None) -> Deferred[Any]:
        """
        Begin.
        """
        # One apart: that it is cancelled must be known here, since a checker may then
        # fail as if it refused, after which the client would be asked once more.
        whole: Deferred[Any] = Deferred(self._cancel)
        self._step = self._begin(initial)
        self._step.addBoth(self._end, whole)
        return whole

    def _cancel(self, _: object) -> None:
        """
        Stop waiting, and ask nothing more.
        """
        self._isCancelled = True
        self._step.cancel()

    def _end(self, result: Any, whole: Deferred[Any]) -> None:
        """
        End the login, unless it was cancelled and nobody waits any more.
        """
        if not whole.called:
            whole.callback(result)
        elif not isinstance(result, Failure):
            _logOut(result)

    def _ask(self, challenge: bytes) -> Deferred[bytes]:
        """
        Send a challenge, unless the client may be gone.
        """
        return fail(CancelledError()) if self._isCancelled else self._send(challenge)

    def _begin(self, initial: bytes | None) -> Deferred[Any]:
        """
        Take the client's first answer, or ask for it.
        """
        try:
            if initial is None:
                return self._ask(self._exchange.begin()).addCallback(self._cbAnswer)
            if self._mechanism.isClientFirst:
                return self._cbAnswer(initial)
            raise SASLError("the server begins")
        except Exception:
            return fail()

    def _cbAnswer(self, answer: bytes) -> Deferred[Any]:
        """
        Go on after an answer of the client: with another challenge, or with the login.
        """
        try:
            step = self._exchange.respond(answer)
        except SASLError:
            raise
        except UnauthorizedLogin:
            failure = Failure()
            self._logRefused(failure)
            return maybeDeferred(self._exchange.refuse, failure)
        if isinstance(step, bytes):
            return self._ask(step).addCallback(self._cbAnswer)
        # For those who are told how logins end.
        credentials: Any = step
        with suppress(Exception):
            credentials.mechanism = self._mechanism.name.decode("ascii")
        login = self._login(credentials)
        return login.addCallbacks(self._cbAccepted, self._exchange.refuse)

    def _cbAccepted(self, result: _T) -> _T:
        """
        Let the client in, if it has proved what it has to.
        """
        try:
            self._exchange.insistOnProof()
        except UnauthorizedLogin:
            self._log.critical("A checker agreed to a login before it was proved")
            _logOut(result)
            raise
        return result

    def _logRefused(self, failure: Failure) -> None:
        """
        Log a login that no checker gets to see.
        """
        facts = self._context.facts
        sent = SimpleNamespace(
            username=self._exchange.username, mechanism=self._mechanism.name.decode()
        )
        if self._context.noteRefused is not None:
            self._context.noteRefused(sent, failure, self._began)
            return
        sent.peer, sent.service = facts.peer, facts.service
        logLogin(LoginEvent(sent, failure, self._began, None))


def _logOut(result: object) -> None:
    """
    Log an avatar out that nobody takes.
    """
    answered = loginIn(result)
    if answered is not None:
        answered[2]()


__all__ = ["authenticate"]
