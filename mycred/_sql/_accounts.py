"""
The accounts in a database, as threads see them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from secrets import token_hex

from .._failover import Fault, together
from .._hashes import UnusableHash, recognize
from .._secrets import LONGEST, printable, shortened
from .._steps import Steps
from .._verdict import NO_SUCH_USER, Kind, KnownUser, Nobody, Verdict
from ._row import Columns, Flaw
from ._settings import Settings
from ._updates import replaceHash, tryUpdate
from .client import BadRow, BadStatement, BadValue, Database, DatabaseURL, Result

# So many kinds of things that are odd are remembered, to be logged once.
_MOST_REMEMBERED = 100

# With C{like} in place of C{=} whoever types this has the database send all its users.
_WILDCARD = "%"


class Accounts:
    """
    The accounts in a database.

    @ivar database: the database.
    """

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        """
        @param settings: where they are, and how they are found.
        @param now: a function that returns the time, in seconds since 1970.
        """
        self._settings = settings
        self.database = self._makeDatabase(settings.urls)
        self._now = now
        self._isChecked = False
        self._columns: dict[tuple[str, ...], Columns] = {}
        self._notes: deque[str] = deque(maxlen=_MOST_REMEMBERED)
        self._noted: deque[str] = deque(maxlen=_MOST_REMEMBERED)
        self._last: tuple[Columns, Sequence[object]] | None = None

    def lookUp(self, name: bytes, until: float, isWatched: bool = False) -> Verdict:
        """
        Look a user up.

        @param name: the name that was typed.
        @param until: the deadline, by L{time.monotonic}.
        @param isWatched: whether to record the steps.

        @return: a verdict whose secret is a L{KnownUser} or L{Nobody}; it is
            C{UNSURE} if that can't be found out now.
        """
        steps = Steps(isWatched)
        try:
            found = self._find(name, until, steps)
            verdict = Verdict(Kind.REFUSED, name, secret=found)
        except BadStatement as error:
            self._note(f"accounts can't be looked up: {error}")
            verdict = Verdict(Kind.UNSURE, name, str(error))
        except Fault as error:
            verdict = Verdict(Kind.UNSURE, name, str(error))
        return replace(verdict, steps=tuple(steps.steps)) if steps.steps else verdict

    def check(self, until: float) -> tuple[str, ...]:
        """
        Have each server execute the query, for a user whom nobody is, and one of them the
        update, over connections of their own: this process may fork before it needs one
        again.

        @param until: the deadline, by L{time.monotonic}.

        @return: why servers can't be used now, where another one can.

        @raise Fault: if none can be used now.
        @raise BadStatement: if one refuses a statement, or what that does can't be used.
        """
        urls, update = self._settings.urls, self._settings.update
        faults: list[Fault] = []
        for others, url in zip(reversed(range(len(urls))), urls):
            now = time.monotonic()
            try:
                with closing(self._makeDatabase([url])) as database:
                    self._checkQuery(database, now + (until - now) / (others + 1))
            except Fault as fault:
                faults.append(fault)
        if len(faults) == len(urls):
            raise together(faults)
        if update is not None:
            with _about("update"), closing(self._makeDatabase(urls)) as database:
                tryUpdate(database, update, until)
        return tuple(map(str, faults))

    def update(self, name: bytes, hash: bytes, old: bytes, until: float) -> bool:
        """
        Replace the hash of a user.

        @param name: their name, as the database spells it.
        @param hash: the new one.
        @param old: what was stored.
        @param until: the deadline, by L{time.monotonic}.

        @return: whether a row was changed.

        @raise Fault: if the database can't be used now.
        @raise BadStatement: if it refuses the statement, or that changes several rows.
        @raise BadValue: if no row could hold the hash.
        """
        statement = self._settings.update
        if statement is None:
            return False
        return replaceHash(self.database, statement, name, hash, old, until)

    @property
    def haveKeys(self) -> bool:
        """
        Whether the query brings keys of SCRAM, as far as that is known.
        """
        return any(columns.hasKeys for columns in tuple(self._columns.values()))

    def takeNotes(self) -> Iterator[str]:
        """
        Yield the lines for the log about servers and rows, each once.
        """
        yield from self.database.takeNotes()
        while self._notes:
            yield self._notes.popleft()

    def close(self) -> None:
        """
        Close all connections.
        """
        self.database.close()

    def _makeDatabase(self, urls: Sequence[DatabaseURL]) -> Database:
        """
        Return the database on some of its servers, without a connection.
        """
        settings = self._settings
        return Database(urls, timeout=settings.timeout, connections=settings.connections)

    def _checkQuery(self, database: Database, until: float) -> None:
        """
        Have the database execute the query, for a user whom nobody is.
        """
        with _about("query"):
            for nobody in (token_hex(16), _WILDCARD):
                result = self._query(database, nobody, until)
                columns = self._columnsOf(result)
                found = {columns.nameIn(row) for row in result.rows}
                # Which may be the name of a user.
                if found - {None, "", _WILDCARD}:
                    raise BadStatement(
                        "it finds users of any name; write where ... = :username"
                    )
        self._isChecked = True

    def _find(self, name: bytes, until: float, steps: Steps) -> KnownUser | Nobody:
        """
        Return the user with a name.

        @param steps: what records what was done.

        @raise Fault: if the database can't be used now.
        @raise BadStatement: if it refuses the query, or what that brings can't be used.
        """
        typed = _decoded(name)
        if typed is None:
            return Nobody("no user has such a name")
        if not self._isChecked:
            # Not the update, which another server than the first may refuse.
            self._checkQuery(self.database, until)
        names = self._settings.names
        asked = names.asked(typed)
        if not asked:
            return Nobody("nothing stands before the domain")
        try:
            result = self._query(self.database, asked, until)
        except BadRow as error:
            self._note(f"the row of {shortened(asked)!r} can't be used: {error}")
            return Nobody("the row can't be used")
        except BadValue as error:
            return Nobody(f"{NO_SUCH_USER}: {printable(str(error))}")
        columns = self._columnsOf(result)
        query = self._settings.query
        steps.step(lambda: f"query at {result.server}: {_inOneLine(query)}")
        steps.step(
            lambda: f"{_counted(len(result.rows), 'row')} of {', '.join(columns.names)}"
        )
        if names.isForeign(asked):
            return Nobody("the name is in another domain")
        return self._userAmong(result.rows, columns, asked, steps)

    def _userAmong(
        self,
        rows: Sequence[Sequence[object]],
        columns: Columns,
        asked: str,
        steps: Steps,
    ) -> KnownUser | Nobody:
        """
        Return the user with a name, among some rows.
        """
        folded = self._settings.names.folded
        found, others = [], 0
        for row in rows:
            try:
                name = columns.nameIn(row)
            except ValueError as error:
                self._note(f"a row can't be used: name: {error}")
                continue
            if name is not None and folded(name) == asked:
                found.append(row)
            else:
                others += 1
        if others:
            steps.step(lambda: f"{_counted(others, 'row')} of other names, not counted")
        if not found:
            self._readLast()
            return Nobody()
        if len(found) > 1:
            self._note(f"{shortened(asked)!r} has {len(found)} rows; none of them counts")
            return Nobody("more than one row has this name")
        flaws: list[Flaw] = []
        self._last = columns, found[0]
        user = columns.userIn(found[0], self._now(), flaws)
        for flaw in flaws:
            self._note(f"{shortened(asked)!r}: {flaw}")
        if user is None:
            return Nobody()
        steps.step(lambda: _described(user))
        return user

    def _readLast(self) -> None:
        """
        Read the row of the user who was found last once more, where nobody was found,
        since it takes time.
        """
        if self._last is not None:
            columns, row = self._last
            columns.userIn(row, self._now(), [])

    def _query(self, database: Database, asked: str, until: float) -> Result:
        """
        Execute the query.
        """
        return database.read(self._settings.query, {"username": asked}, until)

    def _columnsOf(self, result: Result) -> Columns:
        """
        Return the columns of what the query has brought.

        @raise BadStatement: if they can't be used.
        """
        known = self._columns.get(result.columns)
        if known is None:
            try:
                known = self._columns[result.columns] = Columns(result.columns)
            except ValueError as error:
                raise BadStatement(str(error)) from None
        return known

    def _note(self, text: str) -> None:
        """
        Have the log told something, unless it was lately.
        """
        if text not in self._noted:
            self._noted.append(text)
            self._notes.append(printable(text))


@contextmanager
def _about(key: str) -> Iterator[None]:
    """
    Name the option whose statement can't be used.
    """
    try:
        yield
    except (BadStatement, BadValue, ValueError) as error:
        raise BadStatement(f"{key}: {_inOneLine(str(error))}") from None


def _described(user: KnownUser) -> str:
    """
    Return what a row says about a user, without what is secret.
    """
    said = [f"user {user.name.decode('utf-8')!r}"]
    if user.stored is not None:
        said.append(f"a password ({_kindOf(user.stored)})")
    if user.keys is not None:
        said.append(f"keys of {_kindOf(user.keys)}")
    if user.denial is not None:
        said.append(user.denial.value)
    return ", ".join(said)


def _kindOf(stored: bytes) -> str:
    """
    Return the name of the scheme of a hash, or why it can't be used.
    """
    try:
        return recognize(stored).scheme.name
    except UnusableHash as error:
        return str(error)


def _counted(number: int, noun: str) -> str:
    """
    Return how many things there are, in words.
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _inOneLine(text: str) -> str:
    """
    Return a text in one line.
    """
    return " ".join(text.split())


def _decoded(name: bytes) -> str | None:
    """
    Return a name as text; L{None} if it can't be that of a user.
    """
    if not 0 < len(name) <= LONGEST or b"\0" in name:
        return None
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return None


__all__ = ["Accounts"]
