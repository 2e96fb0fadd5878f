"""
What tests have in common that run the mail programs of users at the example server.
"""

from __future__ import annotations

import imaplib
import os
import shutil
import subprocess

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from .server import PATIENCE, ServerTests, hangUp

PASSWORD = 'pa"ss\\w rd'


class ClientTests(ServerTests, SynchronousTestCase):
    """
    Base of the tests with clients: Alice's password has all that must be escaped.

    @cvar offered: the protocols that are offered.
    """

    offered = "imap pop3"

    def setUp(self) -> None:
        super().setUp()
        self.server = self.start(*self.arguments(), offered=self.offered)
        self.addCleanup(self.assertQuiet)

    def arguments(self) -> list[str]:
        """
        Return what the server is told.
        """
        return [self.passwords(alice=PASSWORD)]

    def assertQuiet(self) -> None:
        """
        Assert that the server has logged no error, and no password.
        """
        self.server.stop()
        for word in ("Traceback", "Unhandled", "ss\\w"):
            self.assertNotIn(word, self.server.log)

    def imap(self) -> imaplib.IMAP4:
        """
        Log in with the standard library's client, and select the inbox.
        """
        client = imaplib.IMAP4("127.0.0.1", self.server.ports["imap"], PATIENCE)
        self.addCleanup(hangUp, client)
        client.login("alice", PASSWORD)
        client.select()
        return client

    def program(self, name: str, package: str) -> str:
        """
        Find a program.
        """
        path = shutil.which(name)
        if path is None:
            raise SkipTest(f"install {package}")
        return path

    def run_(self, *command: str, given: bytes = b"", isRight: bool = True) -> bytes:
        """
        Run a program.

        @param given: what it reads.
        @param isRight: whether it succeeds.

        @return: what it says.
        """
        home = {**os.environ, "HOME": str(self.folder)}
        ran = subprocess.run(
            command, capture_output=True, timeout=PATIENCE, input=given, env=home
        )
        said = ran.stdout + ran.stderr
        self.assertEqual(ran.returncode == 0, isRight, said)
        return ran.stdout if isRight else said
