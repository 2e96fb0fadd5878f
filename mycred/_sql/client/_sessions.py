"""
Sessions of the drivers that SQLAlchemy knows: what their sockets are, what the server
calls them, and what makes them safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import randbits
from ssl import SSLSocket
from typing import Any

from ..._failover import Fault

# Where drivers have their sockets that have no fileno() themselves.
_SOCKETS = ("_usock", "_sock")


def descriptorOf(connection: Any) -> int | None:
    """
    Return the descriptor of a connection's socket, or None if the driver doesn't tell.
    """
    for inner in (connection, *(getattr(connection, name, None) for name in _SOCKETS)):
        if hasattr(inner, "fileno"):
            return int(inner.fileno())
    return None


def sessionOf(connection: Any) -> int:
    """
    Return the number that the server knows a session by; 0 if the driver doesn't tell.
    """
    threadID = getattr(connection, "thread_id", None)
    number = threadID() if callable(threadID) else None
    if number is None:
        number = getattr(getattr(connection, "info", None), "backend_pid", None)
    return number if isinstance(number, int) else 0


def wantsTLS(arguments: Mapping[str, Any]) -> bool:
    """
    Return whether PyMySQL was told anything of TLS.
    """
    return any(arguments[name] for name in arguments if name.startswith("ssl"))


def insistOnTLS(connection: Any) -> None:
    """
    Insist on TLS: some versions of PyMySQL do without where a server says that it has
    none, and whoever stands between can say so.

    @raise Fault: if there is none.
    """
    if not isinstance(connection._sock, SSLSocket):
        raise Fault("the server doesn't begin TLS")


def nameApart(connection: Any) -> bool:
    """
    Have psycopg give its prepared statements names that no other client's have: behind
    PgBouncer several clients may share a session, and one would execute the statement of
    another.

    @return: whether that can be done.
    """
    prepared: Any = getattr(connection, "_prepared", None)
    if not hasattr(prepared, "_prepared_idx"):
        return False
    prepared._prepared_idx = randbits(62)
    return True


def isChanged(error: Exception) -> bool:
    """
    Return whether a statement that was prepared would bring other columns now.
    """
    source = getattr(getattr(error, "diag", None), "source_function", None)
    return bool(source == "RevalidateCachedQuery")


__all__ = [
    "descriptorOf",
    "insistOnTLS",
    "isChanged",
    "nameApart",
    "sessionOf",
    "wantsTLS",
]
