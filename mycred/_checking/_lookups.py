"""
Look-ups by a program's own method, for the public base of checkers: in a thread or not,
in time, and with the same work for users who are unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any, Protocol, TypeVar, Union

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.python.failure import Failure

from .._fairqueue import Source
from .._hashes import Hash, UnusableHash, isMeantAsHash, recognize
from .._passwordfile import Notes, StoredSecret, verdictOn
from .._secrets import asBytes, shortened
from .._verdict import NO_SUCH_USER, Kind, Note, Verdict
from ..error import DenialReason
from ..workers import Workers
from ._stores import AsyncStore, unavailable

#: What a store knows of a user: the name, what is stored, and perhaps why the account
#: may not be used.
Known = Union[
    "tuple[bytes | str, bytes | str]",
    "tuple[bytes | str, bytes | str, DenialReason | None]",
]

_T = TypeVar("_T")

# What an unknown user's password is verified against before any hash has been seen: of
# nobody's password, as "mycred passwd" makes it.
_DECOY = b"$2y$12$gfYkH/U/qdhQyYKztkHfn.AM3dWWzhMIfAsTYY3hSNJ/BLM.bNzja"

# Of so many users it is remembered what kind of hash they have.
_MOST_REMEMBERED = 64


class Looker(Protocol):
    """
    What L{LookUps} asks: a L{PasswordChecker<mycred.checkers.PasswordChecker>}.
    """

    inThread: bool
    plain: bool
    workers: Workers | None

    @property
    def lookUp(self) -> Callable[[bytes], object]: ...


class LookUps(AsyncStore):
    """
    The look-ups of a checker whose C{lookUp} is a program's own, and what is remembered
    of them: the kinds of hashes that users have, and what is odd.
    """

    def __init__(self, checker: Looker) -> None:
        """
        @param checker: the checker.
        """
        name = getattr(checker, "authType", type(checker).__name__)
        super().__init__(name, checker.workers)
        self._checker = checker
        self._notes = Notes(name, more="")
        self._underWay = 0
        self._lock = Lock()
        # By the name of their user, those that were verified last.
        self._hashes: dict[bytes, Hash] = {}

    def lookUp(
        self, name: bytes, password: bytes | None, source: Source
    ) -> Deferred[Verdict]:
        """
        Look a user up and verify the password.
        """
        if self._checker.inThread:
            return self.ask(self._find, name, password, source=source)

        def cbFound(known: Known | None) -> Any:
            verify = partial(self._verify, known, name, password)
            if password is None or not self._takesTime(known):
                return self.now(verify)
            return self.ask(verify, source=source)

        if self._underWay >= self.workers.queueLimit:
            return fail(unavailable("too many look-ups are under way"))
        self._underWay += 1
        looking: Deferred[Any] = maybeDeferred(self._checker.lookUp, name)
        finding: Deferred[Known | None] = self._inTime(looking)
        verdict: Deferred[Verdict] = finding.addCallback(cbFound)
        return verdict.addErrback(self.ebFailed)

    def _inTime(self, finding: Deferred[_T]) -> Deferred[_T]:
        """
        Have a look-up of a program's own end by the deadline of the workers.
        """
        if not self.workers.isRunning:
            # Without a reactor no time passes.
            return finding.addBoth(self._cbEnded)
        late = []

        def giveUp(_: object) -> None:
            late.append(unavailable("it takes too long"))
            finding.cancel()

        # It is cancelled when the look-up ends before.
        timer = self.workers.pause(self.workers.deadline)
        timer.addCallbacks(giveUp, lambda _: None)

        def cbEnded(result: _T | Failure) -> _T | Failure:
            timer.cancel()
            self._cbEnded(result)
            return Failure(late[0]) if late else result

        return finding.addBoth(cbEnded)

    def _cbEnded(self, result: _T) -> _T:
        """
        Make room for another look-up.
        """
        self._underWay -= 1
        return result

    def _find(self, name: bytes, password: bytes | None) -> Verdict:
        """
        Look a user up and verify the password, in a thread.
        """
        known: Any = self._checker.lookUp(name)
        return self._verify(known, name, password)

    def _takesTime(self, known: Known | None) -> bool:
        """
        Return whether a password is verified against a hash.
        """
        isPlain = self._checker.plain
        return (
            bool(self._hashes) or not isPlain or _parse(known, isPlain).hash is not None
        )

    def _verify(
        self, known: Known | None, name: bytes, password: bytes | None
    ) -> Verdict:
        """
        Verify a password against what is known of a user, or against another user's hash
        if that is nothing.
        """
        stored, decoys = _parse(known, self._checker.plain), self._decoys()
        if stored.flaw:
            self._note(stored)
        if password is not None:
            flaw, stored = stored.flaw, stored.verified(password, decoys)
            if stored.flaw and not flaw:
                self._note(stored)
        if stored.hash is not None:
            self._remember(stored.name, stored.hash)
        if known is None:
            return Verdict(Kind.REFUSED, name, NO_SUCH_USER)
        verdict = verdictOn(stored, isVerified=password is not None)
        return replace(verdict, denial=known[2] if len(known) > 2 else None)

    def _remember(self, name: bytes, found: Hash) -> None:
        """
        Remember the hash of a user.
        """
        with self._lock:
            self._hashes.pop(name, None)
            self._hashes[name] = found
            if len(self._hashes) > _MOST_REMEMBERED:
                del self._hashes[next(iter(self._hashes))]

    def _decoys(self) -> list[Hash]:
        """
        Return the hash to verify an unknown user's password against: of the kind that
        most users have who were asked for lately.
        """
        with self._lock:
            hashes = list(self._hashes.values())
        if not hashes:
            return [] if self._checker.plain else [recognize(_DECOY)]
        [(common, _)] = Counter(found.kind for found in hashes).most_common(1)
        return [found for found in hashes if found.kind == common]

    def _note(self, stored: StoredSecret) -> None:
        """
        Note that nothing can match what is stored for a user.
        """
        self._notes.add(
            stored.name,
            "{file}: {name!r}: {reason}; it matches nothing",
            name=shortened(stored.name),
            reason=stored.flaw,
        )

    def _takeNotes(self) -> Iterable[Note]:
        """
        Take what the log should be told.
        """
        return self._notes.take()


def _parse(known: Known | None, isPlain: bool) -> StoredSecret:
    """
    Parse what is known of a user.
    """
    if known is None:
        return StoredSecret(None)
    return parseStored(asBytes(known[0]), asBytes(known[1]), isPlain)


def parseStored(name: object, stored: object, isPlain: bool) -> StoredSecret:
    """
    Parse what a program has stored for a user.

    @param isPlain: whether what doesn't begin like a hash is a password.
    """
    secret = asBytes(stored)
    isHash = isinstance(secret, bytes) and isMeantAsHash(secret)
    if isPlain and not isHash:
        return StoredSecret(name, stored)
    try:
        found = recognize(secret if isinstance(secret, bytes) else b"")
    except UnusableHash as error:
        return StoredSecret(name, flaw=str(error))
    if found.isPlain:
        return StoredSecret(name, found.text)
    return StoredSecret(name, hash=found)


__all__ = ["Known", "LookUps", "parseStored"]
