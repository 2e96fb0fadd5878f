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
from twisted.internet.task import Clock
from twisted.logger import formatEvent, globalLogPublisher
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from mycred._tokens._outage import Outage

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


class SteppedTime:
    """
    The real reactor, but for its timers, which wait for the test.

    @ivar clock: makes time pass.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.callLater = self.clock.callLater
        self.seconds = self.clock.seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)


class _Connections(WrappingFactory):
    """
    The connections to a server.
    """

    ended: Deferred[None] | None = None
    accepted = 0

    def registerProtocol(self, p: ProtocolWrapper) -> None:
        """
        Count.
        """
        self.accepted += 1
        super().registerProtocol(p)

    def unregisterProtocol(self, p: ProtocolWrapper) -> None:
        """
        Say when the last one has ended.
        """
        super().unregisterProtocol(p)
        if self.ended is not None and not self.protocols:
            self.ended.callback(None)

    def end(self) -> Deferred[None]:
        """
        End all.
        """
        self.ended = Deferred()
        for connection in list(self.protocols):
            connection.transport.abortConnection()
        if not self.protocols:
            self.ended.callback(None)
        return self.ended


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
        self._waiting: list[tuple[int, Deferred[None]]] = []
        self._port: Any = None
        self._connections = _Connections(Site(self))
        self.url = ""

    def start(self, authority: Authority | None = None, host: str = "127.0.0.1") -> None:
        """
        Listen.

        @param authority: what certifies the server; without it there is no TLS.
        @param host: the name that is certified; none if it is empty.
        """
        if authority is None:
            self._port = reactor.listenTCP(0, self._connections, interface="127.0.0.1")
        else:
            certificate, key = authority.certify("idp", *filter(None, [host]))
            context = DefaultOpenSSLContextFactory(str(key), str(certificate))
            self._port = reactor.listenSSL(
                0, self._connections, context, interface="127.0.0.1"
            )
        scheme = "http" if authority is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._port.getHost().port}/at"

    def stop(self) -> Deferred[None]:
        """
        Listen no more, and end all connections.
        """
        stopping: Deferred[None] = maybeDeferred(self._port.stopListening)
        return stopping.addCallback(lambda _: self._connections.end())

    @property
    def accepted(self) -> int:
        """
        Return how many connections there were.
        """
        return self._connections.accepted

    def drop(self) -> Deferred[None]:
        """
        End all connections.
        """
        return self._connections.end()

    def asked(self, times: int) -> Deferred[None]:
        """
        Wait until there have been so many requests.
        """
        waiting: Deferred[None] = Deferred()
        self._waiting.append((times, waiting))
        self._tell()
        return waiting

    def _tell(self) -> None:
        """
        Go on with what waits for requests.
        """
        for times, waiting in list(self._waiting):
            if len(self.requests) >= times:
                self._waiting.remove((times, waiting))
                waiting.callback(None)

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
        answering.addCallback(send)
        # The client may be gone.
        answering.addErrback(lambda _: None)
        self._tell()
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


def captured(test: Any) -> Callable[[], list[str]]:
    """
    Return what returns the lines that the log was told of servers and their keys, since
    now.
    """
    events: list[Any] = []
    globalLogPublisher.addObserver(events.append)
    test.addCleanup(globalLogPublisher.removeObserver, events.append)
    return lambda: [
        formatEvent(event)
        for event in events
        if isinstance(event.get("log_source"), Outage)
    ]


__all__ = [
    "ISSUER",
    "NOW",
    "ECSigner",
    "EdSigner",
    "Provider",
    "RSASigner",
    "SteppedTime",
    "captured",
    "claims",
    "encoded",
    "hmacOf",
    "integer",
    "keySet",
    "page",
    "writeSecret",
]
