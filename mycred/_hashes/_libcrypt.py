"""
Hashes that only the system's libcrypt can compute (crypt(5)).

It is called through its re-entrant function, by ctypes: that lets go of the
interpreter's lock, so that several threads hash at the same time and the
reactor goes on; it needs no compiler, and it works on Python 3.13, which has no
C{crypt} any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from .._secrets import equal

# What a hash of each family looks like; the library finds what else is wrong with a
# salt.
sha256 = re.compile(
    rb"\$5\$(?:rounds=(?P<cost>[1-9]\d{3,8})\$)?[!-#%-9;-~]{0,16}\$[./A-Za-z0-9]{43}"
)
sha512 = re.compile(
    rb"\$6\$(?:rounds=(?P<cost>[1-9]\d{3,8})\$)?[!-#%-9;-~]{0,16}\$[./A-Za-z0-9]{86}"
)
sm3 = re.compile(
    rb"\$sm3\$(?:rounds=(?P<cost>[1-9]\d{3,8})\$)?[!-#%-9;-~]{0,16}\$[./A-Za-z0-9]{43}"
)
yescrypt = re.compile(
    rb"\$(?:g|sm3)?y\$(?P<cost>[./A-Za-z0-9]{3,24})\$[./A-Za-z0-9]{0,86}\$[./A-Za-z0-9]{43}"
)
scrypt = re.compile(
    rb"\$7\$(?P<cost>[./A-Za-z0-9]{11})[./A-Za-z0-9]{0,86}\$[./A-Za-z0-9]{43}"
)
sha1 = re.compile(
    rb"\$sha1\$(?P<cost>[1-9]\d{0,8})\$[./A-Za-z0-9]{1,64}\$[./A-Za-z0-9]{28}"
)
sunMD5 = re.compile(
    rb"\$md5(?:,rounds=(?P<cost>[1-9]\d{0,8}))?\$[./A-Za-z0-9]{0,16}\$\$?"
    rb"[./A-Za-z0-9]{22}"
)
nt = re.compile(rb"\$3\$\$[0-9a-f]{32}")
# 64 bits in eleven characters: the last one has four, and two that are zero.
des = re.compile(rb"[./A-Za-z0-9]{12}[.26AEIMQUYcgkosw]")

# The largest costs that a hash may have: rounds of SHA-crypt and of older schemes; for
# yescrypt and scrypt, bytes that are filled in all, and bytes of memory (a little more
# than the blocks take).
_MOST_ROUNDS = 10_000_000
_MOST_OLD_ROUNDS = 1_000_000
_MOST_WORK = 2**30
_MOST_MEMORY = 2**30 + 2**24

# The longest password that the library takes, in bytes, and the longest for
# SHA-crypt, as openssl has it: that takes longer for longer ones, and the client
# chooses.
_LONGEST = 511
LONGEST_SHA = 256

# crypt(3)'s digits.
_DIGITS = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

# The largest size of any system's struct crypt_data, in bytes: that of glibc's own
# libcrypt, from before libxcrypt.
_DATA_SIZE = 131_232

_Crypt = Callable[[bytes, bytes], bytes | None]


def hasAbsurdRounds(cost: bytes) -> bool:
    """
    Return whether a hash has too many rounds.

    @param cost: the rounds; empty stands for the usual 5,000.
    """
    return int(cost or b"5000") > _MOST_ROUNDS


def hasAbsurdOldRounds(cost: bytes) -> bool:
    """
    Return whether a hash has too many rounds, of the schemes that NetBSD and Solaris
    had before SHA-crypt.

    @param cost: the rounds; empty stands for the usual one.
    """
    return int(cost or b"0") > _MOST_OLD_ROUNDS


def hasAbsurdParameters(cost: bytes) -> bool:
    """
    Return whether yescrypt's parameters are absurd or malformed: flavor, logarithm of
    N, r, and optional ones, each written in as many digits as its first digit says.
    """
    digits: Iterator[int] = map(_DIGITS.index, cost)
    try:
        _number(digits, 0)
        n, r = _number(digits, 1), _number(digits, 1)
        rest = list(digits)
        digits = iter(rest)
        present = _number(digits, 1) if rest else 0
        p = _number(digits, 2) if present & 1 else 1
        t = _number(digits, 1) if present & 2 else 0
    except StopIteration:
        return True
    # No program writes the other optional parameters.
    return present > 3 or _isTooMuch(n, r, p, t + 1)


def hasAbsurdScryptParameters(cost: bytes) -> bool:
    """
    Return whether scrypt's parameters are absurd: one digit for the logarithm of
    N, five each for r and p, the lowest first.
    """
    n, *digits = map(_DIGITS.index, cost)
    r, p = (
        sum(digit << 6 * place for place, digit in enumerate(number))
        for number in (digits[:5], digits[5:])
    )
    return not r or not p or _isTooMuch(n, r, p, 1)


def _isTooMuch(n: int, r: int, p: int, passes: int) -> bool:
    """
    Return whether parameters of scrypt's kind are absurd.

    @param n: the logarithm of the number of blocks.
    @param r: the size of a block, in units of 128 bytes.
    @param p: how often all is done.
    @param passes: how often the blocks are filled each time.
    """
    if n > 30:
        return True
    block = 128 * r
    work, memory = (block * p * passes) << n, block * ((1 << n) + p + 2)
    return work > _MOST_WORK or memory > _MOST_MEMORY


def verify(stored: bytes, password: bytes) -> bool:
    """
    Return whether a hash was made of a password.

    @param stored: a hash that one of this module's patterns matches.
    @param password: a password without NUL.

    @raise ValueError: if the library refuses the hash.
    @raise MemoryError: if there is not enough memory for it now.
    """
    if len(password) > _LONGEST:
        return False
    hashed = crypt(password, stored)
    if hashed is None:
        raise ValueError("the library refuses it")
    return equal(hashed, stored)


def verifySHA(stored: bytes, password: bytes) -> bool:
    """
    Return whether a hash that L{sha256}, L{sha512} or L{sm3} matches was made of a
    password.

    @raise ValueError: as from L{verify}.
    @raise MemoryError: as from L{verify}.
    """
    return len(password) <= LONGEST_SHA and verify(stored, password)


def crypt(password: bytes, setting: bytes) -> bytes | None:
    """
    Return a password's hash, as crypt(3) makes it.

    @param password: a password without NUL.
    @param setting: the scheme, its cost and the salt; a whole hash will do.

    @return: the hash; L{None} if the system's libcrypt can't or won't make it.

    @raise MemoryError: if there is not enough memory for it now.
    """
    function = _function()
    hashed = function(password, setting) if function is not None else None
    # On some systems a failure is a string that is no hash.
    return None if hashed is None or hashed.startswith(b"*") else hashed


@cache
def lacks(setting: bytes) -> str | None:
    """
    Return what is missing for hashes of a scheme.

    @param setting: a cheap setting of the scheme.

    @return: the library's name; L{None} if nothing is missing.
    """
    if crypt(b"", setting) is None:
        return "a libcrypt that knows it"
    return None


@cache
def _function() -> _Crypt | None:
    """
    Return the system's re-entrant crypt(3): a callable that takes a password and a
    setting; L{None} if there is none.
    """
    import ctypes
    import errno

    # libxcrypt's two names, FreeBSD's; musl has it in libc, which is loaded.
    for name in ("libcrypt.so.1", "libcrypt.so.2", "libcrypt.so.5", None):
        try:
            library = ctypes.CDLL(name, use_errno=True)
            function = library.crypt_r
        except (AttributeError, OSError, TypeError):
            continue
        break
    else:
        return None
    # libxcrypt's variant knows how large the buffer is.
    sized = getattr(library, "crypt_rn", None)
    function = sized or function
    function.restype = ctypes.c_char_p
    function.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p]
    if sized:
        function.argtypes.append(ctypes.c_int)
    size = 32_768 if sized else _DATA_SIZE

    def call(password: bytes, setting: bytes) -> bytes | None:
        data = ctypes.create_string_buffer(size)
        hashed: bytes | None
        # An earlier failure may have left it, and not every library sets it.
        ctypes.set_errno(0)
        hashed = function(password, setting, data, *([size] if sized else []))
        if hashed is None and ctypes.get_errno() == errno.ENOMEM:
            raise MemoryError("libcrypt needs more memory than there is")
        return hashed

    return call


def _number(digits: Iterator[int], least: int) -> int:
    """
    Return one of yescrypt's numbers, parsed as its decode64_uint32 does.

    @param digits: an iterator over digits.
    @param least: what the digit 0 stands for.

    @raise StopIteration: if digits are missing.
    """
    first = next(digits)
    number, start, end, shift, more = least, 0, 47, 0, 0
    while first > end:
        number += end + 1 - start << shift
        start, end = end + 1, end + 1 + (62 - end) // 2
        shift += 6
        more += 1
    number += first - start << shift
    for _ in range(more):
        shift -= 6
        number += next(digits) << shift
    return number


__all__ = [
    "LONGEST_SHA",
    "crypt",
    "des",
    "hasAbsurdOldRounds",
    "hasAbsurdParameters",
    "hasAbsurdRounds",
    "hasAbsurdScryptParameters",
    "lacks",
    "nt",
    "scrypt",
    "sha1",
    "sha256",
    "sha512",
    "sm3",
    "sunMD5",
    "verify",
    "verifySHA",
    "yescrypt",
]
