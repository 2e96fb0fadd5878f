"""
The schemes by which passwords are hashed: one table.

To add one, write an entry of L{SCHEMES} (what verifies it in a module of its family),
hashes that another program made into C{tests/kit/vectors.py}, one of them of C{password}
and one for each prefix, and a row into C{doc/password-files.rst}.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from .._scram import DOVECOT, HASHES, NAMES as SCRAM_NAMES, POSTGRESQL, ScramKeys
from .._secrets import equal
from . import _argon2, _bcrypt, _digests, _libcrypt, _md5crypt, _scram


def _never(cost: bytes) -> bool:
    """
    Return L{False}: without a cost none is absurd.
    """
    return False


class Scheme(NamedTuple):
    """
    One way to hash a password.

    A hash begins with one of the prefixes, with a name in braces before a prefix, or,
    where the scheme has no prefix, with a name in braces.

    @ivar name: what administrators call it.
    @ivar complete: matches a whole hash; its group C{cost}, if there is one, decides
        how long a verification takes.
    @ivar verify: return whether a hash that L{complete} matches was made of a
        password.
    @ivar prefixes: how its hashes begin; empty for hashes without any mark.
    @ivar names: the names in braces that Dovecot and LDAP directories write before a
        hash, in capitals.
    @ivar isAbsurd: return whether a cost is more than any administrator means.
    @ivar lacks: return what is missing on this system for it, or L{None}; L{None} where
        nothing can be missing.
    @ivar weakness: why it is weak; L{None} if it isn't.
    @ivar isEncoded: whether a hash is written in base64 or hexadecimal.
    @ivar isCrypt: whether crypt(3) knows it, so that its hashes may stand in
        C{/etc/shadow}.
    @ivar keysIn: return the keys of SCRAM that a hash which L{complete} matches is;
        L{None} where it isn't that.
    """

    name: str
    complete: re.Pattern[bytes]
    verify: Callable[[bytes, bytes], bool]
    prefixes: tuple[bytes, ...] = ()
    names: tuple[bytes, ...] = ()
    isAbsurd: Callable[[bytes], bool] = _never
    lacks: Callable[[], str | None] | None = None
    weakness: str | None = None
    isEncoded: bool = False
    isCrypt: bool = False
    keysIn: Callable[[bytes], ScramKeys] | None = None


_FAST = "an attacker with the file can try millions of passwords a second"

PLAIN = Scheme(
    "plain text",
    re.compile(rb"(?s).+"),
    equal,
    names=(b"PLAIN", b"CLEAR", b"CLEARTEXT"),
    weakness="an attacker with the file has the passwords",
)


def _ofLibcrypt(
    name: str,
    cheap: bytes,
    complete: re.Pattern[bytes],
    isAbsurd: Callable[[bytes], bool] = _never,
    *,
    prefixes: tuple[bytes, ...],
    names: tuple[bytes, ...] = (),
    weakness: str | None = None,
    verify: Callable[[bytes, bytes], bool] = _libcrypt.verify,
) -> Scheme:
    """
    Return a scheme that the system's libcrypt computes.

    @param cheap: a setting that costs little, to find out whether it knows it.
    """
    return Scheme(
        name,
        complete,
        verify,
        prefixes,
        names,
        isAbsurd,
        partial(_libcrypt.lacks, cheap),
        weakness,
        isCrypt=True,
    )


def _digest(
    name: str, algorithm: str, size: int, salted: bool, names: tuple[bytes, ...]
) -> Scheme:
    """
    Return a scheme of one round.
    """
    return Scheme(
        name,
        _digests.complete(size, salted),
        partial(_digests.verify, algorithm),
        names=names,
        weakness=_FAST,
        isEncoded=True,
    )


def _argon2Scheme(prefix: bytes, name: bytes) -> Scheme:
    """
    Return the scheme of one of Argon2's variants.
    """
    return Scheme(
        "argon2",
        _argon2.complete,
        _argon2.verify,
        (prefix,),
        (name,),
        _argon2.isAbsurd,
        _argon2.lacks,
    )


def _scramScheme(hash: str, form: re.Pattern[bytes], *, isNamed: bool) -> Scheme:
    """
    Return the scheme of the keys of SCRAM for one hash, in one form.

    @param isNamed: whether its name stands in braces before the keys.
    """
    name = SCRAM_NAMES[hash]
    return Scheme(
        name.decode("ascii"),
        form,
        partial(_scram.verify, form, hash),
        () if isNamed else (name + b"$",),
        (name,) if isNamed else (),
        _scram.isAbsurd,
        keysIn=partial(_scram.keysIn, form, hash),
    )


#: All of them.
SCHEMES = (
    PLAIN,
    _ofLibcrypt(
        "DES",
        b"ab",
        _libcrypt.des,
        prefixes=(b"",),
        names=(b"DES-CRYPT",),
        weakness="only eight characters of a password count",
    ),
    Scheme(
        "MD5-crypt",
        _md5crypt.complete,
        _md5crypt.verify,
        (b"$1$",),
        (b"MD5", b"MD5-CRYPT"),
        weakness=_FAST,
        isCrypt=True,
    ),
    Scheme(
        "Apache's MD5",
        _md5crypt.complete,
        _md5crypt.verify,
        (b"$apr1$",),
        weakness=_FAST,
    ),
    Scheme(
        "bcrypt",
        _bcrypt.complete,
        _bcrypt.verify,
        (b"$2a$", b"$2b$", b"$2y$"),
        (b"BLF-CRYPT",),
        _bcrypt.isAbsurd,
        isCrypt=True,
    ),
    Scheme(
        "flawed bcrypt",
        _bcrypt.complete,
        _bcrypt.verifyFlawed,
        (b"$2x$",),
        (b"BLF-CRYPT",),
        _bcrypt.isAbsurd,
        _bcrypt.lacksFlaw,
        weakness="of a password with letters beyond ASCII much doesn't count",
        isCrypt=True,
    ),
    _ofLibcrypt("NT", b"$3$", _libcrypt.nt, prefixes=(b"$3$",), weakness=_FAST),
    _ofLibcrypt(
        "SHA-256-crypt",
        b"$5$rounds=1000$a$",
        _libcrypt.sha256,
        _libcrypt.hasAbsurdRounds,
        prefixes=(b"$5$",),
        names=(b"SHA256-CRYPT",),
        verify=_libcrypt.verifySHA,
    ),
    _ofLibcrypt(
        "SHA-512-crypt",
        b"$6$rounds=1000$a$",
        _libcrypt.sha512,
        _libcrypt.hasAbsurdRounds,
        prefixes=(b"$6$",),
        names=(b"SHA512-CRYPT",),
        verify=_libcrypt.verifySHA,
    ),
    _ofLibcrypt(
        "scrypt",
        b"$7$8/..../....abcd$",
        _libcrypt.scrypt,
        _libcrypt.hasAbsurdScryptParameters,
        prefixes=(b"$7$",),
    ),
    _argon2Scheme(b"$argon2i$", b"ARGON2I"),
    _argon2Scheme(b"$argon2id$", b"ARGON2ID"),
    _ofLibcrypt(
        "gost-yescrypt",
        b"$gy$j75$abcd$",
        _libcrypt.yescrypt,
        _libcrypt.hasAbsurdParameters,
        prefixes=(b"$gy$",),
    ),
    _ofLibcrypt(
        "Sun's MD5",
        b"$md5,rounds=1$abcdefgh$",
        _libcrypt.sunMD5,
        _libcrypt.hasAbsurdOldRounds,
        prefixes=(b"$md5$", b"$md5,"),
    ),
    _ofLibcrypt(
        "SHA-1-crypt",
        b"$sha1$4$abcdefgh$",
        _libcrypt.sha1,
        _libcrypt.hasAbsurdOldRounds,
        prefixes=(b"$sha1$",),
    ),
    _ofLibcrypt(
        "SM3-crypt",
        b"$sm3$rounds=1000$a$",
        _libcrypt.sm3,
        _libcrypt.hasAbsurdRounds,
        prefixes=(b"$sm3$",),
        verify=_libcrypt.verifySHA,
    ),
    _ofLibcrypt(
        "SM3-yescrypt",
        b"$sm3y$j75$abcd$",
        _libcrypt.yescrypt,
        _libcrypt.hasAbsurdParameters,
        prefixes=(b"$sm3y$",),
    ),
    _ofLibcrypt(
        "yescrypt",
        b"$y$j75$abcd$",
        _libcrypt.yescrypt,
        _libcrypt.hasAbsurdParameters,
        prefixes=(b"$y$",),
    ),
    _digest("SHA-1", "sha1", 20, False, (b"SHA", b"SHA1")),
    _digest("SHA-256", "sha256", 32, False, (b"SHA256",)),
    _digest("SHA-512", "sha512", 64, False, (b"SHA512",)),
    _digest("salted SHA-1", "sha1", 20, True, (b"SSHA",)),
    _digest("salted SHA-256", "sha256", 32, True, (b"SSHA256",)),
    _digest("salted SHA-512", "sha512", 64, True, (b"SSHA512",)),
    *(_scramScheme(hash, DOVECOT[hash], isNamed=True) for hash in HASHES),
    *(_scramScheme(hash, POSTGRESQL[hash], isNamed=False) for hash in HASHES),
)

#: The schemes whose hashes have a prefix, by that.
PREFIXES = {prefix: scheme for scheme in SCHEMES for prefix in scheme.prefixes}

#: The schemes by the names that stand in braces: one scheme without prefixes, or those
#: of which the hash that follows begins with a prefix.
NAMES: dict[bytes, tuple[Scheme, ...]] = {b"CRYPT": tuple(PREFIXES.values())}
for _scheme in SCHEMES:
    for _name in _scheme.names:
        NAMES[_name] = (*NAMES.get(_name, ()), _scheme)

__all__ = ["NAMES", "PLAIN", "PREFIXES", "SCHEMES", "Scheme"]
