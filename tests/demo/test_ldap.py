"""
Tests for the example server with the accounts of a directory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..ldap._certificates import Authority
from ..ldap._directory import DirectoryTestCase
from ..ldap._slapd import ONLY_SERVICE, PEOPLE, SERVICE, SERVICE_PASSWORD, person
from ..test_protocols import Refused
from ._server import ServerTests

PROTOCOLS = ("pop3", "imap", "http")


class LDAPTests(ServerTests, DirectoryTestCase):
    """
    Logins by each protocol, from slapd, over TLS, with a service account.
    """

    entries = (person("alice"), person("bob"))

    def setUp(self) -> None:
        ServerTests.setUp(self)
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        authority = Authority(folder)
        certificate = authority.certify("server", "localhost")
        self.serve(certificate=certificate, access=ONLY_SERVICE)
        password = folder / "password"
        password.touch(0o600)
        password.write_bytes(SERVICE_PASSWORD)
        self.auth = (
            f"--auth=ldap:host=localhost:port={self.server.port}:base={PEOPLE}"
            f":cafile={authority.file}:binddn={SERVICE}:bindpwfile={password}"
        )
        self.local = folder / "local"
        # Hashed: a challenge can't be answered from the directory.
        self.local.write_text(f"admin:{self.hashed('local')}\n")

    def clients(self, server: Any) -> dict[str, Any]:
        """
        List what logs in: Python's clients, and curl's.
        """
        return {
            "poplib": server.pop3,
            "imaplib": server.imap,
            "http": server.http,
            "curl pop3": server.curl("pop3", ""),
            "curl imap": server.curl("imap", "INBOX"),
            "curl http": server.curl("http", ""),
        }

    def test_logins(self) -> None:
        """
        Who is in the directory is let in by each protocol, and nobody else; while the
        directory is down whoever is in a local file is, and the others are again as
        soon as it is back.
        """
        server = self.start(
            self.auth, f"--auth=htpasswd:{self.local}", offered=" ".join(PROTOCOLS)
        )
        clients = self.clients(server)
        for name, logIn in clients.items():
            logIn("alice", "sesame")
            logIn("ALICE", "sesame")
            logIn("admin", "local")
            for user, password in (
                ("alice", "hunter2"),
                ("alice", ""),
                ("*", "sesame"),
                ("eve", "hunter2"),
            ):
                with self.assertRaises(Refused, msg=(name, user)):
                    logIn(user, password)
        self.server.kill()
        for logIn in clients.values():
            logIn("admin", "local")
            with self.assertRaises(Refused):
                logIn("alice", "sesame")
        server.stop()
        self.assertNotIn("hunter2", server.log)
        self.assertNotIn(SERVICE_PASSWORD.decode(), server.log)
        self.assertIn("A server of the directory fails", server.log)
        self.assertIn("wrong password", server.log)
        # Twisted's IMAP4 logs a failure that isn't a refusal; nothing else went wrong.
        self.assertNotIn('  File "', server.log)
