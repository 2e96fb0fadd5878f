"""
How connections to one server are opened.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ._address import Address
from ._bindresult import judge, ofAnybody
from ._connection import Link, Role
from ._errors import Elsewhere, Fault, Slow, Unsure
from ._handshake import openLink
from ._resolver import Resolver
from ._rootdse import askControls, knowsPolicy
from ._tls import Security


class Opening(NamedTuple):
    """
    How connections are opened.

    @ivar security: what protects them.
    @ivar context: what verifies the servers.
    @ivar account: the name and the password of the service account; empty if nobody
        looks for entries.
    @ivar policy: whether binds ask what the password policy says; L{None} if the servers
        say whether they know that question.
    """

    security: Security
    context: ssl.SSLContext
    account: tuple[str, bytes] = ("", b"")
    policy: bool | None = None

    def __repr__(self) -> str:
        """
        Tell who searches, and no password.
        """
        return f"<{self.security.value}, as {self.account[0] or 'nobody'}>"


class Opener:
    """
    Opens connections to one server.
    """

    def __init__(
        self, address: Address, opening: Opening, note: Callable[[str], None]
    ) -> None:
        """
        @param address: where it is.
        @param opening: how connections to it are opened.
        @param note: what is told, in any thread, what the log should say.
        """
        self._address = address
        self._opening = opening
        self._note = note
        self._resolver = Resolver(address)
        self._asksPolicy = opening.policy
        self._isKnownClear = self._isSilent = False

    def forget(self) -> None:
        """
        Forget what the server has said of itself: it may be another one now.
        """
        self._asksPolicy = self._opening.policy

    def expire(self) -> None:
        """
        Have its addresses found anew: it may be elsewhere now.
        """
        self._resolver.expire()

    def open(self, role: Role, until: float, isHopeless: Callable[[], bool]) -> Link:
        """
        Open a connection to one of the addresses, the one that has worked last before
        others; one to search is bound as the service account, each time.

        @param role: what it is for.
        @param until: when to give up, by L{time.monotonic}.
        @param isHopeless: what tells, now and then, whether to give up before.

        @raise Fault: if that can't be done.
        """
        trouble: Fault = Slow(f"{self._address} can't be reached in time")
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
        link = self._reach(place, until, isHopeless)
        # Somebody else may forget it meanwhile.
        asksPolicy = self._asksPolicy
        if asksPolicy is None:
            link, asksPolicy = self._learn(link, place, until, isHopeless)
        link.asksPolicy = asksPolicy
        if role is Role.USER:
            return link
        with closing(link):
            if self._introduce(link, until):
                return link
        link.close()
        link = self._reach(place, until, isHopeless)
        with closing(link):
            # Without a bind one is nobody, too (RFC 4513, section 4).
            askControls(link, until)
        return link

    def _reach(self, place: str, until: float, isHopeless: Callable[[], bool]) -> Link:
        """
        Open a connection on which nothing was said yet.
        """
        opening = self._opening
        link = openLink(
            self._address, place, opening.security, opening.context, until, isHopeless
        )
        if link.isClear and not self._isKnownClear:
            self._isKnownClear = True
            self._note(f"Passwords are sent to {self._address} as they are, without TLS")
        return link

    def _learn(
        self, link: Link, place: str, until: float, isHopeless: Callable[[], bool]
    ) -> tuple[Link, bool]:
        """
        Find out whether the server knows the password policy control.

        @return: a connection, another one if the server ends those on which it is asked,
            and whether it does.
        """
        try:
            with closing(link):
                knows = knowsPolicy(link, self._opening.account, until)
        except Slow:
            raise
        except Elsewhere as busy:
            # For nobody, rather than for one user.
            raise Fault(str(busy)) from None
        except (Fault, Unsure):
            # The next connection may tell: this one serves once.
            link = self._reach(place, until, isHopeless)
            link.spoil()
            return link, False
        self._asksPolicy = bool(knows)
        if knows is None and not self._isSilent:
            self._isSilent = True
            self._note(
                f"{self._address} doesn't say whether it knows the password policy "
                "control; write policy=yes if it does, so that expired passwords are "
                "seen, and policy=no otherwise"
            )
        return link, bool(knows)

    def _introduce(self, link: Link, until: float) -> bool:
        """
        Bind as the service account.  Without one an anonymous bind is sent all the same:
        a server that hangs shows itself only by not answering it.  What it answers
        doesn't count.

        @return: whether the connection is left; otherwise the server ends those on which
            nobody binds.
        """
        address, (dn, password) = self._address, self._opening.account
        if not dn:
            return link.knock(dn, password, until) is not None
        try:
            outcome = ofAnybody(judge(link.bind(dn, password, until)))
        except (Fault, Unsure) as error:
            raise Fault(f"{address}: the service account {dn}: {error}") from None
        if not outcome.matched or outcome.denial is not None:
            raise Fault(f"{address} refuses the service account {dn}: {outcome.why}")
        if outcome.why:
            self._note(f"{address}: the service account {dn}: {outcome.why}")
        return True


@contextmanager
def closing(link: Link) -> Iterator[None]:
    """
    Close a connection if something goes wrong with it.
    """
    try:
        yield
    except BaseException:
        link.close()
        raise


__all__ = ["Opener", "Opening", "closing"]
