"""
What the checkers of files share: a name is looked up, and its hash verified, in a
thread; what is odd about the file is logged; and nobody is refused because of a
file that is just being written.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any, NamedTuple, Protocol, TypeVar, Union

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._contracts import AvatarID, IUsernamePassword
from .._hashes import Hash, UnusableHash
from .._secrets import asBytes
from .._userfile import SETTLING, Entry, Signature, Snapshot, UserFile
from .._workers import Workers, workersOf
from ..error import LoginFailed, TemporaryFailure, UnauthorizedLogin
from ._passwords import PasswordMatching, shortened

_T = TypeVar("_T")

#: How a checker reads the secret of a line: a hash, or the bare text to compare
#: with.  It raises L{UnusableHash} if no password may match.
Read = Callable[[Entry], Union[Hash, bytes]]

# How many lines of a file are looked at when it is read, and how many of those
# that are odd are logged then.
_MOST_EXAMINED = 10_000
_MOST_NOTED = 100

# How often a file that goes on changing is read before a login is given up.
_TRIES = 20


class Look(NamedTuple):
    """
    What a look into the file has brought about.

    @ivar name: the name as the file spells it; L{None} if nobody has it.
    @ivar secret: what is stored, if it is text to compare with.
    @ivar hash: the hash that is stored, if it can be verified.
    @ivar matched: whether the password matched that hash.
    @ivar flaw: why no password can match what is stored.
    @ivar doubt: the state of the file, if it had changed just before, and so may
        have been half-written.
    """

    name: Any
    secret: Any = None
    hash: Hash | None = None
    matched: bool = False
    flaw: str | None = None
    doubt: Signature | None = None


class FileChecker(PasswordMatching):
    """
    Base of the checkers of passwords in a file.
    """

    def _look(
        self, file: PasswordFile, name: bytes, credentials: Any
    ) -> Deferred[AvatarID]:
        """
        Look somebody up, and conclude from what is found.

        @param name: his name, as it would stand in the file.
        """
        typed = IUsernamePassword(credentials, None)
        password = None if typed is None else asBytes(typed.password)
        looking: Deferred[Any] = file.look(name, password)
        return looking.addCallback(self._cbLook, credentials)

    def _cbLook(self, look: Look, credentials: Any) -> Any:
        """
        Conclude from what was found about a user.
        """
        avatarId = avatarIdOf(look, credentials)
        if look.hash and IUsernamePassword.providedBy(credentials):
            return self._cbPasswordMatch(look.matched, avatarId)
        if look.hash or look.flaw:
            self._log.info(
                "Login refused: {name!r} has {what}",
                name=shortened(avatarId),
                what=look.flaw
                or "a hash, which can't serve a login that doesn't send the password",
            )
            return Failure(UnauthorizedLogin())
        return self._matchPassword(credentials, look.secret, avatarId)


class PasswordFile:
    """
    The accounts in a file.

    @ivar path: the name of the file.
    @ivar first: the secret of some line; L{None} if there is none.
    """

    _log = Logger()

    def __init__(
        self,
        userfile: UserFile,
        read: Read,
        indexed: bool = True,
        workers: Workers | None = None,
    ) -> None:
        """
        @param userfile: the file.
        @param read: how the secret of a line is read.
        @param indexed: whether to keep what the file holds in memory.
        @param workers: where to work; the reactor's own if L{None}.
        """
        self.path = userfile.path
        self.first: bytes | None = None
        self._file = userfile
        self._read = read
        self._indexed = indexed
        self._workers = workers
        self._lock = Lock()
        self._examined: Signature | None = None
        self._noted: Signature | None = None
        self._notes = _Notes()
        # A hash of the kind that most are of.  It is verified where there is
        # nothing to verify, so that all refusals take the same time.
        self._decoy: Hash | None = None

    def look(self, name: bytes, password: bytes | None) -> Deferred[Look]:
        """
        Look somebody up, and verify his password if it is hashed.

        @param name: the name.
        @param password: the password; L{None} if the user proves it otherwise.

        @return: a L{Deferred} that fails with L{TemporaryFailure} if the file
            can't be read, or too many wait.
        """
        return self._ask(name, password, None, _TRIES)

    def find(self, name: bytes) -> Entry | None:
        """
        Look somebody up at once, in the caller's thread.

        @raise TemporaryFailure: if the file can't be read.
        """
        return self._now(lambda: self._find(name)[0])

    def entries(self) -> Iterator[Entry]:
        """
        Go through all lines that hold somebody, in the caller's thread.

        @raise TemporaryFailure: if the file can't be read.
        """
        return iter(self._now(self._snapshot))

    def _ask(
        self, name: bytes, password: bytes | None, doubt: Signature | None, tries: int
    ) -> Deferred[Look]:
        """
        Look, and look again as long as the answer is in doubt.

        @param doubt: the state of the file when the last answer was in doubt.
        @param tries: how often to look.
        """
        if self._workers is None:
            self._workers = workersOf()
        workers = self._workers

        def cbLook(look: Look) -> Any:
            self._flush()
            if look.matched or look.doubt is None or look.doubt == doubt:
                return look
            if tries == 1:
                self._log.error("{file} goes on changing", file=self.path)
                return fail(TemporaryFailure("Temporarily unavailable"))
            again = workers.pause(SETTLING)
            return again.addCallback(
                lambda _: self._ask(name, password, look.doubt, tries - 1)
            )

        looking: Deferred[Any] = workers.share(self._look, name, password)
        return looking.addCallbacks(cbLook, self._ebLook)

    def _ebLook(self, failure: Failure) -> Failure:
        """
        Tell what has failed in a thread.
        """
        self._flush()
        if failure.check(LoginFailed, CancelledError):
            return failure
        if failure.check(OSError):
            return Failure(self._unreadable(failure.value))
        self._log.failure("A look into {file} failed", failure, file=self.path)
        return Failure(TemporaryFailure("Temporarily unavailable"))

    def _now(self, work: Callable[[], _T]) -> _T:
        """
        Do in the caller's thread what threads do otherwise.
        """
        try:
            return work()
        except OSError as error:
            raise self._unreadable(error) from None
        finally:
            self._flush()

    def _unreadable(self, error: object) -> TemporaryFailure:
        """
        Log why the file can't be read; the peer isn't told.
        """
        self._log.error(
            "The password file {file} can't be read: {error}",
            file=self.path,
            error=error,
        )
        return TemporaryFailure("Temporarily unavailable")

    def _flush(self) -> None:
        """
        Log what threads have found.
        """
        for text, values in self._notes.take():
            self._log.warn(text, file=self.path, **values)

    # What follows runs in threads.

    def _look(self, name: bytes, password: bytes | None) -> Look:
        """
        Look somebody up, and verify his password if it is hashed.
        """
        entry, source, doubt = self._find(name)
        if entry is None:
            look = Look(None, doubt=doubt)
        else:
            look = self._readAndNote(entry, source)._replace(doubt=doubt)
        # Whoever has nothing to verify waits as long as the others.
        sample = look.hash or self._decoy
        if sample is None or password is None:
            return look
        matched = sample.verify(password)
        return look._replace(matched=matched and look.hash is not None)

    def _find(self, name: bytes) -> tuple[Entry | None, _Source, Signature | None]:
        """
        Look somebody up.

        @return: his line, what can tell its number, and the state of the file if
            that is in doubt.
        """
        if not self._indexed:
            signature = self._file.signature()
            if signature == self._examined:
                entry = self._file.scan(name)
                if self._file.signature() == signature:
                    return entry, self._file, None
        snapshot = self._snapshot()
        doubt = snapshot.signature if snapshot.isYoung else None
        return snapshot.find(name), snapshot, doubt

    def _snapshot(self) -> Snapshot:
        """
        Read what the file holds, if need be, and look at what is odd about it.
        """
        snapshot = self._file.snapshot()
        if not self._indexed:
            self._file.forget()
        with self._lock:
            if snapshot.signature != self._examined:
                self._examine(snapshot)
                # One that is young may differ, and have the same signature.
                self._examined = None if snapshot.isYoung else snapshot.signature
        return snapshot

    def _examine(self, snapshot: Snapshot) -> None:
        """
        Look through a file: choose a decoy, and note what is odd.
        """
        if snapshot.signature != self._noted:
            self._noted = snapshot.signature
            self._notes.clear()
        kinds: Counter[tuple[str, bytes]] = Counter()
        samples: dict[tuple[str, bytes], Hash] = {}
        self.first = None
        for entry in snapshot.sample(_MOST_EXAMINED):
            self.first = self.first or entry.secret
            found = self._readAndNote(entry, snapshot).hash
            if found is not None:
                kinds[found.kind] += 1
                samples.setdefault(found.kind, found)
        self._decoy = next((samples[kind] for kind, _ in kinds.most_common(1)), None)
        for entry, first in snapshot.repeated:
            self._notes.add(
                ("repeated", entry.start),
                "{file}, line {number}: {name!r} has a line already, line {first}, "
                "and that one counts",
                name=entry.name,
                number=snapshot.number(entry),
                first=snapshot.number(first),
            )

    def _readAndNote(self, entry: Entry, source: _Source) -> Look:
        """
        Read the secret of a line, and note what is odd about it.
        """
        try:
            read = self._read(entry)
        except UnusableHash as error:
            if entry.start not in self._notes:
                self._notes.add(
                    entry.start,
                    "{file}, line {number}: {reason}; it matches nothing",
                    number=source.number(entry),
                    reason=str(error),
                )
            return Look(entry.name, flaw=str(error))
        if not isinstance(read, Hash):
            return Look(entry.name, secret=read)
        scheme = read.scheme
        if scheme.weakness and scheme.name not in self._notes:
            self._notes.add(
                scheme.name,
                "{file}, line {number}, and maybe others: {scheme} is weak, since "
                '{weakness}; set such passwords anew, with "mycred passwd"',
                number=source.number(entry),
                scheme=scheme.name,
                weakness=scheme.weakness,
            )
        if read.isPlain:
            return Look(entry.name, secret=read.text)
        return Look(entry.name, hash=read)


def avatarIdOf(look: Look, credentials: Any) -> AvatarID:
    """
    Name the avatar: as the file spells the name, in the type in which the
    credentials have it.
    """
    if look.name is None:
        unknown: AvatarID = credentials.username
        return unknown
    if isinstance(credentials.username, str) and isinstance(look.name, bytes):
        return look.name.decode("utf-8", "surrogateescape")  # type: ignore[return-value]
    known: AvatarID = look.name
    return known


class _Notes:
    """
    What threads have found out about one state of a file, for the reactor's
    thread to log: each once, and not too many.
    """

    def __init__(self) -> None:
        self._known: set[object] = set()
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()

    def __contains__(self, key: object) -> bool:
        """
        Tell whether something was noted, or is one too many.
        """
        return key in self._known or len(self._known) > _MOST_NOTED

    def add(self, key: object, text: str, **values: Any) -> None:
        """
        Note something.
        """
        if key in self:
            return
        self._known.add(key)
        if len(self._known) > _MOST_NOTED:
            text, values = '{file}: there is more; "mycred lint" lists it', {}
        self._waiting.append((text, values))

    def clear(self) -> None:
        """
        Begin again.
        """
        self._known.clear()

    def take(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """
        Take what waits to be logged.
        """
        while self._waiting:
            yield self._waiting.popleft()


class _Source(Protocol):
    """
    What a line was found in.
    """

    def number(self, entry: Entry) -> int:
        """
        Return the number of its line, counted from 1.
        """


__all__ = ["FileChecker", "Look", "PasswordFile", "Read", "avatarIdOf"]
