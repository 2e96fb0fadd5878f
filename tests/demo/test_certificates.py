"""
Tests for logins by client certificates at the example server, with curl: by EXTERNAL over
the protocols of mail, and over HTTP.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from ..kit.protocols import Refused
from ..kit.server import PATIENCE, ServerTests
from ..kit.tlspeers import ClientAuthority, Pair

# Where curl reads mail, or a page, by the protocol.
_PATHS = {"imap": "INBOX;MAILINDEX=1", "pop3": "1", "http": ""}


class CertificateTests(ServerTests, SynchronousTestCase):
    """
    Tests with Alice, who has a certificate, and Bob, who has a password.
    """

    def setUp(self) -> None:
        super().setUp()
        self.authority = ClientAuthority(self.folder)
        self.alice = self.authority.issue("alice")
        self.eve = ClientAuthority(self.folder, "other").issue("eve")
        server, key = self.authority.certify("server", "localhost")
        ca = self.authority.file
        self.tls = f"privateKey={key}:certKey={server}"
        self.asking = f"{self.tls}:clientCert=optional:clientCA={ca}"
        self.auth = [f"--auth=cert:ca={ca}:name=cn", self.passwords(bob="tulip")]

    def curl(
        self,
        url: str,
        user: str,
        certificate: Pair | None = None,
        options: tuple[str, ...] = (),
    ) -> str:
        """
        Read what is at a URL.

        @raise Refused: if that is refused.
        """
        shown = () if certificate is None else ("--cert", certificate[0])
        key = () if certificate is None else ("--key", certificate[1])
        command = ["curl", "-sSfq", "--noproxy", "*", "-m", str(PATIENCE)]
        command += ["--cacert", str(self.authority.file), "--ssl-reqd"]
        command += [*map(str, (*shown, *key)), *options]
        done = subprocess.run(
            [*command, *(["-u", user] if user else []), url],
            # It may ask for a password.
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise Refused(done.stderr)
        return done.stdout

    def url(self, name: str, isSecure: bool) -> str:
        """
        Return where to read mail over a protocol.

        @param isSecure: whether TLS comes first.
        """
        port = self.server.ports[name]
        return f"{name}{'s' * isSecure}://localhost:{port}/{_PATHS[name]}"

    def assertLogsIn(self, *names: str, isSecure: bool) -> None:
        """
        Assert who can log in, and how.
        """
        for name in names:
            url, isMail = self.url(name, isSecure), name != "http"
            user = "alice" if isMail else ""
            external = ("--login-options", "AUTH=EXTERNAL") if isMail else ()
            self.assertIn("alice", self.curl(url, user, self.alice, external))
            self.assertIn("bob", self.curl(url, "bob:tulip"))
            # One who has a certificate may take a password.
            self.assertIn("bob", self.curl(url, "bob:tulip", self.alice))
            for user, certificate in (
                ("", None),
                ("bob:sesame", None),
                ("alice:", self.eve),
                ("alice", None),
            ):
                with self.assertRaises(Refused):
                    self.curl(url, user, certificate, external)
            if isMail:
                with self.assertRaises(Refused):
                    self.curl(url, "bob", self.alice, external)

    def test_tlsFirst(self) -> None:
        """
        Where TLS comes first, the certificate is known at the greeting.
        """
        where = [f"--{name}=mtls:0:{self.asking}" for name in _PATHS]
        self.server = self.start(*self.auth, *where, offered="pop3 imap http")
        self.assertLogsIn(*_PATHS, isSecure=True)
        page = self.curl(self.url("http", True), "", self.alice)
        self.assertIn("Logged in as alice by a certificate\n", page)
        self.assertIn("curl --cert FILE --key FILE https://localhost:", page)
        self.assertIn("--login-options AUTH=EXTERNAL -u alice: -T message.eml", page)
        self.server.stop()
        self.assertNotIn("Traceback", self.server.log)

    def test_startTLS(self) -> None:
        """
        Behind STARTTLS it is known, too; and a letter is sent with it.
        """
        tls = f"--tls={self.asking}"
        self.server = self.start(*self.auth, tls, offered="pop3 imap smtp")
        self.assertLogsIn("pop3", "imap", isSecure=False)
        letter = self.folder / "letter"
        letter.write_text("Subject: Tea\n\nAt five?\n")
        url = f"smtp://localhost:{self.server.ports['smtp']}"
        options = ("--login-options", "AUTH=EXTERNAL", "-T", str(letter))
        options += ("--mail-from", "alice@localhost", "--mail-rcpt", "bob@localhost")
        self.curl(url, "alice", self.alice, options)
        inbox = self.url("imap", False).replace("=1", "=2")
        self.assertIn("authenticated as alice", self.curl(inbox, "bob:tulip"))
        for user, certificate in (("bob", self.alice), ("alice", None)):
            with self.assertRaises(Refused):
                self.curl(url, user, certificate, options)
        self.server.stop()
        self.assertNotIn("Traceback", self.server.log)

    def test_revoked(self) -> None:
        """
        A certificate that is revoked while the server runs lets nobody in.
        """
        crl = self.folder / "crl.pem"
        crl.write_bytes(self.authority.revoke())
        where = f"--imap=mtls:0:{self.asking}:crl={crl}"
        auth = f"{self.auth[0]}:crl={crl}"
        self.server = self.start(auth, where, offered="imap")
        url, external = self.url("imap", True), ("--login-options", "AUTH=EXTERNAL")
        self.assertIn("alice", self.curl(url, "alice", self.alice, external))
        _replace(crl, self.authority.revoke(self.alice[0]))
        with self.assertRaises(Refused):
            self.curl(url, "alice", self.alice, external)


def _replace(path: Path, content: bytes) -> None:
    """
    Put a new file into the place of one.
    """
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.rename(path)
