"""
The contexts of a server's TLS: one as long as its files stay as they are.
"""

from __future__ import annotations

from threading import Lock

from zope.interface import implementer

from OpenSSL.SSL import Connection

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOProtocol

from ..workers import Workers
from ._clients import ClientAuthorities
from ._context import ServerContext
from ._kept import KeptFiles
from ._server import ServerCertificate

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

    def __init__(
        self,
        certificate: KeptFiles[ServerCertificate],
        authorities: KeptFiles[ClientAuthorities] | None = None,
        isRequired: bool = False,
        workers: Workers | None = None,
    ) -> None:
        """
        @param certificate: what the server proves its identity by.
        @param authorities: the authorities whose certificates clients may present;
            L{None} if they aren't asked for one.
        @param isRequired: whether clients without one are refused.
        @param workers: the threads for L{latest}; a thread of its own if L{None}.
        """
        self._certificate = certificate
        self._authorities = authorities
        self._isRequired = isRequired
        self._workers = workers
        self._lock = Lock()
        self._known: (
            tuple[ServerCertificate, ClientAuthorities | None, ServerContext] | None
        ) = None
        self.look()

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> Connection:
        """
        Return OpenSSL's side of a new connection.
        """
        return self.look().serverConnectionForTLS(protocol)

    def latest(self) -> Deferred[ServerContext]:
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

    def look(self) -> ServerContext:
        """
        Look at the files, in whatever thread this is called.

        @return: what makes the connections of clients that come now.
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
                context = ServerContext(certificate, authorities, self._isRequired)
                self._known = known = certificate, authorities, context
            return known[2]


__all__ = ["ServerContexts"]
