"""
Look-ups by a program's own method, for the public base of checkers: in a thread or not,
in time, and with the same work for users who are unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from threading import Lock
from typing import Any, Protocol, TypeVar, Union

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.python.failure import Failure

from .._fairqueue import Source
from .._hashes import Hash, UnusableHash, isMeantAsHash, isOutdated, recognize
from .._passwordfile import (
    Notes,
    ScramSurvey,
    StoredSecret,
    scramVerdict,
    verdictOn,
    verified,
)
from .._secrets import asBytes, shortened
from .._storedstate import NOBODY, stateDigest
from .._verdict import Kind, KnownUser, Nobody, Note, Verdict
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

# What a look-up returns, for who has written one that returns something else.
_RIGHT = "it returns None, or a name, a secret and perhaps a DenialReason"

# What has characters or bytes for items.
_TEXT = (str, bytes, bytearray, memoryview)

# What an unknown user's password is verified against before any hash has been seen: of
# nobody's password, as "mycred passwd" makes it.
_DECOY = b"$2y$12$gfYkH/U/qdhQyYKztkHfn.AM3dWWzhMIfAsTYY3hSNJ/BLM.bNzja"

# Stands for a user whose password is stored as it is.
_SOMEBODY = StoredSecret(b"somebody", b"password")

# What a program's own look-up has found where there is no such user.
_NOBODY = Nobody()

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

    def __init__(
        self,
        checker: Looker,
        find: Callable[[bytes, Source], object] | None = None,
        upgrades: bool = False,
    ) -> None:
        """
        @param checker: the checker.
        @param find: what is called in place of its C{lookUp}, with where the login comes
            from, too.  It may also return a L{KnownUser}, or L{Nobody}.
        @param upgrades: whether a verdict says that a hash is outdated.
        """
        name = getattr(checker, "authType", type(checker).__name__)
        super().__init__(name, checker.workers)
        self._checker = checker
        self._findUser = find
        self._upgrades = upgrades
        self._notes = Notes(name, more="")
        self._underWay = 0
        self._lock = Lock()
        # By the name of their user, those that were verified last.
        self._hashes: dict[bytes, Hash] = {}
        # What those have for SCRAM who were found last.
        self._found: dict[bytes, StoredSecret] = {}
        self._survey = ScramSurvey()
        if checker.plain:
            self._remember(b"", _SOMEBODY)
        self._sample: KnownUser | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """
        Stay behind when the checker is pickled: there it is L{None}.
        """
        return type(None), ()

    def isOf(self, checker: object) -> bool:
        """
        Return whether these are a checker's own: a copy of it has the same attributes.
        """
        return self._checker is checker

    def lookUp(
        self, name: bytes, password: bytes | None, source: Source
    ) -> Deferred[Verdict]:
        """
        Look a user up and verify the password.
        """

        def isSlow(found: KnownUser | Nobody) -> bool:
            return password is not None and self._takesTime(found)

        verify = partial(self._verify, name=name, password=password)
        return self._search(name, verify, isSlow, source)

    def lookUpKeys(
        self, name: bytes, hash: str, salt: bytes, source: Source
    ) -> Deferred[Verdict]:
        """
        Look a user up, for a client that proves the password by SCRAM.

        @return: a L{Deferred} that fires with a verdict as from
            L{scramVerdict<mycred._passwordfile.scramVerdict>}.
        """

        def isSlow(found: KnownUser | Nobody) -> bool:
            stored = self._keysOf(found)
            if hash in stored.scramHashes:
                return stored.isPlain
            usual = self._usual(hash)
            return usual is not None and usual.isPlain

        conclude = partial(self._keys, name=name, hash=hash, salt=salt)
        return self._search(name, conclude, isSlow, source)

    def stateOf(self, name: bytes, source: Source) -> Deferred[bytes]:
        """
        Return what is known of a user now, as a digest.
        """

        def conclude(found: KnownUser | Nobody) -> Verdict:
            # Where nobody was found, of another user, since it takes time.
            user = self._sample if isinstance(found, Nobody) else found
            state = stateDigest(*user) if user is not None else NOBODY
            state = NOBODY if isinstance(found, Nobody) else state
            return Verdict(Kind.REFUSED, name, secret=state)

        finding = self._search(name, conclude, lambda _: False, source)
        return finding.addCallback(attrgetter("secret"))

    def scramHashes(self) -> Collection[str]:
        """
        Return the hashes of SCRAM for which users have keys who were found lately.
        """
        with self._lock:
            return self._survey.hashes

    def _search(
        self,
        name: bytes,
        conclude: Callable[[KnownUser | Nobody], Verdict],
        isSlow: Callable[[KnownUser | Nobody], bool],
        source: Source,
    ) -> Deferred[Verdict]:
        """
        Look a user up.

        @param conclude: return the verdict on what is known of the user.
        @param isSlow: return whether that takes time.
        """
        if self._checker.inThread:
            return self.ask(self._find, name, conclude, source, source=source)
        workers = self.workers
        # For both, the look-up and the hash.
        until = workers.seconds() + workers.deadline

        def cbFound(known: object) -> Any:
            found = self._examined(known)
            work = partial(conclude, found)
            return self._ask(work, (), source, until) if isSlow(found) else self.now(work)

        if self._underWay >= workers.queueLimit:
            return fail(unavailable("too many look-ups are under way"))
        self._underWay += 1
        looking: Deferred[object] = maybeDeferred(self._lookUp, name, source)
        verdict: Deferred[Verdict] = self._inTime(looking).addCallback(cbFound)
        return verdict.addErrback(self.ebFailed)

    def _lookUp(self, name: bytes, source: Source) -> object:
        """
        Look a user up.
        """
        if self._findUser is not None:
            return self._findUser(name, source)
        return self._checker.lookUp(name)

    def _inTime(self, finding: Deferred[_T]) -> Deferred[_T]:
        """
        Have a look-up of a program's own end by the deadline of the workers.
        """
        finding.addBoth(self._cbEnded)
        if not self.workers.isRunning:
            # Without a reactor no time passes.
            return finding
        # One of our own: the program's may go on although it is cancelled.
        answer: Deferred[_T] = Deferred(lambda _: self._stop(finding))

        def giveUp(_: object) -> None:
            answer.errback(unavailable("it takes too long"))
            self._stop(finding)

        def end(result: _T | Failure) -> None:
            if not answer.called:
                answer.callback(result)

        def cbAnswered(result: _T) -> _T:
            timer.cancel()
            return result

        timer = self.workers.pause(self.workers.deadline)
        # It is cancelled when the look-up ends before.
        timer.addCallbacks(giveUp, lambda _: None)
        finding.addBoth(end)
        return answer.addBoth(cbAnswered)

    def _stop(self, finding: Deferred[_T]) -> None:
        """
        Cancel a look-up of a program's own, whatever its canceller does.
        """
        try:
            finding.cancel()
        except Exception:
            self._log.failure("A look-up in {file} can't be cancelled", file=self.path)

    def _cbEnded(self, result: _T) -> _T:
        """
        Make room for another look-up.
        """
        self._underWay -= 1
        return result

    def _find(
        self,
        name: bytes,
        conclude: Callable[[KnownUser | Nobody], Verdict],
        source: Source,
    ) -> Verdict:
        """
        Look a user up and return the verdict, in a thread.
        """
        return conclude(self._examined(self._lookUp(name, source)))

    def _examined(self, known: object) -> KnownUser | Nobody:
        """
        Return what a look-up has found, if it is what it should be.  Where that is
        nothing, another user is examined, since it takes time.
        """
        if known is None or isinstance(known, Nobody):
            _insist(self._sample)
            return known or _NOBODY
        user = self._sample = _insist(known)
        return user or _NOBODY

    def _parsed(self, known: KnownUser | Nobody) -> StoredSecret:
        """
        Return what is stored for a user.  Where that is nothing, another user's is
        parsed, since it takes time.
        """
        sample = self._sample if isinstance(known, Nobody) else known
        if sample is None:
            return StoredSecret(None)
        secret = sample.keys if sample.stored is None else sample.stored
        parsed = parseStored(sample.name, secret, self._checker.plain)
        return StoredSecret(None) if isinstance(known, Nobody) else parsed

    def _keysOf(self, known: KnownUser | Nobody) -> StoredSecret:
        """
        Return what is stored for a user's logins by SCRAM: keys that are stored beside
        the secret, or that.
        """
        sample = self._sample if isinstance(known, Nobody) else known
        if sample is None or sample.keys is None:
            return self._parsed(known)
        parsed = parseStored(sample.name, sample.keys, isPlain=False)
        return StoredSecret(None) if isinstance(known, Nobody) else parsed

    def _takesTime(self, known: KnownUser | Nobody) -> bool:
        """
        Return whether a password is verified against a hash.
        """
        if self._hashes or not self._checker.plain:
            return True
        return self._parsed(known).hash is not None

    def _verify(
        self, known: KnownUser | Nobody, name: bytes, password: bytes | None
    ) -> Verdict:
        """
        Verify a password against what is known of a user, or against another user's hash
        if that is nothing.
        """
        stored, decoys = self._parsed(known), self._decoys()
        if stored.flaw:
            self._note(stored)
        if password is not None:
            flaw, stored = stored.flaw, verified(stored, password, decoys)
            if stored.flaw and not flaw:
                self._note(stored)
        if stored.hash is not None:
            self._rememberHash(stored.name, stored.hash)
        if isinstance(known, Nobody):
            # As for others, since it takes time.
            self._rememberLast(known, stored)
            verdictOn(stored, isVerified=password is not None)
            return Verdict(Kind.REFUSED, name, known.why)
        self._remember(known.name, stored if known.keys is None else self._keysOf(known))
        verdict = verdictOn(stored, isVerified=password is not None)
        outdated = self._outdated(known, stored, password)
        if not (known.denial or known.account or outdated):
            return verdict
        return replace(
            verdict, denial=known.denial, sqlAccount=known.account, outdated=outdated
        )

    def _outdated(
        self, known: KnownUser, stored: StoredSecret, password: bytes | None
    ) -> bytes | None:
        """
        Return what is stored for a user, if a hash as it is made today is stronger, and
        that matters.
        """
        if not self._upgrades or password is None:
            return None
        found = stored.hash
        isWeak = stored.isPlain if found is None else isOutdated(found, password)
        return known.stored if isWeak else None

    def _keys(
        self, known: KnownUser | Nobody, name: bytes, hash: str, salt: bytes
    ) -> Verdict:
        """
        Return the verdict on a user who proves the password by SCRAM.
        """
        stored = self._keysOf(known)
        if stored.flaw:
            self._note(stored)
        self._rememberLast(known, stored)
        verdict = scramVerdict(stored, self._usual(hash), name, hash, salt)
        if isinstance(known, Nobody):
            return replace(verdict, why=known.why)
        return replace(verdict, denial=known.denial, sqlAccount=known.account)

    def _usual(self, hash: str) -> StoredSecret | None:
        """
        Return what most users have for SCRAM who were found lately.
        """
        with self._lock:
            return self._survey.usual(hash)

    def _remember(self, name: bytes, stored: StoredSecret) -> None:
        """
        Remember what a user has for SCRAM, and not their password.
        """
        kept = _SOMEBODY if stored.isPlain else StoredSecret(name, hash=stored.hash)
        with self._lock:
            if name in self._found:
                self._survey.remove(self._found.pop(name))
            self._found[name] = kept
            self._survey.add(kept)
            if len(self._found) > _MOST_REMEMBERED:
                self._survey.remove(self._found.pop(next(iter(self._found))))

    def _rememberLast(self, known: KnownUser | Nobody, stored: StoredSecret) -> None:
        """
        Remember what a user has for SCRAM; where nobody was found, once more what the
        last one had, since it takes time.
        """
        if not isinstance(known, Nobody):
            self._remember(known.name, stored)
        elif self._sample is not None:
            last = self._sample.name
            self._remember(last, self._found.get(last, stored))

    def _rememberHash(self, name: bytes, found: Hash) -> None:
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


def _insist(known: object) -> KnownUser | None:
    """
    Return what a program's own look-up has found, if it is what it should be: text has
    characters that could be taken for a name and a password.

    @raise TypeError: if it isn't; the text doesn't show it.
    """
    if known is None or isinstance(known, KnownUser):
        return known
    if isinstance(known, _TEXT) or not isinstance(known, Sequence):
        raise TypeError(f"lookUp has returned {_nameOf(known)}; {_RIGHT}")
    items = list(known)
    if len(items) not in (2, 3):
        raise TypeError(f"lookUp has returned {len(items)} items; {_RIGHT}")
    name, stored = map(inBytes, items[:2])
    denial = items[2] if len(items) > 2 else None
    if not isinstance(name, bytes) or not name:
        raise TypeError(f"lookUp has returned {_nameOf(name)} as the name; {_RIGHT}")
    if not isinstance(stored, (bytes, type(None))):
        raise TypeError(f"lookUp has returned {_nameOf(stored)} as the secret; {_RIGHT}")
    if not isinstance(denial, (DenialReason, type(None))):
        raise TypeError(f"lookUp has returned {_nameOf(denial)} as a denial; {_RIGHT}")
    return KnownUser(name, stored, denial)


def _nameOf(value: object) -> str:
    """
    Return what a value is, without showing it.
    """
    return f"an empty {type(value).__name__}" if value == b"" else type(value).__name__


def inBytes(stored: object) -> object:
    """
    Return text and what databases have for bytes as bytes; all else as it is.
    """
    if isinstance(stored, (bytearray, memoryview)):
        return bytes(stored)
    return asBytes(stored)


def parseStored(name: object, stored: object, isPlain: bool) -> StoredSecret:
    """
    Parse what a program has stored for a user.

    @param isPlain: whether what doesn't begin like a hash is a password.
    """
    secret = inBytes(stored)
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


__all__ = ["Known", "LookUps", "inBytes", "parseStored"]
