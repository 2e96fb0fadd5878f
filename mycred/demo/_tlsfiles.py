"""
Check the files that C{ssl:} names before the server listens: OpenSSL's own messages don't
say which file is wrong, and it would ask for a passphrase.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..tls import TLSOptions


def checkTLSFiles(given: Mapping[str, str]) -> None:
    """
    Insist on a private key, and a certificate for it.

    @param given: the arguments of C{ssl:}.

    @raise ValueError: if a file is wrong, or TLS isn't installed.
    """
    keyPath = given.get("privateKey", "server.pem")
    path = given.get("certKey", keyPath)
    settings = TLSOptions(keyPath, path, given.get("extraCertChain"))
    settings.contextFactory()
    if "extraCertChain" in given:
        return
    # It is there, since there is a context factory.
    from .._tls._server import keptCertificate

    more = len(keptCertificate(settings).read().chain)
    if more:
        raise ValueError(
            f"certKey={path} holds {1 + more} certificates, of which only the first "
            "would be sent; write mtls: for ssl:, or extraCertChain=FILE for the others "
            "(of Let's Encrypt's files: certKey=cert.pem, extraCertChain=chain.pem)"
        )


__all__ = ["checkTLSFiles"]
