"""
Compare the targets of HTTP requests, as the first line of a request has them and as a
client that answers HTTP Digest repeats them.
"""

from __future__ import annotations

import re

# RFC 9112, section 3.2.2: absolute-form, which is sent to proxies.
_absolute = re.compile(rb"https?://([^/?]*)(.*)", re.DOTALL | re.IGNORECASE)
_usualPort = re.compile(rb":(?:80|443)?\Z")
# RFC 3986, section 2.3: with or without the percent sign it is the same.
_unreserved = re.compile(rb"[A-Za-z0-9._~-]")
_escaped = re.compile(rb"%([0-9A-Fa-f]{2})|[^!-~]")


def isSameTarget(one: bytes, other: bytes) -> bool:
    """
    Return whether two targets are the same, even if a proxy has rewritten the first line
    of the request: as a URI that names the server or one that doesn't, and with more or
    fewer characters escaped than need be (RFC 3986, section 6.2.2).

    As in Apache the path and what follows C{?} must be the same, and so must the server
    if both name one.
    """
    if one == other:
        return True
    oneServer, onePath = _parse(one)
    otherServer, otherPath = _parse(other)
    return onePath == otherPath and (
        None in (oneServer, otherServer) or oneServer == otherServer
    )


def _parse(target: bytes) -> tuple[bytes | None, bytes]:
    """
    Return the parts of a target: the server that it names, or L{None}, and the rest.
    """
    match = _absolute.fullmatch(target)
    if match is None:
        return None, _normalized(target)
    server, rest = match.groups()
    if not rest.startswith(b"/"):
        rest = b"/" + rest
    return _usualPort.sub(b"", server.lower()), _normalized(rest)


def _normalized(path: bytes) -> bytes:
    """
    Return a path with only those characters escaped that must be.
    """

    def normalize(match: re.Match[bytes]) -> bytes:
        byte = match[0] if match[1] is None else bytes.fromhex(match[1].decode("ascii"))
        return byte if _unreserved.match(byte) else b"%%%02X" % byte[0]

    return _escaped.sub(normalize, path)


__all__ = ["isSameTarget"]
