"""
Where the keys of users are: in files as sshd has them, or in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import IO, Any

from zope.interface import implementer

from twisted.conch.ssh.keys import Key
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..._accounts import SHADOW, AccountRules, SystemUsers, settled
from ..._checking._stores import PrivilegedStore
from ..._conchcontracts import IAuthorizedKeysDB, twistedConch
from ..._counterparts import Counterpart, overridable
from ..._paths import AnyPath, asPath, asPathOrNone
from ..._privileged import PrivilegedClient
from ..._sshkeys import (
    FILES,
    KeyEvidence,
    KeyFiles,
    KeyPolicy,
    KeySettings,
    Offer,
    checkPattern,
    makeAuthority,
)
from ..._threads import processorCount
from ..._verdict import Kind, Verdict
from ...workers import Workers, workersOf
from ._command import KeysCommand
from ._publickeys import Proof

_log = Logger()

_anyKey = KeyPolicy()


@implementer(IAuthorizedKeysDB)
class InMemorySSHKeyDB(Counterpart, twistedConch.InMemorySSHKeyDB):
    """
    Keys that a program has itself.
    """

    def __init__(self, mapping: Mapping[bytes, Iterable[Any]]) -> None:
        """
        @param mapping: for each name of a user, conch's keys.
        """
        self._mapping = mapping

    @overridable
    def getAuthorizedKeys(self, username: bytes) -> Iterable[Any]:
        """
        Return the keys of a user.
        """
        return self._mapping.get(username, [])


def readAuthorizedKeyFile(
    fileobj: IO[bytes], parseKey: Callable[[bytes], Any] = Key.fromString
) -> Iterator[Any]:
    """
    Read keys that stand in lines without options.

    As in Twisted, what can't be read as a key is logged and left out; that is so for a
    line with options, which nobody could obey who gets nothing but a key.

    @param fileobj: lines.
    @param parseKey: what reads a line, and raises C{BadKeyError}.
    """
    return keysAmong(fileobj, parseKey, logUnread)


def keysAmong(
    lines: Iterable[bytes],
    parseKey: Callable[[bytes], Any],
    note: Callable[[bytes, Exception], None],
) -> Iterator[Any]:
    """
    Read keys that stand in lines without options.

    @param note: what is told of a line that isn't read as a key, and why.
    """
    for line in lines:
        line = line.strip()
        if line and not line.startswith(b"#"):
            try:
                yield parseKey(line)
            # What isn't a key makes conch raise anything.
            except Exception as error:
                note(line, error)


def logUnread(line: bytes, error: Exception) -> None:
    """
    Log that a line isn't read as a key.
    """
    _log.error(
        "A line that isn't read as a key: {line!r}: {error!s}",
        line=line[:64],
        error=error,
    )


@implementer(IAuthorizedKeysDB)
class UNIXAuthorizedKeysFiles(Counterpart, twistedConch.UNIXAuthorizedKeysFiles):
    """
    The keys in users' files, by which sshd lets them in.

    L{SSHPublicKeyChecker} looks one up with all that sshd would look at:
    options, certificates, who may write to a file.  C{getAuthorizedKeys} is for others,
    and knows keys without options only.  A program that overrides that is asked by it,
    and by nothing else.
    """

    # As long as the constructor hasn't run, which programs skip.
    _authority: Any = None
    _userdb: Any = None
    _parseKey: Any = Key.fromString
    _hasRules = False

    def __init__(
        self,
        userdb: Any = None,
        parseKey: Callable[[bytes], Any] = Key.fromString,
        *,
        files: AnyPath | Sequence[AnyPath] = FILES,
        ca: AnyPath | None = None,
        revoked: AnyPath | None = None,
        principals: AnyPath | None = None,
        strict: bool = True,
        accountRules: AccountRules | None = None,
        command: KeysCommand | None = None,
        policy: KeyPolicy = _anyKey,
        separate: bool = False,
        workers: Workers | None = None,
    ) -> None:
        """
        In the names of files, C{%h} stands for the home of the user, C{%u} for his
        name and C{%U} for his number; what doesn't begin with C{/} is in his home.

        @param userdb: what has C{getpwnam}; the module L{pwd} if L{None}.
        @param parseKey: what reads a line for C{getAuthorizedKeys}.  If one is given,
            keys are looked up by nothing else.
        @param files: the files with keys, or the only one.
        @param ca: a file with the keys of authorities, whose certificates count.
        @param revoked: a file with revoked keys, or a KRL.
        @param principals: the file with the principals for one of which such a
            certificate must be; if L{None}, it must be for the user's name.
        @param strict: whether files are refused to which others may write.
        @param accountRules: what an account must be like; then those that are locked,
            or have expired, are denied too.  If L{None}, any account will do.
        @param command: a program that knows more keys.
        @param policy: which signatures count in certificates.
        @param separate: whether to look keys up in processes that are started now and
            keep the privileges that this one has; it must be root's.
        @param workers: the threads that wait; the reactor's own if L{None}.

        @raise ValueError: if a pattern is none, or other processes shall ask a
            C{userdb}.
        @raise OSError: if the processes can't be started.
        """
        if separate and userdb is not None:
            raise ValueError("a userdb can't be asked by other processes")
        several = [files] if isinstance(files, (str, bytes, os.PathLike)) else files
        where = KeyFiles(
            tuple(map(asPath, several)),
            asPathOrNone(ca),
            asPathOrNone(revoked),
            asPathOrNone(principals),
            strict,
        )
        for pattern in [*where.files, where.principals]:
            if pattern is not None:
                checkPattern(pattern)
        self._userdb = userdb
        self._parseKey = parseKey
        self._users = SystemUsers(userdb)
        self._command = command
        self._workers = workers
        self._hasRules = accountRules is not None
        shadow = SHADOW if os.path.lexists(SHADOW) else None
        settings = KeySettings(where, policy, accountRules, shadow)
        self._authority = makeAuthority(settings, users=self._users)
        self._separate = None
        if separate:
            client = PrivilegedClient("sshkey", settings, processorCount())
            self._separate = PrivilegedStore(client, workers)

    @property
    def authorize(self) -> Callable[..., Deferred[Verdict]] | None:
        """
        Look a key up, as L{_authorize} does it; or L{None}, if lines are read in another
        way, which means that those count of which it makes keys.
        """
        if self._authority is None or self._parseKey != Key.fromString:
            return None
        return self._authorize

    def vet(self, verdict: Verdict, proof: Proof) -> Deferred[Verdict]:
        """
        Judge a key that is among those of L{getAuthorizedKeys}: whether it is revoked,
        and whether the account may be used.

        @param verdict: that it is the user's.
        @param proof: the key.
        """
        if self._authority is None:
            return succeed(verdict)
        vet = partial(self._authority.vet, verdict, proof.offer)
        vetting: Deferred[Any]
        vetting = self.workers.run(settled, vet, verdict.name, source=proof.source)
        vetting.addErrback(self._ebLooking, verdict.name)
        return vetting.addCallback(self._cbVetted, proof)

    def _cbVetted(self, verdict: Verdict, proof: Proof) -> Any:
        """
        Have the account judged, if there are rules for accounts.
        """
        if not self._hasRules or verdict.kind is not Kind.ACCEPTED:
            return verdict
        return self._judge(verdict, proof).addErrback(self._ebLooking, verdict.name)

    @overridable
    def getAuthorizedKeys(self, username: bytes) -> Iterable[Any]:
        """
        Return the keys of a user, as Twisted does it: those without options, of
        C{~/.ssh/authorized_keys} and C{~/.ssh/authorized_keys2}, whoever may write
        there.

        A name that the name service spells otherwise has no keys: who asks names the
        avatar as it was typed, and an account would have several.
        """
        import pwd

        name = os.fsdecode(username)
        try:
            record = (self._userdb or pwd).getpwnam(name)
        except (KeyError, ValueError):
            # The latter for a NUL in it.
            return ()
        if record.pw_name != name:
            return ()
        return self._keysIn(os.path.join(record.pw_dir, file) for file in FILES)

    def _keysIn(self, paths: Iterable[str]) -> Iterator[Any]:
        """
        Read keys out of files.
        """
        for path in paths:
            if os.path.exists(path):
                try:
                    with open(path, "rb") as file:
                        yield from readAuthorizedKeyFile(file, self._parseKey)
                except OSError as error:
                    _log.error(
                        "Unable to read {path!r}: {error!s}", path=path, error=error
                    )

    def _authorize(
        self, name: bytes, proof: Proof, peer: str | None
    ) -> Deferred[Verdict]:
        """
        Look a key up, and verify the signature if a thread is at it.

        @param name: the name of the user.
        @param proof: the key, with a signature if there is one.
        @param peer: the address of the client, if it is known.
        """
        offer = proof.offer
        looking: Deferred[Any]
        if self._separate is not None:
            looking = self._separate.lookUp(name, offer.blob, peer, proof.source)
        else:
            asked = name, proof, peer
            looking = self.workers.run(self._lookAndVerify, *asked, source=proof.source)
            looking.addErrback(self._ebLooking, name)
        return looking.addCallback(self._cbLooked, proof, peer)

    def _lookAndVerify(self, name: bytes, proof: Proof, peer: str | None) -> Verdict:
        """
        Do so, in a thread.
        """
        verdict = settled(lambda: self._authority.lookUp(name, proof.offer, peer), name)
        if verdict.key is not None and proof.isThere:
            proof.verify()
        return verdict

    @property
    def workers(self) -> Workers:
        """
        The threads.
        """
        return self._workers or workersOf()

    def _ebLooking(self, failure: Failure, name: bytes) -> Verdict:
        """
        Tell what has kept a look from its end.
        """
        failure.trap(OSError)
        return Verdict(Kind.UNSURE, name, str(failure.value))

    def _cbLooked(self, verdict: Verdict, proof: Proof, peer: str | None) -> Any:
        """
        Log what has come of a look, and ask the command if it has the last word.
        """
        self._logNotes()
        if verdict.kind is not Kind.REFUSED or verdict.account is None:
            return verdict
        if self._command is None:
            return verdict
        asking: Deferred[Any] = self._command.run(
            verdict.account, proof.offer, proof.source
        )
        asking.addCallback(self._cbCommand, verdict, proof, peer)
        return asking

    def _cbCommand(
        self, text: bytes, verdict: Verdict, proof: Proof, peer: str | None
    ) -> Any:
        """
        Look for the key in what the command has written.
        """
        looking: Deferred[Any] = self.workers.run(
            self._lookInOutput, text, verdict, proof.offer, peer, source=proof.source
        )
        looking.addCallback(self._cbEvidence, verdict, proof)
        looking.addErrback(self._ebLooking, verdict.name)
        return looking.addBoth(self._passNotes)

    def _lookInOutput(
        self, text: bytes, verdict: Verdict, offer: Offer, peer: str | None
    ) -> KeyEvidence | None:
        """
        Do so, in a thread.
        """
        account, command = verdict.account, self._command
        if account is None or command is None:
            return None
        known: KeyEvidence | None
        known = self._authority.lookUpInText(text, command.path, offer, account, peer)
        return known

    def _cbEvidence(
        self, evidence: KeyEvidence | None, verdict: Verdict, proof: Proof
    ) -> Any:
        """
        Have the account judged whose key it is.

        @param verdict: the verdict if it isn't.
        """
        if evidence is None:
            return verdict
        return self._judge(replace(verdict, key=evidence), proof)

    def _judge(self, verdict: Verdict, proof: Proof) -> Deferred[Any]:
        """
        Have the account judged whose key it is.

        @param verdict: what was found out about the key.
        """
        name = verdict.name
        judging: Deferred[Any]
        if self._separate is not None:
            judging = self._separate.lookUp(name, b"", None, proof.source)
        else:
            judge = partial(self._authority.judgeAccount, name)
            judging = self.workers.run(settled, judge, name, source=proof.source)
        return judging.addCallback(lambda judged: replace(judged, key=verdict.key))

    def _passNotes(self, result: Any) -> Any:
        """
        Log what has been noted, and hand a result on.
        """
        self._logNotes()
        return result

    def _logNotes(self) -> None:
        """
        Log what has been noted.
        """
        for text, values in self._authority.takeNotes():
            _log.warn(text, **values)


__all__ = [
    "InMemorySSHKeyDB",
    "UNIXAuthorizedKeysFiles",
    "keysAmong",
    "logUnread",
    "readAuthorizedKeyFile",
]
