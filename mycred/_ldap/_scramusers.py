"""
A login by SCRAM against a directory: find the user's keys, and, when the user has proved
that they know the password, decide whether they may log in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from threading import Lock
from typing import NamedTuple

from .._scram import mechanismOf
from .._secrets import asBytes
from .._timing import Timing
from .._verdict import Kind, Verdict
from ._directory import Directory, conclude
from ._entries import valuesOf
from ._scramkeys import KnownKeys, keysAmong
from ._session import Session
from ._settings import Search
from ._standing import SAYING, denialBy
from .client._dn import comparedName
from .client._errors import Cut, Fault, Unsure
from .client._filters import encodeFilter
from .client._messages import SearchEntry

# So many entries are looked at to learn what keys are like, and for so many seconds.
_SAMPLE, _PATIENCE = 64, 1.0


class Usual(NamedTuple):
    """
    What the keys of a user would be like, if there were one of this name.

    @ivar iterations: how often the password would be hashed.
    @ivar saltSize: the size of the salt, in bytes.
    @ivar name: the name, in the form in which the directory compares it.
    """

    iterations: int
    saltSize: int
    name: bytes


class ScramUsers:
    """
    The users of a directory whose entries hold SCRAM keys, as threads see them.

    @cvar shortestLookUp: a look-up takes at least so long, in seconds.
    """

    shortestLookUp = Directory.shortestRefusal

    def __init__(
        self,
        directory: Directory,
        search: Search,
        attribute: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        @param directory: the directory.
        @param search: how a user's entry is found.
        @param attribute: the attribute that holds keys.
        @param now: a function that returns the time, in seconds since 1970.
        """
        self._now = now
        self._directory = directory
        self._search = search
        self._attribute = attribute
        self._isSampled = False
        self._sampling = Lock()
        self._timing = Timing()
        self._known = KnownKeys()

    def lookUp(
        self, name: bytes, hash: str, until: float, isWatched: bool = False
    ) -> Verdict:
        """
        Return a verdict with a user's keys, whose secret is their entry; or, if there is
        none or they have no keys for this hash, what would be L{Usual}.

        The directory gets one search, whether it knows the name or not, and the answer
        takes as long.  Nothing else about the user is found out yet: the client hasn't
        proved anything.

        @param name: the name that the user typed, in UTF-8.
        @param hash: the hash that the keys must be for.
        @param until: the deadline, by L{time.monotonic}.
        @param isWatched: whether to record the steps.
        """
        directory = self._directory
        session = directory.session(until, isWatched)
        wanted = (self._attribute, *SAYING)
        try:
            entry, why = directory.find(
                session, self._search, name.decode("utf-8"), wanted
            )
        except (Fault, Unsure) as error:
            verdict = Verdict(Kind.UNSURE, name, str(error))
            return conclude(session, self._withUsual(verdict, hash))
        if entry is None:
            verdict = Verdict(Kind.REFUSED, name, why)
        else:
            verdict = self._verdictOn(name, hash, entry)
            self._timing.accept(entry.dn, session.elapsed())
        with self._sampling:
            if not self._isSampled:
                self._isSampled = True
                self._sample(until)
        verdict = self._withUsual(verdict, hash)
        return self._delayed(session, conclude(session, verdict))

    def admit(
        self, name: bytes, entry: SearchEntry, until: float, isWatched: bool = False
    ) -> Verdict:
        """
        Return whether a user who has proved that they know the password may log in.

        @param name: the name that they typed, in UTF-8.
        @param entry: their entry.
        @param until: the deadline, by L{time.monotonic}.
        @param isWatched: whether to record the steps.
        """
        directory = self._directory
        session = directory.session(until, isWatched)
        try:
            user = directory.userFrom(entry, name.decode("utf-8"))
            verdict = directory.admit(session, user)
        except (Fault, Unsure) as error:
            return conclude(session, Verdict(Kind.UNSURE, name, str(error)))
        denial = denialBy(entry, self._now())
        if denial is not None:
            verdict = Verdict(Kind.DENIED, verdict.name, denial.value, denial)
        return conclude(session, verdict)

    def hashes(self) -> Collection[str]:
        """
        Return the hashes for which users have keys, as far as that is known.
        """
        return self._known.hashes()

    def _withUsual(self, verdict: Verdict, hash: str) -> Verdict:
        """
        Return a verdict with what would be usual, unless it has keys.  That is found out
        for all names, so that each takes the same work.
        """
        compared = asBytes(comparedName(verdict.name.decode("utf-8")))
        usual = Usual(*self._known.usual(hash), compared)
        return replace(verdict, secret=verdict.secret or usual)

    def _verdictOn(self, name: bytes, hash: str, entry: SearchEntry) -> Verdict:
        """
        Return the verdict on a user by the keys in their entry.
        """
        keys, flaw = keysAmong(valuesOf(entry, self._attribute))
        if keys:
            self._known.add(entry.dn, keys)
        if hash in keys:
            why = "the password isn't proved yet"
            return Verdict(Kind.REFUSED, name, why, secret=entry, keys=keys[hash])
        why = f"no keys for {mechanismOf(hash)} in {self._attribute} of {entry.dn}"
        return Verdict(Kind.REFUSED, name, f"{why} ({flaw})" if flaw else why)

    def _sample(self, until: float) -> None:
        """
        Learn from some entries what keys are like, so that even the first user who is
        unknown looks like others.  If that fails, each user who is found teaches it.
        """
        session = self._directory.session(min(until, time.monotonic() + _PATIENCE))
        base, scope, _ = self._search
        hasKeys = encodeFilter(f"({self._attribute}=*)")
        with suppress(Fault, Unsure):
            try:
                wanted = (self._attribute,)
                entries = session.search(base, scope, hasKeys, wanted, _SAMPLE)
            except Cut as cut:
                entries = list(cut.entries)
            for entry in entries:
                keys, _ = keysAmong(valuesOf(entry, self._attribute))
                if keys:
                    self._known.add(entry.dn, keys)
            if not entries:
                self._directory.note(
                    f"scram={self._attribute}: the service account sees no entry below "
                    f"{base} that has this attribute; let it read it, and nobody else"
                )

    def _delayed(self, session: Session, verdict: Verdict) -> Verdict:
        """
        Return a verdict with the delay that makes a look-up take as long for a name that
        is known as for another: a little longer than nearly all take.
        """
        least = max(self._timing.least(), self.shortestLookUp)
        delay = max(0.0, min(least - session.elapsed(), session.left()))
        return replace(verdict, delay=delay)


__all__ = ["ScramUsers", "Usual"]
