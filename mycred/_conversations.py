"""
Credentials that Twisted has no interfaces for: conversations with the client, and what a
TLS connection or another server vouches for.
"""

from __future__ import annotations

from typing import Any

from zope.interface import Attribute, Interface

from twisted.internet.defer import Deferred

from ._contracts import ICredentials
from ._scram import ScramKeys


class IScramCredentials(ICredentials, Interface):
    """
    Credentials that prove a password to a server that has keys of it, and the server to
    the client (SCRAM, RFC 5802).

    They are a conversation: the client is asked while a checker checks.  A checker looks
    the user up, however long that takes, and has the client prove that it knows the
    password behind the keys::

        def requestAvatarId(self, credentials):
            known = self.lookUp(credentials.username)
            if known is None:
                return fail(UnauthorizedLogin())
            name, keys = known
            return credentials.prove(keys).addCallback(lambda _: name)

    A checker that doesn't know the user, or has no keys of them for this hash, refuses
    without asking the client: the next checker may know them.  If none does, the client
    is led through the same exchange as with a known name, and refused at its end.
    """

    username: bytes = Attribute("""The name that the client sent.""")

    authzid: bytes = Attribute(
        """The name of the user to act as: that of the one who logs in, or empty.  A
        client that asks for another is refused before a checker is asked."""
    )

    hash: str = Attribute(
        """The name of the hash of the mechanism in L{hashlib}: C{sha1} or C{sha256}."""
    )

    salt: bytes = Attribute(
        """A salt for keys that are derived at a login from a password in plain text.  It
        is always the same for the same name, as that of an unknown user is."""
    )

    def prove(keys: ScramKeys) -> Deferred[None]:
        """
        Have the client prove that it knows the password behind the keys.  Only the first
        checker that asks for it is answered.

        @param keys: the keys, for this hash.

        @return: a L{Deferred} that fires when the client has proved it, and has got the
            server's proof.  It fails with
            L{UnauthorizedLogin<mycred.error.UnauthorizedLogin>} if the client can't, or
            says nothing that makes sense.
        """

    def expect(iterations: int, saltSize: int, name: bytes | None = None) -> None:
        """
        Say what the keys of most users are like, before refusing one who is unknown: this
        is what the client then gets to see.  What the first checker says counts.

        @param iterations: how often most passwords are hashed.
        @param saltSize: the size of most salts, in bytes.
        @param name: the name as this checker would have found it in another spelling, for
            instance in lower case.  All spellings of a name that it takes for one get the
            same salt, as those of a known user do.  L{None} stands for the name as sent.
        """


class ICertificateCredentials(ICredentials, Interface):
    """
    The certificate that a client has presented to TLS, which has proved that the client
    has its private key.  Whether anybody vouches for the certificate is up to the
    checker, whatever TLS has verified.

    Whose certificate it is, only the checker finds out, and so it has to refuse clients
    that want to act as somebody else, by
    L{insistOnOwnName<mycred.credentials.insistOnOwnName>}.
    """

    certificate: Any = Attribute(
        """The certificate, a C{cryptography.x509.Certificate}."""
    )

    chain: Any = Attribute(
        """The other certificates that the client has sent, a sequence of them."""
    )

    authzid: bytes = Attribute(
        """The name of the user to act as; empty if that is the one whom the certificate
        names."""
    )


class IBearerToken(ICredentials, Interface):
    """
    A token that another server has given to the client, and that lets in whoever has it
    (RFC 6750, RFC 7628).

    Whose token it is, only the checker finds out, and so it has to refuse clients that
    want to act as somebody else, by
    L{insistOnOwnName<mycred.credentials.insistOnOwnName>}.
    """

    token: bytes = Attribute("""The token.""")

    authzid: bytes = Attribute(
        """The name of the user to act as; empty if that is the one whom the token
        names."""
    )


__all__ = ["IBearerToken", "ICertificateCredentials", "IScramCredentials"]
