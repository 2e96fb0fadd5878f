"""
Ask the workers.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from threading import Lock

from ._running import Running, unsure
from ._wire import Answer

# Processes that end as soon as they are started aren't started for each login: it
# takes so many seconds until the next ones are.
_PAUSE = 5.0

_RESTART = (
    "The processes that check logins have ended, and the server has no right any more "
    "to start others: nobody can log in until it is restarted"
)


class Helper:
    """
    Workers in processes of their own, that can be asked about logins.

    If they are killed, others are started for the next login, as long as this process
    has the privileges that it had at first.

    @ivar processes: how many they are, and so how many threads may ask at a time.
    """

    def __init__(self, kind: str, settings: object, processes: int) -> None:
        """
        @param kind: how they find a verdict, C{unix}, C{pam} or C{sshkey}.
        @param settings: what decides it: the record for this kind.
        @param processes: how many there are.

        @raise ValueError: if it can't be done with these settings.
        @raise OSError: if the processes can't be started.
        """
        if processes < 1:
            raise ValueError("it takes one process at least")
        self.processes = processes
        self._kind = kind
        self._settings = settings
        # As they are now, and not where the server goes.  Where mycred itself is, in case
        # that an import hook knows it here.
        folders = [*sys.path, str(Path(__file__).parents[2])]
        self._folders = list(map(os.path.abspath, folders))
        self._privileges = _privileges()
        self._starting = Lock()
        self._starts = 0
        self._notBefore = 0.0
        self._isClosed = False
        self._running = Running(kind, settings, processes, self._folders)

    def close(self) -> None:
        """
        End them; they also end when this is forgotten, and with the server.
        """
        self._isClosed = True
        self._running.close()

    def ask(self, name: bytes, password: bytes, peer: str | None, until: float) -> Answer:
        """
        Ask for a verdict, and wait for it.

        @param name: the name.
        @param password: the password, or the key.
        @param peer: the address of the peer, if it is known.
        @param until: how long to wait, as L{time.monotonic} counts.
        """
        notes: list[str] = []
        try:
            running = self._current(until, notes)
            answer = running.ask(name, password, peer, until)
        except OSError as error:
            why = f"the processes that check logins are gone ({error})"
            what = "the next login starts others"
            if not self._mayStart:
                what = "restart the server"
            answer = unsure(name, f"{why}; {what}")
        return replace(answer, notes=(*notes, *answer.notes))

    @property
    def _mayStart(self) -> bool:
        """
        Whether others would have the privileges that these have.
        """
        isRoot = not os.geteuid()
        return not self._isClosed and (isRoot or _privileges() == self._privileges)

    def _current(self, until: float, notes: list[str]) -> Running:
        """
        Return the processes that run; others, if they have ended.

        @param notes: what the log should be told is added to it.

        @raise OSError: if there are none now.
        """
        if self._isClosed or not self._running.isOver:
            return self._running
        if not self._mayStart:
            notes.append(_RESTART)
            raise OSError("they were killed")
        if not self._starting.acquire(timeout=max(until - time.monotonic(), 0)):
            raise OSError("others are just being started")
        try:
            if self._running.isOver:
                self._startOthers(notes)
        finally:
            self._starting.release()
        return self._running

    def _startOthers(self, notes: list[str]) -> None:
        """
        Start others in place of those that have ended.

        @raise OSError: if they can't be started, or that was done a moment ago.
        """
        if time.monotonic() < self._notBefore:
            raise OSError("others have ended as well, a moment ago")
        self._notBefore = time.monotonic() + _PAUSE
        try:
            running = Running(self._kind, self._settings, self.processes, self._folders)
        except ValueError as error:
            raise OSError(str(error)) from None
        # Those who still ask the old ones notice by themselves, and then they are
        # forgotten.
        self._running = running
        if self._isClosed:
            running.close()
        self._starts += 1
        notes.append(
            "The processes that check logins had ended and were started again "
            f"(no. {self._starts})"
        )


def _privileges() -> tuple[object, ...]:
    """
    Tell which privileges this process has.
    """
    return os.geteuid(), os.getegid(), sorted(os.getgroups())


__all__ = ["Answer", "Helper"]
