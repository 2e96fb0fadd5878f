"""
The keys of a password as a line of text, in the forms in which other programs store them.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import a2b_base64

from ._keys import HASHES, NAMES, ScramKeys

#: More is absurd: the client computes them at each login, and takes some seconds even for
#: these.
MOST_ITERATIONS = 2_000_000

# A salt in base64 (RFC 4648, section 4), of 1 to 63 bytes: programs make 12 to 32, and a
# made-up one has 64 at most.
_SALT = (
    rb"(?:[A-Za-z0-9+/]{4}){0,20}"
    rb"(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)"
)

# A key in base64, by hash.
_KEY = {"sha1": rb"[A-Za-z0-9+/]{27}=", "sha256": rb"[A-Za-z0-9+/]{43}="}

# Count, salt, StoredKey and ServerKey, and what stands between them.
_FIELDS = rb"(?P<cost>[1-9][0-9]{0,8})%s(?P<salt>%s)%s(?P<stored>%s)%s(?P<server>%s)"


def _pattern(hash: str, start: bytes, *between: bytes) -> re.Pattern[bytes]:
    """
    Return a pattern of whole keys.

    @param start: what stands before them.
    @param between: what stands between each two of the four fields.
    """
    first, second, third = map(re.escape, between)
    fields = _FIELDS % (first, _SALT, second, _KEY[hash], third, _KEY[hash])
    return re.compile(re.escape(start) + fields)


#: The form of Dovecot (C{doveadm pw}), after the name of the scheme in braces, by hash.
DOVECOT = {hash: _pattern(hash, b"", b",", b",", b",") for hash in HASHES}

#: The form of PostgreSQL (C{pg_authid}) and of LDAP directories (U{RFC 5803
#: <https://www.rfc-editor.org/rfc/rfc5803>}), by hash.
POSTGRESQL = {
    hash: _pattern(hash, NAMES[hash] + b"$", b":", b"$", b":") for hash in HASHES
}


def isAbsurd(iterations: bytes) -> bool:
    """
    Return whether a password is hashed more often than any administrator means.
    """
    return int(iterations) > MOST_ITERATIONS


def keysIn(form: re.Pattern[bytes], hash: str, text: bytes) -> ScramKeys:
    """
    Return the keys that a text is.

    @param form: one of L{DOVECOT} or L{POSTGRESQL}.
    @param hash: the hash that it is for.

    @raise ValueError: if it isn't of this form.
    """
    match = form.fullmatch(text)
    if match is None:
        raise ValueError("no keys of SCRAM")
    iterations, *others = match.group("cost", "salt", "stored", "server")
    # That they are base64 the form has seen to.
    salt, storedKey, serverKey = map(a2b_base64, others)
    return ScramKeys(hash, int(iterations), salt, storedKey, serverKey)


def written(keys: ScramKeys) -> bytes:
    """
    Return keys in Dovecot's form, with the name of the scheme.
    """
    parts = map(b64encode, (keys.salt, keys.storedKey, keys.serverKey))
    return b"{%s}%s" % (NAMES[keys.hash], b",".join([b"%d" % keys.iterations, *parts]))


__all__ = [
    "DOVECOT",
    "MOST_ITERATIONS",
    "POSTGRESQL",
    "isAbsurd",
    "keysIn",
    "written",
]
