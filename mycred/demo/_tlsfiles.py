"""
Check the files that C{ssl:} names before the server listens: OpenSSL's own messages don't
say which file is wrong, and it would ask for a passphrase.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .._extras import installing


def checkTLSFiles(given: Mapping[str, str]) -> None:
    """
    Insist on a private key, and a certificate for it.

    @param given: the arguments of C{ssl:}.

    @raise ValueError: if a file is wrong, or TLS isn't installed.
    """
    try:
        from .._tls._server import serverCertificate
    except ImportError as error:
        raise ValueError(f"TLS takes pyOpenSSL ({error}): {installing('tls')}") from None
    paths = {"privateKey": given.get("privateKey", "server.pem")}
    paths |= {key: given[key] for key in ("certKey", "extraCertChain") if key in given}
    texts = {name: _read(name, path) for name, path in paths.items()}
    more = len(serverCertificate(paths, texts).chain)
    if more and "extraCertChain" not in given:
        raise ValueError(
            f"certKey={given.get('certKey', paths['privateKey'])} holds {1 + more} "
            "certificates, of which only the first would be sent; write "
            "extraCertChain=FILE for the others (of Let's Encrypt's files: "
            "certKey=cert.pem, extraCertChain=chain.pem), or mtls: in place of ssl:"
        )


def _read(name: str, path: str) -> bytes:
    """
    Return the content of a file.

    @raise ValueError: if it can't be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        why = error.strerror or error
        raise ValueError(f"{name}={path} can't be read ({why})") from None


__all__ = ["checkTLSFiles"]
