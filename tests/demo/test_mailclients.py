"""
Tests for mail clients that people have, at the example server.
"""

from __future__ import annotations

import os
import poplib
from email import message_from_bytes
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest

from ..kit.demoprograms import PASSWORD, ClientTests
from ..kit.server import PATIENCE

try:
    import imapclient
except ImportError:
    imapclient = None


def letter(number: int) -> bytes:
    """
    Write a letter.
    """
    return (
        b"From: Bob <bob@localhost>\r\nTo: alice@localhost\r\n"
        b"Received: by one\r\nReceived: by two\r\n"
        b"Date: Tue, 1 Feb 1994 21:52:25 -0800\r\n"
        b"Subject: =?utf-8?b?VGVhICYgY8Oka2U=?= %d\r\n"
        b"Message-ID: <%d@localhost>\r\n\r\n.Hello %d\r\n\r\n" % (number, number, number)
    ) + b"x" * 70 * number


class MbsyncTests(ClientTests):
    """
    Tests for C{mbsync}, which sends commands ahead.
    """

    def setUp(self) -> None:
        super().setUp()
        self.mbsync = self.program("mbsync", "isync")
        self.near = self.folder / "mail"
        self.near.mkdir()
        self.configure("LOGIN")

    def configure(self, mechanism: str) -> None:
        """
        Write the configuration.
        """
        quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
        self.rc = self.folder / "mbsyncrc"
        self.rc.write_text(
            "IMAPAccount demo\nHost 127.0.0.1\n"
            f'Port {self.server.ports["imap"]}\nUser alice\nPass "{quoted}"\n'
            f"SSLType None\nAuthMechs {mechanism}\n\n"
            "IMAPStore far\nAccount demo\n\n"
            f"MaildirStore near\nPath {self.near}/\nInbox {self.near}/INBOX\n\n"
            "Channel all\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\n"
            f"Expunge Both\nSyncState {self.folder}/state-\n"
        )

    def sync(self) -> None:
        """
        Synchronize both sides.
        """
        said = self.run_(self.mbsync, "-c", str(self.rc), "-a")
        self.assertNotIn(b"bogus", said)

    def files(self) -> list[Path]:
        """
        List the messages that are here.
        """
        return sorted(
            p for d in ("cur", "new") for p in (self.near / "INBOX" / d).iterdir()
        )

    def subjects(self) -> set[str]:
        """
        List the subjects of the messages on the server.
        """
        client = self.imap()
        _, found = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        client.logout()
        return {m[1].decode().strip() for m in found if isinstance(m, tuple)}

    def test_bothWays(self) -> None:
        """
        A mailbox of twenty messages, and one, is the same on both sides after new
        messages, deletions and flags on either side.
        """
        client = self.imap()
        for number in range(20):
            client.append("INBOX", None, None, letter(number))  # type: ignore[arg-type]
        self.sync()
        here = self.files()
        self.assertEqual(len(here), 21)
        contents = {message_from_bytes(p.read_bytes())["Message-ID"] for p in here}
        self.assertLessEqual({f"<{n}@localhost>" for n in range(20)}, contents)

        # What changes on the server: one is new, one goes, one gets a flag.
        client.append("INBOX", r"(\Flagged)", None, letter(20))  # type: ignore[arg-type]
        client.store("2", "+FLAGS", r"(\Deleted)")
        client.store("3", "+FLAGS", r"(\Answered)")
        client.expunge()
        # What changes here.
        new = self.near / "INBOX" / "new" / "1.new.localhost"
        new.write_bytes(letter(21).replace(b"\r\n", b"\n"))
        by = {message_from_bytes(p.read_bytes())["Message-ID"]: p for p in self.files()}
        gone, seen = by["<5@localhost>"], by["<6@localhost>"]
        os.rename(gone, _flagged(gone, "T"))
        os.rename(seen, _flagged(seen, "S"))
        self.sync()

        self.assertEqual(len(self.files()), 21)
        subjects = self.subjects()
        self.assertEqual(len(subjects), 21)
        here_ = {message_from_bytes(p.read_bytes())["Message-ID"] for p in self.files()}
        self.assertNotIn("<5@localhost>", here_)
        self.assertNotIn("<0@localhost>", here_)
        self.assertIn("<20@localhost>", here_)
        client = self.imap()
        for key, ids in (
            ("SEEN", {"<6@localhost>"}),
            ("ANSWERED", {"<1@localhost>"}),
            ("FLAGGED", {"<20@localhost>"}),
            ("HEADER MESSAGE-ID <21@localhost>", {"<21@localhost>"}),
            ("HEADER MESSAGE-ID <5@localhost>", set()),
        ):
            _, [found] = client.search(None, key)
            got = set()
            for number in found.split():
                _, answer = client.fetch(number.decode(), "(RFC822.HEADER)")
                got.add(message_from_bytes(answer[0][1])["Message-ID"])  # type: ignore[index]
            self.assertEqual(got, ids, key)
        client.logout()
        # Nothing is left to do.
        before = self.files()
        self.sync()
        self.assertEqual(self.files(), before)

    def test_mechanisms(self) -> None:
        """
        It logs in by each mechanism that it has.
        """
        for mechanism in ("LOGIN", "PLAIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"):
            self.configure(mechanism)
            self.sync()


