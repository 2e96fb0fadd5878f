"""
Tests for logins by SCRAM against a directory, L{mycred.checkers._ldap}, with a mail
program and a real slapd.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks

from mycred.checkers.ldap import LDAPChecker
from mycred.workers import Workers

from ..kit.authpassword import (
    authPassword,
    keysOf,
    personWithKeys,
    settingsWithKeys,
)
from ..kit.mailprograms import ProgramTests
from ..kit.slapd import KEYS_FOR_SERVICE, Slapd

VALUE = authPassword(keysOf(iterations=4096, salt=b"sixteen bytes..."))


class GsaslTests(ProgramTests):
    """
    Tests for C{gsasl}, which is GNU SASL.
    """

    def setUp(self) -> None:
        super().setUp()
        server = Slapd(
            personWithKeys("Alice", VALUE),
            personWithKeys("bob", VALUE),
            access=KEYS_FOR_SERVICE,
        )
        self.addCleanup(server.stop)
        settings = settingsWithKeys(server, self.folder, require="(uid=alice)")
        workers = Workers(reactor, 2, deadline=settings.timeout)
        self.checker = LDAPChecker(settings, workers=workers)
        self.addCleanup(self.checker.close)

    @inlineCallbacks
    def test_imap(self) -> Any:
        """
        It logs in with the binding to TLS, and finds that the server can be trusted; it
        is told nothing of a user who is unknown or may not log in.
        """
        gsasl = self.program("gsasl", "gsasl")
        self.serveMail("imap", self.checker)
        for name, password, names in (
            ("ALICE", "sesame", [b"Alice"]),
            ("alice", "tulip", []),
            ("bob", "tulip", []),
            ("eve", "sesame", []),
        ):
            done = yield self.run_(
                *(gsasl, "--imap", "--starttls", "--verbose"),
                f"--connect=localhost:{self.port}",
                f"--x509-ca-file={self.authority}",
                "--mechanism=SCRAM-SHA-256-PLUS",
                *("--authorization-id=", f"--authentication-id={name}"),
                f"--password={password}",
            )
            self.assertNames(*names)
            isTrusted = "server trusted" in done.stdout
            self.assertEqual(isTrusted, bool(names), done.stdout)
            if not names:
                self.assertIn("NO [AUTHENTICATIONFAILED]", done.stdout)
