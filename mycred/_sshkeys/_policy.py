"""
Which keys and signatures count at all.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ._certificate import Certificate, Offer, signingKeyOf
from ._key import TYPES, WEBAUTHN

#: All algorithms that can count.
ALGORITHMS: tuple[str, ...] = tuple(
    sorted({one.decode("ascii") for type in TYPES.values() for one in type.algorithms})
)


class KeyPolicy(NamedTuple):
    """
    Which keys and signatures count: OpenSSH's defaults.

    @ivar algorithms: the algorithms of signatures, by users and by authorities.  Those
        with SHA-1 (C{ssh-rsa}, C{ssh-dss}) are never among them.
    @ivar minimumRSA: the smallest size of an RSA key, in bits.
    """

    algorithms: tuple[str, ...] = ALGORITHMS
    minimumRSA: int = 1024

    @property
    def accepted(self) -> frozenset[bytes]:
        """
        The algorithms, as they are written on the wire.
        """
        return _onTheWire(tuple(self.algorithms))

    @property
    def certifying(self) -> frozenset[bytes]:
        """
        Those by which an authority may sign.  As in C{CASignatureAlgorithms}
        (sshd_config(5)), a browser's isn't among them: any page of a web site could
        have the site's key sign whatever certificate it likes.
        """
        return _certifying(tuple(self.algorithms))

    def flaw(self, offer: Offer) -> str | None:
        """
        Return why a key or a certificate doesn't count; L{None} if it does.
        """
        key = signingKeyOf(offer)
        keys = [(key, self.accepted)]
        if isinstance(offer, Certificate):
            keys.append((offer.authority, self.certifying))
        for one, accepted in keys:
            if accepted.isdisjoint(one.algorithms):
                return f"keys of the type {one.type.decode('ascii')} don't count"
        bits = key.bits
        if bits is not None and bits < self.minimumRSA:
            return f"an RSA key of {bits} bits, less than {self.minimumRSA}"
        return None


# There are few policies, and one is asked at each login.
@lru_cache(maxsize=16)
def _onTheWire(algorithms: tuple[str, ...]) -> frozenset[bytes]:
    """
    Return algorithms as they are written on the wire.
    """
    return frozenset(name.encode("ascii") for name in algorithms)


@lru_cache(maxsize=16)
def _certifying(algorithms: tuple[str, ...]) -> frozenset[bytes]:
    """
    Return those of some algorithms by which an authority may sign.
    """
    return _onTheWire(algorithms) - {WEBAUTHN}


def checkPolicy(policy: KeyPolicy) -> KeyPolicy:
    """
    Return a policy, if its algorithms are known.

    @raise ValueError: if one isn't.
    """
    for name in policy.algorithms:
        if name not in ALGORITHMS:
            known = ", ".join(ALGORITHMS)
            raise ValueError(f"there is no algorithm {name!r}; known are {known}")
    if not policy.algorithms:
        raise ValueError("no algorithm is left")
    return policy


_SUFFIX = b"-cert-v01@openssh.com"


def isCertifying(name: bytes | None) -> bool | None:
    """
    Return whether the algorithm that a client announces is for a certificate; L{None} if
    it has announced none.
    """
    return None if name is None else name.endswith(_SUFFIX)


def signatureAlgorithm(name: bytes | None) -> bytes | None:
    """
    Return the algorithm of a signature for the one that a client announces, which may be
    that of a certificate.
    """
    if name is None:
        return None
    if not name.endswith(_SUFFIX):
        return name
    plain = name.removesuffix(_SUFFIX)
    return plain + b"@openssh.com" if b"sk-" in plain else plain


__all__ = ["ALGORITHMS", "KeyPolicy", "checkPolicy", "isCertifying", "signatureAlgorithm"]
