"""
The nonces of HTTP Digest that clients have used, so that no answer is taken twice.

An answer counts once it was found right: wrong ones, which any client can send, take no
memory, and push no other nonce out.  A nonce that has to be forgotten is never taken
again: for each source of clients, and for all of them, it is known up to which time those
nonces are void that aren't remembered.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple, Union

from twisted.internet.defer import Deferred

_NEVER = float("-inf")

# What a state keeps of a nonce: the highest count, and which ones were seen.
_STATE = re.compile(rb"([0-9a-f]{1,8}) ([0-9a-f]{1,32})")


class Answer(NamedTuple):
    """
    What an answer to a challenge uses up, if it is right.

    @ivar nonce: the nonce of the challenge.
    @ivar nonceCount: how often the client says that it has used the nonce.
    @ivar cnonce: the client's nonce; L{None} where nothing depends on it later.
    @ivar issued: when the challenge was made, in seconds.
    @ivar source: where the client comes from, as from
        L{networkOf<mycred._peers.networkOf>}.
    """

    nonce: bytes
    nonceCount: int
    cnonce: bytes | None
    issued: int
    source: bytes


class NonceUse:
    """
    The counts with which a client has used one nonce.

    A browser may send requests over several connections, so that counts arrive
    out of order: the highest is kept, and of the L{WINDOW} before it which ones
    were seen, as RFC 4303 (section 3.4.3) does it for packets.

    @ivar cnonce: the client's nonce in the first right answer.
    @ivar issued: when the challenge was made.
    @ivar source: where the client comes from.
    """

    WINDOW = 128

    __slots__ = ("_highest", "_seen", "cnonce", "issued", "source")

    def __init__(self, first: Answer) -> None:
        """
        @param first: the first right answer, which isn't claimed by this yet.
        """
        self.cnonce = first.cnonce
        self.issued = first.issued
        self.source = first.source
        self._highest = 0
        self._seen = 0

    def isFree(self, count: int) -> bool:
        """
        Return whether a count can be taken: it wasn't taken before, and isn't so far
        behind that this isn't known any more.
        """
        behind = self._highest - count
        return behind < 0 or (behind < self.WINDOW and not self._seen >> behind & 1)

    def claim(self, count: int) -> bool:
        """
        Take a count.

        @return: whether it could be taken.
        """
        if not self.isFree(count):
            return False
        ahead = count - self._highest
        if ahead > 0:
            kept = self._seen << ahead if ahead < self.WINDOW else 0
            self._seen = kept & ((1 << self.WINDOW) - 1)
            self._highest = count
        self._seen |= 1 << (self._highest - count)
        return True

    def state(self) -> bytes:
        """
        Return the counts, as bytes.
        """
        return b"%x %x" % (self._highest, self._seen)

    def resume(self, state: bytes) -> bool:
        """
        Go on with the counts that another object has.

        @param state: its L{state}; empty if there is none.

        @return: whether it was one.
        """
        match = _STATE.fullmatch(state)
        if match is not None:
            self._highest, self._seen = (int(each, 16) for each in match.groups())
        return match is not None or not state


class UsedNonces:
    """
    The nonces with which clients have logged in.

    @ivar most: how many are remembered.
    """

    most = 50_000

    #: If no source has as many as this, there are too many sources to forget one by one.
    _FEW = 16

    def __init__(
        self, now: Callable[[], int], lifetime: Callable[[], float], skew: int = 0
    ) -> None:
        """
        @param now: returns the time, in seconds.
        @param lifetime: returns how long a nonce is good, in seconds.
        @param skew: by how much the clock may be ahead that a challenge was made by, in
            seconds.
        """
        self._now = now
        self._lifetime = lifetime
        self._skew = skew
        # In the order in which they were used first.
        self._uses: OrderedDict[bytes, NonceUse] = OrderedDict()
        self._ofSource: dict[bytes, set[bytes]] = {}
        # Up to which time nonces are void that aren't remembered: of all sources, and of
        # one.
        self._floor = _NEVER
        self._floors: OrderedDict[bytes, float] = OrderedDict()
        # A checker may verify answers in a thread.
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._uses)

    def newest(self, source: bytes) -> int:
        """
        Return the time that a challenge for this source carries: later than all that was
        forgotten of the source, even if that is in the future, so that the challenge is
        good.
        """
        return int(max(self._now(), self._floorOf(source) + 1))

    def isGood(self, answer: Answer) -> bool:
        """
        Return whether an answer could be taken, if it is right.
        """
        expired = self._now() - answer.issued > self._lifetime()
        # Another server with the same key may have made it, by a clock of its own.
        if expired or answer.issued > self.newest(answer.source) + self._skew:
            return False
        use = self._uses.get(answer.nonce)
        if use is not None:
            return use.isFree(answer.nonceCount)
        return answer.issued > self._floorOf(answer.source)

    def sessionCNonce(self, answer: Answer) -> bytes | None:
        """
        Return the client's nonce from the first right answer with the same nonce.
        """
        return self._uses.get(answer.nonce, answer).cnonce

    def claim(self, answer: Answer) -> bool:
        """
        Take an answer that is right, so that it isn't taken again.

        @return: whether it could be taken.
        """
        with self._lock:
            self._forgetExpired()
            if not self.isGood(answer):
                return False
            if answer.nonce not in self._uses:
                self._uses[answer.nonce] = NonceUse(answer)
                self._ofSource.setdefault(answer.source, set()).add(answer.nonce)
                if len(self._uses) + len(self._floors) > self.most:
                    self._makeRoom(answer.nonce)
            return self._uses[answer.nonce].claim(answer.nonceCount)

    def _floorOf(self, source: bytes) -> float:
        """
        Return up to which time nonces of a source are void that aren't remembered.
        """
        return max(self._floor, self._floors.get(source, _NEVER))

    def _forgetExpired(self) -> None:
        """
        Forget the nonces that are too old.  A clock that is set back doesn't make them
        good again.
        """
        expired = self._now() - self._lifetime()
        while self._uses:
            nonce, use = next(iter(self._uses.items()))
            if use.issued >= expired:
                break
            self._floor = max(self._floor, self._forget(nonce))
        while self._floors:
            source, floor = next(iter(self._floors.items()))
            if floor >= expired:
                break
            self._floor = max(self._floor, floor)
            del self._floors[source]

    def _makeRoom(self, kept: bytes) -> None:
        """
        Forget the nonces of the source that has most, and remember that they are void.

        @param kept: the nonce that isn't forgotten.
        """
        source = max(self._ofSource, key=lambda source: len(self._ofSource[source]))
        isOfAll = len(self._ofSource[source]) < self._FEW
        nonces = self._uses if isOfAll else self._ofSource[source]
        gone = [nonce for nonce in nonces if nonce != kept]
        floor = max((self._forget(nonce) for nonce in gone), default=self._floor)
        if isOfAll:
            self._floor = max(self._floor, floor, *self._floors.values())
            self._floors.clear()
        else:
            self._floors[source] = max(floor, self._floors.pop(source, floor))

    def _forget(self, nonce: bytes) -> int:
        """
        Forget a nonce.

        @return: the time up to which nonces of its source, or of all, are void for that.
        """
        use = self._uses.pop(nonce)
        ofSource = self._ofSource[use.source]
        ofSource.remove(nonce)
        if not ofSource:
            del self._ofSource[use.source]
        return use.issued


class Claim:
    """
    What one answer uses up, once however many checkers find it right.
    """

    def __init__(
        self,
        nonces: UsedNonces,
        answer: Answer,
        share: Callable[[Answer], Deferred[bool]] | None = None,
    ) -> None:
        """
        @param nonces: where it is remembered.
        @param answer: the answer.
        @param share: what takes it for all processes that share a state, once it is
            taken here; L{None} if there are no others.
        """
        self._nonces = nonces
        self._answer = answer
        self._share = share
        self._isTaken = False
        self._sharing: Deferred[bool] | None = None

    def sessionCNonce(self) -> bytes | None:
        """
        Return the client's nonce with which the session began, for the C{-sess}
        algorithms: that of this answer, if it is the first.
        """
        return self._nonces.sessionCNonce(self._answer)

    def take(self) -> Union[bool, Deferred[bool]]:
        """
        Take the answer, which is right.

        @return: whether it could be taken, or was by this; or a L{Deferred} that fires
            with that.
        """
        self._isTaken = self._isTaken or self._nonces.claim(self._answer)
        if self._share is None or not self._isTaken:
            return self._isTaken
        if self._sharing is None:
            self._sharing = self._share(self._answer)
        # Each caller gets one of their own, which may be cancelled.
        taking: Deferred[bool] = Deferred()

        def tell(isTaken: bool) -> bool:
            taking.callback(isTaken)
            return isTaken

        self._sharing.addCallback(tell)
        return taking


__all__ = ["Answer", "Claim", "NonceUse", "UsedNonces"]
