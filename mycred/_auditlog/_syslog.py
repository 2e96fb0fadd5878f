"""
Logins for syslog, which is sent datagrams (U{RFC 3164
<https://www.rfc-editor.org/rfc/rfc3164>}, as the C library writes them).
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections import deque
from typing import Any

from twisted.logger import LogEvent, LogLevel, formatEvent

from ._gap import Gap

# Of syslog(3).
_FACILITIES = {"auth": 4, "authpriv": 10, **{f"local{n}": 16 + n for n in range(8)}}

#: The facilities that logins may be sent to.
FACILITIES = tuple(_FACILITIES)

# What the messages are known by.
_PROGRAM = "mycred"

# Severities: the server's faults, and all else.
_WARNING, _INFO = 4, 6

# So many messages wait for a daemon that is busy, and so long until they are sent again,
# in seconds.  A socket may hold as few as 10: then 5,000 a second can be sent.
_MOST_WAITING, _PAUSE = 10_000, 0.002

# Whatever the locale is.
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


class AuditSyslog:
    """
    The daemon of syslog, to which the log's line is sent for each login.

    No login waits for it: messages are kept for a while if it is busy.  If there is none,
    or it is busy for too long, that is logged once, and logins go on; one that was
    started again is noticed.
    """

    def __init__(
        self, facility: str = "auth", socketPath: str = "/dev/log", reactor: Any = None
    ) -> None:
        """
        @param facility: the facility, one of L{FACILITIES}.
        @param socketPath: the path of the daemon's socket, which takes datagrams.
        @param reactor: what calls later; L{None} for the one that is installed.

        @raise ValueError: if there is no such facility.
        """
        if facility not in _FACILITIES:
            raise ValueError(f"write one of {', '.join(FACILITIES)}")
        self._facility = _FACILITIES[facility]
        self._socketPath = socketPath
        self._gap = Gap(socketPath)
        self._socket: socket.socket | None = None
        self._waiting: deque[bytes] = deque()
        self._reactor = reactor
        # The call that is to send what waits.
        self._later: Any = None

    def __call__(self, event: LogEvent) -> None:
        """
        Send the line.
        """
        isWarning = event["log_level"] is LogLevel.warn
        priority = self._facility * 8 + (_WARNING if isWarning else _INFO)
        when, text = _timeOf(event["log_time"]), formatEvent(event)
        message = f"<{priority}>{when} {_PROGRAM}[{os.getpid()}]: {text}"
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(message.encode("utf-8", "backslashreplace"))
        else:
            self._gap.note(OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS)))
        if self._later is None:
            self._flush()

    def close(self) -> None:
        """
        Close the socket, after a last try to send what waits.  Another login opens it
        again.
        """
        if self._later is not None:
            self._later.cancel()
            self._flush()
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._closeSocket()

    def _flush(self) -> None:
        """
        Send what waits, as far as there is room for it.
        """
        self._later = None
        while self._waiting:
            try:
                self._send(self._waiting[0])
            except BlockingIOError:
                self._later = self._clock().callLater(_PAUSE, self._flush)
                return
            except OSError as error:
                self._gap.note(error, len(self._waiting))
                self._waiting.clear()
                return
            self._waiting.popleft()
        self._gap.end()

    def _clock(self) -> Any:
        """
        Return what calls later.
        """
        if self._reactor is None:
            from twisted.internet import reactor

            self._reactor = reactor
        return self._reactor

    def _closeSocket(self) -> None:
        """
        Close the socket.
        """
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: bytes) -> None:
        """
        Send a message, over a new socket if the daemon of the old one is gone.
        """
        if self._socket is not None:
            try:
                self._socket.send(message)
                return
            except BlockingIOError:
                # The daemon is there, and has no room.
                raise
            except OSError:
                self._closeSocket()
        self._socket = self._connected()
        self._socket.send(message)

    def _connected(self) -> socket.socket:
        """
        Return a socket that is connected to the daemon's.
        """
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            connected.setblocking(False)
            connected.connect(self._socketPath)
        except BaseException:
            connected.close()
            raise
        return connected


def _timeOf(seconds: float) -> str:
    """
    Return a time as syslog has it, in this machine's zone.
    """
    now = time.localtime(seconds)
    return f"{_MONTHS[now.tm_mon - 1]} {now.tm_mday:2} {time.strftime('%H:%M:%S', now)}"


__all__ = ["FACILITIES", "AuditSyslog"]
