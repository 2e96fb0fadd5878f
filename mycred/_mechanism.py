"""
By which mechanism a client logs in, as one of a few words, whatever the client sends.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from twisted.python.reflect import qual

from ._contracts import (
    IAnonymous,
    ISSHPrivateKey,
    IUsernameDigestHash,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from ._conversations import IBearerToken, ICertificateCredentials, IScramCredentials
from ._scram import NAMES

#: The word for credentials of a kind that isn't known here.
OTHER = "other"

# The word for each kind of credentials, unless they name their mechanism.
_KINDS = (
    (IUsernamePassword, "password"),
    (IUsernameDigestHash, "digest"),
    (ISSHPrivateKey, "publickey"),
    (IBearerToken, "token"),
    (ICertificateCredentials, "certificate"),
    (IAnonymous, "anonymous"),
    (IUsernameHashedPassword, "hash"),
)

# Twisted's classes that tell more than their interfaces, by name: twisted.mail is loaded
# where it is used.
_CLASSES = {
    "twisted.cred.credentials.CramMD5Credentials": "CRAM-MD5",
    "twisted.mail._cred.LOGINCredentials": "LOGIN",
    "twisted.mail._cred.PLAINCredentials": "PLAIN",
    "twisted.mail.pop3.APOPCredentials": "APOP",
}

_SCRAM = tuple(name.decode("ascii") for name in NAMES.values())

#: All words: names of SASL's mechanisms as IANA has them, and names of other ways in
#: small letters.
MECHANISMS = (
    *(f"{name}-PLUS" for name in _SCRAM),
    *_SCRAM,
    "EXTERNAL",
    "CRAM-MD5",
    "OAUTHBEARER",
    "XOAUTH2",
    "PLAIN",
    "LOGIN",
    "ANONYMOUS",
    "APOP",
    *(word for _, word in _KINDS),
    OTHER,
)

_WORDS = frozenset(MECHANISMS)


def mechanismOf(credentials: object) -> str:
    """
    Return the word for how credentials prove what they do: one of L{MECHANISMS}.

    @param credentials: credentials of any class.  What leads a client through a mechanism
        may set their attribute C{mechanism}, a name in L{MECHANISMS}; other values count
        for nothing.
    """
    try:
        named = getattr(credentials, "mechanism", None)
        if type(named) is str and named in _WORDS:
            return named
        kind: Any = type(credentials)
        return _ofClass(kind) or _ofKind(credentials)
    except Exception:
        # Programs' credentials may do anything when they are asked.
        return OTHER


@lru_cache(maxsize=64)
def _ofClass(kind: type) -> str | None:
    """
    Return the word for instances of a class, or L{None} if it takes their interfaces.
    """
    words = (_CLASSES.get(qual(base)) for base in kind.__mro__)
    return next(filter(None, words), None)


def _ofKind(credentials: object) -> str:
    """
    Return the word for credentials by the interfaces that they provide.
    """
    for interface, word in _KINDS:
        if interface.providedBy(credentials):
            return word
    if IScramCredentials.providedBy(credentials):
        return NAMES[credentials.hash].decode("ascii")
    return OTHER


__all__ = ["MECHANISMS", "OTHER", "mechanismOf"]
