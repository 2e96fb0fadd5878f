"""
SCRAM keys that are in users' entries (RFC 5803), and what they are like.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from threading import Lock

from .._scram import (
    DOVECOT,
    HASHES,
    MOST_ITERATIONS,
    NAMES,
    POSTGRESQL,
    ScramKeys,
    keysIn,
)

# The forms of keys: how each begins, the hash that it is for, and the rest.  Other values
# are hashes of other kinds.
_FORMS = [
    *((b"{%s}" % NAMES[hash], hash, DOVECOT[hash]) for hash in HASHES),
    *((b"", hash, POSTGRESQL[hash]) for hash in HASHES),
]
_beginning = re.compile(rb"\{?SCRAM-SHA-", re.IGNORECASE)

# RFC 3112 allows spaces around what separates the parts of a value.
_separator = re.compile(rb" *\$ *")

# So many values of an entry are parsed, each of up to so many bytes.
_MOST_VALUES, _LONGEST_VALUE = 64, 1024

# The count and the size of the salt of most programs: it is that of the examples in
# RFC 7677, and what PostgreSQL and doveadm write.
_USUAL = (4096, 16)

# The keys of so many users are remembered.
_MOST_REMEMBERED = 256


def keysAmong(values: Iterable[bytes]) -> tuple[dict[str, ScramKeys], str]:
    """
    Return the keys that an entry holds for each hash, and what is wrong with other values
    that look like keys; nothing if all is well.

    A client can be asked for one password only.  Of several keys for one hash those count
    whose password is hashed most often, whatever the order in which the directory returns
    them.
    """
    keys: dict[str, ScramKeys] = {}
    flaw = ""
    known = sorted({value.strip() for value in values})
    written = [value for value in known if _beginning.match(value)]
    for value in written[:_MOST_VALUES]:
        try:
            one = _parse(value)
        except ValueError as error:
            flaw = str(error)
        else:
            other = keys.get(one.hash)
            if other is None or one.iterations > other.iterations:
                keys[one.hash] = one
    return keys, flaw


def _parse(value: bytes) -> ScramKeys:
    """
    Return the keys in a value.

    @raise ValueError: if it holds none that can be used.
    """
    if len(value) > _LONGEST_VALUE:
        raise ValueError("a value is too long for keys")
    text = _separator.sub(b"$", value)
    for start, hash, form in _FORMS:
        if text[: len(start)].upper() == start:
            with suppress(ValueError):
                keys = keysIn(form, hash, text[len(start) :])
                break
    else:
        raise ValueError("a value that begins like keys holds none")
    if keys.iterations > MOST_ITERATIONS:
        raise ValueError(f"a value asks for {keys.iterations} iterations")
    return keys


class KnownKeys:
    """
    What the keys of a directory's users are like, as far as that is known.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._forms: dict[str, list[tuple[str, int, int]]] = {}

    def add(self, dn: str, keys: Mapping[str, ScramKeys]) -> None:
        """
        Remember what a user's keys are like.

        @param dn: the DN of the user's entry.
        @param keys: the keys for each hash.
        """
        forms = [(one.hash, one.iterations, len(one.salt)) for one in keys.values()]
        with self._lock:
            self._forms.pop(dn, None)
            self._forms[dn] = forms
            if len(self._forms) > _MOST_REMEMBERED:
                del self._forms[next(iter(self._forms))]

    def hashes(self) -> Collection[str]:
        """
        Return the hashes for which users have keys; all while nothing is known.
        """
        return {hash for hash, _, _ in self._all()} or set(HASHES)

    def usual(self, hash: str) -> tuple[int, int]:
        """
        Return how often most passwords are hashed for a hash, and the size of their
        salts, in bytes; while nothing is known, what most programs choose.
        """
        counted = Counter(form[1:] for form in self._all() if form[0] == hash)
        # Of two that are as frequent always the same one.
        return max(counted, key=lambda form: (counted[form], form), default=_USUAL)

    def _all(self) -> list[tuple[str, int, int]]:
        """
        Return the hash, the count and the size of the salt of all keys.
        """
        with self._lock:
            return [form for forms in self._forms.values() for form in forms]


__all__ = ["KnownKeys", "keysAmong"]
