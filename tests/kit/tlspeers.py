"""
Clients of TLS servers, with authorities that issue and revoke their certificates.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import strategies as st
from OpenSSL import SSL, crypto

from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.internet.testing import StringTransport

from .certificates import Authority

_PEM = serialization.Encoding.PEM
_DAY = timedelta(days=1)
_UTC = timezone.utc  # noqa: UP017  (Python 3.10)

#: What a certificate may be for: a client, a server, or anything.
CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)
ANY = ()

#: The versions of TLS, as OpenSSL has them.
VERSIONS = (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION)

#: A strategy for what L{damaged} does.
DAMAGE = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=3
)

Pair = tuple[Path, Path]


def pem(kind: str, der: bytes) -> bytes:
    """
    Return something in PEM.

    @param kind: what it is, such as C{CERTIFICATE}.
    @param der: the same in DER.
    """
    lines = f"-----BEGIN {kind}-----", b64encode(der).decode(), f"-----END {kind}-----\n"
    return "\n".join(lines).encode("ascii")


def damaged(text: bytes, where: Sequence[tuple[int, int]]) -> bytes:
    """
    Return what is in PEM with other bytes in some places.

    @param text: one thing in PEM.
    @param where: places, which may lie beyond its end, and what is written there.
    """
    first, *lines, _ = text.decode("ascii").splitlines()
    der = bytearray(b64decode("".join(lines)))
    for place, byte in where:
        der[place % len(der)] = byte
    return pem(first.strip("-").removeprefix("BEGIN "), bytes(der))


def _private(key: Any) -> bytes:
    """
    Return a private key in PEM.
    """
    return bytes(
        key.private_bytes(
            _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


class ClientAuthority(Authority):
    """
    An authority that issues certificates to clients.
    """

    def issue(
        self,
        file: str,
        uses: Sequence[Any] = CLIENT,
        until: int = 1,
        name: str | None = None,
    ) -> Pair:
        """
        Issue a certificate, with a key.

        @param file: what its files are called.
        @param uses: what it is for.
        @param until: in how many days it ends.
        @param name: its name; that of the files if L{None}.

        @return: the paths of the certificate and of the key.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name or file)])
        builder = self._builder(subject, key, datetime.now(_UTC) + until * _DAY)
        builder = builder.add_extension(x509.BasicConstraints(False, None), True)
        if uses:
            builder = builder.add_extension(x509.ExtendedKeyUsage(uses), False)
        certificate = builder.sign(self._key, hashes.SHA256())
        files = self._directory / f"{file}.crt", self._directory / f"{file}.key"
        files[0].write_bytes(certificate.public_bytes(_PEM))
        files[1].write_bytes(_private(key))
        return files

    def pair(self) -> Pair:
        """
        Return the paths of its own certificate and key.
        """
        key = self.file.with_suffix(".key")
        key.write_bytes(_private(self._key))
        return self.file, key

    def revoke(self, *certificates: Path, until: int = 1, count: int = 0) -> bytes:
        """
        Return a list of what is revoked, in PEM.

        @param certificates: the paths of the certificates that are revoked.
        @param until: in how many days the list ends.
        @param count: how many others stand in it.
        """
        now = datetime.now(_UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(now + (until - 7) * _DAY)
            .next_update(now + until * _DAY)
        )
        serials = [
            x509.load_pem_x509_certificate(path.read_bytes()).serial_number
            for path in certificates
        ]
        for serial in (*serials, *range(1, count + 1)):
            revoked = x509.RevokedCertificateBuilder(serial, now - 8 * _DAY)
            builder = builder.add_revoked_certificate(revoked.build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM)


class TLSClient:
    """
    A client in memory, of a server whose factory is given.

    @ivar server: the protocol of the server.
    @ivar transport: the server's transport.
    @ivar connection: OpenSSL's side of the client.
    """

    def __init__(
        self,
        factory: IProtocolFactory,
        pair: Pair | None = None,
        version: int = SSL.TLS1_3_VERSION,
        chain: Path | None = None,
        alpn: Sequence[bytes] = (),
        peer: IAddress | None = None,
    ) -> None:
        """
        @param factory: the server's factory, below TLS.
        @param pair: the paths of a certificate and of its key.
        @param version: the version of TLS.
        @param chain: the path of a certificate above it, which is sent, too.
        @param alpn: the protocols that the client speaks.
        @param peer: the client's address.
        """
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_min_proto_version(version)
        context.set_max_proto_version(version)
        if pair is not None:
            context.use_certificate_file(str(pair[0]))
            context.use_privatekey_file(str(pair[1]))
        if chain is not None:
            sent = crypto.load_certificate(crypto.FILETYPE_PEM, chain.read_bytes())
            context.add_extra_chain_cert(sent)
        if alpn:
            context.set_alpn_protos(list(alpn))
        self.connection = SSL.Connection(context)
        self.connection.set_connect_state()
        self.transport = StringTransport(peerAddress=peer)
        self.server: Any = factory.buildProtocol(peer or self.transport.getPeer())
        self.server.makeConnection(self.transport)

    def hello(self) -> bytes:
        """
        Return what the client sends first, and send nothing.
        """
        self._step()
        return self.connection.bio_read(65536)

    def shakeHands(self) -> bool:
        """
        Shake hands, and return whether the server goes on after that.
        """
        isDone = False
        # Two round trips of TLS 1.2, and one in which the server may object in TLS 1.3.
        for _ in range(4):
            if not isDone:
                isDone = self._step()
            self.exchange()
        try:
            self.connection.recv(1)
        except SSL.WantReadError:
            return isDone and not self.transport.disconnecting
        except SSL.Error:
            pass
        return False

    def _step(self) -> bool:
        """
        Take a step of the handshake, and return whether that was the last.
        """
        try:
            self.connection.do_handshake()
        except (SSL.WantReadError, SSL.Error):
            return False
        return True

    def exchange(self) -> None:
        """
        Hand what each end has written to the other.
        """
        try:
            written = self.connection.bio_read(65536)
        except SSL.WantReadError:
            written = b""
        if written and not self.transport.disconnecting:
            self.server.dataReceived(written)
        answered = self.transport.value()
        self.transport.clear()
        if answered:
            self.connection.bio_write(answered)
