"""
Which servers are trusted over HTTPS.
"""

from __future__ import annotations

from typing import Any
from weakref import ref

from zope.interface import implementer

from cryptography.x509 import load_pem_x509_certificates
from OpenSSL.crypto import X509
from OpenSSL.SSL import VERIFY_FAIL_IF_NO_PEER_CERT, VERIFY_PEER, Connection
from service_identity.cryptography import (
    verify_certificate_hostname,
    verify_certificate_ip_address,
)

from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    Certificate,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
from twisted.python.failure import Failure
from twisted.web.iweb import IPolicyForHTTPS

from .._paths import AnyPath, asPath
from .._peers import parseHost


@implementer(IPolicyForHTTPS)
class ServerPolicy:
    """
    What trusts a server whose certificate is valid now, is by a trusted authority, and is
    for its name.

    As in Twisted, with one difference: a certificate without any subjectAltName, or with
    one that makes no sense, is for no name.  Twisted's own verification logs an error
    then, and goes on, by which anybody with such a certificate is any server.
    """

    def __init__(self, ca: AnyPath | None) -> None:
        """
        @param ca: the path of the certificates of the authorities to trust, in PEM; those
            of the system if L{None}.

        @raise ValueError: if there is no certificate in the file.
        @raise OSError: if it can't be read.
        """
        self._trust: Any = platformTrust() if ca is None else _trustIn(ca)

    def creatorForNetloc(self, hostname: bytes, port: int) -> _Creator:
        """
        Return what makes a connection to a server.
        """
        return _Creator(hostname.decode("ascii"), self._trust)


@implementer(IOpenSSLClientConnectionCreator)
class _Creator:
    """
    What makes connections to a server.
    """

    def __init__(self, host: str, trust: Any) -> None:
        isName = parseHost(host) is None
        self._insistOn = (
            verify_certificate_hostname if isName else verify_certificate_ip_address
        )
        self._host = host
        self._options = optionsForClientTLS(host, trust)

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Connection:
        """
        Return a connection that verifies the server.
        """
        # The protocol has the connection.
        asking = ref(tlsProtocol)

        def verify(_: Connection, found: X509, error: int, depth: int, ok: int) -> bool:
            try:
                if ok and depth == 0:
                    self._insistOn(found.to_cryptography(), self._host)
            except Exception:
                protocol = asking()
                if protocol is not None:
                    protocol.failVerification(Failure())
                return False
            return bool(ok)

        connection: Connection = self._options.clientConnectionForTLS(tlsProtocol)
        connection.set_verify(VERIFY_PEER | VERIFY_FAIL_IF_NO_PEER_CERT, verify)
        return connection


def _trustIn(ca: AnyPath) -> Any:
    """
    Return the authorities in a file.
    """
    path = asPath(ca)
    with open(path, "rb") as file:
        text = file.read()
    try:
        found = load_pem_x509_certificates(text)
    except ValueError:
        raise ValueError(f"{path} holds no certificates in PEM") from None
    return trustRootFromCertificates(
        [Certificate(X509.from_cryptography(one)) for one in found]
    )


__all__ = ["ServerPolicy"]
