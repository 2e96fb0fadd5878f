"""
The messages of one login by SCRAM, as the server reads and writes them (RFC 5802,
sections 5 and 7).

They go, with the names that the RFC has for them::

    client-first   n,,n=alice,r=CLIENTNONCE
    server-first   r=CLIENTNONCESERVERNONCE,s=SALT,i=ITERATIONS
    client-final   c=BINDING,r=CLIENTNONCESERVERNONCE,p=PROOF
    server-final   v=SIGNATURE
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from binascii import Error, a2b_base64, b2a_base64
from dataclasses import dataclass

from .._secrets import equal
from ..error import SASLError
from ._keys import HASHES, ScramKeys
from ._names import SASLNAME, unescapedName

# The size of the server's part of the nonce, in bytes; in base64 it grows by a third.
_NONCE_SIZE = 18

# gs2-header, section 7.
_HEADER = (
    rb"(?P<header>(?P<flag>n|y|p=(?P<binding>[A-Za-z0-9.-]+)),"
    rb"(?:a=(?P<authzid>" + SASLNAME + rb"))?,)"
)

# client-first-message.  A mandatory extension ("m=") would stand before the name.  The
# nonce is sent back, so that its size is limited; extensions may follow it.
_FIRST = re.compile(
    _HEADER
    + rb"(?P<bare>n=(?P<username>"
    + SASLNAME
    + rb"),r=(?P<nonce>[!-+\--~]{1,256})(?:,[A-Za-z]=[^\0,]+)*)"
)

# client-final-message.  The proof is the last, after all extensions.
_FINAL = re.compile(
    rb"(?P<bare>c=(?P<binding>[A-Za-z0-9+/]+=*),r=(?P<nonce>[!-+\--~]+)"
    rb"(?:,[A-Za-lnoq-z]=[^\0,]+)*),p=(?P<proof>[A-Za-z0-9+/]+=*)"
)


class NotProved(Exception):
    """
    A client hasn't proved that it knows the password.  The text is for the log.
    """


@dataclass(frozen=True)
class ClientFirst:
    """
    The first message of a client.

    @ivar header: its beginning, up to the name, which the client has to repeat.
    @ivar flag: what the client says of channel bindings: C{n}, it knows none; C{y}, it
        thinks that the server knows none; C{p}, it uses one.
    @ivar binding: the name of the channel binding that it uses; empty if none.
    @ivar authzid: the name of the user to act as; empty if there is none.
    @ivar username: the name.
    @ivar nonce: the client's part of the nonce.
    @ivar bare: the message without its header.
    """

    header: bytes
    flag: str
    binding: str
    authzid: bytes
    username: bytes
    nonce: bytes
    bare: bytes

    @classmethod
    def parse(cls, message: bytes) -> ClientFirst:
        """
        Parse a message.

        @raise SASLError: if it makes no sense.
        """
        found = _FIRST.fullmatch(message)
        if found is None:
            raise SASLError("malformed first message")
        header, flag, binding, authzid, bare, username, nonce = found.groups()
        if not username:
            raise SASLError("the name is missing")
        return cls(
            header,
            flag[:1].decode("ascii"),
            (binding or b"").decode("ascii"),
            unescapedName(authzid or b""),
            unescapedName(username),
            nonce,
            bare,
        )


class ScramExchange:
    """
    The server's side of one login: what it sends, and whether the client's answer proves
    that it knows the password.

    @ivar hash: the name of the hash.
    @ivar first: the client's first message.
    """

    __slots__ = ("_bound", "_keys", "_nonce", "_sent", "first", "hash")

    _keys: ScramKeys
    _sent: bytes

    def __init__(
        self, hash: str, first: ClientFirst, binding: bytes = b"", nonce: bytes = b""
    ) -> None:
        """
        @param hash: the name of the hash in L{hashlib}: one of L{HASHES}.
        @param first: the client's first message.
        @param binding: what binds the login to the connection, if the message says that
            the client does so.
        @param nonce: the server's part of the nonce, for tests; a random one, if it is
            empty.
        """
        self.hash = hash
        self.first = first
        self._bound = _encoded(first.header + binding)
        self._nonce = first.nonce + (nonce or _encoded(secrets.token_bytes(_NONCE_SIZE)))

    def challenge(self, keys: ScramKeys) -> bytes:
        """
        Return the server's first message.

        @param keys: the keys that the client's answer will be verified with.
        """
        self._keys = keys
        self._sent = b"r=%b,s=%b,i=%d" % (
            self._nonce,
            _encoded(keys.salt),
            keys.iterations,
        )
        return self._sent

    def finish(self, message: bytes) -> bytes:
        """
        Verify the client's answer to the challenge.

        @return: the server's last message, by which it proves that it has the keys.

        @raise SASLError: if the answer makes no sense.
        @raise NotProved: if the client doesn't know the password, or has another
            connection before it than the server has.
        """
        found = _FINAL.fullmatch(message)
        if found is None:
            raise SASLError("malformed final message")
        bare, bound, nonce, encoded = found.groups()
        proof = _decoded(encoded)
        if len(proof) != HASHES[self.hash]:
            raise SASLError("a proof of another size")
        if not equal(self._nonce, nonce):
            raise SASLError("not the nonce of this login")
        if not equal(self._bound, bound):
            raise NotProved("the client sees another connection than the server")
        text = b",".join((self.first.bare, self._sent, bare))
        keys = self._keys
        signature = hmac.digest(keys.storedKey, text, self.hash)
        clientKey = _xor(proof, signature)
        if not equal(keys.storedKey, hashlib.new(self.hash, clientKey).digest()):
            raise NotProved("wrong password")
        return b"v=" + _encoded(hmac.digest(keys.serverKey, text, self.hash))


def _xor(one: bytes, other: bytes) -> bytes:
    """
    Return the exclusive or of two values of one size.
    """
    mixed = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return mixed.to_bytes(len(one), "big")


def _encoded(data: bytes) -> bytes:
    """
    Return the base64 of bytes.
    """
    return b2a_base64(data, newline=False)


def _decoded(text: bytes) -> bytes:
    """
    Return the bytes that base64 stands for.

    @raise SASLError: if it is no base64.
    """
    try:
        data = a2b_base64(text)
    except Error:
        data = b""
    if _encoded(data) != text:
        raise SASLError("a proof that is no base64")
    return data


__all__ = ["ClientFirst", "NotProved", "ScramExchange"]
