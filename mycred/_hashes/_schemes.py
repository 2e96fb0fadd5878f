"""
The schemes by which passwords are hashed: one table, by how a hash begins.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Union

from .._secrets import equal
from . import _argon2, _bcrypt, _digests, _libcrypt, _md5crypt


def _never(cost: bytes) -> bool:
    """
    Deny that a cost is absurd, where there is none.
    """
    return False


def _nothing() -> None:
    """
    Tell what a scheme lacks that needs nothing.
    """


class Scheme(NamedTuple):
    """
    One way to hash a password.

    @ivar name: what administrators call it.
    @ivar complete: what a whole hash looks like; its group C{cost}, if there is
        one, decides how long a verification takes.
    @ivar verify: verify a password against a hash that L{complete} matches.
    @ivar isAbsurd: tell whether a cost is more than anybody means.
    @ivar lacks: tell what is missing on this system for it, if anything is.
    @ivar weakness: why it is weak; L{None} if it isn't.
    @ivar isEncoded: whether a hash is written in base64 or hexadecimal.
    @ivar isCrypt: whether crypt(3) knows it, so that its hashes may stand in
        C{/etc/shadow}.
    """

    name: str
    complete: re.Pattern[bytes]
    verify: Callable[[bytes, bytes], bool]
    isAbsurd: Callable[[bytes], bool] = _never
    lacks: Callable[[], str | None] = _nothing
    weakness: str | None = None
    isEncoded: bool = False
    isCrypt: bool = False


_FAST = "whoever gets hold of the file can try millions of passwords a second"

BCRYPT = Scheme(
    "bcrypt", _bcrypt.complete, _bcrypt.verify, _bcrypt.isAbsurd, isCrypt=True
)
BCRYPT_FLAWED = Scheme(
    "flawed bcrypt",
    _bcrypt.complete,
    _bcrypt.verifyFlawed,
    _bcrypt.isAbsurd,
    _bcrypt.lacksFlaw,
    weakness="of a password with letters beyond ASCII much doesn't count",
    isCrypt=True,
)
ARGON2 = Scheme(
    "argon2", _argon2.complete, _argon2.verify, _argon2.isAbsurd, _argon2.lacks
)
MD5 = Scheme(
    "MD5-crypt", _md5crypt.complete, _md5crypt.verify, weakness=_FAST, isCrypt=True
)
PLAIN = Scheme(
    "plain text",
    re.compile(rb"(?s).+"),
    equal,
    weakness="whoever gets hold of the file has the passwords",
)


def _ofLibcrypt(
    name: str,
    cheap: bytes,
    complete: re.Pattern[bytes],
    isAbsurd: Callable[[bytes], bool] = _never,
    weakness: str | None = None,
    verify: Callable[[bytes, bytes], bool] = _libcrypt.verify,
) -> Scheme:
    """
    Make a scheme of libcrypt's.

    @param cheap: a setting that costs little, to find out whether it knows it.
    """
    lacks = partial(_libcrypt.lacks, cheap)
    return Scheme(name, complete, verify, isAbsurd, lacks, weakness, isCrypt=True)


def _digest(name: str, algorithm: str, size: int, salted: bool) -> Scheme:
    """
    Make a scheme of one round.
    """
    return Scheme(
        name,
        _digests.complete(size, salted),
        partial(_digests.verify, algorithm),
        weakness=_FAST,
        isEncoded=True,
    )


#: The schemes of crypt(3)'s kind, by how their hashes begin.
CRYPTS: dict[bytes, Scheme] = {
    b"": _ofLibcrypt(
        "DES",
        b"ab",
        _libcrypt.des,
        weakness="only eight characters of a password count",
    ),
    b"$1$": MD5,
    b"$2a$": BCRYPT,
    b"$2b$": BCRYPT,
    b"$2x$": BCRYPT_FLAWED,
    b"$2y$": BCRYPT,
    b"$3$": _ofLibcrypt("NT", b"$3$", _libcrypt.nt, weakness=_FAST),
    b"$5$": _ofLibcrypt(
        "SHA-256-crypt",
        b"$5$rounds=1000$a$",
        _libcrypt.sha256,
        _libcrypt.hasAbsurdRounds,
        verify=_libcrypt.verifySHA,
    ),
    b"$6$": _ofLibcrypt(
        "SHA-512-crypt",
        b"$6$rounds=1000$a$",
        _libcrypt.sha512,
        _libcrypt.hasAbsurdRounds,
        verify=_libcrypt.verifySHA,
    ),
    b"$7$": _ofLibcrypt(
        "scrypt",
        b"$7$8/..../....abcd$",
        _libcrypt.scrypt,
        _libcrypt.hasAbsurdScryptParameters,
    ),
    b"$apr1$": MD5._replace(name="Apache's MD5", isCrypt=False),
    b"$argon2i$": ARGON2,
    b"$argon2id$": ARGON2,
    b"$gy$": _ofLibcrypt(
        "gost-yescrypt",
        b"$gy$j75$abcd$",
        _libcrypt.yescrypt,
        _libcrypt.hasAbsurdParameters,
    ),
    # Not with a dollar: ",rounds=" may follow.
    b"$md5": _ofLibcrypt(
        "Sun's MD5",
        b"$md5,rounds=1$abcdefgh$",
        _libcrypt.sunMD5,
        _libcrypt.hasAbsurdOldRounds,
    ),
    b"$sha1$": _ofLibcrypt(
        "SHA-1-crypt",
        b"$sha1$4$abcdefgh$",
        _libcrypt.sha1,
        _libcrypt.hasAbsurdOldRounds,
    ),
    b"$sm3$": _ofLibcrypt(
        "SM3-crypt",
        b"$sm3$rounds=1000$a$",
        _libcrypt.sm3,
        _libcrypt.hasAbsurdRounds,
        verify=_libcrypt.verifySHA,
    ),
    b"$sm3y$": _ofLibcrypt(
        "SM3-yescrypt",
        b"$sm3y$j75$abcd$",
        _libcrypt.yescrypt,
        _libcrypt.hasAbsurdParameters,
    ),
    b"$y$": _ofLibcrypt(
        "yescrypt", b"$y$j75$abcd$", _libcrypt.yescrypt, _libcrypt.hasAbsurdParameters
    ),
}

_SHA1 = _digest("SHA-1", "sha1", 20, False)

#: The names that Dovecot and LDAP directories write before a hash, in braces: the
#: scheme, or how a hash of crypt(3)'s kind that follows may begin.
NAMES: dict[bytes, Union[Scheme, tuple[bytes, ...]]] = {
    b"ARGON2I": (b"$argon2i$",),
    b"ARGON2ID": (b"$argon2id$",),
    b"BLF-CRYPT": (b"$2a$", b"$2b$", b"$2x$", b"$2y$"),
    b"CLEAR": PLAIN,
    b"CLEARTEXT": PLAIN,
    b"CRYPT": tuple(CRYPTS),
    b"DES-CRYPT": (b"",),
    b"MD5": (b"$1$",),
    b"MD5-CRYPT": (b"$1$",),
    b"PLAIN": PLAIN,
    b"SHA": _SHA1,
    b"SHA1": _SHA1,
    b"SHA256": _digest("SHA-256", "sha256", 32, False),
    b"SHA256-CRYPT": (b"$5$",),
    b"SHA512": _digest("SHA-512", "sha512", 64, False),
    b"SHA512-CRYPT": (b"$6$",),
    b"SSHA": _digest("salted SHA-1", "sha1", 20, True),
    b"SSHA256": _digest("salted SHA-256", "sha256", 32, True),
    b"SSHA512": _digest("salted SHA-512", "sha512", 64, True),
}

__all__ = ["CRYPTS", "NAMES", "PLAIN", "Scheme"]
