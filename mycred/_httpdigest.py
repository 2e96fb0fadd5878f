"""
HTTP Digest authentication: the challenge, and the credentials that answer it
(U{RFC 7616<https://www.rfc-editor.org/rfc/rfc7616>}).
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from hashlib import sha256

from zope.interface import implementer

from ._contracts import IUsernameDigestHash, IUsernameHashedPassword
from ._digest import algorithms, calcHA1, calcHA2, calcResponse
from ._secrets import asBytes, equal
from .error import LoginFailed


@implementer(IUsernameHashedPassword, IUsernameDigestHash)
class DigestedCredentials:
    """
    A client's answer to an HTTP Digest challenge.

    @ivar username: the name of the user.
    @ivar method: the method of the request.
    @ivar realm: the realm of the challenge.
    @ivar fields: the fields of the C{Authorization} header.
    """

    def __init__(
        self,
        username: bytes,
        method: bytes,
        realm: bytes,
        fields: Mapping[str, bytes],
        *,
        sessionCNonce: bytes | None = None,
    ) -> None:
        """
        @param username: the name of the user.
        @param method: the method of the request, which the answer covers.
        @param realm: the realm of the challenge.
        @param fields: the fields of the C{Authorization} header.
        @param sessionCNonce: the client's nonce from its first answer to this
            challenge, for the C{-sess} algorithms; the one in C{fields} if
            this is the first.
        """
        self.username = username
        self.method = method
        self.realm = realm
        self.fields = fields
        self._sessionCNonce = sessionCNonce

    def checkPassword(self, password: bytes) -> bool:
        """
        Tell whether the answer was computed with this password.

        @param password: the right one, in plain text.

        @raise LoginFailed: if fields are missing, or name an algorithm that
            isn't in L{mycred._digest.algorithms}.
        """
        secret = asBytes(password)
        return self._answers(self.username, self.realm, secret, None)

    def checkHash(self, digestHash: bytes) -> bool:
        """
        Tell whether the answer was computed with the password behind a hash.

        @param digestHash: H(username:realm:password) in hexadecimal, as in a
            file made by C{htdigest}.  An empty one never matches.

        @raise LoginFailed: as from L{checkPassword}.
        """
        return bool(digestHash) and self._answers(None, None, None, digestHash)

    def _answers(
        self,
        username: bytes | None,
        realm: bytes | None,
        password: bytes | None,
        preHA1: bytes | None,
    ) -> bool:
        """
        Compute the right answer and compare.
        """
        fields = self.fields
        cnonce = fields.get("cnonce")
        sessionCNonce = self._sessionCNonce or cnonce
        qop = fields.get("qop", b"auth")
        try:
            algorithm = fields.get("algorithm", b"md5").lower()
            nonce = fields["nonce"]
            ha1 = calcHA1(
                algorithm, username, realm, password, nonce, sessionCNonce, preHA1
            )
            ha2 = calcHA2(algorithm, self.method, fields["uri"], qop, None)
            expected = calcResponse(
                ha1, ha2, algorithm, nonce, fields.get("nc"), cnonce, qop
            )
        except (AttributeError, KeyError, TypeError):
            raise LoginFailed("Invalid response, malformed fields.") from None
        return equal(expected, fields.get("response"))


class _NonceUse:
    """
    The counts with which a client has used one nonce.

    A browser may send requests over several connections, so that counts arrive
    out of order: the highest is kept, and of the L{WINDOW} before it which ones
    were seen, as RFC 4303 (section 3.4.3) does it for packets.

    @ivar firstSeen: when the nonce was used first, in seconds since the epoch.
    @ivar cnonce: the client's nonce in that first use.
    """

    WINDOW = 128

    __slots__ = ("_highest", "_seen", "cnonce", "firstSeen")

    def __init__(self, firstSeen: float, cnonce: bytes | None) -> None:
        self.firstSeen = firstSeen
        self.cnonce = cnonce
        self._highest = 0
        self._seen = 0

    def claim(self, count: int) -> bool:
        """
        Take a count, unless it was taken before or is too old to tell.
        """
        ahead = count - self._highest
        if ahead > 0:
            self._seen = self._seen << ahead if ahead < self.WINDOW else 0
            self._seen = (self._seen | 1) & ((1 << self.WINDOW) - 1)
            self._highest = count
            return True
        bit = 1 << -ahead if -ahead < self.WINDOW else 0
        fresh = bool(bit) and not self._seen & bit
        self._seen |= bit
        return fresh


# credentials = "Digest" 1*SP #auth-param, auth-param = token BWS "=" BWS
# ( token / quoted-string ), with commas between them (RFC 7235, appendix C).
# As in Twisted, an unquoted value may be anything up to the next comma.  No two
# repetitions that stand side by side may take the same character: a hostile
# header would have every split between them tried.
_authParam = re.compile(
    rb'[\s,]*([^\s=,"]+)\s*=(?:\s*"((?:[^"\\]|\\.)*)"\s*|([^",]*))(?:,|\Z)', re.DOTALL
)
_quotedPair = re.compile(rb"\\(.)", re.DOTALL)
_nonceCount = re.compile(rb"[0-9a-fA-F]{8}")


def _parseFields(response: bytes) -> dict[str, bytes]:
    """
    Split the value of an C{Authorization} header into its fields.

    @raise LoginFailed: if it doesn't follow the grammar.
    """
    fields = {}
    position, end = 0, len(response.rstrip(b" \t\r\n,"))
    while position < end:
        match = _authParam.match(response, position)
        if match is None:
            raise LoginFailed("Invalid response, malformed fields.")
        key, quoted, bare = match.groups()
        value = bare if quoted is None else _quotedPair.sub(rb"\1", quoted)
        fields[key.decode("latin-1").lower()] = value.strip()
        position = match.end()
    return fields


class DigestCredentialFactory:
    """
    The maker of HTTP Digest challenges, and the reader of the answers.

    A challenge carries an I{opaque} value, signed with a key that this object
    alone knows, which binds the nonce to the client's address and to a time:
    nothing has to be remembered for a challenge that is never answered.  What
    is remembered are the counts with which a client used its nonce, so that no
    answer is taken twice.

    @cvar CHALLENGE_LIFETIME_SECS: for how many seconds a challenge is good.
    @cvar scheme: the name of the scheme in the headers.
    @ivar algorithm: the algorithm of the challenge, as it is sent.
    @ivar authenticationRealm: the realm of the challenge.
    @ivar privateKey: the key that signs the opaque values.
    """

    CHALLENGE_LIFETIME_SECS = 15 * 60

    #: How many nonces may be in use at a time.
    _MOST_NONCES = 50_000

    #: The longest nonce of a client, in bytes.
    _LONGEST_CNONCE = 256

    scheme = b"digest"

    def __init__(self, algorithm: bytes, authenticationRealm: bytes) -> None:
        """
        @param algorithm: one of C{md5}, C{md5-sess}, C{sha}, C{sha-256} and
            C{sha-256-sess}, in upper or lower case.
        @param authenticationRealm: the realm of the challenge.
        """
        self.algorithm = algorithm
        self.authenticationRealm = authenticationRealm
        self.privateKey = secrets.token_bytes(32)
        self._used: dict[bytes, _NonceUse] = {}

    def getChallenge(self, address: bytes | str | None) -> dict[str, bytes]:
        """
        Make the challenge for a client.

        @param address: the address of the client, or L{None} where that makes
            no sense.

        @return: the fields of a C{WWW-Authenticate} header.
        """
        nonce = self._generateNonce()
        return {
            "nonce": nonce,
            "opaque": self._generateOpaque(nonce, address),
            "qop": b"auth",
            "algorithm": self.algorithm,
            "realm": self.authenticationRealm,
        }

    def decode(
        self, response: bytes, method: bytes, host: bytes | str | None
    ) -> DigestedCredentials:
        """
        Read a client's answer.

        @param response: the value of the C{Authorization} header, without the
            name of the scheme.
        @param method: the method of the request.
        @param host: the address of the client, as for L{getChallenge}.

        @raise LoginFailed: if the answer is malformed, belongs to no challenge
            of this object for this client, comes too late, or was seen before.
        """
        fields = _parseFields(response)
        for field in ("username", "opaque", "nonce"):
            if not fields.get(field):
                raise LoginFailed(f"Invalid response, no {field} given.")
        self._verifyOpaque(fields["opaque"], fields["nonce"], host)
        self._verifyFields(fields)
        return DigestedCredentials(
            fields["username"],
            method,
            self.authenticationRealm,
            fields,
            sessionCNonce=self._claimNonce(fields),
        )

    def _generateNonce(self) -> bytes:
        """
        Make up a nonce.
        """
        return secrets.token_hex(16).encode("ascii")

    def _getTime(self) -> float:
        """
        Return the seconds since the epoch.
        """
        return time.time()

    def _generateOpaque(self, nonce: bytes, clientip: bytes | str | None) -> bytes:
        """
        Sign a nonce, the client's address and the time.
        """
        now = b"%d" % int(self._getTime())
        key = b",".join((nonce, asBytes(clientip or b""), now))
        return b"-".join((self._sign(key), b64encode(key)))

    def _verifyOpaque(
        self, opaque: bytes, nonce: bytes, clientip: bytes | str | None
    ) -> bool:
        """
        Insist that an opaque value was made here, for this nonce and this
        client, and not too long ago.

        @return: C{True}.

        @raise LoginFailed: if it wasn't.
        """
        invalid = "Invalid response, invalid opaque value"
        signature, dash, encoded = opaque.partition(b"-")
        try:
            key = b64decode(encoded)
        except Base64Error:
            raise LoginFailed(invalid) from None
        parts = key.split(b",")
        if not dash or len(parts) != 3:
            raise LoginFailed(invalid)
        if not equal(parts[0], nonce):
            raise LoginFailed("Invalid response, incompatible opaque/nonce values")
        if not equal(parts[1], asBytes(clientip or b"")):
            raise LoginFailed("Invalid response, incompatible opaque/client values")
        try:
            age = int(self._getTime()) - int(parts[2])
        except ValueError:
            raise LoginFailed("Invalid response, invalid opaque/time values") from None
        if age > self.CHALLENGE_LIFETIME_SECS:
            raise LoginFailed("Invalid response, incompatible opaque/nonce too old")
        if not equal(signature, self._sign(key)):
            raise LoginFailed(invalid)
        return True

    def _sign(self, key: bytes) -> bytes:
        """
        Sign what an opaque value carries.
        """
        return hmac.new(self.privateKey, key, sha256).hexdigest().encode("ascii")

    def _verifyFields(self, fields: Mapping[str, bytes]) -> None:
        """
        Insist on an answer to what was asked.

        Without C{qop} an answer follows RFC 2069, and has no nonce count.

        @raise LoginFailed: if the algorithm or the quality of protection is
            another one, or a field is missing.
        """
        algorithm = fields.get("algorithm", b"md5").lower()
        if algorithm != self.algorithm.lower() or algorithm not in algorithms:
            raise LoginFailed("Invalid response, another algorithm was asked for.")
        if fields.get("qop", b"auth") != b"auth":
            raise LoginFailed("Invalid response, another qop was asked for.")
        counted = "qop" in fields or "nc" in fields
        if counted and not _nonceCount.fullmatch(fields.get("nc", b"")):
            raise LoginFailed("Invalid response, malformed nonce count.")
        required = {"response", "uri"}
        if counted or algorithm.endswith(b"-sess"):
            required.add("cnonce")
        # What is remembered of a client must be short.
        if len(fields.get("cnonce", b"")) > self._LONGEST_CNONCE:
            raise LoginFailed("Invalid response, malformed fields.")
        if not all(fields.get(field) for field in required):
            raise LoginFailed("Invalid response, malformed fields.")

    def _claimNonce(self, fields: Mapping[str, bytes]) -> bytes | None:
        """
        Take the nonce with its count, so that nobody takes it again.

        @return: the client's nonce from the first answer with this nonce.

        @raise LoginFailed: if the count was seen before; without a count, if
            the nonce was.
        """
        # In whole seconds, as challenges are dated.
        nonce, now = fields["nonce"], int(self._getTime())
        if nonce not in self._used:
            self._forgetOldNonces(now)
            self._used[nonce] = _NonceUse(now, fields.get("cnonce"))
        use = self._used[nonce]
        if not use.claim(int(fields.get("nc", b"1"), 16)):
            raise LoginFailed("Invalid response, seen before.")
        return use.cnonce

    def _forgetOldNonces(self, now: float) -> None:
        """
        Make room for one more nonce.

        Where that takes forgetting nonces that are still good, all challenges
        are withdrawn with them: clients have to ask anew, which costs them a
        request, and nobody can replay what was forgotten.
        """
        used = self._used
        while used:
            oldest = next(iter(used))
            if now - used[oldest].firstSeen <= self.CHALLENGE_LIFETIME_SECS:
                break
            del used[oldest]
        if len(used) >= self._MOST_NONCES:
            self.privateKey = secrets.token_bytes(32)
            used.clear()


__all__ = ["DigestCredentialFactory", "DigestedCredentials"]
