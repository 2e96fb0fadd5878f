"""
The accounts in a file: a name is looked up, and its hash verified.

All here waits for the file system and the hash; it is called in threads, and in
processes of their own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from threading import Lock
from typing import NamedTuple

from .._files import Signature
from .._hashes import Hash, UnusableHash
from .._secrets import equal, shortened
from .._storedstate import NOBODY, stateDigest
from .._verdict import NO_SUCH_USER, WRONG_PASSWORD, Kind, Note, Verdict
from ._layout import Entry, SecretReader
from ._linesurvey import LineSurvey
from ._notes import Notes, Source
from ._scramsurvey import ScramSurvey
from ._snapshot import Snapshot
from ._stored import StoredSecret, scramVerdict
from ._userfile import UserFile

# What to do about a weak hash.
_ADVICE = 'set such passwords anew, with "mycred passwd"'

# What to do once too much is odd.
_MORE = '; "mycred lint" lists it'


class _Found(NamedTuple):
    """
    What a search for a name has brought about.

    @ivar entry: the line; L{None} if there is none.
    @ivar source: what knows the number of the line.
    @ivar doubt: the state of the file, if that is in doubt.
    @ivar rest: what else there is for the name, in what hasn't been read yet.
    """

    entry: Entry | None
    source: Source
    doubt: Signature | None
    rest: Iterator[Entry] = iter(())


class PasswordFile:
    """
    The accounts in a file.

    @ivar path: the path of the file.
    @ivar typical: a line like most others; L{None} if there is none.
    @ivar decoys: some hashes of each kind, first those that most are of.
    @ivar majority: how many are of that kind.
    @ivar scram: what keys of SCRAM the users have, when the file was read last.
    """

    #: How many lines of a file are examined when it is read.
    MOST_EXAMINED = 10_000

    def __init__(
        self,
        userfile: UserFile,
        readSecret: SecretReader,
        indexed: bool = True,
        advice: str = _ADVICE,
        more: str = _MORE,
    ) -> None:
        """
        @param userfile: the file.
        @param readSecret: how the secret of a line is parsed.
        @param indexed: whether to keep what the file holds in memory.
        @param advice: what to do about a weak hash, for the log.
        @param more: what to say once too much is odd.
        """
        self.path = userfile.path
        self.typical: Entry | None = None
        self._file = userfile
        self._readSecret = readSecret
        self._indexed = indexed
        self._advice = advice
        self._lock = Lock()
        self._examined: Signature | None = None
        self._noted: Signature | None = None
        self._notes = Notes(self.path, more)
        self.decoys: list[Hash] = []
        self.majority = 0
        self.scram = self._scramNoted = ScramSurvey()

    def lookUp(self, name: bytes, password: bytes | None) -> Verdict:
        """
        Look a user up, and verify the password if it is hashed.

        @param name: the name.
        @param password: the password; L{None} if the credentials prove it otherwise.

        @return: a verdict.  Where the secret is plain text it holds that, for the
            credentials to be asked.

        @raise OSError: if the file can't be read.
        """
        stored = self.stored(name, password)
        if stored.entry is None:
            return Verdict(Kind.REFUSED, name, NO_SUCH_USER, doubt=stored.doubt)
        return verdictOn(stored, isVerified=password is not None)

    def lookUpText(self, name: bytes) -> Verdict:
        """
        Look a user up, for credentials that are shown what is stored as it stands in
        the file, though it were a hash.

        @return: a verdict with that text.

        @raise OSError: if the file can't be read.
        """
        stored = self.stored(name)
        if stored.entry is None:
            return Verdict(Kind.REFUSED, name, NO_SUCH_USER, doubt=stored.doubt)
        text, why = stored.entry.secret, WRONG_PASSWORD
        return Verdict(Kind.REFUSED, stored.name, why, doubt=stored.doubt, secret=text)

    def lookUpKeys(self, name: bytes, hash: str, salt: bytes) -> Verdict:
        """
        Look a user up, for a client that proves the password by SCRAM.

        @param name: the name.
        @param hash: the hash of the mechanism.
        @param salt: the salt for a password in plain text.

        @return: a verdict as from L{scramVerdict}.

        @raise OSError: if the file can't be read.
        """
        stored = self.stored(name)
        self.noteWithoutKeys()
        return scramVerdict(stored, self.scram.usual(hash), name, hash, salt)

    def stateOf(self, name: bytes) -> Verdict:
        """
        Look a user up, for who remembers what the file holds for them.

        @return: a verdict whose secret is a digest of it, as from L{stateDigest}.

        @raise OSError: if the file can't be read.
        """
        entry, _, _, rest = self._find(name)
        line = self.typical if entry is None else entry
        state = NOBODY if line is None else stateDigest(line.name, line.secret)
        # So that the time doesn't tell which lines come early in the file.
        deque(rest, maxlen=0)
        return Verdict(Kind.REFUSED, name, secret=NOBODY if entry is None else state)

    def noteWithoutKeys(self) -> None:
        """
        Note how many users can't log in by SCRAM, where others can.
        """
        if self._scramNoted is self.scram:
            return
        self._scramNoted = self.scram
        for mechanism, number in self.scram.without():
            self._notes.add(
                mechanism,
                "{file}: {number} of {users} users that were examined can't log in by "
                "{mechanism}, for which they have no keys",
                number=number,
                users=self.scram.users,
                mechanism=mechanism,
            )

    def stored(
        self,
        name: bytes,
        password: bytes | None = None,
        decoys: Iterable[Hash] | None = None,
    ) -> StoredSecret:
        """
        Return what is stored for a user; with a password, verified if it is a hash.

        @param name: the name.
        @param password: the password; L{None} if there is none to verify.
        @param decoys: what the password is verified against if the user has no hash;
            the hashes of the file if L{None}.

        @raise OSError: if the file can't be read.
        """
        entry, source, doubt, rest = self._find(name)
        # Some line is parsed for a name that isn't there, too, since it takes time.
        line = self.typical if entry is None else entry
        parsed = None if line is None else self._parseAndNote(line, source)
        if entry is None or parsed is None:
            stored = StoredSecret(None, doubt=doubt)
        else:
            stored = parsed._replace(doubt=doubt, entry=entry)
        if password is not None:
            flaw = stored.flaw
            known = self.decoys if decoys is None else decoys
            stored = verified(stored, password, known)
            if entry is not None and stored.flaw and not flaw:
                self._noteFlaw(entry, source, stored.flaw)
        if not _isRight(stored, password):
            # So that the time doesn't tell which lines come early in the file.
            deque(rest, maxlen=0)
        return stored

    def refresh(self) -> None:
        """
        Read the file, if it differs from what was read last.

        @raise OSError: if it can't be read.
        """
        if self._file.signature() != self._examined:
            self._snapshot()

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
        return self._notes.take() if self._notes.waiting else iter(())

    def find(self, name: bytes) -> Entry | None:
        """
        Return the line of a user, or L{None}.

        @raise OSError: if the file can't be read.
        """
        return self._find(name).entry

    def entries(self) -> Iterator[Entry]:
        """
        Iterate over all lines that hold a user.

        @raise OSError: if the file can't be read.
        """
        return iter(self._snapshot())

    def holdsHashes(self) -> bool:
        """
        Return whether a hash lets a user in.  A line that nothing can match, since it is
        locked, damaged or for a name that has another already, is none.

        @raise OSError: if the file can't be read.
        """
        snapshot = self._snapshot()
        return any(
            self._isHash(entry) and snapshot.find(entry.name) == entry
            for entry in snapshot
        )

    def _isHash(self, entry: Entry) -> bool:
        """
        Return whether what a line holds is a hash that can be verified.
        """
        try:
            read = self._readSecret(entry)
        except UnusableHash:
            return False
        return isinstance(read, Hash) and not read.isPlain

    def _find(self, name: bytes) -> _Found:
        """
        Return the line of a user, and what is known of the file.
        """
        if not self._indexed:
            signature = self._file.signature()
            if signature == self._examined:
                lines = self._file.scan(name)
                entry = next(lines, None)
                if self._file.signature() == signature:
                    return _Found(entry, self._file, None, lines)
        snapshot = self._snapshot()
        doubt = snapshot.state.signature if snapshot.state.isYoung else None
        entry = snapshot.find(name)
        if entry is None and self.typical is not None:
            # A line is parsed for a name that isn't there, too, since it takes time.
            snapshot.find(self.typical.name)
        return _Found(entry, snapshot, doubt)

    def _snapshot(self) -> Snapshot:
        """
        Return what the file holds; if that was read anew, note what is odd about it.
        """
        snapshot = self._file.read()
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
        Go through a file: choose the decoys and a typical line, and note what is
        odd.
        """
        if snapshot.state.signature != self._noted:
            self._noted = snapshot.state.signature
            self._notes.clear()
        survey = LineSurvey()
        for entry in snapshot.sample(self.MOST_EXAMINED):
            survey.add(entry, self._parseAndNote(entry, snapshot))
        self.typical, self.decoys = survey.typical, survey.decoys
        self.majority, self.scram = survey.majority, survey.scram
        for entry, first in snapshot.repeated:
            self._notes.add(
                ("repeated", entry.start),
                "{file}, line {number}: {name!r} has a line already, line {first}, "
                "and that one counts",
                name=shortened(entry.name),
                number=snapshot.number(entry),
                first=snapshot.number(first),
            )

    def _parseAndNote(self, entry: Entry, source: Source) -> StoredSecret:
        """
        Parse the secret of a line, and note what is odd about it.
        """
        try:
            read = self._readSecret(entry)
        except UnusableHash as error:
            self._noteFlaw(entry, source, str(error))
            return StoredSecret(entry.name, flaw=str(error))
        if not isinstance(read, Hash):
            return StoredSecret(entry.name, secret=read)
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
            return StoredSecret(entry.name, secret=read.text)
        return StoredSecret(entry.name, hash=read)

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


