"""
Tests for what IMAP4 tells of a message and its parts.

They cover L{mycred.demo._imap4._fetch}, L{mycred.demo._imap4._messages},
L{mycred.demo._imap4._part}, L{mycred.demo._imap4._search} and
L{mycred.demo._imap4._structure}, too.
"""

from __future__ import annotations

import copy
from email.message import EmailMessage
from typing import Any

from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred.demo._imap4._commands import COMMANDS
from mycred.demo._imap4._fetch import fetchedBy
from mycred.demo._imap4._part import Part
from mycred.demo._imap4._search import Candidate, searchedBy
from mycred.demo._imap4._structure import envelope, structure
from mycred.demo._imap4._syntax import Arguments
from mycred.demo._mailstore import Message

INNER = (
    b"From: carol@localhost\r\nSubject: Inner\r\n"
    b"Content-Type: multipart/alternative; boundary=in\r\n\r\n"
    b"--in\r\nContent-Type: text/plain\r\n\r\nplain\r\n"
    b"--in\r\nContent-Type: text/html\r\n\r\n<b>rich</b>\r\n"
    b"--in--\r\n"
)

# As RFC 3501 (section 6.4.5) numbers them: 1 and 2 are parts, 3 is a message.
OUTER = (
    b"From: =?utf-8?q?B=C3=B6b?= <bob@localhost>\r\nTo: alice@localhost, \r\n"
    b" carol@localhost\r\nReceived: one\r\nReceived: two\r\n"
    b"Date: Tue, 1 Feb 1994 21:52:25 -0800\r\nSubject: Tea\r\n"
    b'Content-Type: multipart/mixed; boundary="out er"\r\n\r\nPreamble\r\n'
    b"--out er\r\n\r\nfirst\r\nline\r\n"
    b'--out er  \r\nContent-Type: application/x; name="a b"\r\n'
    b"Content-Disposition: attachment; filename=x.bin\r\n"
    b"Content-Transfer-Encoding: base64\r\nContent-ID: <c@localhost>\r\n\r\nAAEC\r\n"
    b"--out er\r\nContent-Type: message/rfc822\r\n\r\n" + INNER + b"\r\n"
    b"--out er--\r\nEpilogue\r\n"
)


def fetched(content: bytes, what: bytes) -> bytes:
    """
    Fetch something of a message.
    """
    arguments = Arguments(what)
    [item] = fetchedBy(arguments)
    arguments.end()
    message = Message(7, len(content), 0.0, {"\\Seen"})
    return item.answer(message, Part(content))


def value(answer: bytes) -> bytes | None:
    """
    Return the literal in an answer.
    """
    if answer.endswith(b" NIL"):
        return None
    size, _, rest = answer.partition(b"{")[2].partition(b"}\r\n")
    assert int(size) == len(rest), answer
    return rest


