"""
The checker of keys that conch has deprecated, and that programs still extend.
"""

from __future__ import annotations

import os
import re
from base64 import decodebytes
from binascii import Error as Base64Error
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from zope.interface import implementer

from twisted.conch.ssh.keys import Key
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.filepath import FilePath

from ..._accounts import SystemUsers
from ..._audit import withReason
from ..._checking._passwords import refusal
from ..._conchcontracts import ValidPublicKey, twistedConch
from ..._contracts import AvatarID, ICredentialsChecker, ISSHPrivateKey
from ..._counterparts import Counterpart, isOverridden, overridable
from ..._reporting import reportsOutcome
from ..._secrets import asBytes, printable
from ..._sshkeys import Certificate, KeyEvidence, UnsafeFile, readSafely, signingKeyOf
from ..._types import UserDatabase
from ..._verdict import Account, Kind, Verdict
from ...error import LoginFailed, UnauthorizedLogin
from ._files import UNIXAuthorizedKeysFiles
from ._proof import KeyCredentials, Proof
from ._publickeys import SSHPublicKeyChecker

# Without the warning that comes with asking for it.
_Deprecated: Any = vars(twistedConch)["SSHPublicKeyDatabase"]

# What stands before a key in a line.  A comment is none, nor are options.
_type = re.compile(rb"[A-Za-z0-9@.-]+")


@implementer(ICredentialsChecker)
class SSHPublicKeyDatabase(Counterpart, _Deprecated):  # type: ignore[misc]
    """
    The keys in users' C{~/.ssh/authorized_keys} and C{~/.ssh/authorized_keys2}.

    As it is, it does what L{SSHPublicKeyChecker} does with L{UNIXAuthorizedKeysFiles},
    which are to be used instead.  A program that overrides C{checkKey} or
    C{getAuthorizedKeysFiles} has the key or the files looked at that it says; which keys
    and signatures count at all is as everywhere.
    """

    credentialInterfaces = (ISSHPrivateKey,)

    _userdb: UserDatabase | None = None
    _whole: tuple[UserDatabase | None, SSHPublicKeyChecker] | None = None
    _log = Logger()

    @reportsOutcome
    def requestAvatarId(self, credentials: KeyCredentials) -> Deferred[AvatarID]:
        """
        Check a key and a signature.

        @param credentials: a provider of L{ISSHPrivateKey}.

        @return: a L{Deferred} as from L{SSHPublicKeyChecker.requestAvatarId}.
        """
        steps = ("checkKey", "getAuthorizedKeysFiles")
        ends = ("_cbRequestAvatarId", "_ebRequestAvatarId")
        if not isOverridden(self, *steps, *ends):
            return self._checker().requestAvatarId(credentials)
        checking: Deferred[Any] = maybeDeferred(self.checkKey, credentials)
        checking.addCallback(self._cbRequestAvatarId, credentials)
        return checking.addErrback(self._ebRequestAvatarId)

    @overridable
    def getAuthorizedKeysFiles(self, credentials: KeyCredentials) -> list[FilePath[str]]:
        """
        Return the files in which a user's keys are.

        @raise KeyError: if there is no such user.
        """
        directory = FilePath(self._accountOf(credentials).home).child(".ssh")
        return [directory.child("authorized_keys"), directory.child("authorized_keys2")]

    @overridable
    def checkKey(self, credentials: KeyCredentials) -> bool:
        """
        Return whether a key stands in one of a user's files, in a line without options,
        at once and in the caller's thread.

        A file of L{getAuthorizedKeysFiles} counts only if no other user may write there;
        a program's own files may belong to any user.

        @raise KeyError: if there is no such user.
        """
        account = None
        if not isOverridden(self, "getAuthorizedKeysFiles"):
            account = self._accountOf(credentials)
        return any(
            _isIn(text, credentials.blob)
            for path in self.getAuthorizedKeysFiles(credentials)
            for text in self._read(path, account)
        )

    @overridable
    def _cbRequestAvatarId(self, validKey: object, credentials: KeyCredentials) -> Any:
        """
        Verify the signature, now that it is known whether the key is the user's.

        @param validKey: whether it is.

        @return: the name of the user, a L{Deferred} or a L{Failure}.
        """
        if not validKey:
            return refusal("the key isn't the user's")
        return SSHPublicKeyChecker(_Checked()).requestAvatarId(credentials)

    @overridable
    def _ebRequestAvatarId(self, failure: Failure) -> Failure:
        """
        Refuse a login if something has failed.
        """
        if failure.check(LoginFailed, ValidPublicKey):
            return failure
        self._log.failure("A key could not be checked", failure)
        error = UnauthorizedLogin("unable to get avatar id")
        return Failure(withReason(error, f"{failure.value!r}"))

    def _checker(self) -> SSHPublicKeyChecker:
        """
        Return what is to be used instead.
        """
        if self._whole is None or self._whole[0] is not self._userdb:
            files = UNIXAuthorizedKeysFiles(self._userdb)
            self._whole = self._userdb, SSHPublicKeyChecker(files)
        return self._whole[1]

    def _accountOf(self, credentials: KeyCredentials) -> Account:
        """
        Return an account, by the name by which the name service knows it.

        @raise KeyError: if there is none.
        """
        name = asBytes(credentials.username)
        user = None
        with suppress(ValueError):
            user = SystemUsers(self._userdb).find(name).user
        if user is None or user.name != name:
            raise KeyError(name)
        return user.account

    def _read(self, path: FilePath[str], account: Account | None) -> Iterable[bytes]:
        """
        Return what a file with keys holds, if there is one and it counts.

        @param account: the account to which it must belong; L{None} if it may belong to
            any.
        """
        if not path.exists():
            return
        try:
            if account is None:
                with path.open() as file:
                    yield file.read()
            else:
                yield readSafely(os.fsdecode(path.path), account, True)
        except (OSError, UnsafeFile) as error:
            name = printable(os.fsdecode(path.path))
            self._log.error("{path}: ignored: {error}", path=name, error=error)


class _Checked:
    """
    A database of keys that are known already to be the user's.
    """

    @overridable
    def getAuthorizedKeys(self, username: bytes) -> Iterable[Key]:
        """
        Return no keys: L{authorize} is asked.
        """
        return ()

    def authorize(self, name: bytes, proof: Proof, peer: str | None) -> Deferred[Verdict]:
        """
        Return the verdict that a key is the user's.
        """
        if isinstance(proof.offer, Certificate):
            why = "certificates aren't looked up here"
            return succeed(Verdict(Kind.REFUSED, name, why))
        key = signingKeyOf(proof.offer)
        evidence = KeyEvidence(key.type.decode("ascii"), key.fingerprint)
        return succeed(Verdict(Kind.ACCEPTED, name, key=evidence))


def _isIn(text: bytes, blob: bytes) -> bool:
    """
    Return whether a key stands in a line without options.
    """
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or not _type.fullmatch(words[0]):
            continue
        with suppress(Base64Error):
            if decodebytes(words[1]) == blob:
                return True
    return False


__all__ = ["SSHPublicKeyDatabase"]
