"""
Which signatures and keys are strong enough to vouch for a user.

OpenSSL applies such rules where it speaks TLS; where it only verifies a certificate it
applies none.
"""

from __future__ import annotations

from typing import Union

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import SignatureAlgorithmOID as Algorithm

from ._errors import Untrusted

# Nobody can make two texts with one digest of these.
_HASHES = (
    hashes.SHA256,
    hashes.SHA384,
    hashes.SHA512,
    hashes.SHA3_256,
    hashes.SHA3_384,
    hashes.SHA3_512,
)

# The algorithms that hash by themselves.
_WHOLE = {Algorithm.ED25519, Algorithm.ED448}

# The least sizes of keys, in bits: 112 bits of security (NIST SP 800-57), and no attack
# on the factors of RSA keys of this size is known.
_LEAST_RSA, _LEAST_EC = 2048, 224


def insistOnStrongSignature(
    signed: Union[x509.Certificate, x509.CertificateRevocationList],
) -> None:
    """
    Insist on a signature by an algorithm under which nobody can forge one.

    @raise Untrusted: if it isn't known to be such a one.
    @raise UnsupportedAlgorithm: likewise.
    """
    if signed.signature_algorithm_oid in _WHOLE:
        return
    algorithm = signed.signature_hash_algorithm
    if not isinstance(algorithm, _HASHES):
        name = algorithm.name if algorithm else "an unknown algorithm"
        raise Untrusted(f"it is signed by {name}, which isn't accepted")


def insistOnStrongKey(certificate: x509.Certificate) -> None:
    """
    Insist on a key that nobody can compute from the certificate.

    @raise Untrusted: if it isn't known to be such a one.
    @raise UnsupportedAlgorithm: likewise.
    """
    key = certificate.public_key()
    if isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
        return
    if isinstance(key, rsa.RSAPublicKey):
        least = _LEAST_RSA
    elif isinstance(key, ec.EllipticCurvePublicKey):
        least = _LEAST_EC
    else:
        raise Untrusted(f"the key of {_nameOf(certificate)} is of an unknown kind")
    if key.key_size < least:
        name, size = _nameOf(certificate), key.key_size
        raise Untrusted(f"the key of {name} has {size} bits, and {least} are needed")


def _nameOf(certificate: x509.Certificate) -> str:
    """
    Return the subject of a certificate, for the log.
    """
    return certificate.subject.rfc4514_string()


__all__ = ["insistOnStrongKey", "insistOnStrongSignature"]
