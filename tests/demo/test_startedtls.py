"""
Tests for mail clients that people have, at the example server with STARTTLS: they log in
by SCRAM, and submit mail.

They cover L{mycred.demo._smtp._factory}, too.
"""

from __future__ import annotations

import poplib
import smtplib
import ssl
from pathlib import Path

from ..kit.certificates import Authority
from ..kit.demoprograms import PASSWORD, ClientTests
from ..kit.server import PATIENCE

# With what a transport may change: dots, bytes that aren't ASCII, and no last line end.
LETTER = (
    b"From: Alice <alice@localhost>\r\nTo: bob@localhost\r\nSubject: Tea\r\n\r\n"
    b".Hello\r\n.\r\n..\r\nCake: \xc3\xa4\r\n" + b"x" * 998 + b"\r\nThe end\r\n"
)


class StartedTLSTests(ClientTests):
    """
    Base of the tests with STARTTLS.
    """

    offered = "imap pop3 smtp"

    def arguments(self) -> list[str]:
        """
        Return what the server is told.
        """
        self.authority = Authority(self.folder)
        certificate, key = self.authority.certify("server", "localhost", "127.0.0.1")
        tls = f"--tls=privateKey={key}:certKey={certificate}"
        return [self.passwords(alice=PASSWORD, bob="tulip"), tls]

    def context(self) -> ssl.SSLContext:
        """
        Return the TLS of a client of the standard library.
        """
        return ssl.create_default_context(cafile=str(self.authority.file))

    def configure(self, lines: str) -> str:
        """
        Write a configuration that others can't read.

        @return: its path.
        """
        path = self.folder / "rc"
        path.touch(0o600)
        path.write_text(lines)
        return str(path)

    def mailOf(self, name: str, password: str) -> list[bytes]:
        """
        Read a user's mail, without the headers that the server has put before it.
        """
        client = poplib.POP3("localhost", self.server.ports["pop3"], PATIENCE)
        client.stls(self.context())
        client.user(name)
        client.pass_(password)
        count, _ = client.stat()
        # The line of 998 octets has its end, and a dot before it.
        letters = [b"\r\n".join([*client.retr(n)[1], b""]) for n in range(1, count + 1)]
        client.quit()
        return [letter.partition(b"Received: ")[2] for letter in letters[1:]]


class ScramTests(StartedTLSTests):
    """
    Tests for logins by SCRAM.
    """

    def gsasl(self, protocol: str, mechanism: str, password: str, isRight: bool) -> bytes:
        """
        Log in with C{gsasl}.
        """
        return self.run_(
            self.program("gsasl", "gsasl"),
            f"--{protocol}",
            *(["--starttls"] if protocol == "smtp" else []),
            f"--connect=localhost:{self.server.ports[protocol]}",
            f"--x509-ca-file={self.authority.file}",
            f"--mechanism={mechanism}",
            "--authentication-id=alice",
            "--authorization-id=",
            f"--password={password}",
            isRight=isRight,
        )

    def test_gsasl(self) -> None:
        """
        C{gsasl} logs in bound to the connection of TLS, and trusts the server.
        """
        for protocol in ("imap", "smtp"):
            self.gsasl(protocol, "SCRAM-SHA-256-PLUS", PASSWORD, True)
            self.gsasl(protocol, "SCRAM-SHA-256-PLUS", "tulip", False)

    def test_mpop(self) -> None:
        """
        C{mpop} reads mail.
        """
        mpop = self.program("mpop", "mpop")
        maildir = self.folder / "mail"
        for name in ("cur", "new", "tmp"):
            (maildir / name).mkdir(parents=True)
        for password, isRight in (("sesame", False), (PASSWORD, True)):
            secret = self.folder / "secret"
            secret.write_text(password)
            path = self.configure(
                f"account default\nhost localhost\nport {self.server.ports['pop3']}\n"
                f"tls on\ntls_starttls on\ntls_trust_file {self.authority.file}\n"
                f"auth scram-sha-256\nuser alice\npasswordeval cat {secret}\n"
                f"delivery maildir {maildir}\nkeep on\n"
            )
            self.run_(mpop, f"--file={path}", isRight=isRight)
            self.assertEqual(len(list((maildir / "new").iterdir())), int(isRight))

    def test_mbsync(self) -> None:
        """
        C{mbsync} reads mail.
        """
        quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
        near = self.folder / "mail"
        near.mkdir()
        path = self.configure(
            "IMAPAccount demo\nHost localhost\n"
            f'Port {self.server.ports["imap"]}\nUser alice\nPass "{quoted}"\n'
            f"SSLType STARTTLS\nCertificateFile {self.authority.file}\n"
            "AuthMechs SCRAM-SHA-256\n\nIMAPStore far\nAccount demo\n\n"
            f"MaildirStore near\nPath {near}/\nInbox {near}/INBOX\n\n"
            "Channel all\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\n"
            f"SyncState {self.folder}/state-\n"
        )
        self.run_(self.program("mbsync", "isync"), "-c", path, "-a")
        self.assertEqual(len(list((near / "INBOX" / "new").iterdir())), 1)


