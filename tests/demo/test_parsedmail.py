"""
Tests for L{mycred.demo._parsedmail}.

They cover L{mycred.demo._mailheaders}, too.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from email.message import EmailMessage
from typing import Any

from hypothesis import given, settings

from twisted.trial.unittest import SynchronousTestCase

from mycred.demo._parsedmail import ParsedMessage, parseMessage

from ..kit.letters import messages

patient = settings(deadline=None, database=None)


def read(*lines: bytes) -> ParsedMessage:
    """
    Read a message of these lines.
    """
    return parseMessage(b"\n".join(lines), 0)


class LetterTests(SynchronousTestCase):
    """
    Tests for messages as mail programs write them.
    """

    def test_plain(self) -> None:
        """
        Of a plain message, sender, recipient, subject, date and text are read.
        """
        letter = read(
            b"From: Bob <bob@example.org>",
            b"To: alice@example.org, =?utf-8?q?C=C3=A4rol?= <carol@example.org>",
            b"Subject: Tea",
            b"  at five",
            b"Date: Sat, 28 Nov 2026 14:03:00 +0100",
            b"",
            b"Dear Alice,",
            b"",
            b"tea?",
            b"",
        )
        self.assertEqual(letter.name, "Bob")
        self.assertEqual(letter.sender, "Bob <bob@example.org>")
        to = "alice@example.org, C\xe4rol <carol@example.org>"
        self.assertEqual(letter.recipient, to)
        self.assertEqual(letter.subject, "Tea at five")
        self.assertEqual(letter.date.isoformat(), "2026-11-28T14:03:00+01:00")
        self.assertEqual(letter.text, "Dear Alice,\n\ntea?")
        self.assertFalse(letter.isHTML)
        self.assertEqual(letter.attachments, ())

    def test_composed(self) -> None:
        """
        What the standard library composes is read as it was meant: encoded words where
        lines are folded, an alternative in HTML, and attachments with their names.
        """
        subject = (
            "Tea & <b>cakes</b> at five \u2014 n\xe4her betrachtet, and a long subject"
        )
        message = EmailMessage()
        message["From"] = "J\xfcrgen M\xfcller <jm@example.org>"
        message["Subject"] = subject
        message.set_content("Gr\xfc\xdfe\n")
        message.add_alternative("<p>Gr\xfc\xdfe</p>", subtype="html")
        message.add_attachment(
            b"x", maintype="application", subtype="pdf", filename="f\xfcr Alice.pdf"
        )
        message.add_attachment(message_within())
        letter = parseMessage(message.as_bytes(), 0)
        self.assertEqual(letter.sender, "J\xfcrgen M\xfcller <jm@example.org>")
        self.assertEqual(letter.subject, subject)
        self.assertEqual(letter.text, "Gr\xfc\xdfe")
        self.assertEqual(letter.attachments, ("f\xfcr Alice.pdf", "message/rfc822"))

    def test_onlyHTML(self) -> None:
        """
        Of a message that is an HTML page the source is read.
        """
        letter = read(b"Content-Type: text/html; charset=latin-1", b"", b"<p>\xe4</p>")
        self.assertEqual(letter.text, "<p>\xe4</p>")
        self.assertTrue(letter.isHTML)

    def test_headersDecoded(self) -> None:
        """
        Encoded words (RFC 2047) and UTF-8 (RFC 6532) are decoded in headers.
        """
        for sent, subject in {
            b"=?utf-8?q?=C3=A4_b?= c": "\xe4 b c",
            b"=?iso-8859-1?B?5A==?=\n =?utf-8?Q?=C3=B6?=": "\xe4\xf6",
            b"\xc3\xa4 b": "\xe4 b",
            b"=?utf-8?q?=C3=A4?= \xc3\xb6 \xe2\x82\xac": "\xe4 \xf6 \u20ac",
            b"\xe4 b": "\ufffd b",
            b"=?klingon?q?=C3=A4?=": "\xe4",
            b"=?utf-8?b?a?=": "=?utf-8?b?a?=",
            b"=?utf-8?q?": "=?utf-8?q?",
        }.items():
            self.assertEqual(read(b"Subject: " + sent).subject, subject, sent)

    def test_missingHeaders(self) -> None:
        """
        A message without headers has its text, and the date when it came in.
        """
        for date in (b"", b"Date: yesterday", b"Date: Sat, 99 Nov 2026 14:03:00 +0100"):
            letter = parseMessage(date + b"\n\ntext", 1_000_000_000)
            self.assertEqual((letter.sender, letter.subject, letter.recipient), ("",) * 3)
            self.assertEqual(letter.date.isoformat(), "2001-09-09T01:46:40+00:00")
            self.assertEqual(letter.text, "text")

    def test_oddMoments(self) -> None:
        """
        A message that came in at an impossible time is shown all the same.
        """
        self.assertEqual(parseMessage(b"", 1e20).date.year, 9999)
        self.assertEqual(parseMessage(b"", -1e20).date.year, 1)

    def test_noTimeZone(self) -> None:
        """
        A date whose time zone isn't known (C{-0000}) is taken for one in UTC.
        """
        letter = read(b"Date: Sat, 28 Nov 2026 14:03:00 -0000")
        self.assertEqual(letter.date.isoformat(), "2026-11-28T14:03:00+00:00")

    def test_oddSenders(self) -> None:
        """
        A sender who is no address is shown as sent.
        """
        for sent, sender in {
            b"Bob": "Bob",
            b"bob@example.org, eve@example.org": "bob@example.org",
            b"undisclosed:;": "undisclosed:;",
            b"<>": "<>",
            b'"Bob <x@y>" <bob@example.org>': "Bob <x@y> <bob@example.org>",
        }.items():
            self.assertEqual(read(b"From: " + sent).sender, sender)


class HostileTests(SynchronousTestCase):
    """
    Tests for messages that are meant to do harm.
    """

    def test_headerInjection(self) -> None:
        """
        Line ends, control characters and those that turn text around don't get through in
        a header, however they are encoded.
        """
        for sent in (
            b"=?utf-8?q?a=0D=0AFrom:_x?=",
            b"=?utf-8?b?%b?=" % b64encode(b"a\r\nFrom: x"),
        ):
            letter = read(b"Subject: " + sent)
            self.assertEqual((letter.subject, letter.sender), ("a From: x", ""))
        letter = read(b"Subject: =?utf-8?q?a=1B]0;b=07=E2=80=AEc=00?=")
        self.assertEqual(letter.subject, "a\ufffd]0;b\ufffd\ufffdc\ufffd")

    def test_binary(self) -> None:
        """
        Bytes that are no text become characters that stand for them.
        """
        letter = read(b"", b"\x00\x1b[31m\xff\xfe\x9b\tx")
        self.assertEqual(letter.text, "\ufffd\ufffd[31m\ufffd\ufffd\ufffd\tx")

    def test_charsets(self) -> None:
        """
        A charset that is unknown, no charset, or made to take long, is taken for UTF-8.
        """
        for charset in (b"klingon", b"zip", b"undefined", b"idna", b"punycode", b"\xff"):
            letter = read(
                b"Content-Type: text/plain; charset=" + charset, b"", b"\xc3\xa4"
            )
            self.assertEqual(letter.text, "\xe4", charset)

    def test_surrogates(self) -> None:
        """
        What a charset makes of bytes can be sent on.
        """
        for charset, text in ((b"utf-7", b"+2AA-"), (b"unicode_escape", b"\\ud800")):
            letter = read(b"Content-Type: text/plain; charset=" + charset, b"", text)
            self.assertEqual(letter.text, "?", charset)

    def assertQuick(self, content: bytes) -> ParsedMessage:
        """
        Assert that a message takes little work: far less than a parser that can be made
        to do it again and again.
        """
        calls = 0

        def count(frame: Any, event: str, argument: Any) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            letter = parseMessage(content, 0)
        finally:
            sys.setprofile(None)
        self.assertLess(calls, 20 * len(content))
        return letter

    def test_nested(self) -> None:
        """
        Of parts that are nested deeply, the text is read as it is.
        """
        parts = b"".join(
            b'Content-Type: multipart/x; boundary="%d"\n\n--%d\n' % (n, n)
            for n in range(500)
        )
        letter = self.assertQuick(parts + b"\n" * 10000 + b"the end")
        self.assertTrue(letter.text.endswith("the end"))

    def test_comments(self) -> None:
        """
        Comments in comments without end are no sender.
        """
        letter = parseMessage(b"From: " + b"(" * 9000 + b"\nSubject: Tea\n\nx\n", 0)
        self.assertEqual((letter.subject, letter.text), ("Tea", "x"))

    def test_nestedMessages(self) -> None:
        """
        The same holds for messages in messages.
        """
        letter = self.assertQuick(b"Content-Type: message/rfc822\n\n" * 3000 + b"end")
        self.assertEqual(letter.attachments, ("message/rfc822",))

    def test_manyParts(self) -> None:
        """
        Of very many parts the first are read.
        """
        many = b"Content-Type: multipart/x; boundary=a\n\n" + b"--a\n\nx\n" * 10000
        letter = self.assertQuick(many)
        self.assertIn(letter.text.count("x"), range(50, 101))

    def test_longHeaders(self) -> None:
        """
        Of a very long header the beginning is read, in each part: what is beyond that
        could take hours.
        """
        for header in (
            b"Subject: %b" % (b"=?a?q?" * 10000),
            b'Content-Type: multipart/x; a="%b' % (b";" * 60000),
            b"Content-Type: text/plain; charset*=punycode''%b" % (b"a" * 60000),
            b"Content-Disposition: attachment; filename*=idna''%b" % (b"a." * 30000),
        ):
            self.assertQuick(header + b"\n\ntext")
            self.assertQuick(
                b"Content-Type: multipart/x; boundary=a\n\n--a\n" + header + b"\n\ntext"
            )
        name = b"Content-Disposition: attachment; filename=" + b"x" * 5000
        within = (b"Content-Type: multipart/x; boundary=a", b"", b"--a", name, b"", b"")
        letter = read(b"Subject: " + b"x" * 5000, *within)
        self.assertEqual(len(letter.subject), 1000)
        self.assertLess(len(letter.attachments[0]), 1000)

    @patient
    @given(messages)
    def test_anything(self, content: bytes) -> None:
        """
        Whatever a message is made of, it is read, and can be sent on.
        """
        letter = parseMessage(content, 0)
        lines = (letter.name, letter.sender, letter.recipient, letter.subject)
        for line in (*lines, *letter.attachments):
            line.encode("utf-8")
            self.assertTrue(all(c not in line for c in "\n\r\0\x1b"))
        self.assertTrue(all(c not in letter.text for c in "\r\0\x1b"))
        letter.text.encode("utf-8")


def message_within() -> EmailMessage:
    """
    Make a message that another one holds.
    """
    message = EmailMessage()
    message["Subject"] = "Within"
    message.set_content("Within")
    return message
