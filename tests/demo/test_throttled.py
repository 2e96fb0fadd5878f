"""
Tests for what real clients of the example server see that have to wait
(L{mycred.error.Throttled}).
"""

from __future__ import annotations

import imaplib
import os
import poplib
import shutil
import smtplib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from twisted.conch.ssh.keys import Key
from twisted.internet.defer import Deferred, fail, inlineCallbacks
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SkipTest

from mycred.credentials import (
    IBearerToken,
    IScramCredentials,
    IUsernameDigestHash,
    IUsernamePassword,
)
from mycred.demo import _http, _imap4, _pop3, _smtp, _ssh
from mycred.error import Throttled
from mycred.portal import Portal

from ..kit.openssh import client as SSH, needSSH
from ..kit.portals import Checker
from ..kit.protocols import PATIENCE, LoginTestCase

TEXT = "Too many failed logins; try again in 5 s"


class ThrottledTests(LoginTestCase):
    """
    Tests with a checker that lets nobody try.
    """

    timeout = 60

    def setUp(self) -> None:
        self.checker = Checker(lambda: fail(Throttled(4.5)))
        self.checker.credentialInterfaces = (
            IUsernamePassword,
            IScramCredentials,
            IUsernameDigestHash,
            IBearerToken,
        )
        self.portal = Portal(None, [self.checker])

    def curl(self, scheme: str, path: str, *options: str, **more: str) -> Deferred[str]:
        """
        Return what curl says of a login.
        """
        if shutil.which("curl") is None:
            raise SkipTest("install curl")
        url = f"{scheme}://127.0.0.1:{self.port}/{path}"
        user = [] if "--oauth2-bearer" in options else ["-u", "alice:sesame"]
        words = ["curl", "-qsv", "--noproxy", "*", "-m", str(PATIENCE), *user, *options]
        run: Callable[..., Any] = subprocess.run
        running = deferToThread(
            run,
            [*words, url],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        return running.addCallback(lambda done: str(done.stdout))

    @inlineCallbacks
    def test_imap(self) -> Any:
        """
        IMAP: curl and imaplib, which may go on.
        """
        self.serve(_imap4.makeFactory(self.portal))
        answer = f"NO [UNAVAILABLE] {TEXT}"
        for options in ([], ["--login-options", "AUTH=PLAIN"]):
            self.assertIn(answer, (yield self.curl("imap", "INBOX", *options)))

        def login() -> list[str]:
            said = []
            with imaplib.IMAP4("127.0.0.1", self.port, PATIENCE) as client:
                for _ in range(2):
                    try:
                        client.login("alice", "sesame")
                    except imaplib.IMAP4.error as error:
                        said.append(str(error))
            return said

        said = yield deferToThread(login)
        for text in said:
            self.assertIn(f"[UNAVAILABLE] {TEXT}", text)
        self.assertEqual(len(said), 2)

    @inlineCallbacks
    def test_pop3(self) -> Any:
        """
        POP3: curl and poplib.
        """
        self.serve(_pop3.makeFactory(self.portal))
        answer = f"-ERR [SYS/TEMP] {TEXT}"
        self.assertIn(answer, (yield self.curl("pop3", "1")))

        def login() -> str:
            client = poplib.POP3("127.0.0.1", self.port, PATIENCE)
            try:
                client.user("alice")
                client.pass_("sesame")
            except poplib.error_proto as error:
                return str(error)
            finally:
                client.quit()
            return "let in"

        self.assertIn(answer, (yield deferToThread(login)))

    @inlineCallbacks
    def test_smtp(self) -> Any:
        """
        SMTP: curl, and smtplib, which tries all mechanisms that there are.
        """
        self.serve(_smtp.makeFactory(self.portal))
        options = "--mail-from", "a@b.example", "--mail-rcpt", "c@d.example"
        said = yield self.curl("smtp", "", *options, "-T", os.devnull)
        self.assertIn(f"454 4.7.0 {TEXT}", said)

        def login() -> str:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE) as client:
                try:
                    client.login("alice", "sesame")
                except smtplib.SMTPAuthenticationError as error:
                    return str(error)
            return "let in"

        said = yield deferToThread(login)
        self.assertIn(f"(454, b'4.7.0 {TEXT}')", said)

    @inlineCallbacks
    def test_http(self) -> Any:
        """
        HTTP: curl with Basic, Digest and Bearer.  The page says it, too.
        """
        self.serve(_http.makeFactory(self.portal))
        for options in (["--basic"], ["--digest"], ["--oauth2-bearer", "token"]):
            said = yield self.curl("http", "", *options)
            self.assertIn("< HTTP/1.1 429 Too Many Requests\n", said)
            self.assertIn("< Retry-After: 5\n", said)
            self.assertIn(f"{TEXT}.", said)

    @inlineCallbacks
    def test_retryAfter(self) -> Any:
        """
        curl's C{--retry} waits as long as it is told, and not less.
        """
        self.serve(_http.makeFactory(self.portal))
        said = yield self.curl("http", "", "--retry", "1", "--retry-max-time", "2")
        self.assertEqual(said.count("429 Too Many Requests"), 1)

    @inlineCallbacks
    def test_ssh(self) -> Any:
        """
        SSH: ssh shows why it was disconnected.
        """
        needSSH()
        hostKey = Key(Ed25519PrivateKey.generate())
        self.serve(_ssh.makeFactory(self.portal, hostKey))
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        program = folder / "askpass"
        program.write_text("#!/bin/sh\necho sesame\n")
        program.chmod(0o700)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "SSH_ASKPASS": str(program),
            "SSH_ASKPASS_REQUIRE": "force",
        }
        words = [word for word in SSH if "BatchMode" not in word]
        words = [word.replace("=publickey", "=password") for word in words]
        run: Callable[..., Any] = subprocess.run
        done = yield deferToThread(
            run,
            [*words, "-p", str(self.port), "alice@127.0.0.1", "list"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )
        self.assertEqual(done.returncode, 255)
        self.assertIn(f":14: {TEXT}", done.stderr)
        self.assertEqual(self.checker.asked, 1)
