"""
The addresses of a server, found in a time that a login has.
"""

from __future__ import annotations

import socket
import time
from threading import Thread

from ._faults import Fault, Slow

# So many addresses of a host are tried.
_MOST = 8


class Resolver:
    """
    Finds the addresses of one host, and remembers them: they are as good as before
    while nobody tells others.
    """

    def __init__(self, host: str, port: int) -> None:
        """
        @param host: its name, or its number.
        @param port: the port that is wanted there.
        """
        self._place = host, port
        self._known: list[str] = []

    def find(self, until: float) -> list[str]:
        """
        Find the addresses.

        @param until: when to give up, by L{time.monotonic}.

        @raise Fault: if there are none.
        """
        # getaddrinfo(3) has no time-out, and may take minutes.
        found: list[list[str] | Exception] = []
        thread = Thread(target=self._resolve, args=(found,), daemon=True)
        try:
            thread.start()
            thread.join(max(0.0, until - time.monotonic()))
        except RuntimeError as error:
            found.append(error)
        if found and isinstance(found[0], list):
            self._known = found[0]
        elif not self._known:
            host = self._place[0]
            if not found:
                raise Slow(f"the addresses of {host} can't be found in time")
            raise Fault(f"the addresses of {host} can't be found: {found[0]}")
        return self._known

    def _resolve(self, found: list[list[str] | Exception]) -> None:
        """
        Find them, in a thread.
        """
        try:
            places = socket.getaddrinfo(*self._place, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            found.append(error)
        else:
            hosts = dict.fromkeys(str(place[0]) for *_, place in places)
            found.append(list(hosts)[:_MOST])


__all__ = ["Resolver"]
