"""
Hosts with ports, as C{permitopen} and C{permitlisten} name them.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

_LONGEST_HOST = 1024

_hostAndPort = re.compile("([^:/]*)[:/](.*)", re.DOTALL)
_digits = re.compile("[0-9]{1,9}")


def portNamed(name: str) -> int | None:
    """
    Return the number of a port, as the name service knows it; L{None} if there is no port
    of this name.
    """
    try:
        return socket.getservbyname(name, "tcp")
    except (OSError, UnicodeError, ValueError):
        return None


def splitHost(
    text: str, portNamed: Callable[[str], int | None] = portNamed
) -> tuple[str, int | None] | None:
    """
    Return the parts of C{host:port} or C{[host]:port}.

    @param portNamed: returns the number of a port that is given by its name.

    @return: the host and the number of the port, L{None} for C{*}; L{None} if the text is
        neither.
    """
    if text[:1] == "[":
        host, bracket, port = text[1:].partition("]")
        if not bracket or port[:1] not in (":", "/"):
            return None
        port = port[1:]
    else:
        match = _hostAndPort.fullmatch(text)
        if match is None:
            return None
        host, port = match.groups()
    if len(host) > _LONGEST_HOST:
        return None
    if port == "*":
        return host, None
    number = int(port) if _digits.fullmatch(port) else portNamed(port)
    return (host, number) if number is not None and 0 < number < 65536 else None


__all__ = ["portNamed", "splitHost"]
