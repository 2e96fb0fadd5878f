"""
The headers that the server puts before a message: who has sent it, and from where (RFC
5321, section 4.4).
"""

from __future__ import annotations

import re
from email.utils import formatdate

from ..._facts import ConnectionFacts
from ..._peers import hostOf, parseHost

#: How many octets they take at the most.
LONGEST_TRACE = 1536

# What may stand in a comment, or in the place of a name, without a meaning of its own.
_strange = re.compile(rb"[^A-Za-z0-9._:@+=-]")

# How much of a client's own words is kept, in octets.
_MOST_WORDS = 255


def traceOf(
    sender: bytes, helo: bytes, facts: ConnectionFacts, server: bytes, user: bytes
) -> bytes:
    """
    Return the headers of a message.

    @param sender: the sender in the envelope, without brackets, which isn't verified.
    @param helo: the name by which the client has greeted.
    @param facts: the connection.
    @param server: the name of this server.
    @param user: the user who has logged in.
    """
    protocol = b"ESMTPSA" if facts.isSecure else b"ESMTPA"
    return (
        b"Return-Path: <%b>\r\n"
        b"Received: from %b (%b)\r\n"
        b"\tby %b with %b (authenticated as %b);\r\n"
        b"\t%b\r\n"
    ) % (
        sender,
        _safe(helo) or b"unknown",
        _literal(hostOf(facts.peer)),
        _safe(server),
        protocol,
        _safe(user),
        formatdate().encode("ascii"),
    )


def _safe(words: bytes) -> bytes:
    """
    Return words that can't break out of their place in a header.
    """
    return _strange.sub(b"_", words[:_MOST_WORDS])


def _literal(host: str | None) -> bytes:
    """
    Return an address as a literal (section 4.1.3).
    """
    address = parseHost(host or "")
    if address is None:
        return b"local"
    return f"[{'IPv6:' * (address.version == 6)}{address}]".encode("ascii")


__all__ = ["LONGEST_TRACE", "traceOf"]
