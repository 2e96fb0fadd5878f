"""
The arithmetic of HTTP Digest authentication.

The names of the arguments are those of the example code in
U{RFC 2617<https://www.rfc-editor.org/rfc/rfc2617>}, section 5, and programs
call these functions by them.  SHA-256 comes from
U{RFC 7616<https://www.rfc-editor.org/rfc/rfc7616>}; C{sha} is Twisted's own.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import md5, sha1, sha256
from typing import Any

#: The hash behind each value of the C{algorithm} field, in lower case.  A name
#: that ends in C{-sess} hashes H(A1) once more, with the nonces of the session.
algorithms: dict[bytes, Callable[[bytes], Any]] = {
    b"md5": md5,
    b"md5-sess": md5,
    b"sha": sha1,
    b"sha-256": sha256,
    b"sha-256-sess": sha256,
}


def _hash(algorithm: bytes, *parts: bytes) -> bytes:
    """
    Return H(a:b:c), in hexadecimal.
    """
    digest: str = algorithms[algorithm](b":".join(parts)).hexdigest()
    return digest.encode("ascii")


def calcHA1(
    pszAlg: bytes,
    pszUserName: bytes | None,
    pszRealm: bytes | None,
    pszPassword: bytes | None,
    pszNonce: bytes | None,
    pszCNonce: bytes | None,
    preHA1: bytes | None = None,
) -> bytes:
    """
    Return H(A1) (RFC 7616, section 3.4.2).

    @param pszAlg: a key of L{algorithms}.
    @param pszUserName: the name of the user.
    @param pszRealm: the realm of the challenge.
    @param pszPassword: the password.
    @param pszNonce: the nonce of the challenge; for the C{-sess} algorithms.
    @param pszCNonce: the client's nonce; for the C{-sess} algorithms.
    @param preHA1: H(username:realm:password) in hexadecimal where it is known
        already, as from a file made by C{htdigest}.  The first three of the
        other values must be L{None} then.

    @return: the hash, in hexadecimal.

    @raise TypeError: if C{preHA1} is given together with what it stands for.
    """
    if preHA1 and (pszUserName or pszRealm or pszPassword):
        raise TypeError(
            "preHA1 stands for pszUserName, pszRealm and pszPassword: give it alone"
        )
    ha1 = preHA1
    if ha1 is None:
        ha1 = _hash(pszAlg, *_present(pszUserName, pszRealm, pszPassword))
    if pszAlg.endswith(b"-sess"):
        ha1 = _hash(pszAlg, ha1, *_present(pszNonce, pszCNonce))
    return ha1


def calcHA2(
    algo: bytes,
    pszMethod: bytes,
    pszDigestUri: bytes,
    pszQop: bytes | None,
    pszHEntity: bytes | None,
) -> bytes:
    """
    Return H(A2) (RFC 7616, section 3.4.3).

    @param algo: a key of L{algorithms}.
    @param pszMethod: the method of the request.
    @param pszDigestUri: the URI of the request.
    @param pszQop: the quality of protection.
    @param pszHEntity: the hash of the body, for a C{pszQop} of C{b"auth-int"}.

    @return: the hash, in hexadecimal.
    """
    body = _present(pszHEntity) if pszQop == b"auth-int" else ()
    return _hash(algo, pszMethod, pszDigestUri, *body)


def calcResponse(
    HA1: bytes,
    HA2: bytes,
    algo: bytes,
    pszNonce: bytes,
    pszNonceCount: bytes | None,
    pszCNonce: bytes | None,
    pszQop: bytes | None,
) -> bytes:
    """
    Return the response that the client must have sent (RFC 7616, section 3.4.1; without a
    nonce count, that of RFC 2069).

    @param HA1: what L{calcHA1} returned.
    @param HA2: what L{calcHA2} returned.
    @param algo: a key of L{algorithms}.
    @param pszNonce: the nonce of the challenge.
    @param pszNonceCount: how often the client has used the nonce.
    @param pszCNonce: the client's nonce.
    @param pszQop: the quality of protection.

    @return: the response, in hexadecimal.
    """
    count: tuple[bytes, ...] = ()
    if pszNonceCount and pszCNonce:
        count = _present(pszNonceCount, pszCNonce, pszQop)
    return _hash(algo, HA1, pszNonce, *count, HA2)


def _present(*values: bytes | None) -> tuple[bytes, ...]:
    """
    Return values that only some algorithms need.

    @raise TypeError: if one of them is missing.
    """
    if not all(isinstance(value, bytes) for value in values):
        raise TypeError("a value that this algorithm needs is missing")
    return values  # type: ignore[return-value]


__all__ = ["algorithms", "calcHA1", "calcHA2", "calcResponse"]