class PartTests(SynchronousTestCase):
    """
    Tests for sections of messages.
    """

    def assertSections(self, content: bytes, sections: dict[bytes, bytes | None]) -> None:
        """
        Assert what the sections of a message are.
        """
        for section, expected in sections.items():
            answer = fetched(content, b"BODY.PEEK[%b]" % section)
            self.assertTrue(answer.startswith(b"BODY[%b] " % section), answer)
            self.assertEqual(value(answer), expected, section)

    def test_sections(self) -> None:
        """
        Each part is found by its number, to the byte, as are its headers.
        """
        html = b"Content-Type: text/html\r\n\r\n"
        header, _, body = OUTER.partition(b"\r\n\r\n")
        inner, _, text = INNER.partition(b"\r\n\r\n")
        self.assertSections(
            OUTER,
            {
                b"": OUTER,
                b"HEADER": header + b"\r\n\r\n",
                b"TEXT": body,
                b"1": b"first\r\nline",
                b"1.MIME": b"\r\n",
                b"2": b"AAEC",
                b"3": INNER,
                b"3.HEADER": inner + b"\r\n\r\n",
                b"3.TEXT": text,
                b"3.MIME": b"Content-Type: message/rfc822\r\n\r\n",
                b"3.1": b"plain",
                b"3.2": b"<b>rich</b>",
                b"3.2.MIME": html,
                b"3.HEADER.FIELDS (SUBJECT)": b"Subject: Inner\r\n\r\n",
                b"4": None,
                b"0": None,
                b"1.1": None,
                b"1.HEADER": None,
                b"3.3": None,
                b"3.2.1": None,
            },
        )

    def test_fields(self) -> None:
        """
        Of the headers those of some names come as they are, also when there are
        several, or all others.
        """
        received = b"Received: one\r\nReceived: two\r\n"
        to = b"To: alice@localhost, \r\n carol@localhost\r\n"
        self.assertSections(
            OUTER,
            {
                b"HEADER.FIELDS (RECEIVED)": received + b"\r\n",
                b"HEADER.FIELDS (TO X-NONE)": to + b"\r\n",
                b"HEADER.FIELDS.NOT (FROM DATE SUBJECT CONTENT-TYPE)": (
                    to + received + b"\r\n"
                ),
            },
        )

    def test_single(self) -> None:
        """
        The only part of a message that isn't made of some is its body.
        """
        self.assertSections(
            b"Subject: x\r\n\r\nbody\r\n",
            {
                b"1": b"body\r\n",
                b"1.MIME": b"Subject: x\r\n\r\n",
                b"2": None,
                b"1.1": None,
            },
        )

    def test_partial(self) -> None:
        """
        A part of a section comes with where it begins.
        """
        content = b"Subject: x\r\n\r\n0123456789"
        for begin, size, expected in [(0, 4, b"0123"), (8, 4, b"89"), (99, 4, b"")]:
            answer = fetched(content, b"BODY[TEXT]<%d.%d>" % (begin, size))
            self.assertEqual(
                answer, b"BODY[TEXT]<%d> {%d}\r\n%b" % (begin, len(expected), expected)
            )

    def test_structure(self) -> None:
        """
        The structure names each part, its parameters and its size.
        """
        told = structure(Part(OUTER), True)
        self.assertEqual(told.count(b"("), told.count(b")"))
        for expected in (
            b'(("text" "plain" NIL NIL NIL "7bit" 11 2 NIL NIL NIL NIL)',
            b'("application" "x" ("name" "a b") "<c@localhost>" NIL "base64" 4 NIL '
            b'("attachment" ("filename" "x.bin")) NIL NIL)',
            b'("message" "rfc822" NIL NIL NIL "7bit" %d (NIL "Inner" ' % len(INNER),
            b'"mixed" ("boundary" "out er") NIL NIL NIL)',
        ):
            self.assertIn(expected, told)
        self.assertEqual(
            structure(Part(b"Subject: x\r\n\r\na\r\nb\r\n"), False),
            b'("text" "plain" NIL NIL NIL "7bit" 6 2)',
        )

    def test_envelope(self) -> None:
        """
        The envelope tells who has sent a message to whom; the sender stands for whoever
        else isn't named.
        """
        bob = b'(("=?utf-8?q?B=C3=B6b?=" NIL "bob" "localhost"))'
        self.assertEqual(
            envelope(Part(OUTER)),
            b'("Tue, 1 Feb 1994 21:52:25 -0800" "Tea" %b %b %b '
            b'((NIL NIL "alice" "localhost")(NIL NIL "carol" "localhost")) '
            b"NIL NIL NIL NIL)" % (bob, bob, bob),
        )

    def test_library(self) -> None:
        """
        What the standard library composes comes apart into what it was made of.
        """
        message = EmailMessage()
        message["Subject"] = "Grüße"
        message.set_content("Text\n")
        message.add_alternative("<p>Text</p>\n", subtype="html")
        message.add_attachment(b"\x00\x01", "application", "octet-stream", filename="ü")
        part = Part(bytes(message).replace(b"\n", b"\r\n"))
        self.assertEqual([len(part.parts), len(part.parts[0].parts)], [2, 2])
        self.assertEqual(part.parts[0].parts[1].body, b"<p>Text</p>\r\n")
        self.assertEqual(part.parts[1].body, b"AAE=\r\n")

    def test_nested(self) -> None:
        """
        Parts that are nested without end are taken apart to some depth.
        """
        header = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
        for content in (header * 3000, b"Content-Type: message/rfc822\r\n\r\n" * 3000):
            for what in (b"BODYSTRUCTURE", b"BODY", b"BODY[%b1]" % (b"1." * 90)):
                fetched(content, what)
            key = searchedBy(Arguments(b"TEXT x"))
            key.fits(Candidate(1, 1, Message(1, 1, 0.0), 1, content))

    def test_looked(self) -> None:
        """
        Of headers, and of parts, so much is looked at that nobody else has to wait for
        long; all of it is there to be fetched.
        """
        start = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
        for content in (
            start + b"--x\r\nContent-Type: text/plain\r\n\r\n" * 9000,
            start + (b"--x\r\n" + b"Content-A: b\r\n" * 9000 + b"\r\n") * 9,
            b"a:b\r\n" * 100000 + b"\r\n",
        ):
            part = Part(content)
            self.assertLess(len(structure(part, True)), 50000)
            looked = [lines for one in (part, *part.parts) for _, lines in one.fields]
            self.assertLess(len(b"".join(looked)), 2**17 + 100)
            self.assertEqual(value(fetched(content, b"BODY.PEEK[]")), content)

    def test_charset(self) -> None:
        """
        Text in a charset that takes the square of the time is taken for UTF-8.
        """
        for charset in (b"punycode", b"idna", b"hex", b"nonsense"):
            header = b"Content-Type: text/plain; charset=%b\r\n\r\n" % charset
            self.assertEqual(Part(header + b"abc-d").text(), "abc-d")
        content = b"Subject: =?punycode?q?abc-d?=\r\n\r\n"
        key = searchedBy(Arguments(b"SUBJECT abc-d"))
        self.assertTrue(key.fits(Candidate(1, 1, Message(1, 1, 0.0), 1, content)))

    def test_comments(self) -> None:
        """
        Comments that are nested without end are no address.
        """
        told = envelope(Part(b"From: " + b"(" * 9000 + b"\r\nTo: a@b\r\n\r\n"))
        self.assertIn(b'((NIL NIL "a" "b"))', told)

    @settings(max_examples=300)
    @given(
        st.lists(
            st.sampled_from(
                [
                    *b"Subject: From: To: Date: Content-Type: :".split(),
                    b"Content-Disposition: attachment; filename*0*=utf-8''%FF; x",
                    b"multipart/mixed; boundary=x",
                    b"message/rfc822",
                    b"text/plain; charset=nonsense",
                    b"Content-Transfer-Encoding: base64",
                    b"=?nonsense?q?=FF?=",
                    b"=?utf-8?b?A?=",
                    b"--x",
                    b"--x--",
                    b"\r\n",
                    b"\r\n\r\n",
                    b"\xff\xfe",
                    b"\xc3\xbc",
                    b"\x00",
                    b" ",
                    b'"',
                    b"<a@b>,;:()",
                    b"31 Feb 99999 99:99",
                    b"\r",
                    b"\n",
                    b"x",
                ]
            ),
            max_size=30,
        )
    )
    def test_anything(self, pieces: list[bytes]) -> None:
        """
        Whatever a message holds: it is told, in lists that end, and can be searched.
        """
        content = b"".join(pieces)
        for what in (
            b"BODYSTRUCTURE",
            b"BODY",
            b"ENVELOPE",
            b"RFC822",
            b"RFC822.HEADER",
            b"RFC822.TEXT",
            b"BODY[1.2.MIME]",
            b"BODY[2]",
            b"BODY[HEADER.FIELDS.NOT (SUBJECT)]",
        ):
            self.assertIsInstance(fetched(content, what), bytes)
        part = Part(content)
        self.assertEqual(part.header + part.body, content)
        for key in (b"TEXT x", b"BODY x", b"SUBJECT x", b"SENTON 1-Feb-1994", b"FROM x"):
            candidate = Candidate(1, 1, Message(1, 1, 0.0), 1, content)
            searchedBy(Arguments(key)).fits(candidate)


