"""
Guesses in the entries of a database, by the rule of a bucket.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Union

from .._buckets import (
    KNOWN_SOURCE,
    LATELY,
    MOST_KNOWN,
    NEWCOMER,
    STRANGER,
    TRIED,
    Times,
    bucketsOf,
    charged,
    isForgiven,
    isNew,
    refunded,
    waitAt,
)
from .._interface import Bucket, Guess, Outcome
from ._entries import ATTEMPT, BUCKET, KNOWN, NOTHING, Entries, Entry

_Found = Mapping[bytes, Entry]

# How far apart guesses are that are counted in one transaction, in seconds.
_APART = 1e-6


class Token(NamedTuple):
    """
    What a guess was counted as.

    @ivar when: when it was counted, by the database's clock.
    @ivar kind: the kind of its source.
    """

    when: float
    kind: int


class Waits(NamedTuple):
    """
    That a guess has to wait, and nothing is counted.

    @ivar seconds: for how long.
    """

    seconds: float


#: What becomes of a guess: it waits, or is counted; or of which kind its source is, if
#: nothing of that is known yet.
Fate = Union[int, Waits, Token]


def seen(entries: Entries, guesses: Sequence[Guess]) -> list[Fate]:
    """
    Return which guesses have to wait, and of which kind the sources of the others are,
    without a lock: when there is one they may be of another.
    """
    names = [
        name
        for guess in guesses
        for kind in (NEWCOMER, STRANGER)
        for name in (*map(_nameOf, bucketsOf(guess, kind)), *_knownNames(guess))
    ]
    found, now = entries.find(dict.fromkeys(names))
    return [_fateOf(found, guess, _kindIn(found, guess, now), now) for guess in guesses]


def charge(entries: Entries, guesses: Sequence[tuple[Guess, int]]) -> list[Fate]:
    """
    Count guesses, one after another.

    @param guesses: each with the kind of its source, as L{seen} returns it.

    @return: what becomes of each; a kind, if its source is of another.
    """
    locked = {_nameOf(b) for guess, kind in guesses for b in bucketsOf(guess, kind)}
    also = {
        name
        for guess, _ in guesses
        for name in (*_triedNames(guess), *_knownNames(guess))
    }
    there, now = entries.lock(locked, also)
    found, written = dict(there), dict[bytes, Entry]()
    fates = []
    for number, (guess, kind) in enumerate(guesses):
        # No two are counted at the same time: by that they are told apart.
        at = now + number * _APART
        fate, changed = _charged(found, guess, kind, at)
        found.update(changed)
        written.update(changed)
        fates.append(fate)
    entries.write(written)
    # What was made to be locked, and isn't needed.
    entries.remove(n for n in locked - written.keys() if found.get(n) == NOTHING)
    return fates


def _charged(
    found: _Found, guess: Guess, kind: int, now: float
) -> tuple[Fate, Mapping[bytes, Entry]]:
    """
    Return what becomes of a guess, and the entries that change by that.
    """
    seenNow = _kindIn(found, guess, now)
    if seenNow != kind:
        return seenNow, {}
    fate = _fateOf(found, guess, kind, now)
    if isinstance(fate, Waits):
        return fate, {}
    tried = _triedNames(guess)
    for name in tried:
        count, when, until, before = found.get(name, NOTHING)
        if count and when + TRIED > now:
            return Token(when, before), {name: Entry(count + 1, when, until, before)}
    changed = {
        _nameOf(b): _entryOf(b, charged(_timesIn(found, b), now, b.limit), guess)
        for b in bucketsOf(guess, kind)
    }
    for name in tried:
        changed[name] = Entry(1.0, now, now + TRIED, kind)
    return Token(now, kind), changed


def settle(entries: Entries, guess: Guess, token: Token | None, outcome: Outcome) -> bool:
    """
    Take back what was counted.

    @param token: what the guess was counted as; L{None} if it wasn't.

    @return: whether the source is known from now on, and wasn't before.
    """
    buckets = bucketsOf(guess, KNOWN_SOURCE if token is None else token.kind)
    tried, known = _triedNames(guess), _knownNames(guess)
    found, now = entries.lock(map(_nameOf, buckets), also=[*tried, *known])
    left: dict[bytes, Entry] = {}
    if token is not None and _isLast(found, guess, token, outcome, left):
        for b in buckets:
            times = refunded(_timesIn(found, b), token.when, b.limit)
            left[_nameOf(b)] = _entryOf(b, times, guess)
    isRight = outcome is Outcome.RIGHT and guess.pair is not None
    if isRight and guess.pair is not None:
        until = max(found.get(name, NOTHING).until for name in known)
        if isForgiven(now, until, guess.remember, guess.pair.limit):
            left[_nameOf(guess.pair)] = NOTHING
            left.update(dict.fromkeys(known, Entry(until=now + guess.remember)))
    entries.write({name: each for name, each in left.items() if each.until > now})
    entries.remove([name for name, each in left.items() if each.until <= now])
    return isRight and not found.keys() & known


def _isLast(
    found: _Found,
    guess: Guess,
    token: Token,
    outcome: Outcome,
    left: dict[bytes, Entry],
) -> bool:
    """
    Return whether this login takes back what its password has cost: others with the same
    may share that, and it is taken back once.

    @param left: what gets the entry that is left of the password.
    """
    for name in _triedNames(guess):
        record = found.get(name, NOTHING)
        if record.last != token.when:
            return False
        isLast = outcome is Outcome.RIGHT or record.empty <= 1
        left[name] = NOTHING if isLast else record._replace(empty=record.empty - 1)
        return isLast
    return True


def surplus(entries: Entries, guess: Guess) -> Sequence[bytes]:
    """
    Return the names of the sources that are known for an account, and were so for so long
    that they can be forgotten.
    """
    return entries.beyond(_knownPrefix(guess), MOST_KNOWN)


def _kindIn(found: _Found, guess: Guess, now: float) -> int:
    """
    Return the kind of the source of a guess.
    """
    if guess.pair is None:
        return STRANGER
    if any(found.get(name, NOTHING).until > now for name in _knownNames(guess)):
        return KNOWN_SOURCE
    return NEWCOMER if isNew(now, _timesIn(found, guess.pair)) else STRANGER


def _fateOf(found: _Found, guess: Guess, kind: int, now: float) -> Fate:
    """
    Return that a guess has to wait, if a bucket that counts is in a pause; else the kind
    of its source.
    """
    buckets = bucketsOf(guess, kind)
    wait = max((waitAt(now, _timesIn(found, b), b.limit) for b in buckets), default=0.0)
    return Waits(wait) if wait > 0 else kind


def _timesIn(found: _Found, bucket: Bucket) -> Times:
    """
    Return a bucket's two times.
    """
    entry = found.get(_nameOf(bucket), NOTHING)
    return entry.empty, entry.last


def _entryOf(bucket: Bucket, times: Times, guess: Guess) -> Entry:
    """
    Return the entry of a bucket.  That of a pair says for longer that there was a
    failure.
    """
    empty, last = times
    isPair = bucket is guess.pair
    until = last + (LATELY if isPair else waitAt(last, times, bucket.limit))
    return Entry(empty, last, max(empty, until))


def _nameOf(bucket: Bucket) -> bytes:
    """
    Return the name of a bucket's entry.
    """
    return BUCKET + bucket.table.encode("ascii") + b":" + bucket.key


def _knownPrefix(guess: Guess) -> bytes:
    """
    Return what the names of all sources begin with that are known for the account.
    """
    return KNOWN + guess.account


def _knownNames(guess: Guess) -> Sequence[bytes]:
    """
    Return the name of the entry that says that the source is known, if there is one.
    """
    pair = guess.pair
    return () if pair is None else (_knownPrefix(guess) + _nameOf(pair),)


def _triedNames(guess: Guess) -> Sequence[bytes]:
    """
    Return the name of the entry that says that the password was tried, if that is known.
    """
    return () if guess.tried is None else (ATTEMPT + guess.tried,)


__all__ = ["Fate", "Token", "Waits", "charge", "seen", "settle", "surplus"]
