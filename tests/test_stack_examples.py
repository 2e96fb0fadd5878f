"""
Tests for the examples of C{doc/stack.rst} (L{mycred.stack}).
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.internet.defer import inlineCallbacks
from twisted.trial.unittest import TestCase

from mycred.credentials import UsernamePassword
from mycred.error import Throttled, UnauthorizedLogin
from mycred.portal import IRealm
from mycred.stack import readStack

from .kit.auditing import Realm
from .kit.examples import EXAMPLES, load
from .kit.files import BCRYPT


class ExamplesTests(TestCase):
    """
    Tests for the examples.
    """

    def setUp(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.home)
        self.users = self.home / "users"
        self.users.write_bytes(b"carol:" + BCRYPT + b"\n")

    @inlineCallbacks
    def test_portal(self) -> Iterator[Any]:
        """
        The portal counts logins and writes each down, knows the second one of a user, and
        has one who guesses wait.
        """
        example, logins = load("stacked_portal"), self.home / "logins"
        example.outcomes.clear()
        portal = example.makePortal(Realm(), str(self.users), str(logins))

        def login(password: bytes) -> Any:
            credentials: Any = UsernamePassword(b"carol", password)
            credentials.peer = "198.51.100.1"
            return portal.login(credentials, None, IRealm)

        for _ in range(2):
            _, avatarId, _ = yield login(b"hashed")
            self.assertEqual(avatarId, b"carol")
        for number in range(6):
            yield self.assertFailure(login(b"%d" % number), UnauthorizedLogin)
        yield self.assertFailure(login(b"hashed"), Throttled)
        counted = {"accepted": 2, "refused": 6, "throttled": 1}
        self.assertEqual(example.outcomes, counted)
        events = [json.loads(line) for line in logins.read_text().splitlines()]
        verdicts = [event["mycred.verdict"] for event in events]
        self.assertEqual({v: verdicts.count(v) for v in verdicts}, counted)
        cached = [event["mycred.cached"] for event in events[:3]]
        self.assertEqual(cached, [False, True, False])
        [stack] = set(portal.checkers.values())
        yield stack.close()

    @inlineCallbacks
    def test_file(self) -> Iterator[Any]:
        """
        The file is a stack, on a machine that has what it names.
        """
        for name, text in (
            ("redis-password", "sesame\n"),
            ("ldap.ini", "[ldap]\nhost = ldap.example.org\nbase = dc=example,dc=org\n"),
        ):
            (self.home / name).write_text(text)
            (self.home / name).chmod(0o600)
        text = (EXAMPLES / "login.ini").read_text("utf-8")
        for there, here in (
            ("/etc/myapp/", f"{self.home}/"),
            ("/var/log/myapp/", f"{self.home}/"),
            ("tcp:9100", "tcp:0"),
            # Nobody listens there, which is no mistake.
            ("rediss://myapp@redis.example.org/0", "redis://myapp@127.0.0.1:1/0"),
        ):
            self.assertIn(there, text)
            text = text.replace(there, here)
        path = self.home / "login.ini"
        path.write_text(text)
        path.chmod(0o600)
        stack = readStack(path)
        self.assertEqual([c.authType for c in stack.checkers], ["htpasswd", "ldap"])
        self.assertEqual(stack.writesLater, (f"{self.home}/logins.json",))
        for part in (stack.throttle, stack.cache, stack.metrics):
            self.assertIsNotNone(part)
        yield stack.close()
