"""
A browser that logs in with HTTP Digest, and the factory that it logs in to.
"""

from __future__ import annotations

import hashlib

from mycred._httpdigest import DigestCredentialFactory

METHOD = b"GET"


class Factory(DigestCredentialFactory):
    """
    A factory whose clock the test sets.
    """

    now = 1_000_000.0

    def _getTime(self) -> float:
        return self.now


class Client:
    """
    A browser, which computes its answers by itself, as RFC 7616 has it.

    @ivar challenge: the challenge that is answered.
    @ivar cnonce: the client's nonce.
    @ivar first: the client's nonce of the session.
    """

    def __init__(
        self,
        challenge: dict[str, bytes],
        username: bytes = b"alice",
        password: bytes = b"secret",
        cnonce: bytes = b"0a4f113b",
    ) -> None:
        self.challenge = challenge
        self.username = username
        self.password = password
        self.cnonce = self.first = cnonce

    def hash(self, *parts: bytes) -> bytes:
        """
        H(a:b:c), in hexadecimal.
        """
        name = self.challenge["algorithm"].lower().removesuffix(b"-sess")
        name = {b"md5": b"md5", b"sha": b"sha1", b"sha-256": b"sha256"}[name]
        hashed = hashlib.new(name.decode("ascii"), b":".join(parts))
        return hashed.hexdigest().encode("ascii")

    def htdigest(self) -> bytes:
        """
        H(username:realm:password), as a server's file holds it.
        """
        return self.hash(self.username, self.challenge["realm"], self.password)

    def secret(self) -> bytes:
        """
        H(A1).
        """
        secret = self.htdigest()
        if self.challenge["algorithm"].lower().endswith(b"-sess"):
            secret = self.hash(secret, self.challenge["nonce"], self.first)
        return secret

    def fields(self, count: int | bytes = 1, uri: bytes = b"/a") -> dict[str, bytes]:
        """
        Answer the challenge.
        """
        nc = count if isinstance(count, bytes) else b"%08x" % count
        nonce = self.challenge["nonce"]
        covered = self.hash(METHOD, uri)
        return {
            "username": self.username,
            "realm": self.challenge["realm"],
            "nonce": nonce,
            "opaque": self.challenge["opaque"],
            "algorithm": self.challenge["algorithm"],
            "uri": uri,
            "qop": b"auth",
            "nc": nc,
            "cnonce": self.cnonce,
            "response": self.hash(
                self.secret(), nonce, nc, self.cnonce, b"auth", covered
            ),
        }

    def oldFields(self, uri: bytes = b"/a") -> dict[str, bytes]:
        """
        Answer the challenge as RFC 2069 has it.
        """
        fields = self.fields(uri=uri)
        for field in ("qop", "nc", "cnonce"):
            del fields[field]
        covered = self.hash(METHOD, uri)
        fields["response"] = self.hash(self.secret(), fields["nonce"], covered)
        return fields


def quoted(value: bytes) -> bytes:
    """
    Write a quoted-string.
    """
    return b'"%s"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def header(fields: dict[str, bytes]) -> bytes:
    """
    Write the fields of an C{Authorization} header, quoted as RFC 7616 wants it.
    """
    return b", ".join(
        b"%s=%s"
        % (key.encode(), value if key in ("algorithm", "qop", "nc") else quoted(value))
        for key, value in fields.items()
    )