class SearchTests(SynchronousTestCase):
    """
    Tests for search keys.
    """

    letter = Message(7, 400, 760168345.0, {"\\Seen", "\\Flagged"})
    content = (
        b"From: Bob <bob@localhost>\r\nTo: alice@localhost\r\nCc: carol@localhost\r\n"
        b"Subject: =?utf-8?b?VGVhICYgY8Oka2U=?=\r\n =?utf-8?q?_and_more?=\r\n"
        b"Date: Tue, 1 Feb 1994 21:52:25 -0800\r\nX-Empty:\r\n"
        b"Content-Type: text/plain; charset=latin-1\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe aus K=F6ln\r\n"
    )

    def fits(self, keys: bytes, *literals: bytes) -> bool:
        """
        Tell whether the letter is found.
        """
        [key] = COMMANDS[b"SEARCH"].read(Arguments(b" " + keys, *literals))
        message = copy.deepcopy(self.letter)
        found: Any = key.fits(
            Candidate(2, 3, message, 9, self.content if key.needsContent else b"")
        )
        return bool(found)

    def test_found(self) -> None:
        """
        Each key of RFC 3501 finds what it should.
        """
        for keys in (
            b"ALL",
            b"SEEN FLAGGED UNANSWERED UNDELETED UNDRAFT OLD",
            b"UNKEYWORD $Junk",
            b"2",
            b"1:*",
            b"UID 7",
            b"UID 1:7,9",
            b"LARGER 399 SMALLER 401",
            b"ON 2-Feb-1994",
            b"SINCE 2-Feb-1994 BEFORE 3-Feb-1994",
            b"SENTON 1-Feb-1994",
            b'SENTSINCE "1-Feb-1994" SENTBEFORE 2-Feb-1994',
            b'SUBJECT "tea & c\xc3\x84ke and"',
            b"from BOB",
            b'FROM "bob <"',
            b"TO alice CC carol NOT BCC dave",
            b"HEADER X-Empty {0}",
            b'HEADER Subject "" HEADER x-empty ""',
            b"BODY \xc3\xbc\xc3\x9fe",
            b"TEXT k\xc3\xb6ln TEXT carol",
            b"OR UNSEEN FLAGGED",
            b"OR (UNSEEN) (SEEN NOT DELETED)",
            b"NOT (SEEN DELETED)",
            b"NOT NOT SEEN",
            b"CHARSET UTF-8 SUBJECT TEA",
            b'charset "us-ascii" SEEN',
        ):
            literals = (b"", b"") if keys.endswith(b"{0}") else ()
            self.assertTrue(self.fits(keys, *literals), keys)

    def test_notFound(self) -> None:
        """
        And doesn't find what it shouldn't.
        """
        for keys in (
            b"UNSEEN",
            b"ANSWERED",
            b"DELETED",
            b"DRAFT",
            b"NEW",
            b"RECENT",
            b"KEYWORD $Junk",
            b"1,3:*",
            b"UID 2",
            b"LARGER 400",
            b"SMALLER 400",
            b"BEFORE 2-Feb-1994",
            b"SINCE 3-Feb-1994",
            b"ON 1-Feb-1994",
            b"SENTON 2-Feb-1994",
            b"SUBJECT coffee",
            b"BCC alice",
            b"HEADER X-None {0}",
            b"BODY carol",
            b"TEXT dave",
            b"SEEN ANSWERED",
            b"OR UNSEEN ANSWERED",
            b"NOT SEEN",
        ):
            literals = (b"", b"") if keys.endswith(b"{0}") else ()
            self.assertFalse(self.fits(keys, *literals), keys)

    def test_literal(self) -> None:
        """
        What is searched for may be a literal.
        """
        self.assertTrue(self.fits(b"SUBJECT {3}", b"tea", b" SEEN"))
