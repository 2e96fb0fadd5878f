"""
What a user presents in order to log in, and the challenges that ask for it.

The interfaces are Twisted's own.  Each class here encapsulates one kind of
credentials, and answers for itself whether it matches the secret that a
checker holds: in constant time, and with L{LoginFailed} where what came over
the wire is malformed.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Sequence
from hashlib import md5
from typing import Any

from zope.interface import implementer

from twisted.python.deprecate import deprecatedModuleAttribute
from twisted.python.versions import Version

from . import error as error
from ._authzid import insistOnOwnName
from ._contracts import (
    IAnonymous,
    ICredentials,
    ISSHPrivateKey,
    IUsernameDigestHash,
    IUsernameHashedPassword,
    IUsernamePassword,
    twistedCredentials,
)
from ._conversations import IBearerToken, ICertificateCredentials, IScramCredentials
from ._counterparts import Counterpart, overridable
from ._digest import calcHA1, calcHA2, calcResponse
from ._httpdigest import DigestCredentialFactory, DigestedCredentials
from ._peers import hostOf
from ._scramcredentials import ScramCredentials
from ._secrets import asBytes, equal
from .error import LoginFailed

# Twisted's method does the same as ours: a subclass that has it overrides nothing.
overridable(twistedCredentials.UsernamePassword.checkPassword)

# From the module's namespace: getattr would warn that it is deprecated.
_Hashed: Any = vars(twistedCredentials)["UsernameHashedPassword"]


def peerOf(credentials: object) -> str | None:
    """
    Return the address of the peer that presented these credentials.

    Credentials of any class may have an attribute C{peer}: the address as the
    transport returns it (C{transport.getPeer()}), or its text.
    L{SessionPortal<mycred.portal.SessionPortal>} sets it; so may any server, before the
    login.

    @return: the host, as text; an IPv4 address that came as an IPv6 one, as to a
        socket that serves both, is an IPv4 address.  L{None} if it isn't known.
    """
    return hostOf(getattr(credentials, "peer", None))


@implementer(IUsernamePassword)
class UsernamePassword(Counterpart, twistedCredentials.UsernamePassword):
    """
    A user name, and the password as it was typed.

    @ivar username: the name of the user.
    @ivar password: the password.
    """

    def __init__(self, username: bytes, password: bytes) -> None:
        """
        @param username: the name of the user.  Protocols that speak text (FTP,
            IRC) hand over a L{str}; it is kept, and checkers answer in kind.
        @param password: the password, in the type of the name.
        """
        self.username = username
        self.password = password

    @overridable
    def checkPassword(self, password: bytes) -> bool:
        """
        Return whether the user typed this very password.

        @param password: the right one.  As in Twisted, text never matches
            bytes, and what is neither is compared by C{==}.
        """
        return equal(self.password, password)


@implementer(IUsernameHashedPassword)
class UsernameHashedPassword(Counterpart, _Hashed):  # type: ignore[misc]
    """
    A user name and a hashed password.

    @ivar username: the name of the user.
    @ivar hashed: the hashed password.
    """

    deprecatedModuleAttribute(
        Version("Twisted", 21, 2, 0),
        "Use mycred.credentials.UsernamePassword instead.",
        __name__,
        "UsernameHashedPassword",
    )

    def __init__(self, username: bytes, hashed: bytes) -> None:
        self.username = username
        self.hashed = hashed

    def checkPassword(self, password: bytes) -> bool:
        """
        Return whether the stored secret is this very hash.

        @param password: the secret that the checker has stored.
        """
        return equal(self.hashed, password)


@implementer(IAnonymous)
class Anonymous(Counterpart, twistedCredentials.Anonymous):
    """
    An explicit request to be let in without a name.
    """


@implementer(IUsernameHashedPassword)
class CramMD5Credentials(Counterpart, twistedCredentials.CramMD5Credentials):
    """
    A challenge, and the answer to it, which proves that the client knows the password
    (U{RFC 2195<https://www.rfc-editor.org/rfc/rfc2195>}).

    @ivar host: the name of the server, for the challenge.
    @ivar challenge: the challenge, empty until it is asked for.
    @ivar username: the name that the client answered with, or L{None}.
    @ivar response: the digest that the client answered with, in hexadecimal.
    """

    username: bytes | None = None
    challenge = b""
    response = b""

    def __init__(self, host: bytes | str | None = None) -> None:
        """
        @param host: the name of the server that sends the challenge; at most 23
            bytes, if it sends it through Twisted's IMAP4 server.
        """
        self.host = host

    def getChallenge(self) -> bytes:
        """
        Return the challenge, which is made at the first call.

        @return: a message ID as RFC 2195 has it, C{<random.time@host>}.
        """
        if not self.challenge:
            # No longer than this: Twisted's IMAP4 server breaks a challenge of
            # more than 57 bytes into two lines.
            unguessable = secrets.randbits(64)
            host = asBytes(self.host or b"localhost")
            self.challenge = b"<%d.%d@%s>" % (unguessable, time.time(), host)
        return self.challenge

    def setResponse(self, response: bytes) -> None:
        """
        Parse the client's answer.

        @param response: the name, a space and the digest.

        @raise LoginFailed: if it isn't that.
        """
        # The digest holds no space, so that a name may.
        words = response.rsplit(None, 1)
        if len(words) != 2:
            raise LoginFailed("Malformed CRAM-MD5 response")
        self.username, self.response = words

    def moreChallenges(self) -> bool:
        """
        Return whether the client has to be asked again.
        """
        return False

    def checkPassword(self, password: bytes) -> bool:
        """
        Return whether the answer was computed with this password.

        @param password: the right one, in plain text.
        """
        if not self.challenge:
            # Nothing was asked, so that nothing can have been proved.
            return False
        expected = hmac.new(asBytes(password), self.challenge, md5).hexdigest()
        return equal(expected.encode("ascii"), self.response)


@implementer(ISSHPrivateKey)
class SSHPrivateKey(Counterpart, twistedCredentials.SSHPrivateKey):
    """
    A public key, and the signature that proves that the client holds the private one.

    @ivar username: the name of the user.
    @ivar algName: the name of the algorithm.
    @ivar blob: the public key as the client sent it.
    @ivar sigData: what was signed.
    @ivar signature: the signature; L{None} while the client only asks whether
        the key would be accepted.
    """

    def __init__(
        self,
        username: bytes,
        algName: bytes,
        blob: bytes,
        sigData: bytes | None,
        signature: bytes | None,
    ) -> None:
        self.username = username
        self.algName = algName
        self.blob = blob
        self.sigData = sigData
        self.signature = signature


@implementer(ICertificateCredentials)
class CertificateCredentials:
    """
    The certificate that a client has presented to TLS.

    @ivar certificate: the certificate, a C{cryptography.x509.Certificate}.
    @ivar chain: the other certificates that the client has sent.
    @ivar authzid: the name of the user to act as; empty if that is the one whom the
        certificate names.
    """

    def __init__(
        self, certificate: Any, chain: Sequence[Any] = (), authzid: bytes = b""
    ) -> None:
        self.certificate = certificate
        self.chain = tuple(chain)
        self.authzid = authzid

    @property
    def username(self) -> bytes:
        """
        The name of the user to act as, for the log.
        """
        return self.authzid


@implementer(IBearerToken)
class BearerToken:
    """
    A token that another server has given to the client.

    @ivar token: the token.
    @ivar authzid: the name of the user to act as; empty if that is the one whom the token
        names.
    """

    def __init__(self, token: bytes, authzid: bytes = b"") -> None:
        self.token = token
        self.authzid = authzid

    @property
    def username(self) -> bytes:
        """
        The name of the user to act as, for the log.
        """
        return self.authzid


__all__ = [
    "Anonymous",
    "BearerToken",
    "CertificateCredentials",
    "CramMD5Credentials",
    "DigestCredentialFactory",
    "DigestedCredentials",
    "IAnonymous",
    "IBearerToken",
    "ICertificateCredentials",
    "ICredentials",
    "ISSHPrivateKey",
    "IScramCredentials",
    "IUsernameDigestHash",
    "IUsernameHashedPassword",
    "IUsernamePassword",
    "SSHPrivateKey",
    "ScramCredentials",
    "UsernameHashedPassword",
    "UsernamePassword",
    "calcHA1",
    "calcHA2",
    "calcResponse",
    "insistOnOwnName",
    "peerOf",
]
