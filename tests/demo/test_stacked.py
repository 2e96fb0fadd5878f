"""
Tests for a stack in several processes of the example server (L{mycred.demo._sharing}).
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from ..kit.demoworkers import frozen, workersOf
from ..kit.protocols import Refused
from ..kit.server import Server, ServerTests

GUESSES = 4


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
