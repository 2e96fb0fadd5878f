"""
What a client offers to prove who it is: a key, and perhaps a signature.
"""

from __future__ import annotations

from typing import Protocol

from ..._peers import sourceOf
from ..._secrets import asBytes
from ..._sshkeys import Offer, UnusableKey, keyBlobIn, parseOffer, signingKeyOf

# A longer blob is no key, in bytes.
_LONGEST = 2**16


class KeyCredentials(Protocol):
    """
    What a provider of L{ISSHPrivateKey<mycred.credentials.ISSHPrivateKey>} holds.
    """

    @property
    def username(self) -> bytes: ...

    @property
    def algName(self) -> bytes | None: ...

    @property
    def blob(self) -> bytes: ...

    @property
    def sigData(self) -> bytes | None: ...

    @property
    def signature(self) -> bytes | None: ...


class Proof:
    """
    A key that is offered, with the signature that proves it, if there is one.

    @ivar offer: the key or the certificate.
    @ivar source: who presents it.
    @ivar isVerified: whether the signature was verified.
    @ivar flaw: what is wrong with it; empty if nothing is.
    @ivar flags: the flags that a security key has signed.
    """

    def __init__(
        self, offer: Offer, credentials: KeyCredentials, algorithms: frozenset[bytes]
    ) -> None:
        """
        @param offer: the key or the certificate.
        @param credentials: what was presented.
        @param algorithms: by which the signature may have been made.
        """
        self.offer = offer
        self.source = sourceOf(credentials)
        self.isVerified = False
        self.flaw = ""
        self.flags = 0
        self._credentials = credentials
        self._algorithms = algorithms

    @property
    def isThere(self) -> bool:
        """
        Whether there is a signature.
        """
        return bool(self._credentials.signature)

    def verify(self) -> None:
        """
        Verify the signature; in a thread, since it takes a while.
        """
        signature, data = self._credentials.signature, self._credentials.sigData
        try:
            if signature is None or data is None:
                raise UnusableKey("nothing is signed")
            key = signingKeyOf(self.offer)
            self.flags = key.verify(signature, data, self._algorithms)
        except UnusableKey as error:
            self.flaw = str(error)
        self.isVerified = True


def parseBlob(blob: object) -> Offer:
    """
    Return the key or the certificate that a client offers.

    @raise UnusableKey: if it is none.
    """
    data = asBytes(blob)
    if not isinstance(data, bytes) or len(data) > _LONGEST:
        raise UnusableKey("no key")
    if data[:1] not in (b"", b"\0"):
        # As in Twisted: a key that is written as in a file will do.
        data = keyBlobIn(data)
    return parseOffer(data)


__all__ = ["KeyCredentials", "Proof", "parseBlob"]
