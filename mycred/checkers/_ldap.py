"""
Check passwords against an LDAP directory.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._checking._accounts import AccountChecker
from .._contracts import ICredentialsChecker
from .._fairqueue import Source
from .._ldap import Directory, Seen, Settings
from .._peers import sourceOf
from .._secrets import LONGEST, printable
from .._verdict import Kind, Verdict
from ..error import LoginFailed, TemporaryFailure
from ..workers import Workers

# They wait for the network, and for hashes that the directory verifies; with more of
# them they get into each other's way.
_THREADS = 6

# What part of the time that a login may take the directory has for it: the rest is for
# the log to be told how it ended.
_SHARE = 29 / 30

# Whoever has waited for a thread for a larger part of it isn't begun with.
_LATEST = 3 / 4


@implementer(ICredentialsChecker)
class LDAPChecker(AccountChecker):
    """
    Whoever can bind to an LDAP directory, and is let in by what it says of him.

    The avatar ID is the user's name as the directory spells it.  While the directory
    can't be asked, logins are temporary failures; other checkers beside this one work.
    """

    authType = "ldap"

    # As a password policy has it.
    countsRefusals = True

    def __init__(self, settings: Settings, *, workers: Workers | None = None) -> None:
        """
        @param settings: where the directory is, and who of it is let in
            (L{ldapSettings<mycred.checkers.ldap.ldapSettings>}).
        @param workers: the threads that wait for it, and for nothing else; if L{None},
            six of the reactor that is installed.
        """
        self.looks = Looks(settings, workers)

    def close(self) -> None:
        """
        Close the connections to the directory.
        """
        self.looks.directory.close()

    def _isPlausible(self, name: bytes, password: bytes) -> bool:
        """
        Tell whether a directory could know such a name, and such a password.
        """
        return isPlausibleName(name) and (
            isinstance(password, bytes)
            and 0 < len(password) <= self.longestPassword
            and b"\0" not in password
        )

    def _lookUp(
        self, name: bytes, password: bytes, credentials: Any
    ) -> Deferred[Verdict]:
        """
        Have the directory find a verdict.
        """
        looking: Deferred[Any]
        look, source = self.looks.directory.look, sourceOf(credentials)
        looking = self.looks.run(look, name, password, source=source)
        return looking.addCallback(self._cbSeen)

    def _cbSeen(self, seen: Seen) -> Any:
        """
        Let whom the directory doesn't know wait as long as others.
        """
        if seen.verdict.kind is not Kind.REFUSED:
            return seen.verdict
        return self._pause(seen.verdict.delay, seen)

    def _pause(self, seconds: float, seen: Seen) -> Deferred[Verdict]:
        """
        Wait, and then as long as others take.
        """

        def cbPaused(_: object) -> Any:
            more = next(seen.pauses, None)
            return seen.verdict if more is None else self._pause(more, seen)

        pausing = self.looks.workers.pause(seconds)
        # Who has gone meanwhile was refused all the same, as the log is told.
        return pausing.addCallbacks(cbPaused, lambda _: seen.verdict)


class Looks:
    """
    Looks at a directory, made in threads.

    @ivar directory: the directory.
    @ivar isWatched: whether the log is told each step.
    """

    _log = Logger()

    def __init__(self, settings: Settings, workers: Workers | None) -> None:
        """
        @param settings: where the directory is.
        @param workers: the threads.
        """
        self.directory = Directory(settings)
        self.isWatched = False
        self._timeout = settings.timeout
        self._workers = workers

    @property
    def workers(self) -> Workers:
        """
        The threads.
        """
        if self._workers is None:
            from twisted.internet import reactor

            self._workers = Workers(reactor, _THREADS, deadline=self._timeout)
        return self._workers

    def run(
        self, look: Callable[..., Seen], *args: object, source: Source = ()
    ) -> Deferred[Seen]:
        """
        Have the directory looked at.

        @param look: a method of the directory.
        @param args: what to call it with; until when, and whether it is watched, are
            added.
        @param source: who asks.

        @return: a L{Deferred} that fails with L{TemporaryFailure} if it takes too long
            or too many wait.
        """
        # From now on, however long it waits for a thread.
        now = time.monotonic()
        until = now + self._timeout * _SHARE
        looking: Deferred[Any]
        latest = now + self._timeout * _LATEST
        asked = (look, *args, until, self.isWatched)
        looking = self.workers.run(self._inTime, latest, *asked, source=source)
        return looking.addCallbacks(self._cbSeen, self._ebSeen)

    def _inTime(self, latest: float, look: Callable[..., Seen], *args: Any) -> Seen:
        """
        Look, in a thread, if there is time: otherwise whoever comes next has some.
        When more come than a directory can serve, all would begin too late.

        @param latest: when to begin at the latest.
        """
        if time.monotonic() > latest:
            why = "too many logins wait for the directory"
            return Seen(Verdict(Kind.UNSURE, args[0], why), [])
        return look(*args)

    def _cbSeen(self, seen: Seen) -> Seen:
        """
        Log what was found out.
        """
        self._logNotes()
        for step in seen.steps:
            self._log.debug("{step}", step=printable(step))
        return seen

    def _ebSeen(self, failure: Failure) -> Failure:
        """
        Tell what has failed on this side.
        """
        self._logNotes()
        if failure.check(LoginFailed, CancelledError):
            return failure
        self._log.failure("A look at the directory failed", failure)
        return Failure(TemporaryFailure("Temporarily unavailable"))

    def _logNotes(self) -> None:
        """
        Log what threads have found out about servers.
        """
        for note in self.directory.takeNotes():
            self._log.warn("{note}", note=printable(note))


def isPlausibleName(name: object) -> bool:
    """
    Tell whether a directory could know such a name: it is text, and no spaces only,
    which a directory takes for nothing.
    """
    if not isinstance(name, bytes) or len(name) > LONGEST or b"\0" in name:
        return False
    try:
        return bool(name.decode("utf-8").strip())
    except UnicodeDecodeError:
        return False


__all__ = ["LDAPChecker", "Looks", "isPlausibleName"]
