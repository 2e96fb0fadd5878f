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
from ._faults import Elsewhere, Fault, Lost, Slow, Unsure
from ._idle import Idle
from ._link import Link
from ._opening import openLink
from ._outcome import ELSEWHERE, describe, judge
from ._resolving import Resolver
from ._tls import Security

_T = TypeVar("_T")

# For how long a server that has failed is left alone, in seconds: at first, and at
# most; one that has worked for as long begins anew.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0

# How long a server that has made somebody wait for too long may take to prove that it
# works, in seconds.
_SUSPICION = 1.0


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
    @ivar isDown: whether it has failed, and hasn't worked since.
    @ivar isSuspect: whether it may be down, which is being found out.
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
        self.isDown = False
        self._opening = opening
        self._timeout = timeout
        self._note = note
        self._resolver = Resolver(address)
        self._lock = Lock()
        self._idle = {role: Idle() for role in Role}
        self._isTried = self._isKnownClear = False
        self.isSuspect = False
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
            # It has answered.
            self._succeed()
            raise
        except Fault as fault:
            self._suspect(str(fault))
            raise
        self._succeed()
        return outcome

    def tryAside(self, seconds: float = 0.0, why: str = "") -> Thread | None:
        """
        Find out whether it works, in a thread of its own.

        @param seconds: how long that may take; as long as a login if it is 0.
        @param why: what has made that necessary; it is told if it doesn't work.

        @return: the thread; L{None} if none can be started.
        """

        def tryOut() -> None:
            try:
                self._tryOut(seconds or self._timeout, why)
            finally:
                self._isTried = self.isSuspect = False

        trying = Thread(target=tryOut, daemon=True)
        try:
            trying.start()
        except RuntimeError:
            self._isTried = self.isSuspect = False
            return None
        return trying

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

    def _suspect(self, why: str) -> None:
        """
        Have it found out whether the server is down, unless somebody is at it.
        """
        with self._lock:
            if self.isDown or self.isSuspect:
                return
            self.isSuspect = True
        self.tryAside(_SUSPICION, why)

    def _tryOut(self, seconds: float, why: str) -> None:
        """
        Find out whether the server works: whether it can be connected to for either
        role, and answers.
        """
        began = time.monotonic()
        until = began + seconds
        try:
            # To search it has bound already.
            searching = self._open(Role.SEARCH, until)
            self._use(Role.SEARCH, searching, until, lambda link, until: None)
            self._use(Role.USER, self._open(Role.USER, until), until, self._knock)
        except Exception as error:
            least = self._timeout if isinstance(error, Slow) else 0.0
            self._fail(began, why or str(error), min(least, _LONGEST_PAUSE))
        else:
            self._succeed()

    def _knock(self, link: Link, until: float) -> None:
        """
        Insist on an answer to the bind of somebody who isn't there.
        """
        result = link.bind(f"cn={token_hex(8)}", token_hex(8).encode("ascii"), until)
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
        Do something with this connection, which is kept if it is as good as before.
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
            if result.code in ELSEWHERE:
                raise Fault(f"{self.address} can't be asked: {describe(result)}")
            return
        try:
            outcome = judge(result)
        except (Fault, Unsure) as error:
            raise Fault(f"{self.address}: the service account {dn}: {error}") from None
        if not outcome.matched or outcome.denial is not None:
            raise Fault(f"{self.address} refuses the service account {dn}: {outcome.why}")
        if outcome.why:
            self._note(f"{self.address}: the service account {dn}: {outcome.why}")

    def _fail(self, began: float, why: str, least: float = 0.0) -> None:
        """
        Leave the server alone for a while.

        @param began: when it was asked: what is older than its return is no news.
        @param least: for how long at least, in seconds: one that hangs costs whoever
            tries it all of his time.
        """
        now = time.monotonic()
        with self._lock:
            isNews = began >= self._upSince and now >= self._retryAt
            isFirst = isNews and not self.isDown
            if isNews:
                pause = min(_FIRST_PAUSE * 2 ** min(self._failures, 10), _LONGEST_PAUSE)
                self._failures += 1
                self._retryAt = now + max(pause, least)
                self.isDown = True
        self._drop()
        if isFirst:
            self._note(f"A server of the directory fails: {why}")

    def _succeed(self) -> None:
        """
        Remember that the server works.
        """
        if not self._failures:
            return
        now = time.monotonic()
        with self._lock:
            isReturn = self.isDown
            if isReturn:
                self.isDown, self._retryAt, self._upSince = False, 0.0, now
            elif now - self._upSince > _LONGEST_PAUSE:
                self._failures = 0
        if isReturn:
            self._note(f"{self.address} works again")


__all__ = ["Opening", "Role", "Server"]
