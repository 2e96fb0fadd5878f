"""
The server's side: requests for the workers.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from threading import Lock

from ._processes import WorkerProcesses, unsure
from ._wire import Reply

_RESTART = (
    "The processes that check logins have ended, and the server has no right any more "
    "to start others: no user can log in until it is restarted"
)


class PrivilegedClient:
    """
    A connection to processes with privileges, in which logins are checked.

    If they are killed, others are started for the next login, as long as this process has
    the privileges that it had at first.

    @cvar pause: how long to wait until others are started again, in seconds: processes
        that end as soon as they are started aren't started for each login.
    @ivar processes: how many workers there are, so how many threads may ask at a time.
    """

    pause = 5.0

    def __init__(self, kind: str, settings: object, processes: int) -> None:
        """
        @param kind: what the workers ask for verdicts: C{unix}, C{pam} or C{sshkey}.
        @param settings: an L{AccountSettings<mycred._accounts.AccountSettings>}, a
            C{PAMSettings} or a C{KeySettings}, as the kind is.
        @param processes: how many workers to start.

        @raise ValueError: if the workers can't use these settings.
        @raise OSError: if the processes can't be started.
        """
        if processes < 1:
            raise ValueError("it takes one process at least")
        self.processes = processes
        self._kind = kind
        self._settings = settings
        # Absolute, since the server may change its directory; with mycred's own, since it
        # may have been imported by a hook.
        directories = [*sys.path, str(Path(__file__).parents[2])]
        self._directories = list(map(os.path.abspath, directories))
        self._privileges = _privileges()
        self._starting = Lock()
        self._starts = 0
        self._notBefore = 0.0
        self._isClosed = False
        self._processes = WorkerProcesses(kind, settings, processes, self._directories)

    def close(self) -> None:
        """
        End the processes.  They also end with this object, and with the server.
        """
        self._isClosed = True
        self._processes.close()

    def ask(self, name: bytes, password: bytes, peer: str | None, until: float) -> Reply:
        """
        Send a request, and wait for the verdict.

        @param name: the name of the user.
        @param password: the password, or the key.
        @param peer: the address of the client, if it is known.
        @param until: when to give up, as L{time.monotonic} counts.

        @return: the verdict, and what is to be logged.
        """
        notes: list[str] = []
        try:
            processes = self._current(until, notes)
            reply = processes.ask(name, password, peer, until)
        except OSError as error:
            why = f"the processes that check logins are gone ({error})"
            what = "the next login starts others"
            if not self._mayStart:
                what = "restart the server"
            reply = unsure(name, f"{why}; {what}")
        return Reply(reply.verdict, (*notes, *reply.notes))

    @property
    def _mayStart(self) -> bool:
        """
        Whether other processes would have the privileges that these have.
        """
        isRoot = not os.geteuid()
        return not self._isClosed and (isRoot or _privileges() == self._privileges)

    def _current(self, until: float, notes: list[str]) -> WorkerProcesses:
        """
        Return the processes; others, if they have ended.

        @param notes: a list that gets what is to be logged.

        @raise OSError: if there are none now.
        """
        if self._isClosed or not self._processes.isOver:
            return self._processes
        if not self._mayStart:
            notes.append(_RESTART)
            raise OSError("they were killed")
        if not self._starting.acquire(timeout=max(until - time.monotonic(), 0)):
            raise OSError("others are just being started")
        try:
            if self._processes.isOver:
                self._startOthers(notes)
        finally:
            self._starting.release()
        return self._processes

    def _startOthers(self, notes: list[str]) -> None:
        """
        Start others in place of those that have ended.

        @raise OSError: if they can't be started, or that was done a moment ago.
        """
        if time.monotonic() < self._notBefore:
            raise OSError("others have ended as well, a moment ago")
        self._notBefore = time.monotonic() + self.pause
        try:
            others = WorkerProcesses(
                self._kind, self._settings, self.processes, self._directories
            )
        except ValueError as error:
            raise OSError(str(error)) from None
        # Threads that still wait for the old ones notice by themselves that they ended.
        self._processes = others
        if self._isClosed:
            others.close()
        self._starts += 1
        notes.append(
            "The processes that check logins had ended and were started again "
            f"(no. {self._starts})"
        )


def _privileges() -> tuple[object, ...]:
    """
    Return what this process may do: its ids.
    """
    return os.geteuid(), os.getegid(), sorted(os.getgroups())


__all__ = ["PrivilegedClient", "Reply"]
