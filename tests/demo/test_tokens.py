"""
Tests for logins by tokens at the example server, with curl: by OAUTHBEARER over the
protocols of mail, and over HTTP.
"""

from __future__ import annotations

import shutil
import subprocess
import time

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from ..kit.protocols import Refused
from ..kit.server import PATIENCE, ServerTests
from ..kit.tokens import ECSigner, claims, keySet


class TokenTests(ServerTests, SynchronousTestCase):
    """
    Tests with signed tokens.
    """

    def setUp(self) -> None:
        super().setUp()
        if shutil.which("curl") is None:
            raise SkipTest("install curl")
        self.signer = ECSigner()
        keys = self.folder / "keys.json"
        keys.write_bytes(keySet(self.signer.jwk()))
        said = claims()
        auth = f"token:keys={keys}:issuer={{}}:audience={{}}"
        issuer, audience = (
            str(said[name]).replace(":", "\\:") for name in ("iss", "aud")
        )
        self.auth = f"--auth={auth.format(issuer, audience)}"
        self.server = self.start(self.auth, offered="imap pop3 smtp http")

    def token(self, **changed: str) -> str:
        """
        Make a token that is good for ten minutes.
        """
        now = int(time.time())
        said = claims(iat=now, exp=now + 600, **changed)
        return self.signer.sign(said).decode("ascii")

    def curl(self, url: str, token: str, user: str = "", *options: str) -> str:
        """
        Read what is at a URL.

        @raise Refused: if that is refused.
        """
        name = url.partition(":")[0]
        url = url.replace("//", f"//127.0.0.1:{self.server.ports[name]}")
        command = ["curl", "-sSfq", "--noproxy", "*", "-m", str(PATIENCE), *options]
        command += ["--oauth2-bearer", token, *(["-u", f"{user}:"] if user else [])]
        done = subprocess.run([*command, url], capture_output=True, text=True)
        if done.returncode:
            raise Refused(done.stderr)
        return done.stdout

    def test_login(self) -> None:
        """
        A token lets its user in, and nobody else; one for another server lets nobody in.
        """
        name = str(claims()["sub"])
        token, other = self.token(), self.token(aud="other")
        letter = self.folder / "letter"
        letter.write_text("Subject: Tea\n\nAt five?\n")
        address = f"{name}@localhost"
        sending = ("--mail-from", address, "--mail-rcpt", address, "-T", str(letter))
        for url, options in (
            ("imap:///INBOX;MAILINDEX=1", ()),
            ("pop3:///1", ()),
            ("smtp://", sending),
        ):
            self.curl(url, token, name, *options)
            for wrong, user in ((other, name), (token, "mallory"), ("x", name)):
                with self.assertRaises(Refused):
                    self.curl(url, wrong, user, *options)
        self.assertIn("Tea", self.curl("imap:///INBOX;MAILINDEX=2", token, name))
        page = self.curl("http:///", token)
        self.assertIn(f"Logged in as {name} by HTTP Bearer authentication\n", page)
        self.assertIn("curl --oauth2-bearer TOKEN http://", page)
        self.assertIn(f"--oauth2-bearer TOKEN -u {name}: -T message.eml imap://", page)
        with self.assertRaises(Refused):
            self.curl("http:///", other)
        self.server.stop()
        self.assertNotIn("Traceback", self.server.log)
        self.assertNotIn(token.split(".")[2], self.server.log)

    def test_clearText(self) -> None:
        """
        What is said of passwords that others can read is said of tokens; and how to log
        in with one.
        """
        self.server.stop()
        self.assertIn("curl --oauth2-bearer TOKEN -u NAME: pop3://", self.server.log)
        where = ["--imap=tcp:0", "--http=tcp:0"]
        for more, says in (
            ([], "clients of other machines can't send tokens to 0.0.0.0"),
            (["--clear-text"], "anyone on the network can read the tokens"),
        ):
            server = self.start(self.auth, *where, *more, offered="imap http")
            server.stop()
            self.assertIn(f"--imap=tcp:0: {says}", server.log)
            self.assertIn("--http=tcp:0: anyone on the network can read", server.log)
