"""
SSH keys that are in an LDAP directory.

They take conch's libraries: C{pip install '.[ssh]'} in a checkout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from zope.interface import implementer

from twisted.conch.ssh.keys import Key
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from ..._checking._accounts import errorOf
from ..._checking._stores import DirectoryStore
from ..._conchcontracts import IAuthorizedKeysDB
from ..._counterparts import overridable
from ..._fairqueue import Source
from ..._ldap import Directory, Settings
from ..._secrets import asBytes
from ..._sshkeys import KeyFiles, KeyPolicy, KeySettings, Offer, makeAuthority
from ..._verdict import Account, Kind, Verdict
from ...workers import Workers
from .._ldap import isPlausibleName
from ._plainkeys import keysAmong, logUnparsed
from ._proof import Proof

_anyKey = KeyPolicy()

_NOBODY = -1

# So much of an entry is read where keys are taken out of all of it: values, and bytes of
# each.
_MOST_VALUES, _LONGEST_VALUE = 256, 2**16


@implementer(IAuthorizedKeysDB)
class LDAPAuthorizedKeys:
    """
    The keys in users' entries of a directory, each value a line as in an
    authorized_keys file.

    L{SSHPublicKeyChecker<mycred.checkers.sshkeys.SSHPublicKeyChecker>} looks one up
    with all that sshd would look at, and names the avatar as the directory spells it.
    C{getAuthorizedKeys} is for others, and knows keys without options only, of as many
    values as anybody has.
    """

    _log = Logger()

    def __init__(
        self,
        settings: Settings,
        attribute: str = "sshPublicKey",
        *,
        policy: KeyPolicy = _anyKey,
        workers: Workers | None = None,
    ) -> None:
        """
        @param settings: where the directory is, and who of it is let in.
        @param attribute: the attribute that holds keys.
        @param policy: which signatures count in certificates.
        @param workers: the threads that wait for the directory, and for nothing else;
            if L{None}, they belong to the reactor that is installed.

        @raise ValueError: if users can't be found without their passwords.
        """
        if settings.search is None:
            raise ValueError("keys take base=, since nobody can bind without a password")
        self.store = DirectoryStore(Directory(settings), settings.timeout, workers)
        self._attribute = attribute
        self._authority = makeAuthority(KeySettings(KeyFiles(files=()), policy))

    @overridable
    def getAuthorizedKeys(self, username: bytes) -> Deferred[Any]:
        """
        Return the keys of a user that have no options.

        @return: a L{Deferred} that fires with them, or fails with
            L{TemporaryFailure<mycred.error.TemporaryFailure>}.
        """
        keys: list[Any] = []
        unread: list[tuple[bytes, Exception]] = []
        looking = self._look(self._seekKeys, asBytes(username), (), keys, unread)
        return looking.addCallback(self._cbKeys, keys, unread)

    def authorize(self, name: bytes, proof: Proof, peer: str | None) -> Deferred[Verdict]:
        """
        Look a key up.

        @param name: the name of the user.
        @param proof: the key.
        @param peer: the address of the client, if it is known.
        """
        asked = name, proof.source, proof.offer, peer
        return self._look(self._seekLine, *asked).addCallback(self._cbLine)

    def close(self) -> None:
        """
        Close the connections to the directory.
        """
        self.store.directory.close()

    def _look(
        self, seek: Callable[..., Verdict], name: bytes, source: Source, *args: object
    ) -> Deferred[Any]:
        """
        Have something sought in a user's entry.

        @param seek: what does it, in a thread: however much there is to read, others
            are served meanwhile.
        @param source: who asks.
        @param args: what it is told besides the name.
        """
        if not isPlausibleName(name):
            return succeed(Verdict(Kind.REFUSED, name, "no such name"))
        return self.store.lookUp(seek, name, *args, source=source)

    def _seekKeys(
        self,
        name: bytes,
        keys: list[Any],
        unread: list[tuple[bytes, Exception]],
        until: float,
        isWatched: bool,
    ) -> Verdict:
        """
        Read the keys in an entry.

        @param keys: where to put them.
        @param unread: where to put what isn't read as a key, and why.
        """
        verdict = self.store.directory.lookFor(name, self._attribute, until, isWatched)
        if verdict.kind is Kind.ACCEPTED:
            lines = b"\n".join(verdict.values).split(b"\n", _MOST_VALUES)
            short = [one for one in lines[:_MOST_VALUES] if len(one) <= _LONGEST_VALUE]
            if len(short) < len(lines):
                unread.append((b"", ValueError("there is too much to read")))
            keys += keysAmong(
                short, Key.fromString, lambda line, error: unread.append((line, error))
            )
        return replace(verdict, values=())

    def _cbKeys(
        self, verdict: Verdict, keys: list[Any], unread: list[tuple[bytes, Exception]]
    ) -> list[Any]:
        """
        Hand the keys on.
        """
        for line, error in unread:
            logUnparsed(line, error)
        if verdict.kind is Kind.UNSURE:
            raise errorOf(verdict)
        return keys

    def _seekLine(
        self, name: bytes, offer: Offer, peer: str | None, until: float, isWatched: bool
    ) -> Verdict:
        """
        Look for a key among those of an entry.
        """
        verdict = self.store.directory.lookFor(name, self._attribute, until, isWatched)
        if verdict.kind in (Kind.UNSURE, Kind.REFUSED):
            return verdict
        account = Account(
            verdict.name.decode("utf-8", "surrogateescape"), _NOBODY, _NOBODY, "", ""
        )
        text = b"\n".join(verdict.values)
        where = f"{self._attribute} of {account.name}"
        evidence = self._authority.lookUpInText(text, where, offer, account, peer)
        if evidence is None:
            why = "no such key is authorized"
            return Verdict(Kind.REFUSED, verdict.name, why, steps=verdict.steps)
        return replace(verdict, key=evidence, values=())

    def _cbLine(self, verdict: Verdict) -> Verdict:
        """
        Log what has been noted, and hand the verdict on.
        """
        for note, values in self._authority.takeNotes():
            self._log.warn(note, **values)
        return verdict


__all__ = ["LDAPAuthorizedKeys"]
