"""
What is known of the connection over which a login comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, cast

from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import ISSLTransport

from ._peers import hostOf, parseHost

# What RFC 9266 derives the data of tls-exporter with: the label and the size, in bytes.
_EXPORTER = b"EXPORTER-Channel-Binding", 32

# The hashes that are too weak for tls-server-end-point, which takes another for them
# (RFC 5929, section 4.1).
_WEAK = ("md5", "sha1")


class ConnectionFacts:
    """
    What is known of a connection at one login.

    Credentials of any class may have it as their attribute C{facts};
    L{SessionPortal<mycred.portal.SessionPortal>} sets it.  The transport is asked anew
    for each login: a PROXY header or STARTTLS may have changed what it says.

    @ivar transport: the transport; L{None} if there is none any more.
    @ivar service: the name of the protocol, such as C{imap}; L{None} if it isn't known.
    """

    __slots__ = ("service", "transport")

    def __init__(self, transport: Any, service: str | None = None) -> None:
        """
        @param transport: the transport of the connection.
        @param service: the name of the protocol.
        """
        self.transport = transport
        self.service = service

    def __deepcopy__(self, memo: object) -> ConnectionFacts:
        """
        Return the same: copies of credentials belong to the same connection.
        """
        return self

    def __reduce__(self) -> tuple[object, ...]:
        """
        Stay behind when credentials go to another process: there it is L{None}.
        """
        return type(None), ()

    @property
    def peer(self) -> Any:
        """
        The address of the client; L{None} if it isn't known.
        """
        return None if self.transport is None else self.transport.getPeer()

    @property
    def host(self) -> Any:
        """
        The address at which the server has accepted the connection; L{None} if it isn't
        known.
        """
        return None if self.transport is None else self.transport.getHost()

    @property
    def isSecure(self) -> bool:
        """
        Whether the connection is encrypted by TLS here.  Behind a proxy that does it this
        can't be known.
        """
        # Twisted's TLS doesn't always declare the interface: not above a wrapper.
        return ISSLTransport.providedBy(self.transport) or hasattr(
            self.transport, "getPeerCertificate"
        )

    @property
    def tlsVersion(self) -> str | None:
        """
        The version of TLS, such as C{TLSv1.3}; L{None} if there is none here, or its
        handshake isn't over.
        """
        handle = self._handle
        name: str | None = None if handle is None else handle.get_protocol_version_name()
        return name

    @property
    def isPrivate(self) -> bool:
        """
        Whether nobody on the network can read what is sent: it is encrypted, or doesn't
        leave this machine.
        """
        if self.isSecure:
            return True
        peer = self.peer
        if isinstance(peer, UNIXAddress):
            return True
        address = parseHost(hostOf(peer) or "")
        return address is not None and address.is_loopback

    @property
    def certificate(self) -> Any:
        """
        The certificate that the client has presented, a C{cryptography.x509.Certificate};
        L{None} if there is none, or none that can be parsed.
        """
        handle = self._handle
        presented = None if handle is None else handle.get_peer_certificate()
        return next(_parsed([] if presented is None else [presented]), None)

    @property
    def chain(self) -> Sequence[Any]:
        """
        The other certificates that the client has sent, as far as they can be parsed.
        """
        handle = self._handle
        # At the server's end the client's own isn't among them.
        sent = None if handle is None else handle.get_peer_cert_chain()
        return tuple(_parsed(sent or ()))

    def channelBinding(self, name: str) -> bytes | None:
        """
        Return what binds a login to this TLS connection.

        @param name: C{tls-exporter} (RFC 9266), C{tls-unique} or
            C{tls-server-end-point} (RFC 5929).

        @return: the data, or L{None} if the connection has no such binding.
        """
        binding, handle = _BINDINGS.get(name), self._handle
        return None if binding is None or handle is None else binding(handle)

    @property
    def _handle(self) -> Any:
        """
        The C{OpenSSL.SSL.Connection}; L{None} if there is none, or its handshake isn't
        over: until then nothing can be said of the other end.
        """
        if not self.isSecure:
            return None
        handle = getattr(self.transport, "getHandle", lambda: None)()
        finished = getattr(handle, "get_peer_finished", lambda: None)()
        return handle if finished else None


def _parsed(certificates: Iterable[Any]) -> Iterator[Any]:
    """
    Yield certificates of OpenSSL's as those of C{cryptography}, which is stricter.
    """
    for certificate in certificates:
        # A server without TLS may lack cryptography.
        from ._x509errors import X509_ERRORS

        with suppress(*X509_ERRORS):
            yield certificate.to_cryptography()


def _exporter(handle: Any) -> bytes | None:
    """
    Return the data of tls-exporter.  That needs TLS 1.3: with older versions clients take
    tls-unique, and not all of their connections have this one.
    """
    if handle.get_protocol_version_name() != "TLSv1.3":
        return None
    label, size = _EXPORTER
    data: bytes = handle.export_keying_material(label, size, b"")
    return data


def _unique(handle: Any) -> bytes | None:
    """
    Return the data of tls-unique: the first Finished message, which is the client's as
    long as no session is resumed.  TLS 1.3 has no such binding.
    """
    if handle.get_protocol_version_name() != "TLSv1.2":
        return None
    finished: bytes = handle.get_peer_finished()
    return finished


def _serverEndPoint(handle: Any) -> bytes | None:
    """
    Return the data of tls-server-end-point: a hash of the server's certificate, by the
    hash of its signature.  Signatures that have none (Ed25519), or one that cryptography
    doesn't know, have no such binding.
    """
    from cryptography.hazmat.primitives import hashes

    from ._x509errors import X509_ERRORS

    certificate = handle.get_certificate()
    if certificate is None:
        return None
    with suppress(*X509_ERRORS):
        own = certificate.to_cryptography()
        algorithm = own.signature_hash_algorithm
        if algorithm is not None:
            strong = hashes.SHA256() if algorithm.name in _WEAK else algorithm
            return cast(bytes, own.fingerprint(strong))
    return None


_BINDINGS: dict[str, Callable[[Any], bytes | None]] = {
    "tls-exporter": _exporter,
    "tls-unique": _unique,
    "tls-server-end-point": _serverEndPoint,
}

#: The names of the channel bindings that a connection may have.
BINDINGS = tuple(_BINDINGS)

__all__ = ["BINDINGS", "ConnectionFacts"]
