"""
PostgreSQL's notices of new mail (LISTEN and NOTIFY).

Whoever can connect to a database may listen to any channel there that they can name, and
send to it.  So ours has a random name, which is in a table: those hear who gets mail that
may read it, and nobody else.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from secrets import token_hex
from threading import Event, Lock, Thread
from typing import Any, Protocol

from ..._sql.client import DatabaseURL, driverFor

#: The statement by which a transaction that has put mail into a mailbox says so, with a
#: bound C{notice}.
NOTIFY = "select pg_notify(channel, :notice) from mycred_schema"

_CHANNELS = "select channel from mycred_schema"

# How long connecting may take, and for how long to wait after a failure: at first, and at
# the most; in seconds.
_TIMEOUT, _SHORT, _LONG = 10.0, 1.0, 30.0

# How many mailboxes may wait for the reactor's thread to hear of them.  Others are found
# when the mailboxes are polled.
_MOST_WAITING = 10_000

# When a connection is taken for lost over which nothing comes: it is tried after half a
# minute, and so many times, with so many seconds between them.
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}


class _Reactor(Protocol):
    """
    What takes calls from other threads.
    """

    def callFromThread(self, function: Callable[..., object], *args: object) -> None: ...


def newChannel() -> str:
    """
    Return a name for a channel.
    """
    return f"mycred_{token_hex(16)}"


def noticeOf(user: bytes, uidNext: int) -> str:
    """
    Return the text of a notice: a name may be any bytes, and a notice is text of at most
    8,000.
    """
    return f"{uidNext}:{user.hex()}"


def readNotice(text: str) -> tuple[bytes, int] | None:
    """
    Return the user and the UID of the next message that a notice tells; L{None} if it is
    none of ours.
    """
    uidNext, _, user = text.partition(":")
    if not (uidNext.isascii() and uidNext.isdigit() and len(uidNext) < 20):
        return None
    try:
        return bytes.fromhex(user), int(uidNext)
    except ValueError:
        return None


def canListen(url: DatabaseURL) -> bool:
    """
    Return whether a database tells of new mail, by a driver that can wait for that.
    """
    return bool(url.url is not None and url.url.drivername == "postgresql+psycopg")


class Notices:
    """
    A thread that waits for notices on a connection of its own.
    """

    def __init__(
        self,
        url: DatabaseURL,
        reactor: _Reactor,
        heard: Callable[[bytes, int], object],
        changed: Callable[[str | None], object],
    ) -> None:
        """
        @param url: the database.
        @param reactor: the reactor in whose thread the callables are called.
        @param heard: what is called with a user, and the UID of the next message.
        @param changed: what is called with L{None} when notices come from now on, and
            with a reason when they don't any more.
        """
        self._url = url
        self._reactor = reactor
        self._heard = heard
        self._changed = changed
        self._stopped = Event()
        self._lock = Lock()
        self._socket: socket.socket | None = None
        self._waiting: dict[bytes, int] = {}
        self._thread = Thread(target=self._run, name="mycred-notices", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """
        End the thread, soon.
        """
        self._stopped.set()
        with self._lock:
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        """
        Wait for notices until there are to be no more, in the thread.
        """
        pause = _SHORT
        while not self._stopped.is_set():
            try:
                with closing(driverFor(self._url).connect(_TIMEOUT)) as connection:
                    for (channel,) in connection.execute(_CHANNELS).fetchall():
                        connection.execute('listen "{}"'.format(channel.replace('"', "")))
                    pause = _SHORT
                    self._listen(connection)
            except Exception as error:
                if not self._stopped.is_set():
                    self._reactor.callFromThread(self._changed, str(error))
            self._stopped.wait(pause)
            pause = min(2 * pause, _LONG)

    def _listen(self, connection: Any) -> None:
        """
        Wait for notices on a connection, until it is lost.
        """
        # The descriptor's own copy, which no other connection can have after it.
        with socket.socket(fileno=os.dup(connection.fileno())) as own:
            _keepAlive(own)
            self._setSocket(own)
            try:
                self._reactor.callFromThread(self._changed, None)
                waiting = select.poll()
                waiting.register(own, select.POLLIN)
                while not self._stopped.is_set():
                    waiting.poll()
                    # The connection's own notifies() takes no timeout before psycopg 3.2.
                    connection.pgconn.consume_input()
                    while (notice := connection.pgconn.notifies()) is not None:
                        self._take(notice.extra.decode("utf-8", "replace"))
            finally:
                self._setSocket(None)

    def _setSocket(self, own: socket.socket | None) -> None:
        """
        Set what L{stop} shuts down.
        """
        with self._lock:
            self._socket = own

    def _take(self, text: str) -> None:
        """
        Take a notice.
        """
        found = readNotice(text)
        if found is None:
            return
        user, uidNext = found
        with self._lock:
            isFirst = not self._waiting
            if len(self._waiting) < _MOST_WAITING:
                self._waiting[user] = max(uidNext, self._waiting.get(user, 0))
        if isFirst:
            self._reactor.callFromThread(self._tell)

    def _tell(self) -> None:
        """
        Tell what the notices have told, in the reactor's thread.
        """
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for user, uidNext in waiting.items():
            self._heard(user, uidNext)


def _keepAlive(connection: socket.socket) -> None:
    """
    Have the system find out when nobody is at the other end of a connection any more.
    """
    if connection.family == socket.AF_UNIX:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        # Other systems have other names.
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


__all__ = ["NOTIFY", "Notices", "canListen", "newChannel", "noticeOf", "readNotice"]
