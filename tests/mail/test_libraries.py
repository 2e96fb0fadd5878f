"""
Tests for L{mycred.mail} with the standard library's clients, and with Twisted's.
"""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import ssl
from io import BytesIO
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.ssl import (
    Certificate,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.internet.threads import deferToThread
from twisted.mail import imap4, smtp

from tests.kit.mailclients import PATIENCE, trusting
from tests.kit.mailprograms import ProgramTests
from tests.kit.scramp import scrampClient
from tests.kit.sessions import makeChecker

#: By what a login can be bound to TLS, with the version of TLS.
BINDINGS = [
    ("tls-unique", ssl.TLSVersion.TLSv1_2),
    ("tls-server-end-point", ssl.TLSVersion.TLSv1_3),
]


class Conversation:
    """
    What the libraries ask for the client's side of SCRAM-SHA-256-PLUS.
    """

    def __init__(self, password: str, binding: str, socket: Any) -> None:
        self._client = scrampClient(
            "SCRAM-SHA-256-PLUS", "alice", password, channel_binding=(binding, socket)
        )
        self._steps = iter((self._first, self._final, self._end))

    def __call__(self, challenge: bytes | None = None) -> str:
        """
        Return the answer to a challenge.
        """
        said: str = next(self._steps)((challenge or b"").decode())
        return said

    def _first(self, challenge: str) -> str:
        return str(self._client.get_client_first())

    def _final(self, challenge: str) -> str:
        self._client.set_server_first(challenge)
        return str(self._client.get_client_final())

    def _end(self, challenge: str) -> str:
        self._client.set_server_final(challenge)
        return ""


class LibraryTests(ProgramTests):
    """
    Tests for C{imaplib}, C{smtplib} and C{poplib}.
    """

    @inlineCallbacks
    def test_imaplib(self) -> Any:
        """
        It logs in over STARTTLS by a mechanism that is bound to TLS, by each binding; not
        with a wrong password.
        """
        self.serveMail("imap")

        def logIn(password: str, binding: str, version: ssl.TLSVersion) -> str:
            with imaplib.IMAP4("localhost", self.port, PATIENCE) as client:
                client.starttls(trusting(self.authority, None, version))
                talk = Conversation(password, binding, client.sock)
                try:
                    return client.authenticate(
                        "SCRAM-SHA-256-PLUS", lambda said: talk(said).encode()
                    )[0]
                except imaplib.IMAP4.error as error:
                    return str(error)

        for binding, version in BINDINGS:
            said = yield deferToThread(logIn, "sesame", binding, version)
            self.assertEqual(said, "OK")
            said = yield deferToThread(logIn, "tulip", binding, version)
            self.assertIn("AUTHENTICATIONFAILED", said)

    @inlineCallbacks
    def test_smtplib(self) -> Any:
        """
        So does this one.
        """
        self.serveMail("smtp")

        def logIn(password: str, binding: str, version: ssl.TLSVersion) -> int:
            with smtplib.SMTP("localhost", self.port, timeout=PATIENCE) as client:
                client.starttls(context=trusting(self.authority, None, version))
                client.ehlo()
                talk = Conversation(password, binding, client.sock)
                try:
                    return client.auth("SCRAM-SHA-256-PLUS", talk)[0]
                except smtplib.SMTPAuthenticationError as error:
                    return error.smtp_code

        for binding, version in BINDINGS:
            code = yield deferToThread(logIn, "sesame", binding, version)
            self.assertEqual(code, 235)
            code = yield deferToThread(logIn, "tulip", binding, version)
            self.assertEqual(code, 535)

    @inlineCallbacks
    def test_passwords(self) -> Any:
        """
        Their logins by passwords work over TLS.
        """

        def overIMAP() -> None:
            with imaplib.IMAP4("localhost", self.port, PATIENCE) as client:
                client.starttls(trusting(self.authority))
                client.login("alice", "sesame")

        def overPOP3() -> None:
            client = poplib.POP3("localhost", self.port, PATIENCE)
            client.stls(trusting(self.authority))
            client.user("alice")
            client.pass_("sesame")
            client.quit()

        def overSMTP() -> None:
            with smtplib.SMTP("localhost", self.port, timeout=PATIENCE) as client:
                client.starttls(context=trusting(self.authority))
                client.login("alice", "sesame")
                client.sendmail("alice@localhost", ["bob@localhost"], b"Hi!")

        for name, logIn in (("imap", overIMAP), ("pop3", overPOP3), ("smtp", overSMTP)):
            self.serveMail(name)
            yield deferToThread(logIn)
            self.assertNames(b"alice")


class TwistedTests(ProgramTests):
    """
    Tests for Twisted's own clients.
    """

    def setUp(self) -> None:
        super().setUp()
        authority = Certificate.loadPEM(self.authority.read_bytes())
        trust = trustRootFromCertificates([authority])
        self.clientTLS = optionsForClientTLS("localhost", trust)

    @inlineCallbacks
    def test_imap4(self) -> Any:
        """
        The client of IMAP4 logs in over STARTTLS by CRAM-MD5 and by PLAIN.
        """
        for authenticator in (
            imap4.CramMD5ClientAuthenticator(b"alice"),
            imap4.PLAINAuthenticator(b"alice"),
        ):
            self.serveMail("imap", makeChecker())
            endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port)
            client = imap4.IMAP4Client(self.clientTLS)
            client.registerAuthenticator(authenticator)
            greeted: Deferred[None] = Deferred()
            client.serverGreeting = lambda _, to=greeted: to.callback(None)
            yield connectProtocol(endpoint, client)
            yield greeted
            yield client.startTLS()
            yield client.authenticate(b"sesame")
            yield client.logout()
            self.assertNames(b"alice")

    @inlineCallbacks
    def test_sender(self) -> Any:
        """
        The sender of SMTP logs in over STARTTLS, and its letter comes in.
        """
        self.serveMail("smtp", makeChecker())
        yield self.send()
        self.assertNames(b"alice")
        self.assertEqual(len(self.realm.delivery.messages), 1)

    def send(self) -> Deferred[Any]:
        """
        Send a letter.
        """
        sent: Deferred[Any] = Deferred()
        factory = smtp.ESMTPSenderFactory(
            b"alice",
            b"sesame",
            b"alice@localhost",
            b"bob@localhost",
            BytesIO(b"Subject: Tea\n\nAt five?\n"),
            sent,
            retries=0,
            contextFactory=self.clientTLS,
            hostname="localhost",
        )
        factory.noisy = False
        reactor.connectTCP("127.0.0.1", self.port, factory)
        return sent
