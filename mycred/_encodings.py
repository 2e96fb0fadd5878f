"""
Names and passwords that a protocol hands over as text, decoded as the client meant them.

IRC hands over what was UTF-8 on the wire, decoded.  Twisted's FTP server decodes all that
comes as Latin-1: clients send UTF-8 (U{RFC 2640
<https://www.rfc-editor.org/rfc/rfc2640>}), and old ones Latin-1.  A checker doesn't know
which protocol it was, so that a text has two possible decodings.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import wraps
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ._audit import noteRefusedByOne
from ._contracts import IUsernamePassword
from ._secrets import LONGEST, asBytes
from .error import AccountDenied, TemporaryFailure, UnauthorizedLogin

_T = TypeVar("_T")
_Method = TypeVar("_Method", bound=Callable[..., Deferred[Any]])

# What is longer has one decoding, in characters: no checker takes it, and a client may
# send any length.
_LONGEST = 4 * LONGEST


def decodingsOf(*texts: str) -> list[tuple[str, ...]]:
    """
    Return the decodings of texts that one client has sent, each in which they make sense.

    @param texts: a name, or a name and a password, as the protocol hands them over.

    @return: one or two decodings, the likelier one first.  The bytes that a text stands
        for are its UTF-8, where a lone surrogate is one byte, as in L{asBytes
        <mycred._secrets.asBytes>}.
    """
    if any(len(text) > _LONGEST for text in texts):
        return [texts]
    try:
        sent = [text.encode("latin-1") for text in texts]
    except UnicodeEncodeError:
        return [texts]
    other = tuple(wire.decode("utf-8", "surrogateescape") for wire in sent)
    if other == texts:
        return [texts]
    # Hardly any text that was meant as Latin-1 is UTF-8 by chance.
    isUTF8 = all(text.isascii() or _isUTF8(wire) for text, wire in zip(texts, sent))
    return [other, texts] if isUTF8 else [texts, other]


def decodedName(name: object) -> object:
    """
    Return the likelier decoding of a name.

    @param name: the name; what is no text comes back as it is.
    """
    return decodingsOf(name)[0][0] if isinstance(name, str) else name


def namesIn(credentials: Any) -> list[bytes]:
    """
    Return the names under which a user is looked up: the name in each decoding that
    L{triesDecodings} tries, in bytes.  None, where the name is neither text nor bytes.

    @param credentials: credentials with a name.
    """
    names = [asBytes(each.username) for each in _decodedCredentials(credentials)]
    return [name for name in names if isinstance(name, bytes)]


def triesDecodings(method: _Method) -> _Method:
    """
    Decorate the method of a checker that checks credentials, so that it is called with
    each decoding of a name and a password that are text, both in the same one.

    The second decoding is tried only after the first was refused as wrong, and always
    then, so that the time tells nothing about which names are known.  A login is accepted
    only by a right name and its own right password.

    A checker whose store counts wrong passwords has an attribute C{countsRefusals} that
    is true.  Only the likelier decoding is tried with it, so that one wrong password
    doesn't count as two.
    """

    @wraps(method)
    def tryEach(self: object, credentials: object) -> Deferred[Any]:
        # The quickest test first: nearly all names are bytes.
        if not isinstance(getattr(credentials, "username", None), str):
            return method(self, credentials)
        decodings = _decodedCredentials(credentials)
        if len(decodings) < 2:
            return method(self, *decodings)
        first, second = decodings
        asking = method(self, first)
        if getattr(self, "countsRefusals", False):
            return asking

        def ebFirst(refused: Failure) -> Failure | Deferred[Any]:
            if not refused.check(UnauthorizedLogin) or refused.check(AccountDenied):
                return refused
            return method(self, second).addErrback(_ebSecond, refused)

        return asking.addErrback(ebFirst)

    return cast(_Method, tryEach)


def _ebSecond(failure: Failure, first: Failure) -> Failure:
    """
    Return the refusal that counts of two: the likelier decoding's, unless the other one
    has found out more.
    """
    if failure.check(TemporaryFailure):
        noteRefusedByOne(failure)
    isPlain = failure.check(UnauthorizedLogin) and not failure.check(AccountDenied)
    return first if isPlain else failure


def _decodedCredentials(credentials: _T) -> list[_T]:
    """
    Return credentials in each decoding in which they make sense.

    @param credentials: credentials whose name is text.

    @return: the credentials, and copies of them with another name and password, the
        likelier ones first.
    """
    if not IUsernamePassword.providedBy(credentials):
        return [credentials]
    # The contract says bytes, and protocols hand over text.
    name: object = credentials.username
    password: object = credentials.password
    if not isinstance(name, str) or not isinstance(password, str):
        return [credentials]
    if name.isascii() and password.isascii():
        return [credentials]
    return [
        credentials if decoding == (name, password) else _copied(credentials, *decoding)
        for decoding in decodingsOf(name, password)
    ]


def _copied(credentials: _T, name: str, password: str) -> _T:
    """
    Return a copy of credentials, with another name and password.
    """
    copied: Any = copy(credentials)
    copied.username, copied.password = name, password
    return cast(_T, copied)


def _isUTF8(wire: bytes) -> bool:
    """
    Return whether bytes are UTF-8.
    """
    try:
        wire.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


__all__ = ["decodedName", "decodingsOf", "namesIn", "triesDecodings"]
