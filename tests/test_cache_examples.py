"""
Tests for the examples of the page on the cache.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zope.interface.verify import verifyObject

from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import ICredentialsChecker, IStoredState
from mycred.credentials import UsernamePassword
from mycred.error import UnauthorizedLogin
from mycred.stack import CheckerStack, LoginCache, readStack

from .kit.examples import EXAMPLES, load
from .kit.files import BCRYPT


class CacheExampleTests(SynchronousTestCase):
    """
    Tests for a checker that tells what it holds, and for a file of a stack.
    """

    def test_checker(self) -> None:
        """
        A PIN is verified once, until the member has another one or has left.
        """
        module = load("stateful_checker")
        checker = module.PinChecker()
        self.assertTrue(verifyObject(ICredentialsChecker, checker))
        self.assertTrue(verifyObject(IStoredState, checker))
        checker.setPin(b"alice", b"salt", b"1234")
        hashed: list[bytes] = []
        original = module._hashed

        def remember(pin: bytes, salt: bytes) -> Any:
            hashed.append(pin)
            return original(pin, salt)

        self.patch(module, "_hashed", remember)
        stack = CheckerStack([checker], cache=LoginCache(300))

        def logIn(pin: bytes = b"1234") -> Any:
            return stack.requestAvatarId(UsernamePassword(b"alice", pin))

        for _ in range(3):
            self.assertEqual(self.successResultOf(logIn()), b"alice")
        self.assertEqual(hashed, [b"1234"])
        checker.setPin(b"alice", b"salt", b"5678")
        self.failureResultOf(logIn(), UnauthorizedLogin)
        self.assertEqual(self.successResultOf(logIn(b"5678")), b"alice")
        del checker.pins[b"alice"]
        self.failureResultOf(logIn(b"5678"), UnauthorizedLogin)

    def test_file(self) -> None:
        """
        The file has a throttle and a cache.
        """
        users = Path(self.mktemp())
        users.write_bytes(b"alice:" + BCRYPT + b"\n")
        text = EXAMPLES.joinpath("cached.ini").read_text("utf-8")
        path = Path(self.mktemp())
        path.write_text(text.replace("/etc/myapp/users", str(users)))
        stack = readStack(path)
        self.assertIsInstance(stack.cache, LoginCache)
        self.assertIsNotNone(stack.throttle)
