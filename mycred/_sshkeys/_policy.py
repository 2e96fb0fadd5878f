"""
Which keys and signatures count at all.
"""

from __future__ import annotations

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
        return frozenset(name.encode("ascii") for name in self.algorithms)

    @property
    def certifying(self) -> frozenset[bytes]:
        """
        Those by which an authority may sign.  As in C{CASignatureAlgorithms}
        (sshd_config(5)), a browser's isn't among them: any page of a web site could
        have the site's key sign whatever certificate it likes.
        """
        return self.accepted - {WEBAUTHN}

    def flaw(self, offer: Offer) -> str | None:
        """
        Tell why a key doesn't count.
        """
        keys = [(signingKeyOf(offer), self.accepted)]
        if isinstance(offer, Certificate):
            keys.append((offer.authority, self.certifying))
        for key, accepted in keys:
            if accepted.isdisjoint(key.algorithms):
                return f"keys of the type {key.type.decode('ascii')} don't count"
        bits = signingKeyOf(offer).bits
        if bits is not None and bits < self.minimumRSA:
            return f"an RSA key of {bits} bits, less than {self.minimumRSA}"
        return None


def checkPolicy(policy: KeyPolicy) -> KeyPolicy:
    """
    Insist on algorithms that are known.

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
    Tell whether the algorithm that a client announces is for a certificate.
    """
    return None if name is None else name.endswith(_SUFFIX)


def signatureAlgorithm(name: bytes | None) -> bytes | None:
    """
    Name the algorithm of a signature by the one that a client announces, which may be
    that of a certificate.
    """
    if name is None:
        return None
    if not name.endswith(_SUFFIX):
        return name
    plain = name.removesuffix(_SUFFIX)
    return plain + b"@openssh.com" if b"sk-" in plain else plain


__all__ = ["ALGORITHMS", "KeyPolicy", "checkPolicy", "isCertifying", "signatureAlgorithm"]