def _isRight(stored: StoredSecret, password: bytes | None) -> bool:
    """
    Return whether a password matches what is stored, as far as that is known.
    """
    text = stored.secret
    return stored.matched or (bool(text) and equal(text, password))


def verified(
    stored: StoredSecret, password: bytes, decoys: Iterable[Hash]
) -> StoredSecret:
    """
    Verify a password against the hash that is stored.

    @param decoys: what to verify it against where there is no hash, so that users without
        one are refused after the same work: the first that its library doesn't refuse.

    @return: what is stored, with the outcome.
    """
    if stored.hash is not None:
        try:
            return stored._replace(matched=stored.hash.verify(password))
        except UnusableHash as error:
            stored = stored._replace(hash=None, flaw=str(error))
    for decoy in decoys:
        with suppress(UnusableHash):
            decoy.verify(password)
            break
    return stored


def verdictOn(stored: StoredSecret, isVerified: bool) -> Verdict:
    """
    Return the verdict on a user, by what is stored for them.

    @param isVerified: whether there was a password to verify.
    """
    kind, why = Kind.REFUSED, WRONG_PASSWORD
    secret, isHash = stored.secret, stored.hash is not None
    if stored.matched:
        kind, why = Kind.ACCEPTED, ""
    elif isHash and not isVerified:
        why = "a hash, which can't serve a login that doesn't send the password"
    elif not isHash and not secret:
        why = stored.flaw or NO_SUCH_USER
    return Verdict(
        kind,
        stored.name,
        why,
        # A password that matched came from a complete line.
        doubt=None if stored.matched else stored.doubt,
        isVerified=isHash and isVerified,
        secret=secret,
    )


__all__ = ["PasswordFile", "verdictOn", "verified"]
