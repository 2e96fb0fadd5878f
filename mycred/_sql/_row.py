"""
The columns that a query brings, and what a row of them says about a user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, NamedTuple

from .._secrets import asBytes
from .._verdict import KnownUser, SQLAccount
from ..error import DenialReason
from ._values import (
    readFact,
    readFlag,
    readID,
    readKeys,
    readMoment,
    readNames,
    readText,
)

#: The columns with keys of SCRAM, of which all but the last must be there together.
SCRAM_COLUMNS = (
    "scram_salt",
    "scram_iterations",
    "scram_stored_key",
    "scram_server_key",
    "scram_hash",
)

#: What is known of an account: how the value of each column is parsed.
FACTS: dict[str, Callable[[object], Any]] = {
    "uid": readID,
    "gid": readID,
    "home": readFact,
    "shell": readFact,
    "groups": readNames,
}


def _isPast(now: float, value: object) -> bool:
    """
    Return whether a point in time has come.
    """
    moment = readMoment(value)
    return moment is not None and moment <= now


def _isSet(now: float, value: object) -> bool:
    """
    Return whether a flag is set.
    """
    return readFlag(value)


#: Columns that deny an account: what tells by the time and the value whether each does,
#: and the reason.
DENIALS: dict[str, tuple[Callable[[float, object], bool], DenialReason]] = {
    "disabled": (_isSet, DenialReason.DISABLED),
    "expires": (_isPast, DenialReason.EXPIRED),
    "must_change": (_isSet, DenialReason.PASSWORD_EXPIRED),
}

#: All columns.
COLUMNS = ("name", "password", *SCRAM_COLUMNS, *DENIALS, *FACTS)


class Flaw(NamedTuple):
    """
    A value that makes no sense.

    @ivar column: the column.
    @ivar why: what would be right.
    """

    column: str
    why: str

    def __str__(self) -> str:
        """
        Return what the log is told.
        """
        return f"{self.column}: {self.why}"


class Columns:
    """
    The columns of one query.

    @ivar names: the columns, in the order of the query.
    @ivar hasKeys: whether there are keys of SCRAM.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """
        @param names: the names of the columns, in the order of the query.

        @raise ValueError: if one is missing, unknown, or there twice.
        """
        self.names = tuple(name.lower() for name in names)
        for name in self.names:
            _checkName(name)
            if self.names.count(name) > 1:
                raise ValueError(f"the column {name} is there twice")
        known = set(self.names)
        self.hasKeys = bool(known.intersection(SCRAM_COLUMNS))
        needed = [*SCRAM_COLUMNS[:-1]] if self.hasKeys else ["password"]
        for name in ["name", *needed]:
            if name not in known:
                raise ValueError(f"there is no column {name}; write ... as {name}")
        self._index = {name: number for number, name in enumerate(self.names)}
        self._denials = {name: how for name, how in DENIALS.items() if name in known}
        self._facts = {name: read for name, read in FACTS.items() if name in known}

    def nameIn(self, row: Sequence[object]) -> str | None:
        """
        Return the name of the user in a row; L{None} if there is none.

        @raise ValueError: if it is no text.
        """
        return readText(row[self._index["name"]])

    def userIn(
        self, row: Sequence[object], now: float, flaws: list[Flaw]
    ) -> KnownUser | None:
        """
        Return the user in a row.

        @param row: the row, which has a name.
        @param now: the time, in seconds since 1970.
        @param flaws: a list that gets what makes no sense.  Such a value never lets in
            a user who wouldn't be let in without it.
        """
        values = dict(zip(self.names, row))
        reading = _Reading(values, flaws)
        name = reading.read("name", readText)
        if name is None:
            return None
        password = reading.read("password", readText)
        keys = reading.keys() if self.hasKeys else None
        damaged = len(flaws)
        account = self._account(name, reading)
        denial = self._denial(reading, now)
        if denial is None and len(flaws) > damaged:
            denial = DenialReason.POLICY
        stored = None if password is None else asBytes(password)
        return KnownUser(asBytes(name), stored, denial, keys, account)

    def _denial(self, reading: _Reading, now: float) -> DenialReason | None:
        """
        Return the first reason why an account may not be used.
        """
        for name, (applies, reason) in self._denials.items():
            if reading.read(name, partial(applies, now)):
                return reason
        return None

    def _account(self, name: str, reading: _Reading) -> SQLAccount | None:
        """
        Return what is known of an account; L{None} if the query doesn't ask for anything.
        """
        if not self._facts:
            return None
        facts = {key: reading.read(key, read) for key, read in self._facts.items()}
        # Where a value makes no sense the account is denied, so nobody sees this.
        facts["groups"] = facts.get("groups") or ()
        return SQLAccount(name, **facts)


class _Reading:
    """
    The values of a row, as they are parsed.
    """

    def __init__(self, values: Mapping[str, object], flaws: list[Flaw]) -> None:
        self._values = values
        self._flaws = flaws

    def read(self, column: str, read: Callable[[object], Any]) -> Any:
        """
        Return what the value of a column means; L{None} if it makes no sense.
        """
        try:
            return read(self._values.get(column))
        except ValueError as error:
            self._flaws.append(Flaw(column, str(error)))
            return None

    def keys(self) -> bytes | None:
        """
        Return the keys of SCRAM; L{None} if there are none, or they make no sense.
        """
        values = {name: self._values.get(name) for name in SCRAM_COLUMNS}
        try:
            return readKeys(values)
        except ValueError as error:
            self._flaws.append(Flaw("scram_stored_key and the others", str(error)))
            return None


def _checkName(name: str) -> None:
    """
    Refuse a column that isn't known: by a typing error in its name an account could stay
    open that should be closed.

    @raise ValueError: if it isn't known.
    """
    if name in COLUMNS:
        return
    similar = get_close_matches(name, COLUMNS, 1)
    if similar:
        raise ValueError(f"there is no column {name}, did you mean {similar[0]}?")
    raise ValueError(f"there is no column {name}, write some of {', '.join(COLUMNS)}")


__all__ = ["COLUMNS", "DENIALS", "FACTS", "SCRAM_COLUMNS", "Columns", "Flaw"]
