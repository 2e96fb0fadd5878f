"""
The mechanisms, strongest first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from .._contracts import (
    IAnonymous,
    InterfaceType,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from .._scram import NAMES
from ..credentials import IBearerToken, ICertificateCredentials, IScramCredentials
from ._context import Context
from ._crammd5 import CramMD5
from ._exchange import Ask, Exchange
from ._external import External, Visit
from ._passwords import Login, Plain
from ._scram import Scram
from ._tokens import OAuthBearer, XOAuth2


@dataclass(frozen=True)
class Mechanism:
    """
    A way to log in by SASL.

    @ivar name: its name, as in U{IANA's list
        <https://www.iana.org/assignments/sasl-mechanisms>}.
    @ivar interface: the interface of the credentials that it makes.
    @ivar exchange: begins a login by it.
    @ivar hash: the name of the hash of SCRAM in L{hashlib}; L{None} for others.
    @ivar isClearText: whether a reader of the line could log in with what they read.
    @ivar isBound: whether it binds the login to the TLS connection.
    @ivar needsCertificate: whether the client must have presented a certificate.
    @ivar isClientFirst: whether the client begins, so that it may send its first answer
        together with the name of the mechanism.
    """

    name: bytes
    interface: InterfaceType
    exchange: Callable[[Context, Ask], Exchange] = field(repr=False)
    hash: str | None = None
    isClearText: bool = False
    isBound: bool = False
    needsCertificate: bool = False
    isClientFirst: bool = True


def _scram(hash: str, isBound: bool) -> Mechanism:
    """
    Return the mechanism of SCRAM with a hash.
    """
    name = NAMES[hash] + (b"-PLUS" if isBound else b"")
    exchange = partial(Scram, hash, isBound)
    return Mechanism(name, IScramCredentials, exchange, hash, isBound=isBound)


#: The mechanisms by name, strongest first: clients that don't know which is the strongest
#: take the first one.
MECHANISMS = {
    mechanism.name: mechanism
    for mechanism in (
        _scram("sha256", isBound=True),
        _scram("sha1", isBound=True),
        _scram("sha256", isBound=False),
        _scram("sha1", isBound=False),
        Mechanism(b"EXTERNAL", ICertificateCredentials, External, needsCertificate=True),
        Mechanism(b"CRAM-MD5", IUsernameHashedPassword, CramMD5, isClientFirst=False),
        Mechanism(b"OAUTHBEARER", IBearerToken, OAuthBearer, isClearText=True),
        Mechanism(b"XOAUTH2", IBearerToken, XOAuth2, isClearText=True),
        Mechanism(b"PLAIN", IUsernamePassword, Plain, isClearText=True),
        Mechanism(b"LOGIN", IUsernamePassword, Login, isClearText=True),
        Mechanism(b"ANONYMOUS", IAnonymous, Visit),
    )
}

__all__ = ["MECHANISMS", "Mechanism"]
