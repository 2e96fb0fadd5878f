"""
One server of a directory, and what is done with connections to it.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from secrets import token_hex
from threading import Thread
from typing import NamedTuple, TypeVar

from ._address import Address
from ._faults import Elsewhere, Fault, Lost, Slow, Unsure
from ._health import Health
from ._idle import Idle
from ._link import Link, Role
from ._messages import Result
from ._opening import openLink
from ._outcome import ELSEWHERE, describe, judge, ofAnybody
from ._resolving import Resolver
from ._tls import Security

_T = TypeVar("_T")

# Whoever had less time than this has no reason to doubt a server, in seconds.
_FAIR_TIME = 1.0


def _never() -> bool:
    """
    Wait for as long as there is time.
    """
    return False


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
    @ivar health: how it is doing.
    """

    def __init__(
        self,
        address: Address,
        opening: Opening,
        timeout: float,
        longest: float,
        note: Callable[[str], None],
    ) -> None:
        """
        @param address: where it is.
        @param opening: how connections to it are opened.
        @param timeout: how long a login may take, in seconds.
        @param longest: how long one waits for it while others are left, in seconds; if
            none is, as long as a login may take.
        @param note: what is told, in any thread, when it fails and works again.
        """
        self.address = address
        self.health = Health(str(address), longest, note)
        self._opening = opening
        self._timeout = timeout
        self._longest = longest
        self._note = note
        self._resolver = Resolver(address)
        self._idle = {role: Idle() for role in Role}
        self._isKnownClear = False

    def do(self, role: Role, until: float, work: Callable[[Link, float], _T]) -> _T:
        """
        Do something with a connection: an idle one, or if that is lost, unseen, a new
        one.

        @raise Fault: if that can't be done.  If there can be no connection the server is
            down; otherwise that is found out aside: it may be so for this user only, or
            he had too little time.
        """
        began = time.monotonic()
        try:
            with self.health.use():
                outcome = self._do(role, until, work)
        except (Elsewhere, Unsure):
            self.health.answer(role)
            raise
        except Fault as fault:
            if not isinstance(fault, Slow) or until - began >= _FAIR_TIME:
                self.health.doubt(role, began)
            self._suspect(str(fault))
            raise
        self.health.answer(role)
        return outcome

    def retry(self, done: Callable[[], object]) -> None:
        """
        Find out whether it works again, when that was claimed, in a thread of its own.

        @param done: what is called when that is known.
        """

        def work() -> None:
            try:
                self._tryOut(self._timeout)
            finally:
                self.health.release()
                done()

        if not _start(work):
            self.health.release()
            done()

    def close(self) -> None:
        """
        Close the connections that are idle, and those in use as they become so.
        """
        for idle in self._idle.values():
            idle.close()

    def _drop(self) -> int:
        """
        Close the connections that are idle.

        @return: how many there were.
        """
        return sum(idle.drop() for idle in self._idle.values())

    def _isHopeless(self) -> bool:
        """
        Have it found out whether the server is down, for somebody who has waited.

        @return: whether it is, and he needn't wait any longer.
        """
        self._suspect("somebody has waited for an answer")
        return self.health.isDown

    def _suspect(self, why: str) -> None:
        """
        Have it found out whether the server is down, unless somebody is at it.

        @param why: what has made that necessary.
        """
        if not self.health.suspect():
            return

        def work() -> None:
            try:
                self._tryOut(self._longest, why)
            finally:
                self.health.clear()

        if not _start(work):
            self.health.clear()

    def _tryOut(self, seconds: float, why: str = "") -> None:
        """
        Find out whether the server works: whether it can be connected to for either
        role, and answers.

        @param seconds: how long it may take, for each role.
        @param why: what has made that necessary.
        """
        began = time.monotonic()
        try:
            for role in Role:
                self._tryOutFor(role, time.monotonic() + seconds)
        except Exception as error:
            isLate = isinstance(error, Slow) and self.health.answeredSince(role, began)
            if not (isLate or self.health.servesOthers()):
                self._fail(began, str(error) + (why and f"; before that: {why}"))
        else:
            self.health.work(role)

    def _tryOutFor(self, role: Role, until: float) -> None:
        """
        Find out whether it can be connected to for a role, and answers.
        """
        link = self._open(role, until)
        try:
            if role is Role.USER:
                # To search it has bound already.
                self._knock(link, until)
        except BaseException:
            link.close()
            raise
        self._idle[role].offer(link)

    def _fail(self, began: float, why: str) -> None:
        """
        Leave the server alone for a while.

        @param began: when it was asked.
        """
        self.health.fail(began, why)
        self._drop()
        # It may be elsewhere now.
        self._resolver.expire()

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
        link = self._openNew(role, until)
        return self._use(role, link, until, work)

    def _openNew(self, role: Role, until: float) -> Link:
        """
        Open a connection for somebody.
        """
        began = time.monotonic()
        try:
            return self._open(role, until, self._isHopeless)
        except Slow:
            raise
        except Fault as fault:
            if not self._drop():
                if not self.health.servesOthers(1):
                    self._fail(began, str(fault))
                raise
        # Those that were idle may have been all that the server allows.
        return self._open(role, until, self._isHopeless)

    def _use(
        self, role: Role, link: Link, until: float, work: Callable[[Link, float], _T]
    ) -> _T:
        """
        Do something with this connection, which is kept if that was done.
        """
        link.isHopeless = self._isHopeless
        try:
            outcome = work(link, until)
        except BaseException:
            link.close()
            raise
        self._idle[role].keep(link)
        return outcome

    def _open(
        self, role: Role, until: float, isHopeless: Callable[[], bool] = _never
    ) -> Link:
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
                link = self._openAt(place, role, soon, isHopeless)
            except Fault as fault:
                trouble = fault
            else:
                self._resolver.prefer(place)
                return link
        raise trouble

    def _openAt(
        self, place: str, role: Role, until: float, isHopeless: Callable[[], bool]
    ) -> Link:
        """
        Open a connection to one address.
        """
        security, context, _ = self._opening
        link = openLink(self.address, place, security, context, until, isHopeless)
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


__all__ = ["Opening", "Server"]
