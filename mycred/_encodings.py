"""
Which bytes a name and a password stand for that a protocol hands over as text.

IRC hands over what was UTF-8 on the wire, decoded.  Twisted's FTP server decodes what
came as Latin-1, whatever it was: clients send UTF-8 (U{RFC 2640
<https://www.rfc-editor.org/rfc/rfc2640>}), and old ones Latin-1.  Nothing tells a checker
which protocol it was, so that text may be read in two ways.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import wraps
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ._contracts import IUsernamePassword
from .error import AccountDenied, UnauthorizedLogin


def decodingsOf(*texts: str) -> list[tuple[str, ...]]:
    """
    Read texts that one client has sent, in each way in which they make sense.

    @param texts: a name, or a name and a password, as the protocol hands them over.

    @return: one or two readings, the likelier one first.  The bytes that a text stands
        for are its UTF-8, where a lone surrogate is one byte, as in L{asBytes
        <mycred._secrets.asBytes>}.
    """
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
    Return the likelier reading of a name.

    @param name: the name; what is no text comes back as it is.
    """
    return decodingsOf(name)[0][0] if isinstance(name, str) else name


def triesDecodings(method: Callable[..., Deferred[Any]]) -> Callable[..., Deferred[Any]]:
    """
    Decorate the method of a checker that checks credentials, so that a name and a
    password that are text are read as the client has meant them: name and password in
    the same way.

    The second reading is asked for only after the first was refused as wrong, and
    always then, so that the time tells nothing about who is known.  Nobody is let in
    but by a right name and its own right password.

    A checker whose store counts wrong passwords has an attribute C{countsRefusals} that
    is true.  It is asked for the likelier reading alone, so that one wrong password
    isn't two.
    """

    @wraps(method)
    def read(self: Any, credentials: Any) -> Deferred[Any]:
        # Which nearly all are not, and all are asked.
        if not isinstance(getattr(credentials, "username", None), str):
            return method(self, credentials)
        readings = _decodedCredentials(credentials)
        if len(readings) < 2:
            return method(self, *readings)
        first, second = readings
        asking = method(self, first)
        if getattr(self, "countsRefusals", False):
            return asking

        def ebFirst(refused: Failure) -> Any:
            if not refused.check(UnauthorizedLogin) or refused.check(AccountDenied):
                return refused
            return method(self, second).addErrback(_ebSecond, refused)

        return asking.addErrback(ebFirst)

    return read


def _ebSecond(failure: Failure, first: Failure) -> Failure:
    """
    Choose which refusal of two counts: the likelier reading's, unless the other one has
    found out more.
    """
    isPlain = failure.check(UnauthorizedLogin) and not failure.check(AccountDenied)
    return first if isPlain else failure


def _decodedCredentials(credentials: Any) -> list[Any]:
    """
    Read credentials in each way in which they make sense.

    @param credentials: credentials whose name is text.

    @return: the credentials, and copies of them with another name and password, the
        likelier ones first.
    """
    name = credentials.username
    if not IUsernamePassword.providedBy(credentials):
        return [credentials]
    password: Any = credentials.password
    if not isinstance(password, str) or (name.isascii() and password.isascii()):
        return [credentials]
    return [
        credentials if reading == (name, password) else _reread(credentials, *reading)
        for reading in decodingsOf(name, password)
    ]


def _reread(credentials: Any, name: str, password: str) -> Any:
    """
    Copy credentials, with another name and password.
    """
    reading = copy(credentials)
    reading.username, reading.password = name, password
    return reading


def _isUTF8(wire: bytes) -> bool:
    """
    Tell whether bytes are UTF-8.
    """
    try:
        wire.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


__all__ = ["decodedName", "decodingsOf", "triesDecodings"]
