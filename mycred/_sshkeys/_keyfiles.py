"""
Where keys are: the files of users, and those of the administrator.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Generic, NamedTuple, TypeVar

from .._files import KeptFile, Signature, State
from .._paths import AnyPath, asPathOrNone
from .._verdict import Account
from ._authorizedkeys import Skip, keysIn
from ._key import PublicKey
from ._policy import KeyPolicy
from ._revoked import Revoked
from ._wire import UnusableKey

_T = TypeVar("_T")

#: Where sshd looks, and Twisted.
FILES = (".ssh/authorized_keys", ".ssh/authorized_keys2")


class KeyFiles(NamedTuple):
    """
    Where keys are, and what else decides.

    In the paths, C{%h} stands for the home directory of the user, C{%u} for their name,
    C{%U} for their uid and C{%%} for C{%}; a path that doesn't begin with C{/} is in
    their home directory.

    @ivar files: the paths of the files with keys.
    @ivar ca: the path of a file with the keys of trusted authorities.
    @ivar revoked: the path of a file with revoked keys, or a KRL.
    @ivar principals: the path of the file with the principals for one of which a
        certificate by a trusted authority must be; if L{None}, it must be for the user's
        name.
    @ivar isStrict: whether files that others may write are refused.
    """

    files: tuple[str, ...] = FILES
    ca: str | None = None
    revoked: str | None = None
    principals: str | None = None
    isStrict: bool = True


@dataclass(frozen=True)
class Content(Generic[_T]):
    """
    What a file of the administrator's holds.

    @ivar value: what it holds; L{None} if it is something else than it should be.
    @ivar flaw: what is wrong with it then.
    @ivar doubt: the state of the file, if it had changed just before, and so may have
        been half-written.
    """

    value: _T | None
    flaw: str = ""
    doubt: Signature | None = None


class ListFile(Generic[_T]):
    """
    A file of the administrator's, which lists keys.  It is parsed again when what it
    holds differs.
    """

    def __init__(self, path: str, parse: Callable[[bytes, Skip], _T], skip: Skip) -> None:
        """
        @param path: its path.
        @param parse: returns what a text says; called with C{skip}, too.
        @param skip: called with lines that are left out.
        """
        self._parse = parse
        self._skip = skip
        self._file = KeptFile(path, self._parsed)
        self._digest = b""
        self._content: Content[_T] = Content(None)

    def read(self) -> Content[_T]:
        """
        Return what it holds.

        @raise OSError: if it can't be read.
        """
        return self._file.read()

    def _parsed(self, text: bytes, state: State) -> Content[_T]:
        """
        Return what a text says.
        """
        digest = sha256(text).digest()
        # A file may differ without its state telling; a text that is the same was parsed
        # before.
        if digest != self._digest:
            try:
                self._content = Content(self._parse(text, self._skip))
            except UnusableKey as error:
                self._content = Content(None, str(error))
            self._digest = digest
        return replace(self._content, doubt=state.signature if state.isYoung else None)


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
    Return the path of a file of each user, if it can be one.

    @param pattern: the path, as in L{KeyFiles}.

    @raise ValueError: if it can't.
    """
    if not pattern:
        raise ValueError("write the path of a file")
    if re.sub("%[%huU]", "", pattern).count("%"):
        raise ValueError("a % must be followed by h, u or U, or by another %")
    return pattern


def checkKeyFiles(ca: AnyPath | None, revoked: AnyPath | None, policy: KeyPolicy) -> None:
    """
    Insist on files of the administrator's that can take effect.

    @param ca: the path of a file with the keys of authorities.
    @param revoked: the path of a file with revoked keys, or a KRL.
    @param policy: which signatures count.

    @raise ValueError: if one isn't what it should be.
    @raise OSError: if it can't be read.
    """
    ca, revoked = asPathOrNone(ca), asPathOrNone(revoked)
    skipped: list[str] = []

    def skip(line: int, why: str) -> None:
        skipped.append(f"; line {line} is {why}")

    if ca is not None:
        trusted = ListFile(ca, keysIn, skip).read()
        if trusted.flaw:
            raise ValueError(f"ca: {ca}: {trusted.flaw}")
        if not trusted.value:
            raise ValueError(f"ca: there is no key in {ca}{''.join(skipped[:1])}")
        if all(_flaw(blob, policy) for blob in trusted.value):
            raise ValueError(f"ca: no key in {ca} is of a type that counts")
    if revoked is not None:
        flaw = ListFile(revoked, Revoked.parse, skip).read().flaw
        if flaw:
            raise ValueError(f"revoked: {revoked}: {flaw}")


def _flaw(blob: bytes, policy: KeyPolicy) -> str | None:
    """
    Return why an authority with a key doesn't count; L{None} if it does.
    """
    try:
        return policy.flaw(PublicKey.parse(blob))
    except UnusableKey as error:
        return str(error)


__all__ = ["FILES", "KeyFiles", "ListFile", "checkKeyFiles", "checkPattern", "expand"]
