"""
Where a login comes from, for what remembers logins of one place only.
"""

from __future__ import annotations

from .._facts import ConnectionFacts
from .._peers import hostOf, sourceOf


def prefixOf(credentials: object) -> bytes:
    """
    Return where credentials come from, as the beginning of what is digested.
    """
    return repr(sourceOf(credentials)[2]).encode("ascii") + b"\0"


def placeOf(credentials: object) -> bytes:
    """
    Return all that a checker may go by besides a name and a password, as the beginning
    of what is digested: where the client is, and what is known of the connection.
    """
    host = hostOf(getattr(credentials, "peer", None))
    place: list[object] = [host, getattr(credentials, "service", None)]
    facts = getattr(credentials, "facts", None)
    if isinstance(facts, ConnectionFacts):
        place += facts.host, facts.isSecure, facts.tlsVersion
        certificate = facts.certificate
        if certificate is not None:
            place += certificate.tbs_certificate_bytes, certificate.signature
    return repr(place).encode("utf-8", "backslashreplace") + b"\0"


__all__ = ["placeOf", "prefixOf"]
