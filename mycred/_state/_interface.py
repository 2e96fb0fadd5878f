"""
What a home of shared state does.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

from zope.interface import Interface

from twisted.internet.defer import Deferred


class Limit(NamedTuple):
    """
    How many guesses are free, and how the pauses after them grow.

    The failures of a bucket are its level, which falls by one each C{forget} seconds.
    While it is at most C{free} there is no pause.  Above that a guess is followed by a
    pause of 1 s, the next by one of 2 s, then 4, and so on up to C{longest}.  The level
    never grows further than that needs, so that what lasted long is forgotten as fast.

    @ivar free: how many failures cost nothing.
    @ivar longest: the longest pause, in seconds.
    @ivar forget: after how many seconds one failure is forgotten.
    """

    free: int
    longest: float
    forget: float


class Bucket(NamedTuple):
    """
    Something whose failures are counted: a source of clients, an account, or a pair of
    both.

    @ivar table: which buckets push each other out where memory is limited, such as those
        of IPv6 networks: a short name, one of a few.
    @ivar key: what it is, as 8 bytes of a keyed digest.
    @ivar limit: its limit.
    """

    table: str
    key: bytes
    limit: Limit


class Guess(NamedTuple):
    """
    What a login may cost, if it fails.

    @ivar account: the account, as 8 bytes of a keyed digest.
    @ivar pair: the bucket of the account and the source together; L{None} if the source
        isn't known.
    @ivar newcomers: the other buckets that count for a source that hasn't failed at this
        account lately: of the source, of its network, of all such sources at this
        account.
    @ivar strangers: those that count once it has: of the source, of its network, of the
        account.
    @ivar tried: what the password was, as 8 bytes of a keyed digest of the pair and the
        password; L{None} if that can't be known.  The same costs once.
    @ivar remember: for how long a source that has logged in is known, in seconds.
    """

    account: bytes
    pair: Bucket | None
    newcomers: tuple[Bucket, ...]
    strangers: tuple[Bucket, ...]
    tried: bytes | None
    remember: float


class Reservation(NamedTuple):
    """
    The answer to a guess.

    @ivar wait: for how long no such login may be tried, in seconds; 0 if this one may be.
    @ivar token: what L{ISharedState.settle} needs; opaque.  With L{None} nothing was
        counted here.
    @ivar isKnown: whether it is let through as one from a source that has logged in to
        the account lately.
    """

    wait: float
    token: Any = None
    isKnown: bool = False


class Outcome(Enum):
    """
    How a login that was let through has ended, where that isn't a failure.
    """

    #: The password was right.
    RIGHT = "right"
    #: Nothing was learned about the password.
    UNKNOWN = "unknown"


class ISharedState(Interface):
    """
    A home of shared state.

    Each method returns what it says, or a L{Deferred} that fires with it.  A Deferred
    fails with L{StateUnavailable<mycred._state._errors.StateUnavailable>} if the home
    can't be reached in time.
    """

    def reserve(guess: Guess) -> Reservation | Deferred[Reservation]:
        """
        Let a login through, and count it as a failure, before its password is verified;
        or, if one of its buckets is in a pause, let it wait, and count nothing.

        All at once for all processes: of many guesses at a time no more are let through
        than of as many one after the other.

        A source that is known for the account has only the pair's bucket.  One whose pair
        has no failure within L{LATELY<mycred._state._buckets.LATELY>} has those of
        newcomers besides, another one those of strangers; so has a login without a pair.

        What was tried already costs nothing, and still waits.
        """

    def settle(
        guess: Guess, reservation: Reservation, outcome: Outcome
    ) -> Deferred[None] | None:
        """
        Take back what L{reserve} has counted.  It is called at most once for each login
        that was let through, and not for one that has failed.

        What the same password has cost together is taken back once: when one of these
        logins turns out right, or nothing was learned from any of them.

        After the right password the pair is as if it had never failed, unless that was so
        within the last C{forget} seconds already (L{isForgiven
        <mycred._state._buckets.isForgiven>}); and the source is known for the account,
        until C{remember} has passed since.  Of an account the
        L{MOST_KNOWN<mycred._state._buckets.MOST_KNOWN>} sources that have logged in last
        are known at least, unless memory ends.  The other buckets get back what this
        login has cost them, and nothing more.
        """

    def recall(key: bytes) -> bytes | Deferred[bytes | None] | None:
        """
        Return the value of a key; L{None} if there is none, or it is too old.

        @param key: at most 64 bytes.
        """

    def compareAndSet(
        key: bytes, old: bytes | None, new: bytes, seconds: float
    ) -> bool | Deferred[bool]:
        """
        Set the value of a key, if it is what the caller thinks.

        @param old: the value that it must have; L{None} if there must be none.
        @param new: the value that it gets; at most 4,096 bytes.
        @param seconds: for how long it is kept; 0 for ever, as long as there is room.

        @return: whether it was set.
        """

    def close() -> Deferred[Any] | None:
        """
        Give up connections.
        """


__all__ = ["Bucket", "Guess", "ISharedState", "Limit", "Outcome", "Reservation"]
