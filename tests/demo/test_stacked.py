"""
Tests for stacks in the example server, in one process and several
(L{mycred.demo._sharing}).
"""

from __future__ import annotations

from typing import Any

from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import HtdigestChecker, HtpasswdChecker
from mycred.checkers.sshkeys import InMemorySSHKeyDB, SSHPublicKeyChecker
from mycred.demo._startuplog import _warnOfGuesses
from mycred.stack import CheckerStack, ProcessState, Throttle

from ..kit.demoworkers import frozen, workersOf
from ..kit.protocols import Refused
from ..kit.server import Server, ServerTests

GUESSES = 4


class GuessesTests(SynchronousTestCase):
    """
    Tests for what is told of guesses that nobody counts.
    """

    def test_outside(self) -> None:
        """
        A checker of passwords beside a throttle is told, one of keys isn't; nor is any
        where there is no throttle, or all are behind it.
        """
        throttled = CheckerStack(
            [HtpasswdChecker("a")], throttle=Throttle(ProcessState())
        )
        plain, digest = HtpasswdChecker("b"), HtdigestChecker("c", "here")
        keys = SSHPublicKeyChecker(InMemorySSHKeyDB({}))
        told: list[str] = []

        def observe(event: LogEvent) -> None:
            told.append(str(formatEvent(event)))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        checkers: Any
        for checkers, others in (
            ([throttled, plain, digest, keys], "htpasswd and --auth=htdigest"),
            ([CheckerStack([plain]), throttled], "stack"),
            ([throttled, keys, throttled], None),
            ([CheckerStack([plain]), plain], None),
        ):
            told.clear()
            _warnOfGuesses(checkers)
            beginnings = [line.partition(" stands beside")[0] for line in told]
            self.assertEqual(beginnings, [f"--auth={others}"] if others else [])


class StackedTests(ServerTests, SynchronousTestCase):
    """
    Tests for what two processes count.
    """

    def serve(self, *lines: str) -> Server:
        """
        Start a server with two workers, and a throttle.

        @param lines: more lines of the section of the stack.
        """
        passwords = self.passwords(alice="sesame").removeprefix("--auth=")
        path = self.folder / "login.ini"
        throttle = "[throttle]", f"pair = {GUESSES - 1}", ""
        path.write_text(
            "\n".join(("[stack]", f"checkers = {passwords}", *lines, *throttle))
        )
        path.chmod(0o600)
        return self.start(f"--auth=stack:{path}", "--processes=2", offered="imap")

    def guess(self, server: Server, number: int) -> str:
        """
        Guess, by one of the workers.

        @return: the answer.
        """
        with frozen(workersOf(server)[number % 2]):
            refused = self.assertRaises(Refused, server.imap, "alice", f"x{number}")
        return str(refused)

    def test_shared(self) -> None:
        """
        Two workers that share a state count together.
        """
        server = self.serve(f"state = sqlite:///{self.folder}/state")
        answers = [self.guess(server, number) for number in range(GUESSES + 2)]
        waiting = ["UNAVAILABLE" in answer for answer in answers]
        self.assertEqual(waiting, [False] * GUESSES + [True] * 2, answers)
        self.assertNotIn("by itself", server.log)

    def test_alone(self) -> None:
        """
        Without a state each counts by itself, and the log says so.
        """
        server = self.serve()
        answers = [self.guess(server, number) for number in range(GUESSES + 2)]
        self.assertNotIn("UNAVAILABLE", "".join(answers))
        self.assertIn(
            "--processes=2: each of them counts failed logins by itself", server.log
        )
