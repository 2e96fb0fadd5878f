"""
Tests for L{mycred._state._open}, L{mycred._state._clock} and L{mycred.sharedstate}.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import inlineCallbacks
from twisted.trial.unittest import TestCase

from mycred import sharedstate
from mycred.sharedstate import Fallback, ProcessState, openState

from ..kit.daemons import freePort
from ..kit.redisserver import PASSWORD, RedisServer
from ..kit.statecases import StateSteps


class OpenTests(StateSteps, TestCase):
    """
    Tests for what a URL opens.
    """

    def setUp(self) -> None:
        super().setUp()
        self.warnings: list[str] = []

    def open(self, *arguments: Any) -> Any:
        """
        Open a state.
        """
        state = openState(*arguments, warn=self.warnings.append)
        self.addCleanup(state.close)
        return state

    def passwordFile(self, password: str = PASSWORD, mode: int = 0o600) -> Path:
        """
        Write a file with a password.
        """
        path = Path(self.mktemp())
        path.write_text(password + "\n")
        path.chmod(mode)
        return path

    def assertRefused(self, text: str, *arguments: Any) -> None:
        """
        Insist that a state can't be opened, for a reason.
        """
        error = self.assertRaises(ValueError, openState, *arguments)
        self.assertIn(text, str(error))
        self.assertNotIn(PASSWORD, str(error))

    def test_none(self) -> None:
        """
        Without a URL this process counts alone.
        """
        self.assertIsInstance(self.open(), ProcessState)
        self.assertRefused("no state that has a password", None, self.passwordFile())

    @inlineCallbacks
    def test_redis(self) -> Any:
        """
        A Redis server counts, and the password for it comes from a file.
        """
        server = RedisServer("--requirepass", PASSWORD)
        self.addCleanup(server.stop)
        self.state = self.open(server.url, self.passwordFile())
        self.assertIsInstance(self.state, Fallback)
        yield self.wrong(*[self.guess()] * 3)
        self.state = self.open(server.url, str(self.passwordFile()))
        yield self.assertWaits(self.guess(), 1)
        self.assertRefused("no such user", server.url, self.passwordFile("sesame"))
        self.assertRefused("wants a password", server.url)
        self.assertEqual(self.warnings, [])

    @inlineCallbacks
    def test_file(self) -> Any:
        """
        So does a file of SQLite, which stays where it is when the directory changes.
        """
        path = Path(self.mktemp())
        self.state = self.open(f"sqlite:///{path}")
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.chdir("/")
        yield self.wrong(*[self.guess()] * 3)
        os.chdir(here)
        self.state = self.open(f"sqlite:///{path}")
        yield self.assertWaits(self.guess(), 1)

    @inlineCallbacks
    def test_down(self) -> Any:
        """
        Where it can't be asked at the start that is a warning, and this process counts.
        """
        url = f"redis://127.0.0.1:{freePort()}/0"
        self.state = self.open(url)
        self.assertEqual(len(self.warnings), 1)
        self.assertIn(f"{url} can't be asked now", self.warnings[0])
        yield self.wrong(*[self.guess()] * 3)
        yield self.assertWaits(self.guess(), 1)

    def test_databaseDown(self) -> None:
        """
        The warning names a database once.
        """
        url = f"mysql://myapp@127.0.0.1:{freePort()}/myapp"
        self.open(url)
        [warning] = self.warnings
        self.assertEqual(warning.count("mysql://"), 1)

    def test_refused(self) -> None:
        """
        What can't be right is an error, and no password is shown.
        """
        for text, url in (
            ("did you mean redis?", "reddis://127.0.0.1/0"),
            ("there is no memcached; write one of mariadb,", "memcached://127.0.0.1"),
            ("there is no redis+tls; did you mean redis", "redis+tls://127.0.0.1/0"),
            ("did you mean postgresql?", "postgressql://127.0.0.1/db"),
            ("state: the password is in the URL", f"redis://x:{PASSWORD}@127.0.0.1/0"),
            ("state: the password is in the URL", "postgresql://x:secret@127.0.0.1/db"),
            ("state: that is no URL", "redis:"),
            ("state: a database is a number", "redis://127.0.0.1/x"),
        ):
            self.assertRefused(text, url)

    def test_passwordFile(self) -> None:
        """
        A file that others can read, or that isn't there, is refused.
        """
        url, path = RedisServer.of().url, self.passwordFile(mode=0o644)
        self.assertRefused(str(path), url, path)
        self.assertRaises(OSError, openState, url, "/no/such/file")

    def test_names(self) -> None:
        """
        All public names are there.
        """
        for name in sharedstate.__all__:
            self.assertTrue(hasattr(sharedstate, name))
