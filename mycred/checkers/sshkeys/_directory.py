"""
SSH keys that are in an LDAP directory.

They take conch's libraries: C{pip install '.[ssh]'} in a checkout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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

# So much of an entry is parsed where all its keys are asked for: values, and bytes of
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
    def getAuthorizedKeys(self, username: bytes) -> Deferred[list[Key]]:
        """
        Return the keys of a user that have no options.

        @return: a L{Deferred} that fires with them, or fails with
            L{TemporaryFailure<mycred.error.TemporaryFailure>}.
        """
        keys: list[Key] = []
        unparsed: list[tuple[bytes, Exception]] = []
        asked = asBytes(username), (), keys, unparsed
        lookingUp = self._lookUp(self._findKeys, *asked)
        return lookingUp.addCallback(self._cbKeys, keys, unparsed)

    def authorize(self, name: bytes, proof: Proof, peer: str | None) -> Deferred[Verdict]:
        """
        Look a key up.

        @param name: the name of the user.
        @param proof: the key.
        @param peer: the address of the client; L{None} if it isn't known.

        @return: a L{Deferred} that fires with the verdict, or fails with
            L{TemporaryFailure<mycred.error.TemporaryFailure>}.
        """
        asked = name, proof.source, proof.offer, peer
        return self._lookUp(self._findLine, *asked).addCallback(self._cbLine)

    def close(self) -> None:
        """
        Close the connections to the directory.
        """
        self.store.directory.close()

    def _lookUp(
        self, find: Callable[..., Verdict], name: bytes, source: Source, *args: object
    ) -> Deferred[Verdict]:
        """
        Have something looked up in a user's entry.

        @param find: what does it, in a thread: however much there is to parse, other
            logins are served meanwhile.
        @param source: who asks.
        @param args: what to call it with besides the name.
        """
        if not isPlausibleName(name):
            return succeed(Verdict(Kind.REFUSED, name, "no such name"))
        return self.store.lookUp(find, name, *args, source=source)

    def _findKeys(
        self,
        name: bytes,
        keys: list[Key],
        unparsed: list[tuple[bytes, Exception]],
        until: float,
        isWatched: bool,
    ) -> Verdict:
        """
        Add the keys in an entry to a list.

        @param keys: the list.
        @param unparsed: gets what can't be parsed as a key, and the error.
        """
        verdict = self.store.directory.lookFor(name, self._attribute, until, isWatched)
        if verdict.kind is Kind.ACCEPTED:
            lines = b"\n".join(verdict.values).split(b"\n", _MOST_VALUES)
            short = [one for one in lines[:_MOST_VALUES] if len(one) <= _LONGEST_VALUE]
            if len(short) < len(lines):
                unparsed.append((b"", ValueError("there is too much to read")))
            keys += keysAmong(
                short, Key.fromString, lambda line, error: unparsed.append((line, error))
            )
        return replace(verdict, values=())

    def _cbKeys(
        self, verdict: Verdict, keys: list[Key], unparsed: list[tuple[bytes, Exception]]
    ) -> list[Key]:
        """
        Log what can't be parsed, and return the keys.
        """
        for line, error in unparsed:
            logUnparsed(line, error)
        if verdict.kind is Kind.UNSURE:
            raise errorOf(verdict)
        return keys

    def _findLine(
        self, name: bytes, offer: Offer, peer: str | None, until: float, isWatched: bool
    ) -> Verdict:
        """
        Return the verdict on a key by the lines in an entry.
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
        Log what has been noted, and return the verdict.
        """
        for note, values in self._authority.takeNotes():
            self._log.warn(note, **values)
        return verdict


__all__ = ["LDAPAuthorizedKeys"]
