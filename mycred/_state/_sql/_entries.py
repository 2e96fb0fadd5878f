"""
The entries of shared state in a database: they are found, locked, written and deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

from ..._sql.client import Transaction
from .._buckets import KINDS
from . import _statements as sql

#: Later than every time, and what is later than that.
NEVER, _LATER = 1e12, 1e13

#: What the names of entries begin with: of passwords that were tried, of buckets, of
#: sources that are known, and of values.  Where there are too many the first two go.
ATTEMPT, BUCKET, KNOWN, VALUE = b"a", b"b", b"k", b"v"

# What comes after all names, and after all that begin with others.
_END, _AFTER = b"w", b"\xff"

# What drivers return of a column of bytes.
_BYTES = bytes, bytearray, memoryview


class Entry(NamedTuple):
    """
    An entry.

    @ivar empty: of a bucket: when it is empty, in seconds since 1970.  Of a password that
        was tried: how many logins with it were let through.
    @ivar last: when a guess was counted last.
    @ivar until: when the entry can be forgotten.
    @ivar kind: of a password that was tried: the kind of its source.
    """

    empty: float = 0.0
    last: float = 0.0
    until: float = 0.0
    kind: int = 0


#: An entry that isn't there.
NOTHING = Entry()


class Old(NamedTuple):
    """
    Entries that can be forgotten.

    @ivar before: before which time.
    @ivar names: their names.
    """

    before: float
    names: list[bytes]


class Entries:
    """
    The entries, within a transaction.
    """

    def __init__(self, transaction: Transaction, ahead: float = 0.0) -> None:
        """
        @param transaction: the transaction.
        @param ahead: how much later it is than the database says, in seconds.
        """
        self._transaction = transaction
        self._dialect = transaction.dialect
        self._ahead = ahead

    def find(self, names: Iterable[bytes]) -> tuple[Mapping[bytes, Entry], float]:
        """
        Return those of some entries that are there, by their names, and the time at the
        database, in seconds since 1970.
        """
        places, values = _listed(names)
        statement = sql.FIND.format(now=sql.NOW[self._dialect], names=places)
        rows = self._transaction.execute(statement, **values).rows
        now = next(float(row[1]) for row in rows if row[0] is None)
        found = [row for row in rows if row[0] is not None]
        return {bytes(row[0]): _entryOf(row) for row in found}, now + self._ahead

    def lock(
        self, names: Iterable[bytes], also: Iterable[bytes] = ()
    ) -> tuple[Mapping[bytes, Entry], float]:
        """
        Lock entries, which are made where there are none, and find out what they are and
        what time it is from then on.

        All processes lock them in the same order, so that none waits for another that
        waits for it.

        @param also: the names of entries that are found, and not locked.
        """
        ordered = sorted(names)
        places, values = _listed(ordered)
        statement = sql.LOCK_THEM.format(
            names=places, force=sql.FORCE[self._dialect], lock=sql.LOCK[self._dialect]
        )
        locked = None
        # Another process may delete one that has ended, between the two statements.
        while locked != len(ordered):
            self._insert(dict.fromkeys(ordered, NOTHING), sql.ADD[self._dialect])
            locked = len(self._transaction.execute(statement, **values).rows)
        return self.find([*ordered, *also])

    def write(self, entries: Mapping[bytes, Entry]) -> None:
        """
        Write entries, those that are there and those that aren't.
        """
        if entries:
            self._insert(entries, sql.REPLACE[self._dialect])

    def remove(self, names: Iterable[bytes]) -> None:
        """
        Delete entries.
        """
        every = list(names)
        if every:
            self.removeOld(Old(_LATER, every))

    def ended(self, most: int) -> Old:
        """
        Return some of the entries that can be forgotten.

        @param most: how many.
        """
        _, now = self.find(())
        return self._old(now, _END, most)

    def first(self, most: int) -> Old:
        """
        Return some of the entries that could be forgotten soonest, except values, and
        sources that are known: nobody makes those who knows no password.
        """
        return self._old(NEVER, KNOWN, most)

    def removeOld(self, old: Old) -> int:
        """
        Delete entries that can be forgotten, unless they were changed meanwhile.

        @return: how many were deleted.
        """
        places, values = _listed(old.names)
        statement = sql.DELETE[self._dialect].format(names=places)
        return self._transaction.execute(statement, before=old.before, **values).count

    def beyond(self, prefix: bytes, most: int) -> list[bytes]:
        """
        Return the names of entries that begin with a prefix, except those that are to be
        kept longest.

        @param most: how many of those.
        """
        statement, high = sql.BEYOND.format(most=most), prefix + _AFTER
        rows = self._transaction.execute(statement, low=prefix, high=high).rows
        return [bytes(row[0]) for row in rows]

    def count(self) -> int:
        """
        Return how many entries there are of those that L{first} returns.
        """
        return int(self._transaction.execute(sql.COUNT, below=KNOWN).rows[0][0])

    def value(self, key: bytes) -> bytes | None:
        """
        Return a value; L{None} if there is none, or it is too old.
        """
        statement = sql.VALUE.format(now=sql.NOW[self._dialect])
        rows = self._transaction.execute(statement, name=VALUE + key).rows
        if not rows:
            return None
        content, until, now = rows[0]
        isThere = _isTime(until) and until > now + self._ahead
        return bytes(content) if isThere and isinstance(content, _BYTES) else None

    def replaceValue(
        self, key: bytes, old: bytes | None, new: bytes, seconds: float
    ) -> bool:
        """
        Set a value, if it is what the caller thinks.

        @param old: what it must be; L{None} if there must be none.
        @param seconds: for how long it is kept; 0 for ever.

        @return: whether it was set.
        """
        name = VALUE + key
        _, now = self.lock([name])
        if self.value(key) != old:
            return False
        until = now + seconds if seconds else NEVER
        self._transaction.execute(sql.SET_VALUE, name=name, new=new, until=until)
        return True

    def _old(self, before: float, below: bytes, most: int) -> Old:
        """
        Return some of the entries that can be forgotten before a time.
        """
        rows = self._transaction.execute(
            sql.OLD, before=before, below=below, most=most
        ).rows
        return Old(before, [bytes(row[0]) for row in rows])

    def _insert(self, entries: Mapping[bytes, Entry], existing: str) -> None:
        """
        Insert entries in the order of their names.

        @param existing: what becomes of those that are there.
        """
        rows: list[str] = []
        values: dict[str, object] = {}
        for i, name in enumerate(sorted(entries)):
            row = {f"n{i}": name, **{f"{c}{i}": v for c, v in zip("eluk", entries[name])}}
            rows.append(f"({', '.join(f':{each}' for each in row)})")
            values.update(row)
        statement = sql.INSERT.format(rows=", ".join(rows), existing=existing)
        self._transaction.execute(statement, **values)


def _listed(names: Iterable[bytes]) -> tuple[str, dict[str, object]]:
    """
    Return names as a list in a statement, and the values to bind.
    """
    values: dict[str, object] = {f"n{i}": name for i, name in enumerate(names)}
    return ", ".join(f":{key}" for key in values) or "null", values


def _entryOf(row: Sequence[Any]) -> Entry:
    """
    Return the entry in a row; one that this program can't have written is as if it
    weren't there.
    """
    _, empty, last, until, kind = row
    if kind in KINDS and _isTime(empty) and _isTime(last) and _isTime(until):
        return Entry(empty, last, until, kind)
    return NOTHING


def _isTime(value: object) -> TypeGuard[float]:
    """
    Return whether a value is a time, or at least a number of such a size.
    """
    return isinstance(value, float) and 0.0 <= value <= NEVER


__all__ = ["ATTEMPT", "BUCKET", "KNOWN", "NOTHING", "VALUE", "Entries", "Entry", "Old"]
