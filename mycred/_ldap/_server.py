"""
One server of a directory: how it is doing, and what is done with connections to it.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from enum import Enum
from secrets import token_hex
from threading import Lock, Thread
from typing import NamedTuple, TypeVar

from ._address import Address
from ._backoff import LONGEST_PAUSE, Doubt, pauseAfter
from ._faults import Elsewhere, Fault, Lost, Slow, Unsure
from ._idle import Idle
from ._link import Link
from ._messages import Result
from ._opening import openLink
from ._outcome import ELSEWHERE, describe, judge, ofAnybody
from ._resolving import Resolver
from ._tls import Security

_T = TypeVar("_T")

# How long it may take at most to find out, aside, whether a server works, in seconds.
_LONGEST_TRY = 3.0


class Role(Enum):
    """
    What a connection is for.
    """

    #: To look for entries, as the service account.
    SEARCH = "search"
    #: To find out whether somebody can bind; nothing is looked for on it.
    USER = "user"


class Opening(NamedTuple):
    """
    How connections are opened.

    @ivar security: what protects them.
    @ivar context: what verifies the servers.
    @ivar account: the name and the password of the service account; empty if nobody
        looks for entries.
    """

    security: Security
    context: ssl.SSLContext
    account: tuple[str, bytes] = ("", b"")

    def __repr__(self) -> str:
        """
        Tell who searches, and no password.
        """
        return f"<{self.security.value}, as {self.account[0] or 'nobody'}>"


class Server:
    """
    One server.

    @ivar address: where it is.
    @ivar isDown: whether it has failed for everybody, and hasn't worked since.
    @ivar isSuspect: whether it has failed for somebody, and it is being found out whether
        it is down.
    @ivar doubts: for each role, whether it fails although it isn't down.
    @ivar reason: why it was down last.
    """

    def __init__(
        self,
        address: Address,
        opening: Opening,
        timeout: float,
        note: Callable[[str], None],
    ) -> None:
        """
        @param address: where it is.
        @param opening: how connections to it are opened.
        @param timeout: how long a login may take, in seconds.
        @param note: what is told, in any thread, when it fails and works again.
        """
        self.address = address
        self.isDown = self.isSuspect = False
        self.reason = ""
        self._opening = opening
        self._timeout = timeout
        self._note = note
        self._resolver = Resolver(address)
        self._lock = Lock()
        self.doubts = {role: Doubt() for role in Role}
        self._idle = {role: Idle() for role in Role}
        self._isTried = self._isKnownClear = False
        self._answeredAt = dict.fromkeys(Role, 0.0)
        self._failures = 0
        self._retryAt = self._upSince = 0.0

    def claim(self) -> bool:
        """
        Tell whether it is time to try again a server that is down, and let nobody else
        do so until this is done.
        """
        with self._lock:
            isDue = self.isDown and not self._isTried
            if not isDue or time.monotonic() < self._retryAt:
                return False
            self._isTried = True
            return True

    def do(self, role: Role, until: float, work: Callable[[Link, float], _T]) -> _T:
        """
        Do something with a connection: an idle one, or if that is lost, unseen, a new
        one.

        @raise Fault: if that can't be done.  If there can be no connection the server is
            down; otherwise that is found out aside: it may be so for this user only, or
            he had too little time.
        """
        try:
            outcome = self._do(role, until, work)
        except (Elsewhere, Unsure):
            self._answer(role)
            raise
        except Fault as fault:
            self._suspect(role, str(fault))
            raise
        self._answer(role)
        return outcome

    def isLast(self, role: Role) -> bool:
        """
        Tell whether others are to be asked before this one, which may be down.
        """
        return self.isSuspect or self.doubts[role].stands()

    def retry(self, done: Callable[[], object]) -> None:
        """
        Find out whether it works again, after L{claim}, in a thread of its own.

        @param done: what is called when that is known.
        """

        def work() -> None:
            try:
                self._tryOut()
            finally:
                self._isTried = False
                done()

        if not _start(work):
            self._isTried = False
            done()

    def close(self) -> None:
        """
        Close the connections that are idle, and those in use as they become so.
        """
        for idle in self._idle.values():
            idle.close()

    def _drop(self) -> None:
        """
        Close the connections that are idle.
        """
        for idle in self._idle.values():
            idle.drop()

    def _answer(self, role: Role) -> None:
        """
        Remember that somebody had an answer.
        """
        self.doubts[role].end()
        self._succeed(role)

    def _suspect(self, role: Role, why: str) -> None:
        """
        Have it found out whether the server is down, unless somebody is at it.

        @param role: what it has failed in.
        @param why: how it has failed.
        """
        with self._lock:
            if self.isDown or self.isSuspect:
                return
            self.isSuspect = True

        def work() -> None:
            try:
                self._tryOut(why)
                if not self.isDown:
                    self.doubts[role].grow()
            finally:
                self.isSuspect = False

        if not _start(work):
            self.isSuspect = False

    def _tryOut(self, why: str = "") -> None:
        """
        Find out whether the server works: whether it can be connected to for either
        role, and answers.

        @param why: what has made that necessary.
        """
        began = time.monotonic()
        until = began + min(self._timeout, _LONGEST_TRY)
        role = Role.SEARCH
        try:
            # To search it has bound already.
            self._idle[role].keep(self._open(role, until))
            role = Role.USER
            self._use(role, self._open(role, until), until, self._knock)
        except Exception as error:
            if isinstance(error, Slow) and self._answeredAt[role] > began:
                # Others have had answers meanwhile.
                return
            self._fail(began, str(error) + (why and f"; before that: {why}"))
        else:
            self._succeed(role)

    def _knock(self, link: Link, until: float) -> None:
        """
        Insist on an answer to the bind of somebody who isn't there.
        """
        result = link.bind(f"cn={token_hex(8)}", token_hex(8).encode("ascii"), until)
        self._insistOnAnswer(result)

    def _insistOnAnswer(self, result: Result) -> None:
        """
        Insist that a server isn't busy, or has other trouble.
        """
        if result.code in ELSEWHERE:
            raise Fault(f"{self.address} can't be asked: {describe(result)}")

    def _do(self, role: Role, until: float, work: Callable[[Link, float], _T]) -> _T:
        """
        Do something with a connection.
        """
        link = self._idle[role].take()
        if link is not None:
            try:
                return self._use(role, link, until, work)
            except Lost:
                # Then the others are, too.
                self._drop()
            except Slow:
                # They may have been forgotten by what stands between.
                self._drop()
                raise
        began = time.monotonic()
        try:
            link = self._open(role, until)
        except Fault as fault:
            if not isinstance(fault, Slow):
                self._fail(began, str(fault))
            raise
        return self._use(role, link, until, work)

    def _use(
        self, role: Role, link: Link, until: float, work: Callable[[Link, float], _T]
    ) -> _T:
        """
        Do something with this connection, which is kept if that was done.
        """
        try:
            outcome = work(link, until)
        except BaseException:
            link.close()
            raise
        self._idle[role].keep(link)
        return outcome

    def _open(self, role: Role, until: float) -> Link:
        """
        Open a connection to one of the addresses, the one that has worked last before
        others; one to search is bound as the service account, each time.
        """
        trouble: Fault = Slow(f"{self.address} can't be reached in time")
        places = self._resolver.find(until)
        for count, place in enumerate(places):
            now = time.monotonic()
            soon = now + (until - now) / (len(places) - count)
            try:
                link = self._openAt(place, role, soon)
            except Fault as fault:
                trouble = fault
            else:
                self._resolver.prefer(place)
                return link
        raise trouble

    def _openAt(self, place: str, role: Role, until: float) -> Link:
        """
        Open a connection to one address.
        """
        security, context, _ = self._opening
        link = openLink(self.address, place, security, context, until)
        if link.isClear and not self._isKnownClear:
            self._isKnownClear = True
            self._note(f"Passwords are sent to {self.address} as they are, without TLS")
        if role is Role.SEARCH:
            try:
                self._introduce(link, until)
            except BaseException:
                link.close()
                raise
        return link

    def _introduce(self, link: Link, until: float) -> None:
        """
        Bind as the service account.  Whoever is nobody says so too, and mustn't be
        content with it: a server that hangs doesn't answer that.
        """
        dn, password = self._opening.account
        result = link.bind(dn, password, until, asksPolicy=True)
        if not dn:
            self._insistOnAnswer(result)
            return
        try:
            outcome = ofAnybody(judge(result))
        except (Fault, Unsure) as error:
            raise Fault(f"{self.address}: the service account {dn}: {error}") from None
        if not outcome.matched or outcome.denial is not None:
            raise Fault(f"{self.address} refuses the service account {dn}: {outcome.why}")
        if outcome.why:
            self._note(f"{self.address}: the service account {dn}: {outcome.why}")

    def _fail(self, began: float, why: str) -> None:
        """
        Leave the server alone for a while.

        @param began: when it was asked: what is older than its return is no news.
        """
        now = time.monotonic()
        with self._lock:
            isNews = began >= self._upSince and now >= self._retryAt
            isTold = isNews and not (self.isDown and why == self.reason)
            if isNews:
                self._retryAt = now + pauseAfter(self._failures)
                self._failures += 1
                self.isDown, self.reason = True, why
        self._drop()
        if isTold:
            self._note(f"A server of the directory fails: {why}")

    def _succeed(self, role: Role) -> None:
        """
        Remember that the server works.
        """
        now = self._answeredAt[role] = time.monotonic()
        if not self._failures:
            return
        with self._lock:
            isReturn = self.isDown
            if isReturn:
                self.isDown, self._retryAt, self._upSince = False, 0.0, now
            elif now - self._upSince > LONGEST_PAUSE:
                # It has worked for as long as it may be left alone.
                self._failures = 0
        if isReturn:
            self._note(f"{self.address} works again")


def _start(work: Callable[[], None]) -> bool:
    """
    Have something done in a thread that nobody waits for.

    @return: whether there can be one.
    """
    try:
        Thread(target=work, daemon=True).start()
    except RuntimeError:
        return False
    return True


__all__ = ["Opening", "Role", "Server"]
