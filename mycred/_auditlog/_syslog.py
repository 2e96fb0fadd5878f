"""
Logins for syslog, which is sent datagrams (U{RFC 3164
<https://www.rfc-editor.org/rfc/rfc3164>}, as the C library writes them).
"""

from __future__ import annotations

import os
import socket
import time

from twisted.logger import LogEvent, LogLevel, formatEvent

from ._faults import Fault

# Of syslog(3).
_FACILITIES = {"auth": 4, "authpriv": 10, **{f"local{n}": 16 + n for n in range(8)}}

#: The facilities that logins may be sent to.
FACILITIES = tuple(_FACILITIES)

# Severities: the server's faults, and all else.
_WARNING, _INFO = 4, 6

# Whatever the locale is.
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


class AuditSyslog:
    """
    The daemon of syslog, to which the log's line is sent for each login.

    It is never waited for.  If there is none, or it is too busy, that is logged once,
    and logins go on; one that was started again is noticed.
    """

    def __init__(self, facility: str = "auth", socketPath: str = "/dev/log") -> None:
        """
        @param facility: the facility, one of L{FACILITIES}.
        @param socketPath: the path of the daemon's socket, which takes datagrams.

        @raise ValueError: if there is no such facility.
        """
        if facility not in _FACILITIES:
            raise ValueError(f"write one of {', '.join(FACILITIES)}")
        self._facility = _FACILITIES[facility]
        self._socketPath = socketPath
        self._fault = Fault(socketPath)
        self._socket: socket.socket | None = None

    def __call__(self, event: LogEvent) -> None:
        """
        Send the line.
        """
        isWarning = event["log_level"] is LogLevel.warn
        priority = self._facility * 8 + (_WARNING if isWarning else _INFO)
        when, text = _timeOf(event["log_time"]), formatEvent(event)
        message = f"<{priority}>{when} mycred[{os.getpid()}]: {text}"
        try:
            self._send(message.encode("utf-8", "backslashreplace"))
        except OSError as error:
            self._fault.note(error)
        else:
            self._fault.clear()

    def close(self) -> None:
        """
        Close the socket.  Another login opens it again.
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
                self.close()
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
