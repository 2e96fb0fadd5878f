"""
The contexts of a server's TLS: one as long as its files stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

from zope.interface import implementer

from OpenSSL.SSL import NO_OVERLAPPING_PROTOCOLS, Connection

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IOpenSSLServerConnectionCreator,
    IProtocolNegotiationFactory,
)
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOProtocol

from ..workers import Workers
from ._clients import ClientAuthorities, keptAuthorities
from ._server import ServerCertificate, keptCertificate
from ._settings import TLSOptions

# How long a client waits at most while files are looked at, in seconds.
_DEADLINE = 10.0


@implementer(IOpenSSLServerConnectionCreator)
class ServerContexts:
    """
    What makes the TLS connections of a server, by what its files hold when a client
    comes: a certificate that was renewed, an authority that was added, a list of what is
    revoked by now.

    What Twisted's C{startTLS}, C{listenSSL} and C{wrapServerTLS} take as a context
    factory.  These look at the files in the reactor's thread, which takes as long as the
    disk does.  Who can wait calls L{latest} before, and gives these its result.
    """

    def __init__(self, settings: TLSOptions, workers: Workers | None = None) -> None:
        """
        @param settings: the paths of the files, and what is asked of clients.
        @param workers: the threads for L{latest}; a thread of its own if L{None}.

        @raise ValueError: if a file can't be used.
        """
        try:
            self._certificate = keptCertificate(settings)
            self._authorities = keptAuthorities(settings)
        except OSError as error:
            why = error.strerror or error
            raise ValueError(f"{error.filename} can't be read ({why})") from None
        self._isRequired = settings.clientCert == "required"
        self._workers = workers
        self._lock = Lock()
        self._known: (
            tuple[ServerCertificate, ClientAuthorities | None, CertificateOptions] | None
        ) = None
        self.look()

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> Connection:
        """
        Return OpenSSL's side of a new connection.
        """
        return self.look().serverConnectionForTLS(protocol)

    def latest(self) -> Deferred[CertificateOptions]:
        """
        Look at the files in a thread.

        @return: a L{Deferred} that fires with the context factory for clients that come
            now.  It fails with L{TemporaryFailure<mycred.error.TemporaryFailure>} if the
            disk doesn't answer in time.
        """
        if self._workers is None:
            from twisted.internet import reactor

            # Not those of logins, which may be busy hashing.
            self._workers = Workers(reactor, 1, deadline=_DEADLINE)
        return self._workers.share(self.look)

    def look(self) -> CertificateOptions:
        """
        Look at the files, in whatever thread this is called.

        @return: the context factory for clients that come now.
        """
        with self._lock:
            certificate = self._certificate.read()
            authorities = None if self._authorities is None else self._authorities.read()
            known = self._known
            if (
                known is None
                or known[0] is not certificate
                or known[1] is not authorities
            ):
                options = self._options(certificate, authorities)
                self._known = known = certificate, authorities, options
            return known[2]

    def _options(
        self, certificate: ServerCertificate, authorities: ClientAuthorities | None
    ) -> CertificateOptions:
        """
        Return Twisted's options, with a context that is complete.
        """
        options = certificate.options()
        if authorities is not None:
            authorities.askBy(options.getContext(), self._isRequired)
        options.getContext().set_alpn_select_callback(_selectProtocol)
        return options


def _selectProtocol(connection: Connection, offered: Sequence[bytes]) -> Any:
    """
    Return which of the protocols that a client speaks the server does (ALPN, RFC 7301).
    Where the server says nothing of it, the client is served all the same, unlike in
    Twisted 26: it may name its protocols to all servers.

    @param connection: OpenSSL's side of the connection.
    @param offered: the names of the protocols that the client speaks.
    """
    factory = connection.get_app_data().factory.wrappedFactory
    negotiating = IProtocolNegotiationFactory(factory, None)
    known = [] if negotiating is None else negotiating.acceptableProtocols()
    # The client is refused by a name that it hasn't offered.
    common = [name for name in known if name in offered] or [b""]
    return common[0] if known else NO_OVERLAPPING_PROTOCOLS


__all__ = ["ServerContexts"]
