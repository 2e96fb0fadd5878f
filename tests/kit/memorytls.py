"""
A TLS connection in memory, whose server is Twisted's.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from OpenSSL import SSL, crypto

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions
from twisted.internet.testing import StringTransport
from twisted.protocols.policies import WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory


def optionsOf(
    certificate: Path, key: Path, *authorities: Path, **options: Any
) -> CertificateOptions:
    """
    Return the options of a server.

    @param authorities: those whose certificates clients may present.
    @param options: other options.
    """
    if authorities:
        certificates = [_certificateIn(path) for path in authorities]
        options |= {"verify": True, "requireCertificate": False, "caCerts": certificates}
    return CertificateOptions(
        privateKey=_keyIn(key), certificate=_certificateIn(certificate), **options
    )


class MemoryTLS:
    """
    A connection, both of whose ends are in this process.

    @ivar server: the protocol of the server.
    @ivar client: the client's C{OpenSSL.SSL.Connection}.
    """

    def __init__(
        self,
        options: Any,
        *pair: Path,
        chain: tuple[Path, ...] = (),
        wraps: bool = False,
        newest: int = SSL.TLS1_3_VERSION,
    ) -> None:
        """
        @param options: the options of the server.
        @param pair: the client's certificate and key, if it has one.
        @param chain: the certificates that it sends besides.
        @param wraps: whether a wrapper stands between the server's protocol and TLS.
        @param newest: the newest version of TLS that the client knows.
        """
        factory: Any = Factory.forProtocol(Protocol)
        if wraps:
            factory = WrappingFactory(factory)
        tls = TLSMemoryBIOFactory(options, False, factory)
        self._wire = StringTransport()
        self._below = tls.buildProtocol(None)
        self._below.makeConnection(self._wire)
        self.server: Any = self._below.wrappedProtocol
        if wraps:
            self.server = self.server.wrappedProtocol
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_max_proto_version(newest)
        if pair:
            context.use_certificate(_certificateIn(pair[0]))
            context.use_privatekey(_keyIn(pair[1]))
            for path in chain:
                context.add_extra_chain_cert(_certificateIn(path))
        self.client = SSL.Connection(context, None)
        self.client.set_connect_state()

    def shakeHands(self) -> None:
        """
        Carry what both ends say from the one to the other, until nothing is left.
        """
        isOver = False
        while True:
            if not isOver:
                with suppress(SSL.WantReadError):
                    self.client.do_handshake()
                    isOver = True
            with suppress(SSL.WantReadError):
                self._below.dataReceived(self.client.bio_read(2**16))
            said = self._wire.value()
            self._wire.clear()
            if not said:
                return
            self.client.bio_write(said)


def _certificateIn(path: Path) -> crypto.X509:
    """
    Read a certificate.
    """
    return crypto.load_certificate(crypto.FILETYPE_PEM, path.read_bytes())


def _keyIn(path: Path) -> crypto.PKey:
    """
    Read a key.
    """
    return crypto.load_privatekey(crypto.FILETYPE_PEM, path.read_bytes())
