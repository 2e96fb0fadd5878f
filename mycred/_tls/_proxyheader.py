"""
The header by which a proxy says for whom it connects
(U{the PROXY protocol<https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>},
versions 1 and 2).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Union

from twisted.internet import address

#: The longest header that is taken, in bytes.  That leaves about 2,000 for what a header
#: of version 2 says besides addresses, such as the name of the host that the client has
#: asked for.
LONGEST = 2048

# Version 1 is a line, of at most so many bytes with its end (section 2.1).
_BEGINNING_1 = b"PROXY "
_LONGEST_LINE = 107

# Version 2 is this, a byte each of version and command, and of family and transport, the
# length of the rest in two bytes, and the rest (section 2.2).
_BEGINNING_2 = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED = struct.Struct(">12sBBH")
_VERSION_2, _LOCAL, _PROXY = 0x20, 0, 1

# The length of one address, by what a header of version 2 says of family and transport:
# those of TCP.
_SIZES: dict[int, tuple[type[_IP], int]] = {
    0x11: (IPv4Address, 4),
    0x21: (IPv6Address, 16),
}

# Of these no address is taken: none is given, or it is one of a UNIX socket on the
# proxy's machine, which means nothing here.
_UNKNOWN = frozenset((0x00, 0x31))

_FAMILIES: dict[bytes, type[_IP]] = {b"TCP4": IPv4Address, b"TCP6": IPv6Address}
_PORT = re.compile(rb"0|[1-9][0-9]{0,4}")

_IP = Union[IPv4Address, IPv6Address]
_Address = Union[address.IPv4Address, address.IPv6Address]


class ProxyHeaderError(ValueError):
    """
    What a connection begins with is no header of a proxy.
    """


@dataclass(frozen=True)
class ProxyHeader:
    """
    What a proxy says.

    @ivar length: the length of the header, in bytes; what follows is the client's.
    @ivar peer: the address of the client; L{None} if the proxy speaks for itself or
        doesn't know.
    @ivar host: the address at which the proxy has accepted the client; L{None} likewise.
    """

    length: int
    peer: _Address | None = None
    host: _Address | None = None


def parseHeader(data: bytes) -> ProxyHeader | None:
    """
    Parse the header at the beginning of what a proxy sends.

    @param data: all that has come so far.

    @return: the header; L{None} if more of it must come first.

    @raise ProxyHeaderError: if there is none.
    """
    for beginning, parse in ((_BEGINNING_1, _parse1), (_BEGINNING_2, _parse2)):
        if data.startswith(beginning):
            return parse(data)
        if beginning.startswith(data):
            return None
    raise ProxyHeaderError("no header of a proxy")


def _parse1(data: bytes) -> ProxyHeader | None:
    """
    Parse a header of version 1.
    """
    line, end, _ = data[:_LONGEST_LINE].partition(b"\r\n")
    if not end:
        if len(data) >= _LONGEST_LINE:
            raise ProxyHeaderError("a header without an end")
        return None
    length = len(line) + len(end)
    family, *words = line[len(_BEGINNING_1) :].split(b" ")
    if family == b"UNKNOWN":
        # What follows that word may be anything.
        return ProxyHeader(length)
    if family not in _FAMILIES or len(words) != 4:
        raise ProxyHeaderError("a header of other words")
    kind = _FAMILIES[family]
    peer, host, peerPort, hostPort = words
    return ProxyHeader(
        length,
        _address(_ip(kind, peer), _port(peerPort)),
        _address(_ip(kind, host), _port(hostPort)),
    )


def _parse2(data: bytes) -> ProxyHeader | None:
    """
    Parse a header of version 2.
    """
    if len(data) < _FIXED.size:
        return None
    _, command, family, size = _FIXED.unpack_from(data)
    length = _FIXED.size + size
    if command not in (_VERSION_2 | _LOCAL, _VERSION_2 | _PROXY):
        raise ProxyHeaderError("a header of another version or command")
    if length > LONGEST:
        raise ProxyHeaderError("a header that is too long")
    if len(data) < length:
        return None
    if command == _VERSION_2 | _LOCAL or family in _UNKNOWN:
        return ProxyHeader(length)
    if family not in _SIZES:
        raise ProxyHeaderError("a header about another kind of connection")
    kind, width = _SIZES[family]
    if size < 2 * width + 4:
        raise ProxyHeaderError("a header without its addresses")
    packed = f">{width}s{width}sHH"
    peer, host, peerPort, hostPort = struct.unpack_from(packed, data, _FIXED.size)
    return ProxyHeader(
        length, _address(kind(peer), peerPort), _address(kind(host), hostPort)
    )


def _ip(kind: type[_IP], word: bytes) -> _IP:
    """
    Parse an IP address.
    """
    try:
        ip = kind(word.decode("ascii"))
    except (AddressValueError, UnicodeDecodeError):
        raise ProxyHeaderError("a header with a wrong address") from None
    if getattr(ip, "scope_id", None):
        # It would name an interface of the proxy's machine.
        raise ProxyHeaderError("a header with a scoped address")
    return ip


def _port(word: bytes) -> int:
    """
    Parse a port.
    """
    if not _PORT.fullmatch(word) or int(word) >= 2**16:
        raise ProxyHeaderError("a header with a wrong port")
    return int(word)


def _address(ip: _IP, port: int) -> _Address:
    """
    Return an address as Twisted's transports have it.
    """
    if isinstance(ip, IPv4Address):
        return address.IPv4Address("TCP", str(ip), port)
    return address.IPv6Address("TCP", str(ip), port)


__all__ = ["LONGEST", "ProxyHeader", "ProxyHeaderError", "parseHeader"]
