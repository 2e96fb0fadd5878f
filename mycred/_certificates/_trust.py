"""
Verify a certificate now: its chain up to an authority, and that nothing in it is revoked.

Each verification is anew, with the time of now.  A connection may live for weeks, and
another program's TLS may have accepted any certificate.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from cryptography import x509
from OpenSSL.crypto import (
    FILETYPE_ASN1,
    X509,
    Error,
    X509Store,
    X509StoreContext,
    X509StoreContextError,
    X509StoreFlags,
    load_certificate,
)

from .._files import Signature, signatureOf
from ._errors import Undecided, Untrusted, refusingFlaws
from ._purpose import insistOnAuthority, insistOnUser
from ._strength import insistOnStrongKey, insistOnStrongSignature

# A client sends no more certificates than this that any of its chains could need.
_MOST = 10

# OpenSSL's number of the error that a certificate is revoked (X509_V_ERR_CERT_REVOKED).
_REVOKED = 23


@dataclass(frozen=True, eq=False)
class Revocations:
    """
    Lists of revoked certificates.

    @ivar lists: the lists.
    @ivar file: the path of a file in PEM that holds them, and its state; L{None} if
        there is none.
    """

    lists: tuple[x509.CertificateRevocationList, ...]
    file: tuple[str, Signature] | None = None

    def addTo(self, store: X509Store) -> None:
        """
        Add the lists to a store.

        @raise OSError: if the file differs by now.
        """
        if self.file is None:
            for revocations in self.lists:
                store.add_crl(revocations)
            return
        # OpenSSL reads a list of 100,000 without keeping other threads waiting; to hand
        # it over keeps them waiting for 30 ms.
        path, signature = self.file
        store.load_locations(os.fsencode(path))
        if signatureOf(os.stat(path)) != signature:
            raise OSError(errno.EBUSY, "it changes while it is read", path)


class Trust:
    """
    Authorities that are trusted, and what they have revoked.
    """

    def __init__(
        self,
        authorities: Sequence[x509.Certificate],
        revocations: Revocations | None = None,
    ) -> None:
        """
        @param authorities: the certificates of the authorities.  Each is trusted by
            itself, be it a root or not.
        @param revocations: the lists of revoked certificates.  If there are any, each
            certificate that isn't itself one of C{authorities} needs one by its issuer.

        @raise OSError: if the file of the lists differs by now.
        @raise ValueError: if OpenSSL can't use a certificate or a list.
        """
        try:
            self._store = _storeOf(authorities)
            self._revoking: X509Store | None = None
            if revocations is not None:
                self._revoking = _storeOf(authorities)
                self._revoking.set_flags(
                    X509StoreFlags.PARTIAL_CHAIN | X509StoreFlags.CRL_CHECK
                )
                revocations.addTo(self._revoking)
        except Error as error:
            raise ValueError(f"OpenSSL can't use it: {error}") from None

    def insistOn(
        self, certificate: x509.Certificate, chain: Sequence[x509.Certificate] = ()
    ) -> None:
        """
        Insist on a certificate for which a trusted authority vouches now.

        @param certificate: the certificate of a client.
        @param chain: the other certificates that the client has sent.

        @raise Untrusted: if none does.
        @raise Undecided: if no usable list says whether it is revoked.
        """
        if len(chain) > _MOST:
            raise Untrusted(f"the client has sent {len(chain)} other certificates")
        with refusingFlaws():
            others = list(map(_toOpenSSL, chain))
            verified = _verify(self._store, _toOpenSSL(certificate), others)
            insistOnUser(verified[0])
            for authority in verified[1:]:
                insistOnAuthority(authority)
            for each in verified:
                insistOnStrongKey(each)
            # The file of the authorities vouches for the last one, and no signature does.
            *vouchedFor, _ = verified
            if not vouchedFor:
                raise Untrusted("it is itself in the file of the authorities")
            for each in vouchedFor:
                insistOnStrongSignature(each)
                self._insistOnUnrevoked(each, others)

    def _insistOnUnrevoked(
        self, certificate: x509.Certificate, others: Sequence[X509]
    ) -> None:
        """
        Insist on a certificate that its issuer hasn't revoked.

        OpenSSL is asked for one certificate of the chain after another: asked for all at
        once, it wants a list of the last one's issuer, too.
        """
        if self._revoking is None:
            return
        try:
            _verify(self._revoking, _toOpenSSL(certificate), others)
        except _Unverified as error:
            name = certificate.subject.rfc4514_string()
            if error.code == _REVOKED:
                raise Untrusted(f"{name} is revoked") from None
            # The chain is right, so that it is a list that isn't.
            issuer = certificate.issuer.rfc4514_string()
            raise Undecided(f"crl: {error}, for certificates by {issuer}") from None


class _Unverified(Untrusted):
    """
    OpenSSL refuses a certificate.

    @ivar code: OpenSSL's number of the error.
    """

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


def _storeOf(authorities: Sequence[x509.Certificate]) -> X509Store:
    """
    Return what OpenSSL keeps of trusted certificates.
    """
    store = X509Store()
    store.set_flags(X509StoreFlags.PARTIAL_CHAIN)
    for authority in authorities:
        store.add_cert(_toOpenSSL(authority))
    return store


def _verify(
    store: X509Store, certificate: X509, others: Sequence[X509]
) -> list[x509.Certificate]:
    """
    Verify a certificate.

    @return: the chain, from the certificate to the authority.

    @raise _Unverified: if OpenSSL refuses it.
    @raise Untrusted: if OpenSSL stumbles over it.
    """
    try:
        chain = X509StoreContext(store, certificate, others).get_verified_chain()
    except X509StoreContextError as error:
        code, depth, why = error.errors
        place = f" (certificate {depth} of the chain)" if depth else ""
        raise _Unverified(f"{why}{place}", code) from None
    except Error as error:
        raise Untrusted(f"the certificate is malformed: {error}") from None
    finally:
        _forgetErrors()
    return [each.to_cryptography() for each in chain]


def _forgetErrors() -> None:
    """
    Empty the queue of OpenSSL's errors.

    A verification leaves there why a signature is wrong.  With OpenSSL 3 the connection
    that this thread reads from next is lost by it: mostly that of the client, which isn't
    answered then.
    """
    with suppress(Error):
        # There is no certificate in this: the error is raised with all the others.
        load_certificate(FILETYPE_ASN1, b"")


def _toOpenSSL(certificate: x509.Certificate) -> X509:
    """
    Return a certificate as OpenSSL has it.

    @raise Untrusted: if OpenSSL can't parse it.
    """
    try:
        return X509.from_cryptography(certificate)
    except Error as error:
        raise Untrusted(f"the certificate is malformed: {error}") from None


__all__ = ["Revocations", "Trust"]
