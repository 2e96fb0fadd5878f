"""
The addresses of a server, found in a time that a login has.
"""

from __future__ import annotations

import socket
import time
from ipaddress import ip_address
from threading import Lock, Thread
from urllib.parse import quote

from ._address import Address
from ._errors import Fault, Slow

# So many addresses of a host are tried.
_MOST = 8

# For how long addresses are good, and how long it may take to find out whether there are
# others, in seconds.
_GOOD_FOR, _MOMENT = 60.0, 0.5


class Resolver:
    """
    Finds the addresses of one host, and remembers them: they are as good as before
    while nobody tells others.
    """

    def __init__(self, address: Address) -> None:
        """
        @param address: the host, and the port that is wanted there; or a socket.
        """
        self._address = address
        self._goodUntil = 0.0
        self._preferred = ""
        self._known: list[str] = []
        self._lock = Lock()
        self._thread: Thread | None = None
        self._trouble: Exception | None = None
        if address.isSocket:
            self._known = [f"ldapi://{quote(address.host, safe='')}"]
            self._goodUntil = float("inf")
        elif _isNumber(address.host):
            self._known = [address.host]
            self._goodUntil = float("inf")

    def find(self, until: float) -> list[str]:
        """
        Find the addresses, as ldap3 takes them, the one that is preferred before
        others.

        @param until: when to give up, by L{time.monotonic}.

        @raise Fault: if there are none.
        """
        now = time.monotonic()
        if now >= self._goodUntil:
            left = max(0.0, until - now)
            self._refresh(min(left, _MOMENT) if self._known else left)
        # False comes before True.
        return sorted(self._known, key=lambda place: place != self._preferred)

    def prefer(self, place: str) -> None:
        """
        Remember which address works.
        """
        self._preferred = place

    def expire(self) -> None:
        """
        Have the addresses found anew, by the next who asks: none of them works.
        """
        if self._goodUntil < float("inf"):
            self._goodUntil = 0.0

    def _refresh(self, seconds: float) -> None:
        """
        Find out whether there are others.

        @param seconds: how long to wait at most.

        @raise Fault: if none are known.
        """
        if self._known:
            # Nobody else need wait meanwhile.
            self._goodUntil = time.monotonic() + _GOOD_FOR
        try:
            self._search().join(seconds)
        except RuntimeError as error:
            self._trouble = error
        if not self._known:
            host = self._address.host
            if self._trouble is None:
                raise Slow(f"the addresses of {host} can't be found in time")
            raise Fault(f"the addresses of {host} can't be found: {self._trouble}")

    def _search(self) -> Thread:
        """
        Have them found, by one thread for all: getaddrinfo(3) has no time-out, and may
        take minutes.

        @raise RuntimeError: if there can be no thread.
        """
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._trouble = None
                thread = Thread(target=self._resolve, daemon=True)
                thread.start()
                self._thread = thread
            return self._thread

    def _resolve(self) -> None:
        """
        Find them, in a thread; also those that come after somebody has waited for them
        count.
        """
        host, port = self._address
        try:
            places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._trouble = error
            return
        hosts = list(dict.fromkeys(str(place[0]) for *_, place in places))
        if hosts:
            self._known = hosts[:_MOST]
            self._goodUntil = time.monotonic() + _GOOD_FOR


def _isNumber(host: str) -> bool:
    """
    Tell whether a host is named by its number.
    """
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


__all__ = ["Resolver"]
