"""
An issuer of tokens, and the servers that it has.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from twisted.internet import reactor as theReactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from .certificates import Authority

reactor: Any = theReactor

#: The time in the tests, in seconds since 1970.
NOW = 1_800_000_000.0

ISSUER = "https://idp.example.org"


def encoded(data: bytes) -> str:
    """
    Return base64url without padding.
    """
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def integer(number: int, size: int | None = None) -> str:
    """
    Return a number as keys have it.
    """
    size = size or (number.bit_length() + 7) // 8
    return encoded(number.to_bytes(size, "big"))


def claims(**changed: Any) -> dict[str, Any]:
    """
    Return the claims of a good token; those that are changed to L{None} are left out.
    """
    said = {
        "iss": ISSUER,
        "aud": "mail",
        "sub": "alice",
        "iat": NOW - 10,
        "exp": NOW + 600,
        **changed,
    }
    return {name: value for name, value in said.items() if value is not None}


class ECSigner:
    """
    A key on P-256.
    """

    alg = "ES256"

    def __init__(self, kid: str | None = "ec") -> None:
        self.kid = kid
        self.key = ec.generate_private_key(ec.SECP256R1())

    def jwk(self, **more: Any) -> dict[str, Any]:
        """
        Return the public key.
        """
        numbers = self.key.public_key().public_numbers()
        x, y = integer(numbers.x, 32), integer(numbers.y, 32)
        key = {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.kid, **more}
        return {name: value for name, value in key.items() if value is not None}

    def signature(self, data: bytes, alg: str) -> bytes:
        """
        Sign.
        """
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def sign(
        self,
        said: dict[str, Any] | bytes,
        alg: str | None = None,
        signature: bytes | None = None,
        **header: Any,
    ) -> bytes:
        """
        Make a token.

        @param said: its claims, or the text of them.
        @param alg: the algorithm that it names.
        @param signature: the signature; the right one if L{None}.
        @param header: what else its header has; L{None} leaves a name out.
        """
        head = {
            "alg": self.alg if alg is None else alg,
            "kid": self.kid,
            "typ": "JWT",
            **header,
        }
        head = {name: value for name, value in head.items() if value is not None}
        return self.signText(json.dumps(head).encode("ascii"), said, signature)

    def signText(
        self, head: bytes, said: dict[str, Any] | bytes, signature: bytes | None = None
    ) -> bytes:
        """
        Make a token with this very header.
        """
        body = said if isinstance(said, bytes) else json.dumps(said).encode("ascii")
        data = f"{encoded(head)}.{encoded(body)}".encode("ascii")
        if signature is None:
            signature = self.signature(data, self.alg)
        return data + b"." + encoded(signature).encode("ascii")


class RSASigner(ECSigner):
    """
    An RSA key.
    """

    alg = "RS256"

    def __init__(self, kid: str | None = "rsa", bits: int = 2048) -> None:
        self.kid = kid
        self.key: Any = rsa.generate_private_key(65537, bits)

    def jwk(self, **more: Any) -> dict[str, Any]:
        """
        Return the public key.
        """
        numbers = self.key.public_key().public_numbers()
        n, e = integer(numbers.n), integer(numbers.e)
        return {"kty": "RSA", "n": n, "e": e, "kid": self.kid, **more}

    def signature(self, data: bytes, alg: str) -> bytes:
        """
        Sign.
        """
        signed: bytes = self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return signed


class EdSigner(ECSigner):
    """
    A key on Ed25519.
    """

    alg = "EdDSA"

    def __init__(self, kid: str | None = "ed") -> None:
        self.kid = kid
        self.key: Any = ed25519.Ed25519PrivateKey.generate()

    def jwk(self, **more: Any) -> dict[str, Any]:
        """
        Return the public key.
        """
        x = encoded(self.key.public_key().public_bytes_raw())
        return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, **more}

    def signature(self, data: bytes, alg: str) -> bytes:
        """
        Sign.
        """
        signed: bytes = self.key.sign(data)
        return signed


def keySet(*keys: dict[str, Any]) -> bytes:
    """
    Return a key set.
    """
    return json.dumps({"keys": keys}).encode("ascii")


def hmacOf(key: bytes, token: bytes) -> bytes:
    """
    Return a token whose signature is replaced by an HMAC.
    """
    data = token.rpartition(b".")[0]
    mac = hmac.digest(key, data, "sha256")
    return data + b"." + encoded(mac).encode("ascii")


class Provider(Resource):
    """
    A real HTTP server on this machine, which answers as a test says.

    @ivar answer: returns, or fires with, what is sent for a request: a page, or L{None}
        for nothing at all.
    @ivar requests: the bodies of the requests, and their headers C{Authorization}.
    """

    isLeaf = True

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        super().__init__()
        self.answer = answer
        self.requests: list[tuple[bytes, bytes | None]] = []
        self._port: Any = None
        self.site = Site(self)
        self.url = ""

    def start(self, authority: Authority | None = None, host: str = "127.0.0.1") -> None:
        """
        Listen.

        @param authority: what certifies the server; without it there is no TLS.
        @param host: the name that is certified.
        """
        if authority is None:
            self._port = reactor.listenTCP(0, self.site, interface="127.0.0.1")
        else:
            certificate, key = authority.certify("idp", host)
            context = DefaultOpenSSLContextFactory(str(key), str(certificate))
            self._port = reactor.listenSSL(0, self.site, context, interface="127.0.0.1")
        scheme = "http" if authority is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._port.getHost().port}/at"

    def stop(self) -> Deferred[None]:
        """
        Listen no more.
        """
        stopping: Deferred[None] = maybeDeferred(self._port.stopListening)
        return stopping

    def render(self, request: Any) -> Any:
        """
        Answer.
        """
        body = request.content.read()
        self.requests.append((body, request.getHeader(b"authorization")))
        request.setHeader(b"content-type", b"application/json")

        def send(page: bytes | None) -> None:
            if page is not None:
                request.write(page)
                request.finish()

        answering: Deferred[Any] = maybeDeferred(self.answer, request)
        answering.addCallback(send).addErrback(lambda _: None)
        return NOT_DONE_YET


def page(said: Any) -> Callable[[Any], bytes]:
    """
    Return what answers each request with JSON.
    """
    return lambda request: json.dumps(said).encode("ascii")


def writeSecret(path: Path, text: bytes) -> Path:
    """
    Write a file that other users can't read.
    """
    path.touch(0o600)
    path.chmod(0o600)
    path.write_bytes(text)
    return path


__all__ = [
    "ISSUER",
    "NOW",
    "ECSigner",
    "EdSigner",
    "Provider",
    "RSASigner",
    "claims",
    "encoded",
    "hmacOf",
    "integer",
    "keySet",
    "page",
    "writeSecret",
]
