"""
Tests for the pages of the example server as it is run: a browser and curl look at them.
"""

from __future__ import annotations

import imaplib
import shutil
import sqlite3
import struct
import subprocess
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from mycred.demo._mailstore import LARGEST, MOST_MESSAGES, MOST_OCTETS

from ..kit.browser import Seen, sharedBrowser
from ..kit.server import PATIENCE, Server, ServerTests, hangUp

_HOSTILE = "</title></style><script>document.title='hit'</script><img src=x onerror=a()>"

_FILLING = b"Subject: filling\r\n\r\n"

_PHONE, _DESKTOP = 390, 1100


def letter() -> bytes:
    """
    Compose a message.
    """
    message = EmailMessage()
    message["From"] = "J\xfcrgen M\xfcller <jm@example.org>"
    message["Subject"] = "Gr\xfc\xdfe"
    message["Date"] = "Sat, 28 Nov 2026 14:03:00 +0100"
    message.set_content("Tea at five?\n" + "A_very_long_word" * 50)
    message.add_attachment(b"x", maintype="image", subtype="png", filename="cake.png")
    return message.as_bytes()


def hostile() -> bytes:
    """
    Compose a message that would like to be a page.
    """
    message = EmailMessage()
    message["From"] = f'"{_HOSTILE}" <eve@example.org>'
    message["Subject"] = _HOSTILE
    message.set_content(f"<html>{_HOSTILE}</html>", subtype="html")
    return message.as_bytes()


class PageTests(ServerTests):
    """
    What these tests have in common.
    """

    def append(self: Any, server: Server, *contents: bytes) -> imaplib.IMAP4:
        """
        Put messages into Alice's mailbox.
        """
        client = server.imap("alice", "sesame")
        self.addCleanup(hangUp, client)
        for content in contents:
            answer = client.append("INBOX", r"(\Seen)", "", content)
            self.assertEqual(answer[0], "OK")
        return client


class BrowserTests(PageTests, SynchronousTestCase):
    """
    Tests with Chromium.
    """

    def setUp(self) -> None:
        super().setUp()
        self.browser = sharedBrowser()

    def url(self, server: Server, path: str = "/", login: str = "") -> str:
        """
        Write the URL of a page.
        """
        return f"http://{login}127.0.0.1:{server.ports['http']}{path}"

    def assertGood(self, seen: Seen, width: int) -> None:
        """
        Assert that a page fits into its window, has its style and can be seen.
        """
        self.assertFalse(seen.isTooWide)
        self.assertNotIn(seen.background, ("rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"))
        self.assertTrue(seen.picture.startswith(b"\x89PNG"))
        self.assertEqual(struct.unpack(">I", seen.picture[16:20])[0], width)
        for element in ("<script", "<img"):
            self.assertNotIn(element, seen.html)

    def test_mailbox(self) -> None:
        """
        Users who log in see their messages by sender, subject and date, and open them;
        on a phone nothing is too wide, and at night the page is dark.
        """
        server = self.start(self.passwords(alice="sesame"), offered="imap http")
        self.append(server, letter(), hostile())
        for width in (_PHONE, _DESKTOP):
            seen = self.browser.open(self.url(server), ("alice", "sesame"), width)
            self.assertGood(seen, width)
            self.assertEqual(seen.title, "Mail of alice")
            for shown in (
                "Logged in as alice by HTTP Digest authentication (SHA-256)",
                "J\xfcrgen M\xfcller\n2026-11-28 14:03\nGr\xfc\xdfe\nTea at five?",
                "Welcome",
                _HOSTILE,
                "-T message.eml imap://",
            ):
                self.assertIn(shown, seen.text)
            self.assertIn('href="/2"', seen.html)
            seen = self.browser.open(self.url(server, "/2"), ("alice", "sesame"), width)
            self.assertGood(seen, width)
            for shown in ("J\xfcrgen M\xfcller <jm@example.org>", "Tea at", "cake.png"):
                self.assertIn(shown, seen.text)
            seen = self.browser.open(self.url(server, "/3"), ("alice", "sesame"), width)
            self.assertGood(seen, width)
            self.assertEqual(seen.title, _HOSTILE)
            self.assertIn(f"<html>{_HOSTILE}</html>", seen.text)
        light = seen.background
        seen = self.browser.open(
            self.url(server), ("alice", "sesame"), _PHONE, scheme="dark"
        )
        self.assertNotEqual(seen.background, light)
        self.assertGood(seen, _PHONE)

    def test_cancelled(self) -> None:
        """
        Who presses cancel, at once or after a wrong password, sees what to do.
        """
        server = self.start(self.passwords(alice="sesame"), offered="imap http")
        for login in (None, ("alice", "wrong")):
            seen = self.browser.open(self.url(server, "/2"), login, _PHONE)
            self.assertGood(seen, _PHONE)
            self.assertIn("needs a name and a password", seen.text)
            self.assertIn("Ask me again", seen.text)
            self.assertNotIn("alice", seen.text)

    def test_schemes(self) -> None:
        """
        With each kind of accounts a browser logs in whose user types name and password,
        or has them in the URL, and sees by which scheme.
        """
        for make, secret, scheme in (
            (self.passwords, "sesame", "Digest authentication (SHA-256)"),
            (self.htdigest, "sesame", "Digest authentication (MD5)"),
            (self.passwords, self.hashed("sesame"), "Basic authentication"),
        ):
            server = self.start(make(alice=secret), offered="http")
            for seen in (
                self.browser.open(self.url(server), ("alice", "sesame")),
                self.browser.open(self.url(server, login="alice:sesame@")),
            ):
                self.assertIn(f"Logged in as alice by HTTP {scheme}", seen.text)

    def test_notFound(self) -> None:
        """
        For an address that isn't there, the page says so, and leads back.
        """
        server = self.start(self.passwords(alice="sesame"), offered="http")
        url = self.url(server, "/mail/%3Cb%3E")
        seen = self.browser.open(url, ("alice", "sesame"), _PHONE)
        self.assertGood(seen, _PHONE)
        self.assertEqual(seen.title, "Not Found")
        self.assertIn('href="/"', seen.html)


