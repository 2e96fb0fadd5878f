"""
The accounts in a file: a name is looked up, and its hash verified.

All here waits for the file system and the hash; it is called in threads, and in
processes of their own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from threading import Lock
from typing import Any, NamedTuple, Union

from ._hashes import Hash, UnusableHash
from ._notes import Note, Notes, Source
from ._secrets import shortened
from ._userfile import Entry, Signature, Snapshot, UserFile

#: How a checker reads the secret of a line: a hash, or the bare text to compare
#: with; L{None} where nobody is meant to match.  It raises L{UnusableHash} if no
#: password can match, and somebody should know.
Read = Callable[[Entry], Union[Hash, bytes, None]]

# How many lines of a file are looked at when it is read.
_MOST_EXAMINED = 10_000

# What to do about a weak hash.
_ADVICE = 'set such passwords anew, with "mycred passwd"'

# What to do once too much is odd.
_MORE = '; "mycred lint" lists it'

# How many decoys of each kind are kept: some of them the library may refuse.
_MOST_DECOYS = 3


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
    @ivar entry: the line, if it was looked up in a file.
    """

    name: Any
    secret: Any = None
    hash: Hash | None = None
    matched: bool = False
    flaw: str | None = None
    doubt: Signature | None = None
    entry: Entry | None = None

    def verified(self, password: bytes, decoys: Iterable[Hash]) -> Look:
        """
        Verify a password against the hash.

        @param decoys: what to verify it against where there is no hash, so that
            whoever has none waits as long as the others: the first that its library
            doesn't refuse.

        @return: the same, and what has come of it.
        """
        look = self
        if look.hash is not None:
            try:
                return look._replace(matched=look.hash.verify(password))
            except UnusableHash as error:
                look = look._replace(hash=None, flaw=str(error))
        for decoy in decoys:
            with suppress(UnusableHash):
                decoy.verify(password)
                break
        return look

    def __repr__(self) -> str:
        """
        Show it without what is stored.
        """
        return f"Look({self.name!r})"


class PasswordFile:
    """
    The accounts in a file.

    @ivar path: the name of the file.
    @ivar first: the secret of some line; L{None} if there is none.
    @ivar decoys: some hashes of each kind, first those that most are of.
    @ivar majority: how many are of that kind.
    """

    def __init__(
        self,
        userfile: UserFile,
        read: Read,
        indexed: bool = True,
        advice: str = _ADVICE,
        more: str = _MORE,
    ) -> None:
        """
        @param userfile: the file.
        @param read: how the secret of a line is read.
        @param indexed: whether to keep what the file holds in memory.
        @param advice: what to do about a weak hash, for the log.
        @param more: what to say once too much is odd.
        """
        self.path = userfile.path
        self.first: bytes | None = None
        self._file = userfile
        self._read = read
        self._indexed = indexed
        self._advice = advice
        self._lock = Lock()
        self._examined: Signature | None = None
        self._noted: Signature | None = None
        self._notes = Notes(self.path, more)
        self.decoys: list[Hash] = []
        self.majority = 0

    def look(
        self, name: bytes, password: bytes | None, decoys: Iterable[Hash] | None = None
    ) -> Look:
        """
        Look somebody up, and verify his password if it is hashed.

        @param name: the name.
        @param password: the password; L{None} if the user proves it otherwise.
        @param decoys: what the password is verified against if he has no hash; those
            of the file if L{None}.

        @raise OSError: if the file can't be read.
        """
        entry, source, doubt = self._find(name)
        if entry is None:
            look = Look(None, doubt=doubt)
        else:
            look = self._readAndNote(entry, source)._replace(doubt=doubt, entry=entry)
        if password is None:
            return look
        verified = look.verified(password, self.decoys if decoys is None else decoys)
        if entry is not None and verified.flaw and not look.flaw:
            self._noteFlaw(entry, source, verified.flaw)
        return verified

    def load(self) -> None:
        """
        Read the file, unless that has been done.

        @raise OSError: if it can't be read.
        """
        self._snapshot()

    def takeNotes(self) -> Iterator[Note]:
        """
        Take what the log should be told: what is odd about the file.
        """
        return self._notes.take()

    def find(self, name: bytes) -> Entry | None:
        """
        Look somebody up, and verify nothing.

        @raise OSError: if the file can't be read.
        """
        return self._find(name)[0]

    def entries(self) -> Iterator[Entry]:
        """
        Go through all lines that hold somebody.

        @raise OSError: if the file can't be read.
        """
        return iter(self._snapshot())

    def _find(self, name: bytes) -> tuple[Entry | None, Source, Signature | None]:
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
        doubt = snapshot.state.signature if snapshot.state.isYoung else None
        return snapshot.find(name), snapshot, doubt

    def _snapshot(self) -> Snapshot:
        """
        Read what the file holds, if need be, and look at what is odd about it.
        """
        snapshot = self._file.snapshot()
        if not self._indexed:
            self._file.forget()
        with self._lock:
            state = snapshot.state
            if state.signature != self._examined:
                self._examine(snapshot)
                # A provisional one may differ, and have the same signature.
                self._examined = None if state.isProvisional else state.signature
        return snapshot

    def _examine(self, snapshot: Snapshot) -> None:
        """
        Look through a file: choose the decoys, and note what is odd.
        """
        if snapshot.state.signature != self._noted:
            self._noted = snapshot.state.signature
            self._notes.clear()
        kinds: Counter[tuple[str, bytes]] = Counter()
        samples: defaultdict[tuple[str, bytes], list[Hash]] = defaultdict(list)
        self.first = None
        for entry in snapshot.sample(_MOST_EXAMINED):
            self.first = self.first or entry.secret
            found = self._readAndNote(entry, snapshot).hash
            if found is not None:
                kinds[found.kind] += 1
                if len(samples[found.kind]) < _MOST_DECOYS:
                    samples[found.kind].append(found)
        self.majority = max(kinds.values(), default=0)
        self.decoys = [h for kind, _ in kinds.most_common() for h in samples[kind]]
        for entry, first in snapshot.repeated:
            self._notes.add(
                ("repeated", entry.start),
                "{file}, line {number}: {name!r} has a line already, line {first}, "
                "and that one counts",
                name=shortened(entry.name),
                number=snapshot.number(entry),
                first=snapshot.number(first),
            )

    def _readAndNote(self, entry: Entry, source: Source) -> Look:
        """
        Read the secret of a line, and note what is odd about it.
        """
        try:
            read = self._read(entry)
        except UnusableHash as error:
            self._noteFlaw(entry, source, str(error))
            return Look(entry.name, flaw=str(error))
        if not isinstance(read, Hash):
            return Look(entry.name, secret=read)
        scheme = read.scheme
        if scheme.weakness and scheme.name not in self._notes:
            self._notes.add(
                scheme.name,
                "{file}, line {number}, and maybe others: {scheme} is weak, since "
                "{weakness}; {advice}",
                number=source.number(entry),
                scheme=scheme.name,
                weakness=scheme.weakness,
                advice=self._advice,
            )
        if read.isPlain:
            return Look(entry.name, secret=read.text)
        return Look(entry.name, hash=read)

    def _noteFlaw(self, entry: Entry, source: Source, flaw: str) -> None:
        """
        Note that nothing can match a line.
        """
        if entry.start not in self._notes:
            self._notes.add(
                entry.start,
                "{file}, line {number}: {reason}; it matches nothing",
                number=source.number(entry),
                reason=flaw,
            )


__all__ = ["Look", "PasswordFile", "Read"]
