"""
Tests for the example server behind a proxy: checkers and the log are told where the
client is, and not where the proxy is.
"""

from __future__ import annotations

import imaplib
import re
import shutil
import smtplib
from typing import Any

from twisted.internet.defer import inlineCallbacks
from twisted.trial.unittest import SkipTest, TestCase

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