class SubmissionTests(StartedTLSTests):
    """
    Tests for mail that users send.
    """

    def setUp(self) -> None:
        super().setUp()
        # A mailbox is made at the first login.
        self.mailOf("bob", "tulip")

    def smtp(self, isSecure: bool = True) -> smtplib.SMTP:
        """
        Connect with the standard library's client.
        """
        client = smtplib.SMTP("localhost", self.server.ports["smtp"], timeout=PATIENCE)
        self.addCleanup(client.close)
        if isSecure:
            client.starttls(context=self.context())
        return client

    def letterFile(self) -> Path:
        """
        Write the letter, as programs of UNIX have it.
        """
        path = self.folder / "letter"
        path.write_bytes(LETTER.replace(b"\r\n", b"\n"))
        return path

    def assertDelivered(self, user: str, password: str, count: int = 1) -> None:
        """
        Assert that a user has got the letter, and has it as it was sent.
        """
        letters = self.mailOf(user, password)
        self.assertEqual(len(letters), count)
        for letter in letters:
            received, _, rest = letter.partition(b"From: ")
            self.assertIn(b"with ESMTPSA (authenticated as alice)", received)
            # Some clients end the last line once more.
            self.assertEqual(b"From: " + rest.rstrip() + b"\r\n", LETTER)

    def test_msmtp(self) -> None:
        """
        C{msmtp} sends a letter with a login by SCRAM, and says so if it can't.
        """
        secret = self.folder / "secret"
        for password, to, isRight in (
            (PASSWORD, "bob@localhost", True),
            ("sesame", "bob@localhost", False),
            (PASSWORD, "bob@example.org", False),
            (PASSWORD, "nobody@localhost", False),
        ):
            secret.write_text(password)
            self.run_(
                self.program("msmtp", "msmtp"),
                f"--file={self.configure('')}",
                "--host=localhost",
                f"--port={self.server.ports['smtp']}",
                "--tls=on",
                f"--tls-trust-file={self.authority.file}",
                "--auth=scram-sha-256",
                "--user=alice",
                f"--passwordeval=cat {secret}",
                "--from=alice@localhost",
                to,
                given=self.letterFile().read_bytes(),
                isRight=isRight,
            )
        self.assertDelivered("bob", "tulip")

    def test_curl(self) -> None:
        """
        C{curl} sends a letter, with each way to log in, to several users at once.
        """
        for login in ("PLAIN", "LOGIN", "CRAM-MD5"):
            for early in ((), ("--sasl-ir",)):
                self.run_(
                    self.program("curl", "curl"),
                    *("-sSfq", "--noproxy", "*", "--ssl-reqd"),
                    *("--cacert", str(self.authority.file)),
                    *("-u", f"alice:{PASSWORD}", "--login-options", f"AUTH={login}"),
                    *("--mail-from", "alice@localhost", "--mail-rcpt", "bob@localhost"),
                    *("--mail-rcpt", "alice@localhost", "-T", str(self.letterFile())),
                    *early,
                    f"smtp://localhost:{self.server.ports['smtp']}",
                )
        self.assertDelivered("bob", "tulip", 6)
        self.assertDelivered("alice", PASSWORD, 6)

    def test_swaks(self) -> None:
        """
        C{swaks} sends a letter.
        """
        self.run_(
            self.program("swaks", "swaks"),
            *("--server", f"localhost:{self.server.ports['smtp']}", "-tls"),
            *("--auth", "PLAIN", "--auth-user", "alice", "--auth-password", PASSWORD),
            *("--from", "alice@localhost", "--to", "bob@localhost"),
            *("--data", f"@{self.letterFile()}"),
        )
        self.assertEqual(len(self.mailOf("bob", "tulip")), 1)

    def test_smtplib(self) -> None:
        """
        The standard library's client sends letters, and is told whom one hasn't reached.
        """
        client = self.smtp()
        client.login("alice", PASSWORD)
        self.assertIn("size", client.esmtp_features)
        users = ["bob@localhost", "bob@example.org", "carol@localhost"]
        refused = client.sendmail("alice@localhost", users, LETTER, ["BODY=8BITMIME"])
        self.assertEqual(
            {name: code for name, (code, _) in refused.items()},
            {
                "bob@example.org": 550,
                "carol@localhost": 550,
            },
        )
        client.sendmail("alice@localhost", "bob@localhost", LETTER)
        client.quit()
        self.assertDelivered("bob", "tulip", 2)

    def test_nobody(self) -> None:
        """
        Without a login nothing is sent, with TLS and without, whoever seems to send it.
        """
        for isSecure in (True, False):
            client = self.smtp(isSecure)
            client.ehlo()
            for sender in ("alice@localhost", ""):
                self.assertEqual(client.mail(sender)[0], 530)
            self.assertEqual(client.rcpt("bob@localhost")[0], 503)
            self.assertEqual(client.docmd("DATA")[0], 503)
            self.assertRaises(
                smtplib.SMTPAuthenticationError, client.login, "alice", "tulip"
            )
            self.assertEqual(client.mail("alice@localhost")[0], 530)
        self.assertEqual(self.mailOf("bob", "tulip"), [])

    def test_tooMuch(self) -> None:
        """
        A letter that is too large, or for which a mailbox has no room, is refused, with a
        code that says whether to try again; the others come as they were.
        """
        client = self.smtp()
        client.login("alice", PASSWORD)
        large = LETTER + (b"x" * 70 + b"\r\n") * 58000
        for _ in range(4):
            client.sendmail("alice@localhost", ["bob@localhost"], large)
        refused = self.assertRaises(
            smtplib.SMTPRecipientsRefused,
            client.sendmail,
            "alice@localhost",
            ["bob@localhost"],
            large,
        )
        self.assertEqual(refused.recipients["bob@localhost"][0], 452)
        refused = self.assertRaises(
            smtplib.SMTPSenderRefused,
            client.sendmail,
            "alice@localhost",
            ["bob@localhost"],
            large * 2,
        )
        self.assertEqual(refused.smtp_code, 552)
        letters = self.mailOf("bob", "tulip")
        self.assertEqual([one[-len(large) :] == large for one in letters], [True] * 4)