class CurlTests(PageTests, SynchronousTestCase):
    """
    Tests with curl.
    """

    def setUp(self) -> None:
        super().setUp()
        auth = self.passwords(alice="sesame")
        self.server = self.start(auth, offered="pop3 imap http")

    def put(self, content: bytes) -> subprocess.CompletedProcess[bytes]:
        """
        Put a message in, as the page says.
        """
        if shutil.which("curl") is None:
            raise SkipTest("install curl")
        path = Path(self.folder / "message.eml")
        path.write_bytes(content)
        url = f"imap://127.0.0.1:{self.server.ports['imap']}/INBOX"
        command = ["curl", "-sSq", "--noproxy", "*", "-m", str(PATIENCE)]
        return subprocess.run(
            [*command, "-u", "alice:sesame", "-T", str(path), url],
            capture_output=True,
            timeout=PATIENCE,
        )

    def test_text(self) -> None:
        """
        curl is shown text without any HTML, and nothing that a terminal would obey.
        """
        self.append(self.server, letter(), b"Subject: \x1b]0;hit\x07\n\n\x1b[2J<b>")
        page = self.server.curl("http", "")("alice", "sesame")
        self.assertTrue(
            page.startswith("Mail of alice\nLogged in as alice by HTTP Basic")
        )
        row = r"(?m)^ +2  2026-11-28 14:03  J\xfcrgen M\xfcller +Gr\xfc\xdfe$"
        self.assertRegex(page, row)
        message = self.server.curl("http", "2")("alice", "sesame")
        self.assertIn(
            "\nSubject: Gr\xfc\xdfe\nAttached: cake.png\n\nTea at five?", message
        )
        message = self.server.curl("http", "3")("alice", "sesame")
        self.assertIn("\ufffd[2J<b>", message)
        for text in (page, message):
            self.assertNotIn("\x1b", text)
            self.assertNotIn("<html", text)

    def test_second(self) -> None:
        """
        A message that curl puts in over IMAP, as the page says, is there for all.
        """
        self.assertIn("-T message.eml imap://", self.server.http("alice", "sesame"))
        done = self.put(b"From: me\nSubject: Tea\n\nAt five?\n")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn("At five?", self.server.http("alice", "sesame", "/2"))
        client = self.server.pop3("alice", "sesame")
        self.addCleanup(client.close)
        self.assertIn(b"At five?", client.retr(2)[1])
        client.quit()

    def test_tooLarge(self) -> None:
        """
        A message that is too large is refused, and isn't kept.
        """
        done = self.put(b"Subject: large\n\n" + b"x" * LARGEST)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("large", self.server.http("alice", "sesame"))
        self.assertIn("Welcome", self.server.http("alice", "sesame"))


class LimitTests(PageTests, SynchronousTestCase):
    """
    Tests for how much a mailbox takes.
    """

    def assertFull(self, client: imaplib.IMAP4, content: bytes) -> None:
        """
        Assert that a mailbox takes one message more, and then none until one is gone.
        """
        for _ in range(2):
            answer = client.append("INBOX", r"(\Seen)", "", content)
            self.assertEqual(answer[0], "OK")
            self.assertRefused(client, content)
            client.select()
            client.store("2", "+FLAGS", r"(\Deleted)")
            client.expunge()

    def assertRefused(self, client: imaplib.IMAP4, content: bytes) -> None:
        """
        Assert that a message isn't taken, and that the client is told why (RFC 5530).
        """
        said, why = client.append("INBOX", r"(\Seen)", "", content)
        self.assertEqual(said, "NO")
        self.assertEqual(why[0][:11], b"[OVERQUOTA]")

    def test_messages(self) -> None:
        """
        A mailbox takes so many messages, and shows them.
        """
        server = self.start(self.passwords(alice="sesame"), offered="imap http")
        client = self.append(server, _FILLING)
        # One after the other would take a minute.
        with sqlite3.connect(self.folder / "store.sqlite") as store:
            store.executemany(
                "insert into mail_messages"
                " select name, ?, flags, received, octets, size, content"
                " from mail_messages where uid = 2",
                [(uid,) for uid in range(3, MOST_MESSAGES)],
            )
            store.execute("update mail_users set uidnext = ?", (MOST_MESSAGES,))
        store.close()
        self.assertFull(client, _FILLING)
        self.assertEqual(server.http("alice", "sesame").count("filling"), 50)

    def test_octets(self) -> None:
        """
        A mailbox takes messages that are so large together.
        """
        server = self.start(self.passwords(alice="sesame"), offered="imap")
        content = _FILLING.ljust(MOST_OCTETS // 5, b"x")
        client = self.append(server, *[content] * 3)
        self.assertFull(client, content)
