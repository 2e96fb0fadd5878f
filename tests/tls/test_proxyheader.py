"""
Tests for the header of a proxy.
"""

from __future__ import annotations

import struct
from socket import AF_INET, AF_INET6, inet_pton

from hypothesis import given, settings, strategies as st

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.trial.unittest import SynchronousTestCase

from mycred._tls._proxyheader import (
    LONGEST,
    ProxyHeader,
    ProxyHeaderError,
    parseHeader,
)

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"

_CLIENT4 = IPv4Address("TCP", "192.0.2.7", 40000)
_PROXY4 = IPv4Address("TCP", "192.0.2.1", 993)
_CLIENT6 = IPv6Address("TCP", "2001:db8::7", 40000)
_PROXY6 = IPv6Address("TCP", "2001:db8::1", 993)


def version2(command: int, family: int, rest: bytes, size: int | None = None) -> bytes:
    """
    Return a header of version 2.
    """
    size = len(rest) if size is None else size
    return _SIGNATURE + struct.pack(">BBH", command, family, size) + rest


_ADDRESSES4 = (
    inet_pton(AF_INET, "192.0.2.7")
    + inet_pton(AF_INET, "192.0.2.1")
    + struct.pack(">HH", 40000, 993)
)
_ADDRESSES6 = (
    inet_pton(AF_INET6, "2001:db8::7")
    + inet_pton(AF_INET6, "2001:db8::1")
    + struct.pack(">HH", 40000, 993)
)
# A TLV of no meaning (PP2_TYPE_NOOP), of 300 bytes.
_MORE = b"\x04" + struct.pack(">H", 300) + bytes(300)

#: Headers, and the addresses of client and server in each.
RIGHT = [
    (b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 993\r\n", _CLIENT4, _PROXY4),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 993\r\n", _CLIENT6, _PROXY6),
    (
        # The longest that there can be with addresses (section 2.1).
        b"PROXY TCP6 " + b" ".join([b":".join([b"ffff"] * 8)] * 2) + b" 65535 65535\r\n",
        IPv6Address("TCP", ":".join(["ffff"] * 8), 65535),
        IPv6Address("TCP", ":".join(["ffff"] * 8), 65535),
    ),
    (b"PROXY UNKNOWN\r\n", None, None),
    (b"PROXY UNKNOWN ffff:f...f:ffff 2 3 65535\r\n", None, None),
    (version2(0x21, 0x11, _ADDRESSES4), _CLIENT4, _PROXY4),
    (version2(0x21, 0x21, _ADDRESSES6), _CLIENT6, _PROXY6),
    (version2(0x21, 0x11, _ADDRESSES4 + _MORE), _CLIENT4, _PROXY4),
    (version2(0x20, 0x00, b""), None, None),
    # The proxy's own check: what it says besides counts for nothing.
    (version2(0x20, 0x11, _ADDRESSES4), None, None),
    (version2(0x21, 0x00, b""), None, None),
    (version2(0x21, 0x31, bytes(216)), None, None),
]

#: What is no header.
WRONG = [
    b"GET / HTTP/1.1\r\n",
    b"\x16\x03\x01\x02\x00",
    b"proxy TCP4 192.0.2.7 192.0.2.1 40000 993\r\n",
    b"PROXY\r\n",
    b"PROXY \r\n",
    b"PROXY UNKNOWNS\r\n",
    b"PROXY UDP4 192.0.2.7 192.0.2.1 40000 993\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 40000\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 993 \r\n",
    b"PROXY TCP4  192.0.2.7 192.0.2.1 40000 993\r\n",
    b"PROXY TCP4 192.0.2.7\t192.0.2.1 40000 993\r\n",
    b"PROXY TCP4 192.0.2.256 192.0.2.1 40000 993\r\n",
    b"PROXY TCP4 192.0.2.07 192.0.2.1 40000 993\r\n",
    b"PROXY TCP4 2001:db8::7 2001:db8::1 40000 993\r\n",
    b"PROXY TCP6 192.0.2.7 192.0.2.1 40000 993\r\n",
    b"PROXY TCP6 fe80::1%eth0 2001:db8::1 40000 993\r\n",
    b"PROXY TCP4 localhost 192.0.2.1 40000 993\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 65536 993\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 040000 993\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 +4000 993\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 4_0 993\r\n",
    "PROXY TCP4 192.0.2.7 192.0.2.1 ４ 993\r\n".encode(),
    b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 993\n" + b"x" * 107,
    b"PROXY UNKNOWN " + b"x" * 107 + b"\r\n",
    version2(0x11, 0x11, _ADDRESSES4),
    version2(0x22, 0x11, _ADDRESSES4),
    version2(0x21, 0x12, _ADDRESSES4),
    version2(0x21, 0x41, _ADDRESSES4),
    version2(0x21, 0x11, _ADDRESSES4[:-1]),
    version2(0x21, 0x21, _ADDRESSES4),
    # Refused by the length alone, before it has come.
    version2(0x21, 0x11, b"", LONGEST - 15),
    version2(0x20, 0x00, b"", 65535),
]


class HeaderTests(SynchronousTestCase):
    """
    Tests for L{parseHeader}.
    """

    def test_right(self) -> None:
        """
        A header tells the addresses of the client and of the proxy; what follows isn't
        part of it.
        """
        for data, peer, host in RIGHT:
            with self.subTest(data):
                header = ProxyHeader(len(data), peer, host)
                self.assertEqual(parseHeader(data), header)
                self.assertEqual(parseHeader(data + b"\x16\x03\x01"), header)

    def test_piecewise(self) -> None:
        """
        As long as it isn't whole there is none yet.
        """
        for data, _, _ in RIGHT:
            for end in range(len(data)):
                self.assertIsNone(parseHeader(data[:end]), data[:end])

    def test_wrong(self) -> None:
        """
        What isn't a header is refused.
        """
        for data in WRONG:
            with self.subTest(data):
                self.assertRaises(ProxyHeaderError, parseHeader, data)

    def test_longest(self) -> None:
        """
        A line without an end is refused as soon as no end could make it right, and no
        header makes the reader keep more than L{LONGEST} bytes.
        """
        self.assertIsNone(parseHeader(b"PROXY UNKNOWN ".ljust(106, b"x")))
        self.assertRaises(
            ProxyHeaderError, parseHeader, b"PROXY UNKNOWN ".ljust(107, b"x")
        )
        longest = version2(0x20, 0x00, bytes(LONGEST - 16))
        self.assertEqual(parseHeader(longest), ProxyHeader(LONGEST))

    @settings(deadline=None)
    @given(st.binary(max_size=300), st.sampled_from([*RIGHT, (b"", None, None)]))
    def test_anything(self, noise: bytes, right: tuple[bytes, object, object]) -> None:
        """
        Anything else is refused as well, in no other way.
        """
        data = right[0]
        for sent in (noise, data[: len(noise)] + noise, data[: -len(noise)] + noise):
            try:
                header = parseHeader(sent)
            except ProxyHeaderError:
                continue
            if header is None:
                self.assertLess(len(sent), LONGEST)
            else:
                self.assertLessEqual(header.length, len(sent))
