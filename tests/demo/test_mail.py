"""
Tests for what mail clients do with the mail on the example server.

They cover L{mycred.demo._mailstore._store}, too.
"""

from __future__ import annotations

import imaplib
import poplib
import re
from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from ..kit.server import LETTER, ServerTests, hangUp


class MailTests(ServerTests, SynchronousTestCase):
    """
    Tests for Alice's mailbox, which is one over all protocols and lasts.
    """

    def setUp(self) -> None:
        super().setUp()
        self.auth = self.passwords(alice="sesame", bob="tulip")
        self.server = self.start(self.auth)

    def pop3(self) -> poplib.POP3:
        """
        Log Alice in over POP3.
        """
        client = self.server.pop3("alice", "sesame")
        self.addCleanup(client.close)
        return client

    def inbox(self) -> imaplib.IMAP4:
        """
        Open Alice's mailbox over IMAP4.
        """
        client = self.server.inbox()
        self.addCleanup(hangUp, client)
        return client

    def append(self, client: imaplib.IMAP4, flags: str = r"(\Answered)") -> None:
        """
        Put the letter into Alice's mailbox.
        """
        self.ok(client.append("INBOX", flags, None, LETTER))

    def assertRefused(self, command: Callable[..., Any], *args: Any) -> None:
        """
        Assert that an IMAP4 command is refused, with NO or with BAD.
        """
        try:
            answer = command(*args)[0]
        except imaplib.IMAP4.error:
            answer = "BAD"
        self.assertNotEqual(answer, "OK")

    def countPOP3(self) -> int:
        """
        Count the messages over POP3.
        """
        client = self.pop3()
        count: int = client.stat()[0]
        client.quit()
        return count

    def ok(self, answer: tuple[str, list[Any]]) -> list[Any]:
        """
        Assert that an IMAP4 command has worked.

        @return: what it brought.
        """
        self.assertEqual(answer[0], "OK")
        return answer[1]

    def test_welcome(self) -> None:
        """
        A new user finds one message, and POP3 tells its size as it is sent.
        """
        client = self.pop3()
        self.assertEqual(client.stat()[0], 1)
        lines = client.retr(1)[1]
        self.assertIn(b"Subject: Welcome", lines)
        self.assertEqual(client.stat()[1], sum(len(line) + 2 for line in lines))
        self.assertIn(b"Subject: Welcome", client.top(1, 0)[1])
        self.assertEqual(len(client.uidl()[1]), 1)

    def test_pop3Delete(self) -> None:
        """
        A message that was deleted over POP3 stays deleted after a restart.
        """
        client = self.pop3()
        client.dele(1)
        client.quit()
        self.server = self.restart(self.server, self.auth)
        self.assertEqual(self.countPOP3(), 0)
        self.assertEqual(self.inbox().select()[1], [b"0"])

    def test_pop3DeleteWithoutQuit(self) -> None:
        """
        A message that was deleted over POP3 by a client that lost its
        connection is still there.
        """
        client = self.pop3()
        client.dele(1)
        client.close()
        self.assertEqual(self.countPOP3(), 1)

    def test_pop3Reset(self) -> None:
        """
        A client that thinks again deletes nothing.
        """
        client = self.pop3()
        client.dele(1)
        client.rset()
        client.quit()
        self.assertEqual(self.countPOP3(), 1)

    def test_imapExpunge(self) -> None:
        """
        A message that was expunged over IMAP4 stays away after a restart, and
        the others stay, with their UIDs.
        """
        client = self.inbox()
        self.append(client)
        self.ok(client.store("1", "+FLAGS", r"(\Deleted)"))
        self.assertEqual(self.ok(client.expunge()), [b"1"])
        self.assertEqual(self.ok(client.search(None, "ALL")), [b"1"])
        client.logout()
        self.server = self.restart(self.server, self.auth)
        client = self.inbox()
        self.assertEqual(self.ok(client.search(None, "ALL")), [b"1"])
        self.assertEqual(self.ok(client.fetch("1", "(UID)")), [b"1 (UID 2)"])
        self.assertEqual(self.countPOP3(), 1)

    def test_imapFlags(self) -> None:
        """
        Flags are added, taken away and replaced, answered, and last.
        """
        client = self.inbox()
        for item, flags, expected in [
            ("+FLAGS", r"(\Flagged \Seen)", rb"1 (FLAGS (\Flagged \Seen))"),
            ("-FLAGS", r"(\Seen)", rb"1 (FLAGS (\Flagged))"),
            ("FLAGS", r"(\Answered \Draft)", rb"1 (FLAGS (\Answered \Draft))"),
        ]:
            self.assertEqual(self.ok(client.store("1", item, flags)), [expected])
        client.logout()
        self.server = self.restart(self.server, self.auth)
        found = self.ok(self.inbox().fetch("1", "(FLAGS)"))
        self.assertEqual(found, [rb"1 (FLAGS (\Answered \Draft))"])

    def test_imapExpungeTells(self) -> None:
        """
        EXPUNGE tells the numbers of what it removes as RFC 3501 wants it, so
        that a client that follows them ends up with what is left.
        """
        client = self.inbox()
        for _ in range(3):
            self.append(client)
        known = self.ok(client.uid("SEARCH", None, "ALL"))[0].split()
        self.ok(client.store("1:2,4", "+FLAGS", r"(\Deleted)"))
        for number in self.ok(client.expunge()):
            del known[int(number) - 1]
        self.assertEqual(self.ok(client.uid("SEARCH", None, "ALL"))[0].split(), known)
        self.assertEqual(known, [b"3"])

    def test_imapAppend(self) -> None:
        """
        A message that a client puts in comes back with its text, its flags and
        its date.
        """
        client = self.inbox()
        date = '" 1-Feb-2003 04:05:06 +0000"'
        self.ok(client.append("INBOX", r"(\Seen \Flagged)", date, LETTER))
        items = "(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"
        (head, content), *_ = self.ok(client.fetch("2", items))
        self.assertEqual(content, LETTER)
        self.assertIn(rb"FLAGS (\Flagged \Seen)", head)
        self.assertIn(b"RFC822.SIZE %d" % len(LETTER), head)
        self.assertRegex(head, rb'INTERNALDATE "[ 0]1-Feb-2003 04:05:06 \+0000"')

    def test_imapFetch(self) -> None:
        """
        A client fetches headers, text and envelope by number and by UID.
        """
        client = self.inbox()
        self.append(client)
        headers = self.ok(client.fetch("2", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
        self.assertEqual(headers[0][1].strip(), b"Subject: Tea & <b>cakes</b>")
        text = self.ok(client.uid("FETCH", "2", "(BODY.PEEK[TEXT])"))
        self.assertEqual(text[0][1], LETTER.partition(b"\r\n\r\n")[2])
        (envelope,) = self.ok(client.fetch("2", "(ENVELOPE)"))
        self.assertIn(b'"Tea & <b>cakes</b>"', envelope)
        (structure,) = self.ok(client.fetch("1", "(BODYSTRUCTURE)"))
        self.assertIn(b'"text" "plain"', structure)

    def assertFinds(self, *searches: tuple[str, bytes]) -> None:
        """
        Assert what searches find if the welcome is the first message, and a
        letter that is read the second.

        @param searches: each a criterion, and the numbers that it finds.
        """
        client = self.inbox()
        self.append(client, r"(\Seen)")
        for criterion, found in searches:
            numbers = self.ok(client.search(None, criterion))[0] or b""
            self.assertEqual(numbers, found, criterion)

    def test_imapSearch(self) -> None:
        """
        SEARCH finds messages by flag, text, size and UID.
        """
        self.assertFinds(
            ("ALL", b"1 2"),
            ("SEEN", b"2"),
            ("UNSEEN", b"1"),
            ("NOT SEEN", b"1"),
            ("OR SEEN UNSEEN", b"1 2"),
            ("DELETED", b""),
            ("BODY five", b"2"),
            ("UID 2:*", b"2"),
            (f"SMALLER {len(LETTER) + 1}", b"2"),
        )

    def test_imapClose(self) -> None:
        """
        A client that closes the mailbox removes what is marked, as RFC 3501
        has it.
        """
        client = self.inbox()
        self.ok(client.store("1", "+FLAGS", r"(\Deleted)"))
        self.ok(client.close())
        self.assertEqual(self.ok(client.select()), [b"0"])

    def test_imapStatus(self) -> None:
        """
        STATUS counts the messages, and those that are unread.
        """
        client = self.inbox()
        self.append(client, r"(\Seen)")
        (status,) = self.ok(client.status("INBOX", "(MESSAGES UNSEEN UIDNEXT)"))
        figures = dict(re.findall(rb"(\w+) (\d+)", status.partition(b"(")[2]))
        self.assertEqual(figures, {b"MESSAGES": b"2", b"UNSEEN": b"1", b"UIDNEXT": b"3"})

    def test_imapReadOnly(self) -> None:
        """
        A client that opens the mailbox with EXAMINE reads, and changes nothing.
        """
        client = self.server.imap("alice", "sesame")
        self.addCleanup(hangUp, client)
        self.assertEqual(self.ok(client.select(readonly=True)), [b"1"])
        self.assertRefused(client.store, "1", "+FLAGS", r"(\Deleted)")
        self.assertRefused(client.expunge)
        self.ok(client.fetch("1", "(BODY[])"))
        client.logout()
        client = self.inbox()
        self.assertEqual(self.ok(client.fetch("1", "(FLAGS)")), [b"1 (FLAGS ())"])
        self.server.stop()
        self.assertNotIn("Traceback", self.server.log)

    def test_imapFolders(self) -> None:
        """
        There is one folder, INBOX, and a client that wants another is refused.
        """
        client = self.inbox()
        (folder,) = self.ok(client.list())
        self.assertIn(b'"INBOX"', folder)
        for command, *args in [
            (client.select, "Drafts"),
            (client.create, "Drafts"),
            (client.delete, "INBOX"),
            (client.rename, "INBOX", "Drafts"),
        ]:
            self.assertRefused(command, *args)
        self.server.stop()
        self.assertNotIn("Traceback", self.server.log)

    def test_apart(self) -> None:
        """
        One user's changes leave another user's mailbox alone.
        """
        self.append(self.inbox())
        bob = self.server.pop3("bob", "tulip")
        self.assertEqual(bob.stat()[0], 1)
        bob.dele(1)
        bob.quit()
        self.assertEqual(self.countPOP3(), 2)

    def test_pageEscapes(self) -> None:
        """
        A message can't put HTML into the page that shows it.
        """
        self.append(self.inbox())
        for path in ("/", "/2"):
            page = self.server.http("alice", "sesame", path)
            self.assertIn("&lt;script&gt;alert('five')&lt;/script&gt;", page)
            self.assertIn("Tea &amp; &lt;b&gt;cakes&lt;/b&gt;", page)
            self.assertNotIn("<script", page)

    def test_storeIsPrivate(self) -> None:
        """
        Nobody else on the machine can read the mail.
        """
        self.assertEqual(self.countPOP3(), 1)
        mode = (self.folder / "store.sqlite").stat().st_mode
        self.assertEqual(mode & 0o077, 0)
