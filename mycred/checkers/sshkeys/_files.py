"""
Where the keys of users are: in files, as sshd has them, or in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from zope.interface import implementer

from twisted.conch.ssh.keys import Key
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from ..._accounts import SHADOW, AccountRules, SystemUsers
from ..._conchcontracts import IAuthorizedKeysDB, twistedConch
from ..._counterparts import Counterpart, overridable
from ..._paths import AnyPath, asPath, asPathOrNone
from ..._privileged import PrivilegedClient
from ..._sshkeys import (
    FILES,
    Authority,
    KeyFiles,
    KeyPolicy,
    KeySettings,
    checkPattern,
    makeAuthority,
)
from ..._threads import processorCount
from ..._types import UserDatabase
from ..._verdict import Kind, Verdict
from ...workers import Workers, workersOf
from ._command import KeysCommand
from ._keystore import KeyStore, PrivilegedKeyStore
from ._plainkeys import ParseKey, parseKey as conchsParseKey, readAuthorizedKeyFile
from ._proof import Proof

_log = Logger()

_anyKey = KeyPolicy()


@implementer(IAuthorizedKeysDB)
class InMemorySSHKeyDB(Counterpart, twistedConch.InMemorySSHKeyDB):
    """
    Keys that a program has in memory.
    """

    def __init__(self, mapping: Mapping[bytes, Iterable[Key]]) -> None:
        """
        @param mapping: by the name of the user, conch's keys.
        """
        self._mapping = mapping

    @overridable
    def getAuthorizedKeys(self, username: bytes) -> Iterable[Key]:
        """
        Return the keys of a user.
        """
        return self._mapping.get(username, [])


@implementer(IAuthorizedKeysDB)
class UNIXAuthorizedKeysFiles(Counterpart, twistedConch.UNIXAuthorizedKeysFiles):
    """
    The keys in users' files, by which sshd lets them in.

    L{SSHPublicKeyChecker} looks one up with all that sshd would look at:
    options, certificates, who may write to a file.  C{getAuthorizedKeys} is for other
    callers, and knows keys without options only.  Where a program overrides it, nothing
    else is asked.
    """

    # As long as the constructor hasn't run, which programs skip.
    _authority: Authority | None = None
    _store: KeyStore | None = None
    _userdb: UserDatabase | None = None  # type: ignore[assignment]
    _parseKey: ParseKey = conchsParseKey
    _hasRules = False

    _shadow = SHADOW

    def __init__(
        self,
        userdb: UserDatabase | None = None,
        parseKey: ParseKey = conchsParseKey,
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
        In the paths, C{%h} stands for the user's home directory, C{%u} for their name
        and C{%U} for their uid; a path that doesn't begin with C{/} is in their home
        directory.

        @param userdb: what has C{getpwnam}; the module L{pwd} if L{None}.
        @param parseKey: what parses a line for C{getAuthorizedKeys}.  If one is given,
            keys are looked up by nothing else.
        @param files: the files with keys, or the only one.
        @param ca: a file with the keys of authorities, whose certificates count.
        @param revoked: a file with revoked keys, or a KRL.
        @param principals: the file with the principals for one of which such a
            certificate must be; if L{None}, it must be for the user's name.
        @param strict: whether files are refused to which others may write.
        @param accountRules: what an account must be like; then those that are locked,
            or have expired, are denied too.  If L{None}, any account will do.
        @param command: a program that is asked for more keys.
        @param policy: which signatures count in certificates.
        @param separate: whether to look keys up in processes that are started now and
            keep the privileges that this one has; it must be root's.
        @param workers: the threads that wait; the reactor's own if L{None}.

        @raise ValueError: if a path holds another C{%}, or other processes would have
            to ask a C{userdb}.
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
        self._hasRules = accountRules is not None
        shadow = self._shadow if os.path.lexists(self._shadow) else None
        settings = KeySettings(where, policy, accountRules, shadow)
        self._authority = makeAuthority(settings, users=self._users)
        if separate:
            client = PrivilegedClient("sshkey", settings, processorCount())
            self._store = PrivilegedKeyStore(client, self._authority, workers)
        else:
            self._store = KeyStore(self._authority, workers)

    @property
    def authorize(self) -> Callable[..., Deferred[Verdict]] | None:
        """
        What looks a key up, with the arguments of L{_authorize} after the first; L{None}
        if a program parses lines in its own way, so that those count of which it makes
        keys.
        """
        if self._store is None or self._parseKey != conchsParseKey:
            return None
        return partial(self._authorize, self._store)

    @property
    def workers(self) -> Workers:
        """
        The threads.
        """
        return workersOf() if self._store is None else self._store.workers

    def vet(self, verdict: Verdict, proof: Proof) -> Deferred[Verdict]:
        """
        Judge a key that is among those of L{getAuthorizedKeys}: whether it is revoked,
        and whether the account may be used.

        @param verdict: the verdict that the key is the user's.
        @param proof: the key.

        @return: a L{Deferred} that fires with the verdict, or fails with
            L{TemporaryFailure<mycred.error.TemporaryFailure>}.
        """
        if self._store is None:
            return succeed(verdict)
        checking = self._store.checkRevoked(verdict, proof)
        return checking.addCallback(self._cbNotRevoked, proof)

    def _cbNotRevoked(
        self, verdict: Verdict, proof: Proof
    ) -> Verdict | Deferred[Verdict]:
        """
        Have the account judged, if there are rules for accounts.
        """
        isRight = verdict.kind is Kind.ACCEPTED
        if self._store is None or not self._hasRules or not isRight:
            return verdict
        return self._store.judgeAccount(verdict.name, proof, verdict.key)

    @overridable
    def getAuthorizedKeys(self, username: bytes) -> Iterable[Key]:
        """
        Return the keys of a user, as Twisted does it: those without options, of
        C{~/.ssh/authorized_keys} and C{~/.ssh/authorized_keys2}, whoever may write
        there.

        A name that the name service spells otherwise has no keys: the caller names the
        avatar as it was typed, and an account would have several.
        """
        import pwd

        name = os.fsdecode(username)
        try:
            # A program's own may have a length, and hold no user.
            userdb: UserDatabase = pwd if self._userdb is None else self._userdb
            record = userdb.getpwnam(name)
        except (KeyError, ValueError):
            # ValueError for a NUL in it.
            return ()
        if record.pw_name != name:
            return ()
        return self._keysIn(os.path.join(record.pw_dir, file) for file in FILES)

    def _keysIn(self, paths: Iterable[str]) -> Iterator[Key]:
        """
        Return the keys in files.
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
        self, store: KeyStore, name: bytes, proof: Proof, peer: str | None
    ) -> Deferred[Verdict]:
        """
        Look a key up, and verify the signature where a thread of this process does so.

        @param store: where to look it up.
        @param name: the name of the user.
        @param proof: the key, with a signature if there is one.
        @param peer: the address of the client; L{None} if it isn't known.

        @return: a L{Deferred} that fires with the verdict, or fails with
            L{TemporaryFailure<mycred.error.TemporaryFailure>}.
        """
        lookingUp = store.lookUp(name, proof, peer)
        if self._command is not None:
            asked = self._command, store, proof, peer
            lookingUp.addCallback(self._cbLookedUp, *asked)
        return lookingUp

    def _cbLookedUp(
        self,
        verdict: Verdict,
        command: KeysCommand,
        store: KeyStore,
        proof: Proof,
        peer: str | None,
    ) -> Verdict | Deferred[Verdict]:
        """
        Ask the command, if no file has decided.
        """
        if verdict.kind is not Kind.REFUSED or verdict.account is None:
            return verdict
        asked = command.path, store, verdict, proof, peer
        running = command.run(verdict.account, proof.offer, proof.source)
        return running.addCallback(self._cbCommand, *asked)

    def _cbCommand(
        self,
        text: bytes,
        path: str,
        store: KeyStore,
        refusal: Verdict,
        proof: Proof,
        peer: str | None,
    ) -> Deferred[Verdict]:
        """
        Look the key up in what the command has written, and have the account judged if it
        is there.
        """

        def cbFound(verdict: Verdict) -> Verdict | Deferred[Verdict]:
            if verdict.key is None:
                return verdict
            return store.judgeAccount(verdict.name, proof, verdict.key)

        finding = store.lookUpInText(text, path, refusal, proof, peer)
        return finding.addCallback(cbFound)


__all__ = ["InMemorySSHKeyDB", "UNIXAuthorizedKeysFiles"]
