"""
The keys by which tokens are signed: a JSON Web Key Set (RFC 7517).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ._json import parseObject

#: The algorithms of signatures that count (RFC 7518, section 3.1; RFC 8037, section 3.1;
#: RFC 9864, section 2.2), with the types and the curves of their keys.  All of them are
#: asymmetric: who can verify a token must not be able to sign one.
ALGORITHMS: dict[str, tuple[str, tuple[str | None, ...]]] = {
    **{
        f"{kind}{size}": ("RSA", (None,))
        for kind in ("RS", "PS")
        for size in (256, 384, 512)
    },
    "ES256": ("EC", ("P-256",)),
    "ES384": ("EC", ("P-384",)),
    "ES512": ("EC", ("P-521",)),
    "EdDSA": ("OKP", ("Ed25519", "Ed448")),
    "Ed25519": ("OKP", ("Ed25519",)),
    "Ed448": ("OKP", ("Ed448",)),
}

# The fields that make up a public key, by its type.
_FIELDS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}

# Smaller RSA keys aren't safe (RFC 7518, section 3.3), larger ones take too long, in
# bits.
_LEAST_RSA, _MOST_RSA = 2048, 8192

# The shortest modulus of a key that isn't too small, and the longest of one that isn't
# too large, in characters of base64.
_SHORTEST, _LONGEST = _LEAST_RSA // 6, _MOST_RSA // 6 + 2

# There may be so many keys.
_MOST = 200


class BadKeySet(ValueError):
    """
    A key set isn't one, or has no key that could be used.
    """


class NoSuchKey(LookupError):
    """
    The key set doesn't have the key by which a token says that it is signed.
    """


@dataclass(frozen=True)
class TokenKey:
    """
    A public key.

    @ivar kid: its name; L{None} if it has none.
    @ivar algorithms: the algorithms of the signatures that it verifies, by their names,
        as joserfc has them.
    @ivar key: the key, as joserfc has it.
    """

    kid: str | None
    algorithms: dict[str, Any]
    key: Any

    def verifies(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """
        Return whether a signature was made by the private key.

        @param algorithm: the name of one of L{algorithms}.
        @param signed: what was signed.
        """
        isRight: bool = self.algorithms[algorithm].verify(signed, signature, self.key)
        return isRight


class KeySet(tuple[TokenKey, ...]):
    """
    The keys of an issuer of tokens.
    """

    __slots__ = ()

    def keyFor(self, kid: str | None, algorithm: str) -> TokenKey:
        """
        Return the key that a token was signed by.

        @param kid: the name of the key; L{None} if the token doesn't say it.  Then there
            must be one alone that fits.
        @param algorithm: the algorithm of the signature.

        @raise NoSuchKey: if no key fits, or several do.
        """
        found = [
            key for key in self if algorithm in key.algorithms and kid in (None, key.kid)
        ]
        if len(found) != 1:
            many = "several keys fit" if found else "no key fits"
            raise NoSuchKey(many)
        return found[0]


def parseKeySet(text: bytes) -> KeySet:
    """
    Parse a key set.  Keys of other kinds, and for other uses, are left out (RFC 7517,
    section 5); so is whatever is private.

    @param text: the JSON.

    @return: the keys for signatures.

    @raise BadKeySet: if there are none.
    @raise ImportError: if joserfc isn't installed.
    """
    try:
        entries = parseObject(text).get("keys")
    except ValueError as error:
        raise BadKeySet(str(error)) from None
    if not isinstance(entries, list) or len(entries) > _MOST:
        raise BadKeySet(f'it has no "keys", a list of {_MOST} at most')
    keys = KeySet(_usable(entries))
    if not keys:
        raise BadKeySet(
            "it has no public key for signatures (RSA of 2048 to 8192 bits, EC or OKP)"
        )
    return keys


def _usable(entries: list[Any]) -> Iterator[TokenKey]:
    """
    Return the keys that can be used.
    """
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry
    from joserfc.jws import JWSRegistry

    known = JWSRegistry.algorithms
    for entry in entries:
        public = _publicPartOf(entry)
        if public is None:
            continue
        try:
            key: Any = JWKRegistry.import_key(public)
            size = key.public_key.key_size if public["kty"] == "RSA" else _LEAST_RSA
        except (JoseError, ValueError, TypeError, LookupError):
            continue
        names = _algorithmsOf(entry)
        algorithms = {name: known[name] for name in names if name in known}
        if algorithms and _LEAST_RSA <= size <= _MOST_RSA:
            yield TokenKey(entry.get("kid"), algorithms, key)


def _isSound(value: object) -> bool:
    """
    Return whether the value of a field is text, and of a sensible length.
    """
    return isinstance(value, str) and len(value) <= _LONGEST


def _publicPartOf(entry: object) -> dict[str, Any] | None:
    """
    Return the fields of a public key for signatures; L{None} if an entry is none.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("kty"), str):
        return None
    names = _FIELDS.get(entry["kty"], ())
    public: dict[str, Any] = {name: entry.get(name) for name in names}
    if not names or not all(map(_isSound, public.values())):
        return None
    if "n" in public and len(public["n"]) < _SHORTEST:
        # joserfc would take it, with a warning.
        return None
    uses = entry.get("key_ops", ["verify"])
    isForSignatures = (
        entry.get("use", "sig") == "sig" and isinstance(uses, list) and "verify" in uses
    )
    isNamed = isinstance(entry.get("kid"), (str, type(None)))
    if not (isForSignatures and isNamed):
        return None
    return {"kty": entry["kty"], **public}


def _algorithmsOf(entry: Mapping[str, Any]) -> Iterator[str]:
    """
    Return the names of the algorithms of the signatures that a key verifies.
    """
    for name, (kind, curves) in ALGORITHMS.items():
        fits = entry["kty"] == kind and entry.get("crv") in curves
        if fits and entry.get("alg", name) == name:
            yield name


__all__ = ["ALGORITHMS", "BadKeySet", "KeySet", "NoSuchKey", "TokenKey", "parseKeySet"]
