"""
HTTP Digest authentication: the challenge, and the credentials that answer it
(U{RFC 7616<https://www.rfc-editor.org/rfc/rfc7616>}).
"""

from __future__ import annotations

import hmac
import secrets
import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from typing import Union

from zope.interface import implementer

from twisted.internet.defer import Deferred

from .._contracts import IUsernameDigestHash, IUsernameHashedPassword, twistedCredentials
from .._counterparts import Counterpart, isOverridden, overridable
from .._digest import calcHA1, calcHA2, calcResponse
from .._peers import networkOf
from .._secrets import asBytes, equal
from .._sharedvalues import SharedValues
from ..error import LoginFailed, StaleNonce, WrongURI
from ._fields import parseFields, verifyFields
from ._nonces import Answer, Claim, UsedNonces
from ._sharednonces import SKEW, SharedNonces
from ._targets import isSameTarget


@implementer(IUsernameHashedPassword, IUsernameDigestHash)
class DigestedCredentials(Counterpart, twistedCredentials.DigestedCredentials):
    """
    A client's answer to an HTTP Digest challenge.

    @ivar username: the name of the user.
    @ivar method: the method of the request.
    @ivar realm: the realm of the challenge.
    @ivar fields: the fields of the C{Authorization} header.
    """

    # Programs skip the constructor.
    _claim: Claim | None = None

    def __init__(
        self,
        username: bytes,
        method: bytes,
        realm: bytes,
        fields: Mapping[str, bytes],
        *,
        claim: Claim | None = None,
    ) -> None:
        """
        @param username: the name of the user.
        @param method: the method of the request, which the answer covers.
        @param realm: the realm of the challenge.
        @param fields: the fields of the C{Authorization} header.
        @param claim: what a right answer uses up; L{None} if the same answer may be
            presented again and again.
        """
        self.username = username
        self.method = method
        self.realm = realm
        self.fields = fields
        self._claim = claim

    def checkPassword(self, password: bytes) -> Union[bool, Deferred[bool]]:
        """
        Return whether the answer was computed with this password.  From then on the same
        answer is refused if it comes once more; this object may be checked again.

        @param password: the right one, in plain text.

        @return: C{False} if it wasn't.  If it was and processes share a state, a
            L{Deferred}, which fails with L{StaleNonce} if another process has taken the
            same answer.

        @raise LoginFailed: if fields are missing, or name an algorithm that
            isn't in L{mycred._digest.algorithms}.
        """
        secret = asBytes(password)
        return self._answers(self.username, self.realm, secret, None)

    def checkHash(self, digestHash: bytes) -> Union[bool, Deferred[bool]]:
        """
        Return whether the answer was computed with the password behind a hash.

        @param digestHash: H(username:realm:password) in hexadecimal, as in a
            file made by C{htdigest}.  An empty one never matches.

        @return: as from L{checkPassword}.

        @raise LoginFailed: as from L{checkPassword}.
        """
        return bool(digestHash) and self._answers(None, None, None, digestHash)

    def _answers(
        self,
        username: bytes | None,
        realm: bytes | None,
        password: bytes | None,
        preHA1: bytes | None,
    ) -> Union[bool, Deferred[bool]]:
        """
        Return whether this is the right answer, and take it if it is.
        """
        fields, claim = self.fields, self._claim
        cnonce = fields.get("cnonce")
        sessionCNonce = claim.sessionCNonce() if claim else cnonce
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
        if not equal(expected, fields.get("response")):
            return False
        if claim is None:
            return True
        taken = claim.take()
        return taken if isinstance(taken, bool) else taken.addCallback(_insistOnTaken)


