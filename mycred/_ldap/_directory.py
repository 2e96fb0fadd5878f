"""
A login against a directory: find the user, bind as him, and tell whether he may in.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from secrets import token_hex

from .._secrets import asBytes
from .._timing import Pace
from .._verdict import Kind, Verdict
from ..error import DenialReason
from ._entries import (
    LOCKS,
    Person,
    lockOf,
    nameIn,
    nameTyped,
    personBehind,
    personBound,
    valuesOf,
)
from ._groups import TELLING, Membership, groupsIn
from ._session import NO_ATTRIBUTES, Session
from ._settings import Search, Settings
from .client._bindresult import BAD_NAME, Outcome
from .client._errors import BadName, Cut, Fault, Unsure
from .client._failover import Servers
from .client._filters import ANYTHING
from .client._messages import BASE, Entry
from .client._opener import Opening

# What none of Active Directory's user names has, and what leads to another domain.
_odd = re.compile(r'["/\\\[\]:;|=,+*?<>@]')

# A refusal takes at least so long, in seconds.  Whoever waits may wait a millisecond
# longer, which is how reactors count, and that mustn't tell what there was to wait for.
_SHORTEST_REFUSAL = 0.05

# So many of somebody's groups are told.
_MOST_TOLD = 20


class Directory:
    """
    A directory, as threads see it.
    """

    def __init__(self, settings: Settings) -> None:
        """
        @param settings: where it is, and who of it is let in.
        """
        self._settings = settings
        self._notes: deque[str] = deque(maxlen=100)
        self._servers = Servers(
            settings.addresses,
            Opening(
                settings.security, settings.context, settings.account, settings.policy
            ),
            timeout=settings.timeout,
            note=self._notes.append,
        )
        self._membership = None
        if settings.groups is not None:
            self._membership = Membership(settings.groups, settings.attribute)
        self._pace = Pace()

    def lookUp(
        self, name: bytes, password: bytes, until: float, isWatched: bool = False
    ) -> Verdict:
        """
        Find out whether somebody is let in by a password.

        @param name: his name, in UTF-8.
        @param password: the password.
        @param until: when to give up, by L{time.monotonic}.
        @param isWatched: whether somebody wants to know the steps.
        """
        session = Session(self._servers, until, isWatched)
        search, typed = self._settings.search, name.decode("utf-8")
        with self._pace.underWay():
            try:
                if search is None:
                    verdict = self._lookDirectly(session, typed, password)
                else:
                    verdict = self._lookBySearch(session, search, typed, password)
            except (Fault, Unsure) as trouble:
                verdict = Verdict(Kind.UNSURE, name, str(trouble))
        verdict = _conclude(session, verdict)
        isRefused = verdict.kind is Kind.REFUSED
        return self._delayed(session, verdict) if isRefused else verdict

    def lookFor(
        self, name: bytes, attribute: str, until: float, isWatched: bool = False
    ) -> Verdict:
        """
        Find what the entry of somebody holds who would be let in.  Accounts that are
        disabled, by what OpenLDAP, 389 Directory Server and Active Directory say of
        them, aren't; nobody binds who would be told more.

        @param name: his name, in UTF-8.
        @param attribute: what is wanted of the entry.
        @param until: when to give up, by L{time.monotonic}.
        @param isWatched: whether somebody wants to know the steps.

        @return: a verdict, and the values.
        """
        search, typed = self._settings.search, name.decode("utf-8")
        if search is None:
            raise ValueError("with dn= or upn= nobody is found without a password")
        session = Session(self._servers, until, isWatched)
        values: tuple[bytes, ...] = ()
        try:
            wanted = (attribute, *LOCKS)
            entry, why = self._find(session, search, typed, wanted)
            if entry is None:
                verdict = Verdict(Kind.REFUSED, name, why)
            else:
                lock = lockOf(entry)
                person = self._personIn(entry, typed)
                verdict = self._admit(session, person)
                if lock is not None:
                    verdict = Verdict(Kind.DENIED, verdict.name, lock.value, lock)
                values = tuple(valuesOf(entry, attribute))
        except (Fault, Unsure) as trouble:
            verdict = Verdict(Kind.UNSURE, name, str(trouble))
        return _conclude(session, verdict, values)

    def takeNotes(self) -> Iterator[str]:
        """
        Take what the log should be told of servers.
        """
        while self._notes:
            yield self._notes.popleft()

    def close(self) -> None:
        """
        Close all connections.
        """
        self._servers.close()

    def _delayed(self, session: Session, verdict: Verdict) -> Verdict:
        """
        Have a refusal take as long as it takes to find a user and verify a password: the
        directory is quick with those whom it doesn't know, or whose accounts are locked.
        """
        least, left = self._leastRefusal(), session.left()
        delay = max(0.0, min(least - session.elapsed(), left))
        return replace(verdict, delay=delay, pauses=self._pauses(least, left - delay))

    def _pauses(self, least: float, left: float) -> Iterator[float]:
        """
        Tell how much longer a refusal takes, since meanwhile others take longer.

        @param least: how long it takes already.
        @param left: how much time is left.
        """
        while (pause := min(self._leastRefusal() - least, left)) > 0:
            least, left = least + pause, left - pause
            yield pause

    def _leastRefusal(self) -> float:
        """
        Tell how long a refusal takes at least, in seconds.
        """
        return max(self._pace.least(), _SHORTEST_REFUSAL)

    def _lookBySearch(
        self, session: Session, search: Search, typed: str, password: bytes
    ) -> Verdict:
        """
        Find a user's entry, and bind with its name.
        """
        entry, why = self._find(session, search, typed)
        if entry is None:
            return self._refuseUnknown(session, search, password, typed, why)
        outcome = session.bind(entry.dn, password)
        session.step(lambda: f"bind as {entry.dn}: {_told(outcome)}")
        if not outcome.matched or outcome.denial is not None:
            return self._verdictOn(session, outcome, typed)
        self._pace.accept(entry.dn, session.elapsed())
        return self._admit(session, self._personIn(entry, typed), outcome)

    def _lookDirectly(self, session: Session, typed: str, password: bytes) -> Verdict:
        """
        Bind with a name that is made of the user's.
        """
        if self._settings.dn is None and _odd.search(typed):
            return Verdict(Kind.REFUSED, asBytes(typed), "no user has such a name")
        user = self._bindName(typed)
        template = self._settings.dn
        attribute = template.attribute if template else None
        try:
            outcome, own, identity = session.bindAs(user, password, attribute)
        except BadName:
            # Which of the two can't be read: what was typed, or all such names?
            answer = session.knock(self._bindName(token_hex(8)), password)
            if answer is not None and answer.code in BAD_NAME:
                raise
            return Verdict(Kind.REFUSED, asBytes(typed), "no entry can have such a name")
        known = own.dn if own else identity
        session.step(
            lambda: (
                f"bind as {user}: {_told(outcome)}"
                + (f"; the directory calls them {known}" if known else "")
            )
        )
        if not outcome.matched or outcome.denial is not None:
            return self._verdictOn(session, outcome, typed)
        if own is not None and template is not None:
            person = personBound(own, template, typed)
        elif identity:
            person = personBehind(identity, self._settings)
        else:
            person = Person(user, nameTyped(typed))
        self._pace.accept(person.dn or identity, session.elapsed())
        return self._admit(session, person, outcome)

    def _bindName(self, typed: str) -> str:
        """
        Make the name with which a user binds at once.
        """
        template = self._settings.dn
        return template.named(typed) if template else f"{typed}@{self._settings.upn}"

    def _find(
        self,
        session: Session,
        search: Search,
        typed: str,
        wanted: tuple[str, ...] = (),
    ) -> tuple[Entry | None, str]:
        """
        Find the one entry of a user.

        @return: the entry, or L{None} and why there is none.
        """
        telling = TELLING if self._membership else ()
        entries: Sequence[Entry]
        more = []
        try:
            entries = session.search(
                search.base,
                search.scope,
                search.filter.named(typed),
                (self._settings.attribute, *telling, *wanted),
                2,
            )
        except Cut as cut:
            entries, more = cut.entries, ["others, of which the directory tells no more"]
        found = [*(entry.dn for entry in entries), *more]
        session.step(
            lambda: (
                f"search at {search.base} for {search.filter.shown(typed)}: "
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
        The search has settled it, whatever is said to a name that is made up.
        """
        # Any directory knows a cn.
        session.knock(f"cn={token_hex(8)},{search.base}", password)
        session.step(lambda: "bind as nobody, so that it takes as long")
        return self._refuse(session, typed, why)

    def _verdictOn(self, session: Session, outcome: Outcome, typed: str) -> Verdict:
        """
        Turn a bind that doesn't let in into a verdict.
        """
        if outcome.denial is not None:
            return Verdict(Kind.DENIED, asBytes(typed), outcome.why, outcome.denial)
        return self._refuse(session, typed, outcome.why)

    def _refuse(self, session: Session, typed: str, why: str) -> Verdict:
        """
        Refuse somebody, and remember how long it took.
        """
        self._pace.refuse(session.elapsed())
        return Verdict(Kind.REFUSED, asBytes(typed), why)

    def _personIn(self, entry: Entry, typed: str) -> Person:
        """
        Tell who has an entry.

        @raise Unsure: if it doesn't say.
        """
        name = nameIn(entry, self._settings.attribute, typed)
        return Person(entry.dn, name, entry if self._membership else None)

    def _admit(
        self, session: Session, person: Person, outcome: Outcome | None = None
    ) -> Verdict:
        """
        Tell whether somebody who has proved who he is may in.
        """
        why = self._objection(session, person)
        name = asBytes(person.name)
        if why:
            return Verdict(Kind.DENIED, name, why, DenialReason.POLICY)
        if outcome is not None and outcome.why:
            self._notes.append(f"{person.dn}: {outcome.why}")
        return Verdict(Kind.ACCEPTED, name)

    def _objection(self, session: Session, person: Person) -> str:
        """
        Tell why somebody may not in; nothing if he may.
        """
        require = self._settings.require
        unread = self._membership is not None and person.entry is None
        if require is not None or unread:
            where = ANYTHING if require is None else require
            wanted = TELLING if unread else NO_ATTRIBUTES
            found = session.search(person.dn, BASE, where, wanted)
            if require is not None:
                session.step(lambda: f"require=: {'met' if found else 'not met'}")
            elif not found:
                raise Unsure(f"the entry {person.dn} can't be read")
            if not found:
                return "the entry doesn't match require="
            person = person._replace(entry=person.entry or found[0])
        if self._membership is not None:
            group = f"group={self._membership.where}"
            why = f"not a member of {group}"
            isMember = self._membership.holds(session, person)
            listed = () if person.entry is None else groupsIn(person.entry)
            said = " and ".join(listed[:_MOST_TOLD])
            session.step(
                lambda: (
                    (f"member of {group}" if isMember else why)
                    + (f"; their entry says {said}" if said else "")
                )
            )
            if not isMember:
                return why
        return ""


def _conclude(
    session: Session, verdict: Verdict, values: tuple[bytes, ...] = ()
) -> Verdict:
    """
    Put together what was found out.
    """
    session.step(
        lambda: f"verdict: {verdict.kind.value}" + (verdict.why and f", {verdict.why}")
    )
    return replace(verdict, steps=tuple(session.steps or ()), values=values)


def _told(outcome: Outcome) -> str:
    """
    Put an outcome into words.
    """
    said = "right" if outcome.matched else "not right"
    return f"{said} ({outcome.why})" if outcome.why else said


__all__ = ["Directory"]