def _flagged(path: Path, flag: str) -> Path:
    """
    Return the name that a message has with a flag, as Maildir has it.
    """
    name = path.name.partition(":2,")[0]
    return path.parent.parent / "cur" / f"{name}:2,{flag}"


class CurlTests(ClientTests):
    """
    Tests for C{curl}.
    """

    def setUp(self) -> None:
        super().setUp()
        self.program("curl", "curl")

    def curl(self, path: str, *options: str, protocol: str = "imap") -> bytes:
        """
        Run it.
        """
        url = f"{protocol}://127.0.0.1:{self.server.ports[protocol]}/{path}"
        user = f"alice:{PASSWORD}"
        return self.run_("curl", "-sSfq", "--noproxy", "*", "-u", user, *options, url)

    def test_imap(self) -> None:
        """
        It puts a message in, finds it, and reads it, with a login by each
        mechanism.
        """
        path = self.folder / "letter"
        path.write_bytes(letter(3))
        self.curl("INBOX", "-T", str(path))
        for login in ("PLAIN", "CRAM-MD5", "LOGIN"):
            for early in ((), ("--sasl-ir",)):
                options = "--login-options", f"AUTH={login}", *early
                self.assertEqual(self.curl("INBOX;MAILINDEX=2", *options), letter(3))
        found = self.curl("INBOX?SUBJECT%20%22TEA%22")
        self.assertEqual(found.strip(), b"* SEARCH 2")
        section = self.curl("INBOX;MAILINDEX=2;SECTION=HEADER.FIELDS%20(SUBJECT)")
        self.assertTrue(section.startswith(b"Subject: "), section)
        self.assertIn(b"INBOX", self.curl(""))

    def test_pop3(self) -> None:
        """
        It lists and reads messages over POP3, with each way to log in.
        """
        client = self.imap()
        client.append("INBOX", None, None, letter(3))  # type: ignore[arg-type]
        client.logout()
        for login in ("PLAIN", "CRAM-MD5", "LOGIN"):
            for early in ((), ("--sasl-ir",)):
                options = "--login-options", f"AUTH={login}"
                got = self.curl("2", *options, *early, protocol="pop3")
                self.assertEqual(got.rstrip(), letter(3), login)
        self.assertEqual(len(self.curl("", protocol="pop3").split(b"\r\n")), 3)

    def test_poplib(self) -> None:
        """
        The standard library's client does all that it has methods for.
        """
        client = poplib.POP3("127.0.0.1", self.server.ports["pop3"], PATIENCE)
        client.user("alice")
        client.pass_(PASSWORD)
        self.assertIn("TOP", client.capa())
        self.assertEqual(client.stat()[0], 1)
        self.assertEqual(len(client.list()[1]), 1)
        self.assertEqual(client.list(1).split()[1], client.list()[1][0].split()[0])
        self.assertEqual(len(client.uidl()[1]), 1)
        self.assertIn(b"Subject: Welcome", client.top(1, 0)[1])
        client.dele(1)
        self.assertRaises(poplib.error_proto, client.dele, 1)
        client.rset()
        self.assertEqual(client.noop()[:3], b"+OK")
        client.quit()


