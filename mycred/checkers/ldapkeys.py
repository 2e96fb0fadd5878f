"""
SSH keys that are in an LDAP directory.

They take conch's libraries: C{pip install mycred[ssh]}.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from zope.interface import implementer

from twisted.conch.ssh.keys import Key
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from .._accounts import Account, Kind, Verdict
from .._conchcontracts import IAuthorizedKeysDB
from .._ldap import Seen, Settings
from .._secrets import asBytes
from .._sshkeys import KeyFiles, KeyPolicy, makeAuthority
from .._turns import Source
from .._workers import Workers
from ._accountchecker import errorOf
from ._keydbs import readAuthorizedKeyFile
from ._ldap import Looks, isPlausibleName
from ._publickeys import Proof

_anyKey = KeyPolicy()

_NOBODY = -1


@implementer(IAuthorizedKeysDB)
class LDAPAuthorizedKeys:
    """
    The keys in users' entries of a directory, each value a line as in an
    authorized_keys file.

    L{SSHPublicKeyChecker<mycred.checkers.sshkeys.SSHPublicKeyChecker>} looks one up
    with all that sshd would look at, and names the avatar as the directory spells it.
    C{getAuthorizedKeys} is for others, and knows keys without options only.
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
        self.looks = Looks(settings, workers)
        self._attribute = attribute
        self._authority = makeAuthority(KeyFiles(files=()), policy, None)

    def getAuthorizedKeys(self, username: bytes) -> Deferred[Any]:
        """
        Return the keys of a user that have no options.

        @return: a L{Deferred} that fires with them, or fails with
            L{TemporaryFailure<mycred.error.TemporaryFailure>}.
        """
        return self._look(asBytes(username), ()).addCallback(self._cbKeys)

    def authorize(self, name: bytes, proof: Proof, peer: str | None) -> Deferred[Verdict]:
        """
        Look a key up.

        @param name: the name of the user.
        @param proof: the key.
        @param peer: the address of the client, if it is known.
        """
        return self._look(name, proof.source).addCallback(self._cbLines, proof, peer)

    def close(self) -> None:
        """
        Close the connections to the directory.
        """
        self.looks.directory.close()

    def _look(self, name: bytes, source: Source) -> Deferred[Any]:
        """
        Have the values of a user's entry looked up.
        """
        if not isPlausibleName(name):
            return succeed(Seen(Verdict(Kind.REFUSED, name, "no such name"), []))
        lookFor = self.looks.directory.lookFor
        return self.looks.run(lookFor, name, self._attribute, source=source)

    def _cbKeys(self, seen: Seen) -> list[Any]:
        """
        Read keys.
        """
        verdict = seen.verdict
        if verdict.kind is Kind.UNSURE:
            raise errorOf(verdict)
        if verdict.kind is not Kind.ACCEPTED:
            return []
        lines = BytesIO(b"\n".join(seen.values))
        return list(readAuthorizedKeyFile(lines, Key.fromString))

    def _cbLines(self, seen: Seen, proof: Proof, peer: str | None) -> Verdict:
        """
        Look for a key among those of an entry.
        """
        verdict = seen.verdict
        if verdict.kind in (Kind.UNSURE, Kind.REFUSED):
            return verdict
        account = Account(
            verdict.name.decode("utf-8", "surrogateescape"), _NOBODY, _NOBODY, "", ""
        )
        text = b"\n".join(seen.values)
        where = f"{self._attribute} of {account.name}"
        evidence = self._authority.lookIn(text, where, proof.offer, account, peer)
        for note, values in self._authority.takeNotes():
            self._log.warn(note, **values)
        if evidence is None:
            return Verdict(Kind.REFUSED, verdict.name, "no such key is authorized")
        return verdict._replace(key=evidence)


__all__ = ["LDAPAuthorizedKeys"]
