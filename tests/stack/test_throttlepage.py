"""
Tests for C{doc/throttling.rst}, and for its examples.
"""

from __future__ import annotations

import re
from pathlib import Path

from twisted.internet.address import IPv4Address
from twisted.trial.unittest import SynchronousTestCase

from mycred._stackfile import SECTIONS
from mycred._state import ProcessState
from mycred.credentials import UsernamePassword
from mycred.error import Throttled, UnauthorizedLogin
from mycred.stack import Throttle, readStack

from ..kit.examples import EXAMPLES, load
from ..kit.sessions import Realm
from ..kit.throttled import LIMITS, allowed

PAGE = (EXAMPLES.parent / "throttling.rst").read_text("utf-8")

DAY = 86_400


class PageTests(SynchronousTestCase):
    """
    Tests for what the page says.
    """

    def test_limits(self) -> None:
        """
        The limits are those of a throttle, and the guesses are those that they allow.
        """
        table = PAGE.partition("Guesses in a day")[2].partition("The pauses are")[0]
        rows = re.findall(
            r"\* - (.*)\n +- .*\n +- (\d+)\n +- (\d+) s\n +- ([\d,]+)\n", table
        )
        said = {
            "newcomers" if "ten times" in option else option.strip("`"): numbers
            for option, *numbers in rows
        }
        right = {
            name: [f"{limit.free}", f"{limit.longest:.0f}", f"{allowed(limit, DAY):,}"]
            for name, limit in LIMITS.items()
        }
        self.assertEqual(said, right)

    def test_kit(self) -> None:
        """
        So are those that the tests count on.
        """
        limits = Throttle(ProcessState())._limits._asdict()
        self.assertEqual({name: limits[name] for name in LIMITS}, LIMITS)

    def test_options(self) -> None:
        """
        The page, or its example, names each option.
        """
        settings = (EXAMPLES / "throttle.ini").read_text("utf-8")
        for option in SECTIONS["throttle"]:
            self.assertIn(f"``{option.key}``", PAGE)
            self.assertRegex(settings, rf"(?m)^{option.key} = ")


class ExampleTests(SynchronousTestCase):
    """
    Tests for the examples.
    """

    def setUp(self) -> None:
        self.users = Path(self.mktemp())
        self.users.write_text("alice:{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=\n")

    def test_settings(self) -> None:
        """
        The file of settings can be used.
        """
        text = (EXAMPLES / "throttle.ini").read_text("utf-8")
        settings = Path(self.mktemp())
        settings.write_text(text.replace("/etc/myapp/users", str(self.users.resolve())))
        stack = readStack(settings)
        self.addCleanup(stack.close)
        assert stack.throttle is not None
        self.assertEqual(stack.throttle._limits.pair, (3, 120, 900))

    def test_portal(self) -> None:
        """
        The portal has guesses wait, and not those of the webmail.
        """
        portal = load("throttled_portal").makePortal(Realm(), self.users)
        (stack,) = {*portal.checkers.values()}
        self.addCleanup(stack.close)
        for host, waits in (("192.0.2.7", False), ("192.0.2.8", True)):
            ends = []
            for number in range(5):
                guess = UsernamePassword(b"alice", b"guess%d" % number)
                guess.peer = IPv4Address("TCP", host, 1)  # type: ignore[attr-defined]
                login = portal.login(guess, None, object)
                ends.append(self.failureResultOf(login).type)
            self.assertEqual(ends.count(UnauthorizedLogin), 4 if waits else 5)
            self.assertEqual(ends.count(Throttled), 1 if waits else 0)
