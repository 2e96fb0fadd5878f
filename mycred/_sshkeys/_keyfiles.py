"""
Where keys are: the files of users, and those of the administrator.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import Any, NamedTuple

from .._files import Signature, State, Watch, readWhole, signatureOf
from .._verdict import Account
from ._authorizedkeys import Skip, keysIn
from ._key import PublicKey
from ._policy import KeyPolicy
from ._revoked import Revoked
from ._wire import UnusableKey

#: Where sshd looks, and Twisted.
FILES = (".ssh/authorized_keys", ".ssh/authorized_keys2")


class KeyFiles(NamedTuple):
    """
    Where keys are, and what else decides.

    In the names of files, C{%h} stands for the home of the user, C{%u} for his name,
    C{%U} for his number and C{%%} for C{%}; what doesn't begin with C{/} is in his
    home.

    @ivar files: the files with keys.
    @ivar ca: a file with the keys of trusted authorities.
    @ivar revoked: a file with revoked keys, or a KRL.
    @ivar principals: the file with the principals for one of which a certificate by a
        trusted authority must be; if L{None}, it must be for the user's name.
    @ivar isStrict: whether files to which others may write are refused.
    """

    files: tuple[str, ...] = FILES
    ca: str | None = None
    revoked: str | None = None
    principals: str | None = None
    isStrict: bool = True


class Content(NamedTuple):
    """
    What a file of the administrator's holds.

    @ivar value: what that is; L{None} if it is something else than it should be.
    @ivar flaw: what is wrong with it then.
    @ivar doubt: the state of the file, if it had changed just before, and so may have
        been half-written.
    """

    value: Any
    flaw: str = ""
    doubt: Signature | None = None


class Kept:
    """
    What a file of the administrator's holds, which is read again when it differs.
    """

    def __init__(
        self, path: str, parse: Callable[[bytes, Skip], Any], skip: Skip
    ) -> None:
        """
        @param path: its name.
        @param parse: what reads it, and is told C{skip}.
        @param skip: what is told of lines that are left out.
        """
        self._path = path
        self._parse = parse
        self._skip = skip
        self._lock = Lock()
        self._watch = Watch()
        self._state: State | None = None
        self._digest = b""
        self._content = Content(None)

    def read(self) -> Content:
        """
        Return what it holds.

        @raise OSError: if it can't be read.
        """
        with self._lock:
            state = self._state
            if (
                state is None
                or state.isProvisional
                or state.signature != signatureOf(os.stat(self._path))
            ):
                self._load()
            return self._content

    def _load(self) -> None:
        """
        Read it.
        """
        text, state = readWhole(self._path, self._watch)
        doubt = state.signature if state.isYoung else None
        digest = sha256(text).digest()
        # It may differ though its state doesn't tell; where it doesn't, it was taken
        # apart before.
        if digest != self._digest:
            try:
                self._content = Content(self._parse(text, self._skip))
            except UnusableKey as error:
                self._content = Content(None, str(error))
            self._digest = digest
        self._content = self._content._replace(doubt=doubt)
        self._state = state


def expand(pattern: str, account: Account) -> str:
    """
    Return the path of a file of a user.

    @param pattern: its path, as in L{KeyFiles}.
    """
    if "%" not in pattern:
        return os.path.join(account.home, pattern)
    tokens = {
        "%": "%",
        "h": account.home,
        "u": account.name,
        "U": str(account.uid),
    }
    name = re.sub("%(.)", lambda match: tokens[match[1]], pattern)
    return os.path.join(account.home, name)


def checkPattern(pattern: str) -> str:
    """
    Insist on a pattern for names of files.

    @raise ValueError: if it is none.
    """
    if not pattern:
        raise ValueError("write the name of a file")
    if re.sub("%[%huU]", "", pattern).count("%"):
        raise ValueError("a % must be followed by h, u or U, or by another %")
    return pattern


def checkKeyFiles(ca: str | None, revoked: str | None, policy: KeyPolicy) -> None:
    """
    Insist on the administrator's files.

    @param ca: a file with the keys of authorities.
    @param revoked: a file with revoked keys, or a KRL.
    @param policy: which signatures count.

    @raise ValueError: if one isn't what it should be.
    @raise OSError: if it can't be read.
    """
    skipped: list[str] = []

    def skip(line: int, why: str) -> None:
        skipped.append(f"; line {line} is {why}")

    if ca is not None:
        listed = Kept(ca, keysIn, skip).read()
        if listed.flaw:
            raise ValueError(f"ca: {ca}: {listed.flaw}")
        if not listed.value:
            raise ValueError(f"ca: there is no key in {ca}{''.join(skipped[:1])}")
        if all(_flaw(blob, policy) for blob in listed.value):
            raise ValueError(f"ca: no key in {ca} is of a type that counts")
    if revoked is not None:
        listed = Kept(revoked, Revoked.parse, skip).read()
        if listed.flaw:
            raise ValueError(f"revoked: {revoked}: {listed.flaw}")


def _flaw(blob: bytes, policy: KeyPolicy) -> str | None:
    """
    Return why an authority with a key doesn't count.
    """
    try:
        return policy.flaw(PublicKey.parse(blob))
    except UnusableKey as error:
        return str(error)


__all__ = ["FILES", "Kept", "KeyFiles", "checkKeyFiles", "checkPattern", "expand"]
