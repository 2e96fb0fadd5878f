"""
Tests for the example server behind a proxy: checkers and the log are told where the
client is, and not where the proxy is.
"""

from __future__ import annotations

import imaplib
import re
import shutil
import smtplib
import socket
import ssl
from typing import Any

from twisted.internet.defer import inlineCallbacks
from twisted.trial.unittest import SkipTest, TestCase

from ..kit.certificates import Authority
from ..kit.haproxy import HAProxy
from ..kit.protocols import Refused
from ..kit.proxy import HEADERS, Proxy
from ..kit.server import PATIENCE, PBClients, Server, ServerTests


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

    def test_received(self) -> None:
        """
        A message that is sent through a proxy has the client's address in its headers.
        """
        for header, address in HEADERS[::2]:
            auth = self.passwords(alice="sesame")
            server = self.proxied(header, auth, offered="smtp pop3")
            place = "127.0.0.1", server.ports["smtp"]
            with smtplib.SMTP(*place, timeout=PATIENCE) as client:
                client.login("alice", "sesame")
                client.sendmail("", ["alice@localhost"], b"Subject: Tea\r\n\r\n")
            mailbox = server.pop3("alice", "sesame")
            letter = b" ".join(mailbox.retr(mailbox.stat()[0])[1]).decode()
            mailbox.quit()
            server.stop()
            self.assertIn(f"[{'IPv6:' * (':' in address)}{address}])", letter)

    def test_clearText(self) -> None:
        """
        A client of another machine sends no password through a proxy that may be on a
        third one, unless the server is told to let it; it may through one of this
        machine, whose affair it is, and as a client of this machine.
        """
        header, _ = HEADERS[0]
        auth = self.passwords(alice="sesame")
        for where, options, isAllowed in (
            ("haproxy:tcp:0", [], False),
            ("haproxy:tcp:0", ["--clear-text"], True),
            ("haproxy:tcp:0:interface=127.0.0.1", [], True),
        ):
            options = [*options, *(f"--{name}={where}" for name in ("imap", "pop3"))]
            rest = self.options([auth, *options], [], "imap pop3")
            server = Server(rest, ["imap", "pop3"])
            self.addCleanup(server.stop)
            for name in ("imap", "pop3"):
                proxy = Proxy(server.ports[name], header)
                self.addCleanup(proxy.stop)
                server.ports[name] = proxy.port
            with imaplib.IMAP4("127.0.0.1", server.ports["imap"], PATIENCE) as client:
                self.assertEqual("LOGINDISABLED" in client.capabilities, not isAllowed)
                self.assertEqual("AUTH=PLAIN" in client.capabilities, isAllowed)
                self.assertIn("AUTH=SCRAM-SHA-256", client.capabilities)
            for connect in (server.imap, server.pop3):
                if isAllowed:
                    connect("alice", "sesame")
                else:
                    refused = self.assertRaises(Refused, connect, "alice", "sesame")
                    self.assertIn("TLS", refused.answer)
            server.stop()

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


class HAProxyTests(ServerTests, TestCase):
    """
    Tests with a real HAProxy, and clients at two addresses.
    """

    def connect(self, port: int, host: str, first: bytes = b"") -> socket.socket:
        """
        Connect through a proxy.

        @param host: the address of the client.
        @param first: what it says before anything else.
        """
        at = host, 0
        plain = socket.create_connection(("127.0.0.1", port), PATIENCE, at)
        self.addCleanup(plain.close)
        plain.sendall(first)
        return plain

    def test_addresses(self) -> None:
        """
        The log has the clients' addresses, through C{haproxy:tcp:} and through C{mtls:},
        and not those in a header that a client forges behind the proxy's.
        """
        authority = Authority(self.folder)
        certificate, key = authority.certify("localhost", "localhost")
        where = {
            "imap": "haproxy:tcp:0:interface=127.0.0.1",
            "pop3": f"mtls:0:interface=127.0.0.1:privateKey={key}:certKey={certificate}"
            ":proxies=127.0.0.1",
        }
        auth = self.passwords(alice="sesame")
        listening = [f"--{name}={where[name]}" for name in where]
        options = self.options([auth, *listening], [], "imap pop3")
        server = Server(options, list(where))
        self.addCleanup(server.stop)
        ports = {}
        for name in where:
            proxy = HAProxy(server.ports[name], "send-proxy-v2")
            self.addCleanup(proxy.stop)
            ports[name] = proxy.port
        context = ssl.create_default_context(cafile=str(authority.file))
        forged = b"PROXY TCP4 192.0.2.66 192.0.2.1 1 2\r\n"
        for host, first in (("127.0.0.2", b""), ("127.0.0.3", forged)):
            plain = self.connect(ports["imap"], host, first)
            plain.sendall(b"1 LOGIN alice guess\r\n2 LOGOUT\r\n")
            self.assertIn(b"\r\n1 NO ", plain.makefile("rb").read())
        plain = self.connect(ports["pop3"], "127.0.0.4")
        with context.wrap_socket(plain, server_hostname="localhost") as wire:
            wire.sendall(b"USER alice\r\nPASS sesame\r\nQUIT\r\n")
            self.assertEqual(wire.makefile("rb").read().count(b"+OK"), 4)
        # Before TLS a header is what the client says to TLS, which doesn't know it.
        self.connect(ports["pop3"], "127.0.0.5", forged).recv(1)
        server.stop()
        told = re.findall(r"Login (\w+): .* service=(\w+) .*peer=(\S+)", server.log)
        self.assertEqual(
            told,
            [
                ("refused", "imap", "127.0.0.2"),
                ("refused", "imap", "127.0.0.3"),
                ("accepted", "pop3", "127.0.0.4"),
            ],
        )
        self.assertNotIn("192.0.2.66", server.log)