class ImaplibTests(ClientTests):
    """
    Tests for the standard library's client.
    """

    def test_day(self) -> None:
        """
        It does what clients do in a day, and everything that it has methods for.
        """
        client = self.imap()
        appended = client.append("INBOX", None, None, letter(1))  # type: ignore[arg-type]
        self.assertIn(b"APPENDUID", appended[1][0])
        date = '"01-Feb-1994 21:52:25 -0800"'
        client.append("INBOX", r"(\Seen keyword)", date, letter(2))
        self.assertEqual(client.noop()[0], "OK")
        self.ok(client.check())
        self.assertEqual(self.ok(client.search(None, "ALL")), [b"1 2 3"])
        self.assertEqual(self.ok(client.search(None, "SEEN")), [b"3"])
        [fetched] = self.ok(client.fetch("3", "(FLAGS INTERNALDATE UID RFC822.SIZE)"))
        self.assertIn(b'INTERNALDATE "02-Feb-1994 05:52:25 +0000"', fetched)
        self.assertIn(b"RFC822.SIZE %d" % len(letter(2)), fetched)
        self.assertIn(rb"FLAGS (\Seen)", fetched)
        whole = self.ok(client.fetch("2", "(BODY.PEEK[])"))[0][1]
        self.assertEqual(whole, letter(1))
        self.assertEqual(self.ok(client.search(None, "UNSEEN")), [b"1 2"])
        self.ok(client.fetch("2", "(RFC822)"))
        self.assertEqual(self.ok(client.search(None, "UNSEEN")), [b"1"])
        self.assertEqual(self.ok(client.uid("SEARCH", "SUBJECT", '"Welcome"')), [b"1"])
        self.ok(client.copy("2", "INBOX"))
        self.assertEqual(client.copy("2", "Elsewhere")[0], "NO")
        self.assertEqual(self.ok(client.search(None, "ALL")), [b"1 2 3 4"])
        self.ok(client.uid("STORE", "2:3", "+FLAGS.SILENT", r"(\Deleted)"))
        self.assertEqual(self.ok(client.expunge()), [b"3", b"2"])
        self.assertIn(b"NAMESPACE", client.capability()[1][0])
        self.assertEqual(self.ok(client.namespace()), [b'(("" "/")) NIL NIL'])
        self.assertEqual(self.ok(client.lsub()), [b'() "/" "INBOX"'])
        self.assertEqual(self.ok(client.list(pattern="%")), [b'() "/" "INBOX"'])
        self.assertIn(
            b"MESSAGES 2 UIDNEXT 5",
            self.ok(client.status("INBOX", "(MESSAGES UIDNEXT)"))[0],
        )
        self.ok(client.subscribe("INBOX"))
        for refused in (
            lambda: client.create("Other"),
            lambda: client.delete("INBOX"),
            lambda: client.rename("INBOX", "Other"),
            lambda: client.unsubscribe("INBOX"),
        ):
            self.assertEqual(refused()[0], "NO")
        self.ok(client.close())
        self.assertEqual(client.logout()[0], "BYE")

    def ok(self, answer: tuple[str, list[Any]]) -> list[Any]:
        """
        Assert that a command has worked.

        @return: what it brought.
        """
        self.assertEqual(answer[0], "OK", answer)
        return answer[1]

    def test_large(self) -> None:
        """
        A message of some megabytes comes back as it went.
        """
        client = self.imap()
        large = letter(1) + b"\r\n.line\r\n" * 400000
        self.ok(client.append("INBOX", None, None, large))  # type: ignore[arg-type]
        self.assertEqual(self.ok(client.fetch("2", "(BODY[])"))[0][1], large)
        part = self.ok(client.fetch("2", "(BODY[TEXT]<100000.1000>)"))[0]
        self.assertIn(b"BODY[TEXT]<100000>", part[0])
        body = large.partition(b"\r\n\r\n")[2]
        self.assertEqual(part[1], body[100000:101000])
        client.logout()


class IMAPClientTests(ClientTests):
    """
    Tests for the library C{imapclient}.
    """

    def test_day(self) -> None:
        """
        It does what clients do in a day.
        """
        if imapclient is None:
            raise SkipTest("install the extra tests")
        port = self.server.ports["imap"]
        with imapclient.IMAPClient("127.0.0.1", port, ssl=False) as client:
            client.login("alice", PASSWORD)
            chosen = client.select_folder("INBOX")
            self.assertEqual(chosen[b"EXISTS"], 1)
            self.assertEqual(chosen[b"UIDNEXT"], 2)
            self.assertIn(b"\\Seen", chosen[b"PERMANENTFLAGS"])
            client.append("INBOX", letter(1), ["\\Flagged"])
            self.assertEqual(client.search(["SUBJECT", "cäke"], "UTF-8"), [2])
            self.assertEqual(client.search(["OR", "FLAGGED", ["NOT", "UNSEEN"]]), [2])
            keys = ["ENVELOPE", "BODYSTRUCTURE", "BODY[HEADER]", "RFC822", "FLAGS"]
            fetched = client.fetch([1, 2], keys)
            self.assertEqual(fetched[2][b"RFC822"], letter(1))
            envelope = fetched[2][b"ENVELOPE"]
            self.assertEqual(envelope.from_[0].mailbox, b"bob")
            self.assertEqual(envelope.message_id, b"<1@localhost>")
            self.assertEqual(fetched[2][b"BODY[HEADER]"].count(b"Received"), 2)
            self.assertEqual(client.get_flags([2])[2], (b"\\Flagged", b"\\Seen"))
            client.add_flags([2], ["\\Answered"])
            self.assertIn(b"\\Answered", client.get_flags([2])[2])
            client.idle()
            self.assertEqual(client.idle_done()[0], b"IDLE terminated")
            client.delete_messages([1])
            client.uid_expunge([1])
            self.assertEqual(client.search(), [2])
            folders = client.list_folders()
            self.assertEqual([name for _, _, name in folders], ["INBOX"])
            self.assertTrue(client.folder_exists("INBOX"))
            self.assertFalse(client.folder_exists("Elsewhere"))
            status = client.folder_status("INBOX", ["MESSAGES", "UNSEEN"])
            self.assertEqual(status[b"MESSAGES"], 1)
            self.assertEqual(client.namespace().personal, (("", "/"),))
            client.logout()

    def test_plain(self) -> None:
        """
        It logs in by the mechanism PLAIN, and not as another user.
        """
        if imapclient is None:
            raise SkipTest("install the extra tests")
        port = self.server.ports["imap"]
        with imapclient.IMAPClient("127.0.0.1", port, ssl=False) as client:
            refused = imapclient.exceptions.LoginError
            self.assertRaises(refused, client.plain_login, "alice", PASSWORD, "bob")
            client.plain_login("alice", PASSWORD, "alice")
            client.logout()
