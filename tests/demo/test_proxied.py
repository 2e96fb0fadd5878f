"""
Tests for the example server behind a proxy: checkers and the log are told where the
client is, and not where the proxy is.
"""

from __future__ import annotations

import re
import shutil
import struct
from socket import AF_INET6, inet_pton
from typing import Any

from twisted.internet.defer import inlineCallbacks
from twisted.trial.unittest import SkipTest, TestCase

from ..kit.proxy import Proxy
from ..kit.server import PBClients, Server, ServerTests
from ..test_protocols import Refused

#: What a proxy says of a client, in both versions of the protocol, and its address.
HEADERS = [
    (b"PROXY TCP4 192.0.2.7 127.0.0.1 40000 25\r\n", "192.0.2.7"),
    (b"PROXY TCP6 ::ffff:192.0.2.8 ::1 40000 25\r\n", "192.0.2.8"),
    (b"PROXY TCP6 2001:db8::7 ::1 40000 25\r\n", "2001:db8::7"),
    (
        b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24"
        + inet_pton(AF_INET6, "::ffff:192.0.2.9")
        + inet_pton(AF_INET6, "::1")
        + struct.pack(">HH", 40000, 25),
        "192.0.2.9",
    ),
]


class ProxiedTests(ServerTests, PBClients, TestCase):
    """
    Tests with Twisted's C{haproxy:} endpoints.
    """

    def proxied(self: Any, header: bytes, *auth: str, offered: str) -> Server:
        """
        Start a server, and a proxy before each of its ports.

        @return: the server, as it is seen from before the proxies.
        """
        names = offered.split()
        options = [
            option.replace("tcp:", "haproxy:tcp:", 1)
            for option in self.options(list(auth), names, "")
        ]
        server = Server(options, names)
        self.addCleanup(server.stop)
        for name in names:
            proxy = Proxy(server.ports[name], header)
            self.addCleanup(proxy.stop)
            server.ports[name] = proxy.port
        return server

    @inlineCallbacks
    def test_mail(self) -> Any:
        """
        POP3, IMAP4, HTTP and Perspective Broker log the client's address.
        """
        for header, address in HEADERS:
            auth = self.passwords(alice="sesame")
            server = self.proxied(header, auth, offered="pop3 imap pb http")
            server.pop3("alice", "sesame").quit()
            server.imap("alice", "sesame").logout()
            self.assertRaises(Refused, server.imap, "alice", "wrong")
            server.http("alice", "sesame")
            yield self.logIn(server, "alice", "sesame")
            server.stop()
            told = re.findall(r"(Login .*) ms=\d+ (peer=.*)", server.log)
            self.assertEqual(
                [(what.split()[1], what.split()[-1]) for what, _ in told],
                [
                    ("accepted:", "service=pop3"),
                    ("accepted:", "service=imap"),
                    ("refused:", "service=imap"),
                    ("accepted:", "service=http"),
                    ("accepted:", "service=pb"),
                ],
            )
            self.assertEqual({peer for _, peer in told}, {f"peer={address}"})

    def test_curl(self) -> None:
        """
        So does HTTP Digest, whose challenges are for an address.
        """
        if shutil.which("curl") is None:
            raise SkipTest("install curl")
        auth = self.passwords(alice="sesame")
        for header, address in HEADERS[:3]:
            server = self.proxied(header, auth, offered="http")
            page = server.curl("http", "", "--digest")("alice", "sesame")
            self.assertIn("Mail of alice", page)
            server.stop()
            self.assertRegex(server.log, f"accepted: .* service=http .* peer={address}\n")
