"""
What a server is told of its TLS: its files, and what it asks of clients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._argstring import Option, Options, readableFile
from .._contracts import InvalidAuthArgumentString
from .._extras import installing
from .._paths import AnyPath, asPath, asPathOrNone

if TYPE_CHECKING:
    from ..workers import Workers
    from ._contexts import ServerContexts

# What may be asked of clients.
_CLIENT_CERT = ("no", "optional", "required")


def _clientCert(text: str) -> str:
    """
    Return what is asked of clients.
    """
    if text not in _CLIENT_CERT:
        raise ValueError("write no, optional or required")
    return text


#: The options of TLS, wherever a user writes them.
TLS_OPTIONS = (
    Option(
        "privateKey",
        readableFile,
        "FILE",
        "The server's private key, in PEM, without a passphrase.",
        required=True,
    ),
    Option(
        "certKey",
        readableFile,
        "FILE",
        "The server's certificate, in PEM, and behind it, perhaps, those of the "
        "authorities between it and the one that clients know; without this option all "
        "of that stands in the file of the key.",
    ),
    Option(
        "extraCertChain",
        readableFile,
        "FILE",
        "The certificates of those authorities, where they stand in another file.",
    ),
    Option(
        "clientCert",
        _clientCert,
        "optional|required",
        "Asks clients for a certificate, and ends the connection if there is none "
        "(required), or goes on without (optional); one that isn't valid ends it.",
        default="no",
    ),
    Option(
        "clientCA",
        readableFile,
        "FILE",
        "The certificates of the authorities that issue those of clients, in PEM.",
    ),
    Option(
        "crl",
        readableFile,
        "FILE",
        "Their lists of what they have revoked; once one is out of date, all "
        "certificates of its authority are refused.",
    ),
)

_options = Options(*TLS_OPTIONS)


@dataclass(frozen=True)
class TLSOptions:
    """
    The options of a server's TLS::

        tls = TLSOptions("key.pem", "cert.pem", clientCert="optional", clientCA="ca.pem")
        contextFactory = tls.contextFactory()

    All files are in PEM; those of authorities, and of what they have revoked, may be in
    DER as well.

    @ivar privateKey: the path of the private key.
    @ivar certKey: the path of the certificate, with other certificates of its chain
        behind it; L{None} if they stand in the file of the key.
    @ivar extraCertChain: the path of the other certificates of its chain.
    @ivar clientCert: what is asked of clients: C{no} certificate, an C{optional} or a
        C{required} one.
    @ivar clientCA: the path of the certificates of the authorities that issue those of
        clients; each is trusted, be it a root or not.
    @ivar crl: the path of the lists of what these authorities have revoked (RFC 5280).
        Each certificate of a chain below the authority that is trusted needs a current
        one by its issuer.
    """

    privateKey: AnyPath
    certKey: AnyPath | None = None
    extraCertChain: AnyPath | None = None
    clientCert: str = "no"
    clientCA: AnyPath | None = None
    crl: AnyPath | None = None

    def __post_init__(self) -> None:
        """
        Insist on options that fit together.

        @raise ValueError: if they don't.
        """
        _clientCert(self.clientCert)
        if self.clientCert != "no" and self.clientCA is None:
            raise ValueError(
                f"clientCert={self.clientCert} takes the authorities that issue clients' "
                "certificates: add clientCA=FILE"
            )
        if self.clientCert == "no" and self.clientCA is not None:
            raise ValueError(
                "clientCA is of no use as long as clients aren't asked for a "
                "certificate: add clientCert=optional or clientCert=required"
            )
        if self.crl is not None and self.clientCA is None:
            raise ValueError(
                "crl is of no use without the authorities whose list it is: add "
                "clientCert=optional or clientCert=required, and clientCA=FILE"
            )

    @classmethod
    def parse(cls, argstring: str) -> TLSOptions:
        """
        Return the options that a user has written, such as
        C{privateKey=key.pem:certKey=cert.pem}.

        @raise ValueError: if they can't be used; the text says what would be right.
        """
        try:
            return cls(**_options.parse(argstring))
        except InvalidAuthArgumentString as error:
            raise ValueError(str(error)) from None

    def contextFactory(self, *, workers: Workers | None = None) -> ServerContexts:
        """
        Read the files, and return what makes the TLS connections of a server: for
        C{startTLS}, C{listenSSL}, and whatever else takes a context factory.

        @param workers: the threads in which files are read again; one of its own if
            L{None}.

        @raise ValueError: if a file can't be used; the text says why, and what would be
            right.
        """
        try:
            from ._clients import keptAuthorities
            from ._contexts import ServerContexts
            from ._server import keptCertificate
        except ImportError as error:
            raise ValueError(
                f"TLS takes pyOpenSSL ({error}): {installing('tls')}"
            ) from None
        chain = map(asPathOrNone, (self.certKey, self.extraCertChain))
        ca, crl = map(asPathOrNone, (self.clientCA, self.crl))
        isRequired = self.clientCert == "required"
        try:
            certificate = keptCertificate(asPath(self.privateKey), *chain)
            authorities = None if ca is None else keptAuthorities(ca, crl)
        except OSError as error:
            why = error.strerror or error
            raise ValueError(f"{error.filename} can't be read ({why})") from None
        return ServerContexts(certificate, authorities, isRequired, workers)


__all__ = ["TLS_OPTIONS", "TLSOptions"]
