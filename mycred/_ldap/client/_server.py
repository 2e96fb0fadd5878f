"""
One server of a directory, and what is done with connections to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from secrets import token_hex
from threading import Thread
from typing import TypeVar

from ._address import Address
from ._connection import Link, Role
from ._errors import Elsewhere, Fault, Lost, Slow, Unsure
from ._health import Health
from ._opener import Opener, Opening, closing
from ._pool import Idle
from ._rootdse import askControls

_T = TypeVar("_T")

# Whoever had less time than this has no reason to doubt a server, in seconds.
_FAIR_TIME = 1.0


def _never() -> bool:
    """
    Wait for as long as there is time.
    """
    return False


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
        self._timeout = timeout
        self._longest = longest
        self._idle = {role: Idle() for role in Role}
        self._opener = Opener(address, opening, note)

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
        Close the connections that are idle, and forget what the server has said of
        itself.

        @return: how many there were.
        """
        self._opener.forget()
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
        link = self._opener.open(role, until, _never)
        # To search it has bound already.
        if role is Role.USER and not self._answersNobody(link, until):
            link.close()
            link = self._opener.open(role, until, _never)
            with closing(link):
                # Whether it answers anything else.
                askControls(link, until)
        self._idle[role].offer(link)

    def _fail(self, began: float, why: str) -> None:
        """
        Leave the server alone for a while.

        @param began: when it was asked.
        """
        self.health.fail(began, why)
        self._drop()
        self._opener.expire()

    def _answersNobody(self, link: Link, until: float) -> bool:
        """
        Tell whether there is an answer to the bind of somebody who isn't there, rather
        than an end of the connection.  Which answer doesn't count: each server has its
        own.
        """
        name, password = f"cn={token_hex(8)}", token_hex(8).encode("ascii")
        with closing(link):
            return link.knock(name, password, until) is not None

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
            return self._opener.open(role, until, self._isHopeless)
        except Slow:
            raise
        except Fault as fault:
            if not self._drop():
                if not self.health.servesOthers(1):
                    self._fail(began, str(fault))
                raise
        # Those that were idle may have been all that the server allows.
        return self._opener.open(role, until, self._isHopeless)

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


__all__ = ["Server"]
