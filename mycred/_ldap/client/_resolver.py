"""
The IP addresses of a server, resolved within the time that a login has.
"""

from __future__ import annotations

import socket
import time
from threading import Lock, Thread
from urllib.parse import quote

from ._address import Address, isIPAddress
from ._errors import Fault, Slow

# How many addresses of a host are tried.
_MOST = 8


class Resolver:
    """
    Resolves the name of one host, and remembers its addresses: they stay in use until
    others are found.

    @cvar goodFor: how long addresses are used before the name is resolved again, in
        seconds.
    @cvar moment: how long a login that knows addresses waits for others, in seconds.
    """

    goodFor = 60.0
    moment = 0.5

    def __init__(self, address: Address) -> None:
        """
        @param address: the host, and the port there; or a Unix socket.
        """
        self._address = address
        self._goodUntil = 0.0
        self._preferred = ""
        self._known: list[str] = []
        self._lock = Lock()
        self._thread: Thread | None = None
        self._error: Exception | None = None
        if address.isSocket:
            self._known = [f"ldapi://{quote(address.host, safe='')}"]
            self._goodUntil = float("inf")
        elif isIPAddress(address.host):
            self._known = [address.host]
            self._goodUntil = float("inf")

    def resolve(self, until: float) -> list[str]:
        """
        Return the addresses, in the form that ldap3 takes, the preferred one first.

        @param until: the deadline, by L{time.monotonic}.

        @raise Fault: if there are none.
        """
        now = time.monotonic()
        if now >= self._goodUntil:
            left = max(0.0, until - now)
            self._refresh(min(left, self.moment) if self._known else left)
        # False comes before True.
        return sorted(self._known, key=lambda place: place != self._preferred)

    def prefer(self, place: str) -> None:
        """
        Remember an address that works.
        """
        self._preferred = place

    def expire(self) -> None:
        """
        Have the next login resolve the name again, since no address works.
        """
        if self._goodUntil < float("inf"):
            self._goodUntil = 0.0

    def _refresh(self, seconds: float) -> None:
        """
        Resolve the name.

        @param seconds: how long to wait at most.

        @raise Fault: if no addresses are known.
        """
        if self._known:
            # Other logins needn't wait meanwhile.
            self._goodUntil = time.monotonic() + self.goodFor
        try:
            self._lookUpInThread().join(seconds)
        except RuntimeError as error:
            self._error = error
        if not self._known:
            host = self._address.host
            if self._error is None:
                raise Slow(f"the addresses of {host} can't be found in time")
            raise Fault(f"the addresses of {host} can't be found: {self._error}")

    def _lookUpInThread(self) -> Thread:
        """
        Return the thread that resolves the name, one for all logins: getaddrinfo(3) has
        no time-out, and may take minutes.

        @raise RuntimeError: if no thread can be started.
        """
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._error = None
                thread = Thread(target=self._lookUp, daemon=True)
                thread.start()
                self._thread = thread
            return self._thread

    def _lookUp(self) -> None:
        """
        Resolve the name, in a thread.  Addresses that come when no login waits for them
        any more are used, too.
        """
        host, port = self._address
        try:
            places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._error = error
            return
        hosts = list(dict.fromkeys(str(place[0]) for *_, place in places))
        if hosts:
            self._known = hosts[:_MOST]
            self._goodUntil = time.monotonic() + self.goodFor


__all__ = ["Resolver"]