class DigestCredentialFactory(Counterpart, twistedCredentials.DigestCredentialFactory):
    """
    The maker of HTTP Digest challenges, and the parser of the answers.

    A challenge carries an I{opaque} value, signed with a key that only this object
    has, which binds the nonce to the client's address and to a time: nothing has to be
    remembered for a challenge that gets no right answer.  What is remembered are the
    counts with which a client used its nonce, so that no answer is taken twice.

    Processes that share a state sign with one key and remember together, so that a
    challenge of one is good in all of them, and an answer to it in one.  Their clocks
    must agree to a minute.  While the state can't be reached each process remembers for
    itself.  With the C{-sess} algorithms, where all answers depend on the first one, a
    challenge is good in the process that has made it alone.

    @cvar CHALLENGE_LIFETIME_SECS: for how many seconds a challenge is good.
    @cvar scheme: the name of the scheme in the headers.
    @ivar algorithm: the algorithm of the challenge, as it is sent.
    @ivar authenticationRealm: the realm of the challenge.
    @ivar privateKey: the key that signs the opaque values.
    """

    CHALLENGE_LIFETIME_SECS = 15 * 60

    scheme = b"digest"

    # Programs skip the constructor.
    _itsUsed: UsedNonces | None = None
    _shared: SharedNonces | None = None

    def __init__(
        self,
        algorithm: bytes,
        authenticationRealm: bytes,
        *,
        state: SharedValues | None = None,
    ) -> None:
        """
        @param algorithm: one of C{md5}, C{md5-sess}, C{sha}, C{sha-256} and
            C{sha-256-sess}, in upper or lower case.
        @param authenticationRealm: the realm of the challenge.
        @param state: what several processes share; L{None} if this is the only one.
        """
        self.algorithm = algorithm
        self.authenticationRealm = authenticationRealm
        self.privateKey = secrets.token_bytes(32)
        if state is not None and not self._isSession:
            self._shared = SharedNonces(state, self._lifetime, self._getTime)

    @property
    def _used(self) -> UsedNonces:
        """
        The nonces that clients have used.
        """
        if self._itsUsed is None:
            skew = 0 if self._shared is None else SKEW
            self._itsUsed = UsedNonces(lambda: int(self._getTime()), self._lifetime, skew)
        return self._itsUsed

    @property
    def _isSession(self) -> bool:
        """
        Whether all answers with a nonce depend on the first one.
        """
        return bool(self.algorithm.lower().endswith(b"-sess"))

    def _lifetime(self) -> float:
        """
        Return for how many seconds a challenge is good.
        """
        return self.CHALLENGE_LIFETIME_SECS

    def getChallenge(self, address: bytes | str | None) -> dict[str, bytes]:
        """
        Return a challenge for a client.

        @param address: the address of the client, or L{None} where that makes
            no sense.

        @return: the fields of a C{WWW-Authenticate} header.
        """
        if self._shared is not None:
            self._shared.refresh()
        nonce = self._generateNonce()
        return {
            "nonce": nonce,
            "opaque": self._generateOpaque(nonce, address),
            "qop": b"auth",
            "algorithm": self.algorithm,
            "realm": self.authenticationRealm,
        }

    def decode(
        self,
        response: bytes,
        method: bytes,
        host: bytes | str | None,
        *,
        uri: bytes | None = None,
    ) -> DigestedCredentials:
        """
        Parse a client's answer.

        @param response: the value of the C{Authorization} header, without the
            name of the scheme.
        @param method: the method of the request.
        @param host: the address of the client, as for L{getChallenge}.
        @param uri: the URI of the request, as its first line has it, or with the
            server's name before it; if L{None}, an answer for another URI is
            taken.

        @raise WrongURI: if the answer is for another URI.
        @raise StaleNonce: if its challenge wasn't made by this object, or the answer
            comes too late or was seen before.
        @raise LoginFailed: if the answer is malformed, or the challenge was for
            another client.
        """
        fields = parseFields(response)
        verifyFields(fields, self.algorithm)
        if uri is not None and not isSameTarget(uri, fields["uri"]):
            raise WrongURI(fields["uri"])
        if not self._verifyOpaque(fields["opaque"], fields["nonce"], host):
            # A program's own method returns False.
            raise LoginFailed("Invalid response, invalid opaque value")
        answer = self._answerIn(fields, host)
        if not self._used.isGood(answer):
            raise StaleNonce("Invalid response, seen before.")
        return DigestedCredentials(
            fields["username"],
            method,
            self.authenticationRealm,
            fields,
            claim=Claim(self._used, answer, self._sharing(fields["opaque"])),
        )

    def _generateNonce(self) -> bytes:
        """
        Return a new nonce.
        """
        return secrets.token_hex(16).encode("ascii")

    def _getTime(self) -> float:
        """
        Return the time, in seconds: that of a clock that isn't set, unless other machines
        must have the same.
        """
        return time.monotonic() if self._shared is None else time.time()

    def _generateOpaque(self, nonce: bytes, clientip: bytes | str | None) -> bytes:
        """
        Return a signed opaque value with a nonce, the client's address and the time.
        """
        now = b"%d" % self._used.newest(networkOf(clientip))
        key = b",".join((nonce, asBytes(clientip or b""), now))
        return b"-".join((self._sign(key, self._keys[0]), b64encode(key)))

    @overridable
    def _verifyOpaque(
        self, opaque: bytes, nonce: bytes, clientip: bytes | str | None
    ) -> bool:
        """
        Insist that an opaque value was made here, for this nonce and this
        client, and not too long ago.

        @return: C{True}.

        @raise StaleNonce: if it was made with another key, such as this server's
            before it was started again, or is too old.
        @raise LoginFailed: if it was for another client.  A client whose address
            differs each time would go on answering challenges without end.
        """
        signature, key, parts = _opened(opaque)
        if not equal(parts[0], nonce):
            raise StaleNonce("Invalid response, incompatible opaque/nonce values")
        if not equal(parts[1], asBytes(clientip or b"")):
            raise LoginFailed("Invalid response, incompatible opaque/client values")
        age = int(self._getTime()) - _issued(parts)
        if age > self.CHALLENGE_LIFETIME_SECS:
            raise StaleNonce("Invalid response, incompatible opaque/nonce too old")
        if not any(equal(signature, self._sign(key, each)) for each in self._keys):
            raise StaleNonce("Invalid response, invalid opaque value")
        return True

    def _issued(self, opaque: bytes) -> int:
        """
        Return the time at which a challenge was made; now, if a program has opaque
        values of its own.
        """
        try:
            return _issued(_opened(opaque)[2])
        except StaleNonce:
            if not isOverridden(self, "_verifyOpaque"):
                raise
            return int(self._getTime())

    @property
    def _keys(self) -> list[bytes]:
        """
        The keys of good challenges: that of all processes, if it is known, and this
        one's.
        """
        key = None if self._shared is None else self._shared.key
        return [self.privateKey] if key is None else [key, self.privateKey]

    def _sign(self, key: bytes, privateKey: bytes) -> bytes:
        """
        Return the signature of what an opaque value carries.
        """
        return hmac.new(privateKey, key, sha256).hexdigest().encode("ascii")

    def _sharing(self, opaque: bytes) -> Callable[[Answer], Deferred[bool]] | None:
        """
        Return what takes an answer for all processes; L{None} if its challenge is good in
        no other one.
        """
        shared = self._shared
        if shared is None or shared.key is None:
            return None
        try:
            signature, key, _ = _opened(opaque)
        except StaleNonce:
            # A program has values of its own.
            return None
        if not equal(signature, self._sign(key, shared.key)):
            return None
        return partial(shared.claim, key=shared.key)

    def _answerIn(self, fields: Mapping[str, bytes], host: bytes | str | None) -> Answer:
        """
        Return what an answer to a verified challenge uses up: the nonce and a count,
        which is 1 for an answer without one.
        """
        return Answer(
            nonce=fields["nonce"],
            nonceCount=int(fields.get("nc", b"1"), 16),
            cnonce=fields["cnonce"] if self._isSession else None,
            issued=self._issued(fields["opaque"]),
            source=networkOf(host),
        )


def _insistOnTaken(isTaken: bool) -> bool:
    """
    Insist that no other process has taken an answer.

    @return: C{True}.

    @raise StaleNonce: if one has.
    """
    if not isTaken:
        raise StaleNonce("Invalid response, seen before.")
    return True


def _opened(opaque: bytes) -> tuple[bytes, bytes, list[bytes]]:
    """
    Return the contents of an opaque value.

    @return: the signature, what is signed, and the parts of that: nonce, address, time.

    @raise StaleNonce: if it can't be one of mycred's.
    """
    signature, dash, encoded = opaque.partition(b"-")
    try:
        key = b64decode(encoded)
    except Base64Error:
        key = b""
    parts = key.split(b",")
    if not dash or len(parts) != 3:
        raise StaleNonce("Invalid response, invalid opaque value")
    return signature, key, parts


def _issued(parts: list[bytes]) -> int:
    """
    Return the time at which a challenge was made.

    @raise StaleNonce: if there is none.
    """
    try:
        return int(parts[2])
    except ValueError:
        raise StaleNonce("Invalid response, invalid opaque/time values") from None


__all__ = ["DigestCredentialFactory", "DigestedCredentials"]
