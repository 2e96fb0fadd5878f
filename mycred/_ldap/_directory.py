"""
A login against a directory: find the user, bind as them, and decide whether they may log
in.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from secrets import token_hex

from .._secrets import asBytes
from .._timing import Timing
from .._verdict import Kind, Verdict
from ..error import DenialReason
from ._entries import (
    LOCKS,
    User,
    lockOf,
    nameFromTyped,
    nameOf,
    userFromIdentity,
    userFromOwnEntry,
    valuesOf,
)
from ._groups import TELLING, Membership, groupsIn
from ._session import NO_ATTRIBUTES, Bound, Session
from ._settings import Search, Settings
from .client._bindresult import BAD_NAME, BindResult
from .client._errors import BadName, Cut, Fault, Unsure
from .client._filters import ANYTHING
from .client._messages import BASE, SearchEntry
from .client._opener import OpeningSettings, ServiceAccount
from .client._server import Server, Servers

# Characters that no user name of Active Directory has, or that lead to another domain.
_odd = re.compile(r'["/\\\[\]:;|=,+*?<>@]')

# How many of a user's groups are shown in a step.
_MOST_SHOWN = 20


class Directory:
    """
    A directory, as threads see it.

    @cvar shortestRefusal: a refusal takes at least so long, in seconds: reactors count in
        milliseconds, and so a wait may take a millisecond longer than it should, which
        mustn't tell that there was one.
    @ivar failover: its servers.
    """

    shortestRefusal = 0.05

    def __init__(self, settings: Settings) -> None:
        """
        @param settings: where it is, and which of its users may log in.
        """
        self._settings = settings
        self._notes: deque[str] = deque(maxlen=100)
        opening = OpeningSettings(
            settings.security,
            settings.context,
            ServiceAccount(*settings.account),
            settings.policy,
        )
        self.failover = Servers(
            [partial(Server, address, opening) for address in settings.addresses],
            "server of the directory",
            timeout=settings.timeout,
            note=self._notes.append,
        )
        self._membership = None
        if settings.groups is not None:
            self._membership = Membership(settings.groups, settings.attribute)
        self._timing = Timing()

    def lookUp(
        self, name: bytes, password: bytes, until: float, isWatched: bool = False
    ) -> Verdict:
        """
        Return whether a user may log in with a password.

        @param name: the name that they typed, in UTF-8.
        @param password: the password.
        @param until: the deadline, by L{time.monotonic}.
        @param isWatched: whether to record the steps.
        """
        session = self.session(until, isWatched)
        search, typed = self._settings.search, name.decode("utf-8")
        with self._timing.underWay():
            try:
                if search is None:
                    verdict = self._logInDirectly(session, typed, password)
                else:
                    verdict = self._logInBySearch(session, search, typed, password)
            except (Fault, Unsure) as error:
                verdict = Verdict(Kind.UNSURE, name, str(error))
        verdict = conclude(session, verdict)
        isRefused = verdict.kind is Kind.REFUSED
        return self._delayed(session, verdict) if isRefused else verdict

    def lookFor(
        self, name: bytes, attribute: str, until: float, isWatched: bool = False
    ) -> Verdict:
        """
        Return the values of an attribute of a user, and whether they may log in,
        without a password.  Accounts that are disabled, by the attributes of OpenLDAP,
        389 Directory Server and Active Directory, may not; what a directory would say
        to a bind isn't known.

        @param name: the name of the user, in UTF-8.
        @param attribute: the attribute.
        @param until: the deadline, by L{time.monotonic}.
        @param isWatched: whether to record the steps.
        """
        search, typed = self._settings.search, name.decode("utf-8")
        if search is None:
            raise ValueError("with dn= or upn= no user is found without a password")
        session = self.session(until, isWatched)
        values: tuple[bytes, ...] = ()
        try:
            wanted = (attribute, *LOCKS)
            entry, why = self.find(session, search, typed, wanted)
            if entry is None:
                verdict = Verdict(Kind.REFUSED, name, why)
            else:
                lock = lockOf(entry)
                verdict = self.admit(session, self.userFrom(entry, typed))
                if lock is not None:
                    verdict = Verdict(Kind.DENIED, verdict.name, lock.value, lock)
                values = tuple(valuesOf(entry, attribute))
        except (Fault, Unsure) as error:
            verdict = Verdict(Kind.UNSURE, name, str(error))
        return conclude(session, verdict, values)

    def session(self, until: float, isWatched: bool = False) -> Session:
        """
        Return a login that begins now.

        @param until: the deadline, by L{time.monotonic}.
        @param isWatched: whether to record the steps.
        """
        return Session(self.failover, until, isWatched)

    def note(self, text: str) -> None:
        """
        Have the log told something.
        """
        self._notes.append(text)

    def takeNotes(self) -> Iterator[str]:
        """
        Yield the lines for the log about servers and passwords, each once.
        """
        while self._notes:
            yield self._notes.popleft()

    def close(self) -> None:
        """
        Close all connections.
        """
        self.failover.close()

    def _delayed(self, session: Session, verdict: Verdict) -> Verdict:
        """
        Return a refusal with the delay that makes it take as long as finding a user and
        verifying a password: the directory is quick with names that it doesn't know, and
        with accounts that are locked.
        """
        least, left = self._leastRefusal(), session.left()
        delay = max(0.0, min(least - session.elapsed(), left))
        return replace(verdict, delay=delay, pauses=self._pauses(least, left - delay))

    def _pauses(self, least: float, left: float) -> Iterator[float]:
        """
        Yield how much longer a refusal has to wait, in seconds, because other logins have
        taken longer meanwhile.

        @param least: how long it takes already, in seconds.
        @param left: how many seconds are left.
        """
        while (pause := min(self._leastRefusal() - least, left)) > 0:
            least, left = least + pause, left - pause
            yield pause

    def _leastRefusal(self) -> float:
        """
        Return how long a refusal takes at least, in seconds.
        """
        return max(self._timing.least(), self.shortestRefusal)

    def _logInBySearch(
        self, session: Session, search: Search, typed: str, password: bytes
    ) -> Verdict:
        """
        Find a user's entry, and bind with its DN.
        """
        entry, why = self.find(session, search, typed)
        if entry is None:
            return self._refuseUnknown(session, search, password, typed, why)
        result = session.bind(entry.dn, password)
        session.step(lambda: f"bind as {entry.dn}: {_described(result)}")
        if not result.matched or result.denial is not None:
            return self._rejected(session, result, typed)
        self._timing.accept(entry.dn, session.elapsed())
        return self.admit(session, self.userFrom(entry, typed), result)

    def _logInDirectly(self, session: Session, typed: str, password: bytes) -> Verdict:
        """
        Bind with a name that is made of the user's.
        """
        template = self._settings.dn
        if template is None and _odd.search(typed):
            return Verdict(Kind.REFUSED, asBytes(typed), "no user has such a name")
        name = self._bindName(typed)
        attribute = template.attribute if template else None
        try:
            bound = session.bindDirectly(name, password, attribute)
        except BadName:
            # Is it this name that can't be parsed, or each that the template makes?
            answer = session.bindUnknown(self._bindName(token_hex(8)), password)
            if answer is not None and answer.code in BAD_NAME:
                raise
            return Verdict(Kind.REFUSED, asBytes(typed), "no entry can have such a name")
        known = bound.entry.dn if bound.entry else bound.identity
        session.step(
            lambda: (
                f"bind as {name}: {_described(bound.result)}"
                + (f"; the directory calls them {known}" if known else "")
            )
        )
        if not bound.result.matched or bound.result.denial is not None:
            return self._rejected(session, bound.result, typed)
        user = self._userWhoBound(bound, name, typed)
        self._timing.accept(user.dn or bound.identity, session.elapsed())
        return self.admit(session, user, bound.result)

    def _userWhoBound(self, bound: Bound, name: str, typed: str) -> User:
        """
        Return the user who has bound without a search.

        @param name: the name with which they have bound.
        @param typed: what they have typed.

        @raise Unsure: if their name isn't clear.
        """
        template = self._settings.dn
        if bound.entry is not None and template is not None:
            return userFromOwnEntry(bound.entry, template, typed)
        if bound.identity:
            return userFromIdentity(bound.identity, template)
        return User(name, nameFromTyped(typed))

    def _bindName(self, typed: str) -> str:
        """
        Return the name with which a user binds without a search.
        """
        template = self._settings.dn
        return template.fill(typed) if template else f"{typed}@{self._settings.upn}"

    def find(
        self,
        session: Session,
        search: Search,
        typed: str,
        wanted: tuple[str, ...] = (),
    ) -> tuple[SearchEntry | None, str]:
        """
        Find the one entry of a user.

        @param wanted: attributes to return, beside those that a login takes.

        @return: the entry, or L{None} and why there is none.
        """
        telling = TELLING if self._membership else ()
        entries: Sequence[SearchEntry]
        more = []
        try:
            entries = session.search(
                search.base,
                search.scope,
                search.filter.fill(typed),
                (self._settings.attribute, *telling, *wanted),
                2,
            )
        except Cut as cut:
            entries, more = cut.entries, ["others, of which the directory tells no more"]
        found = [*(entry.dn for entry in entries), *more]
        session.step(
            lambda: (
                f"search at {search.base} for {search.filter.show(typed)}: "
                + (" and ".join(found) or "nothing")
            )
        )
        if len(found) == 1 and entries:
            return entries[0], ""
        if found:
            return None, "more than one entry matches: " + " and ".join(found)
        return None, "no entry matches"

    def _refuseUnknown(
        self, session: Session, search: Search, password: bytes, typed: str, why: str
    ) -> Verdict:
        """
        Refuse a name that the directory doesn't know, after the work that others take.
        The search has decided that, whatever the bind of a made-up name is answered.
        """
        # Any directory knows the attribute cn.
        session.bindUnknown(f"cn={token_hex(8)},{search.base}", password)
        session.step(lambda: "bind as an unknown user, so that it takes as long")
        return self._refuse(session, typed, why)

    def _rejected(self, session: Session, result: BindResult, typed: str) -> Verdict:
        """
        Return the verdict on a bind that failed, or that succeeded and doesn't let in.
        """
        if result.denial is not None:
            return Verdict(Kind.DENIED, asBytes(typed), result.why, result.denial)
        return self._refuse(session, typed, result.why)

    def _refuse(self, session: Session, typed: str, why: str) -> Verdict:
        """
        Return a refusal, and record how long it took.
        """
        self._timing.refuse(session.elapsed())
        return Verdict(Kind.REFUSED, asBytes(typed), why)

    def userFrom(self, entry: SearchEntry, typed: str) -> User:
        """
        Return the user of an entry that the search has found.

        @raise Unsure: if their name isn't clear.
        """
        name = nameOf(entry, self._settings.attribute, typed)
        return User(entry.dn, name, entry if self._membership else None)

    def admit(
        self, session: Session, user: User, result: BindResult | None = None
    ) -> Verdict:
        """
        Return whether an authenticated user may log in.

        @param result: the result of their bind, if they have bound.
        """
        why = self._objection(session, user)
        name = asBytes(user.name)
        if why:
            return Verdict(Kind.DENIED, name, why, DenialReason.POLICY)
        if result is not None and result.why:
            self._notes.append(f"{user.dn}: {result.why}")
        return Verdict(Kind.ACCEPTED, name)

    def _objection(self, session: Session, user: User) -> str:
        """
        Return why a user may not log in, or nothing if they may.
        """
        require, membership = self._settings.require, self._membership
        isUnread = membership is not None and user.entry is None
        if require is not None or isUnread:
            where = ANYTHING if require is None else require
            wanted = TELLING if isUnread else NO_ATTRIBUTES
            found = session.search(user.dn, BASE, where, wanted)
            if require is not None:
                session.step(lambda: f"require=: {'met' if found else 'not met'}")
            elif not found:
                raise Unsure(f"the entry {user.dn} can't be read")
            if not found:
                return "the entry doesn't match require="
            user = user._replace(entry=user.entry or found[0])
        if membership is None:
            return ""
        return self._objectionToGroups(session, user, membership)

    def _objectionToGroups(
        self, session: Session, user: User, membership: Membership
    ) -> str:
        """
        Return why a user's groups don't let them in, or nothing if they do.
        """
        group = f"group={membership.where}"
        why = f"not a member of {group}"
        isMember = membership.includes(session, user)
        listed = () if user.entry is None else groupsIn(user.entry)
        said = " and ".join(listed[:_MOST_SHOWN])
        session.step(
            lambda: (
                (f"member of {group}" if isMember else why)
                + (f"; their entry says {said}" if said else "")
            )
        )
        return "" if isMember else why


def conclude(
    session: Session, verdict: Verdict, values: tuple[bytes, ...] = ()
) -> Verdict:
    """
    Return a verdict with the steps that led to it.

    @param values: the values that were asked for.
    """
    session.step(
        lambda: f"verdict: {verdict.kind.value}" + (verdict.why and f", {verdict.why}")
    )
    if session.steps is None and not values:
        return verdict
    return replace(verdict, steps=tuple(session.steps or ()), values=values)


def _described(result: BindResult) -> str:
    """
    Return what the result of a bind means, in words.
    """
    said = "right" if result.matched else "not right"
    return f"{said} ({result.why})" if result.why else said


__all__ = ["Directory", "conclude"]
