"""
Tests for L{mycred._auditlog} with servers of mail: what is told of logins by SASL.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mycred.stack import AuditLog, CheckerStack

from ..kit.mailservers import TalkTests
from ..kit.sessions import makeChecker


class MailCase(TalkTests):
    """
    What holds for each protocol.
    """

    def setUp(self: Any) -> None:
        super().setUp()
        self.events: list[Any] = []
        audit = AuditLog(self.events.append)
        self.stack = CheckerStack([makeChecker()], audit=audit)

    def fields(self: Any) -> dict[str, Any]:
        """
        Return the fields of the one login.
        """
        [event] = self.events
        del self.events[:]
        fields: dict[str, Any] = event["fields"]
        return fields

    def begin(self: Any, **settings: Any) -> Any:
        """
        Connect, and say hello where that is wanted.
        """
        talk = self.talk(self.stack, **settings)
        if self.name == "smtp":
            talk.say(b"EHLO localhost")
        return talk

    def test_mechanism(self: Any) -> None:
        """
        The mechanism is told, and the client's address.
        """
        for password, verdict in ((b"wrong", "refused"), (b"sesame", "accepted")):
            self.begin().say(self.dialect.auth(b"PLAIN", b"\0alice\0" + password))
            fields = self.fields()
            self.assertEqual(fields["mycred.mechanism"], "PLAIN")
            self.assertEqual(fields["mycred.verdict"], verdict)
            self.assertEqual(fields["network.protocol"], self.name)
            self.assertEqual(fields["source.ip"], "127.0.0.1")

    def test_refusedBefore(self: Any) -> None:
        """
        A login that no checker gets to see is told as well: of a client that wants to be
        somebody else.
        """
        self.begin().say(self.dialect.auth(b"PLAIN", b"bob\0alice\0sesame"))
        fields = self.fields()
        self.assertEqual(fields["mycred.verdict"], "refused")
        self.assertEqual(fields["user.name"], "alice")
        self.assertEqual(fields["mycred.mechanism"], "PLAIN")
        self.assertEqual(fields["source.ip"], "127.0.0.1")


class IMAP4Tests(MailCase, SynchronousTestCase):
    """
    Tests for IMAP4.
    """

    name = "imap"


class POP3Tests(MailCase, SynchronousTestCase):
    """
    Tests for POP3.
    """

    name = "pop3"


class SMTPTests(MailCase, SynchronousTestCase):
    """
    Tests for SMTP.
    """

    name = "smtp"
