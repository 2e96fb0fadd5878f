"""
Tests for the cache of a stack as it is run: requests by HTTP Basic with curl, each of
which logs in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from ..kit.server import PATIENCE, Server, ServerTests

# Has a program note each password that is held against a hash.
COUNTING = """
import os, bcrypt

def checkpw(*args, check=bcrypt.checkpw):
    with open(os.environ["COUNTED"], "ab") as file:
        file.write(b".")
    return check(*args)

bcrypt.checkpw = checkpw
"""


class CachedLoginsTests(ServerTests, SynchronousTestCase):
    """
    Tests with a server that has a file of users behind a stack.
    """

    def setUp(self) -> None:
        if shutil.which("curl") is None:
            raise SkipTest("install curl")
        super().setUp()
        self.users = self.folder / "users"
        self.counted = self.folder / "counted"
        self.counted.touch()
        self.folder.joinpath("sitecustomize.py").write_text(COUNTING)
        self.passwd(b"sesame")
        stack = self.folder / "login.ini"
        stack.write_text(
            f"[stack]\ncheckers = htpasswd:{self.users}\n[cache]\nseconds = 300\n"
        )
        paths = os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")])
        self.server = Server(
            self.options([f"--auth=stack:{stack}"], ["http"], ""),
            ["http"],
            PYTHONPATH=paths.rstrip(os.pathsep),
            COUNTED=str(self.counted),
        )
        self.addCleanup(self.server.stop)
        self.server.logsMuch()

    def passwd(self, password: bytes) -> None:
        """
        Set the user's password, as an administrator does.
        """
        subprocess.run(
            [sys.executable, "-m", "mycred", "passwd", "--stdin", self.users, "alice"],
            cwd=Path(__file__).parents[2],
            input=password,
            check=True,
        )

    def requests(self, number: int, password: str, *options: str) -> list[str]:
        """
        Ask for a page so many times.

        @return: the status of each answer.
        """
        command = ["curl", "-sSq", "--noproxy", "*", "-m", str(PATIENCE), *options]
        url = f"http://127.0.0.1:{self.server.ports['http']}/?[1-{number}]"
        shown = ["-o", os.devnull, "-w", "%{http_code}\n"]
        done = subprocess.run(
            [*command, "-u", f"alice:{password}", *shown, url],
            capture_output=True,
            text=True,
            check=True,
            timeout=2 * PATIENCE,
        )
        return done.stdout.split()

    def hashes(self) -> int:
        """
        Return how many passwords were held against a hash.
        """
        return self.counted.stat().st_size

    def test_requests(self) -> None:
        """
        A thousand requests cost one hash, and a new password ends that at the next one.
        """
        statuses = self.requests(900, "sesame")
        self.assertEqual(statuses, ["200"] * 900)
        self.assertEqual(self.hashes(), 1)
        statuses = self.requests(100, "sesame", "--parallel", "--parallel-max", "50")
        self.assertEqual(statuses, ["200"] * 100)
        self.assertEqual(self.hashes(), 1)
        self.passwd(b"oak")
        self.assertEqual(self.requests(1, "sesame"), ["401"])
        # A file that has just been written is read again before somebody is refused.
        before = self.hashes()
        self.assertEqual(self.requests(10, "oak"), ["200"] * 10)
        self.assertEqual(self.hashes(), before + 1)

    def test_atOnce(self) -> None:
        """
        Many that come at once, before any is remembered, cost one hash, too.
        """
        options = "--parallel", "--parallel-immediate", "--parallel-max", "50"
        self.assertEqual(self.requests(50, "sesame", *options), ["200"] * 50)
        self.assertEqual(self.hashes(), 1)
        self.assertEqual(self.requests(3, "wrong"), ["401"] * 3)
        self.assertEqual(self.hashes(), 4)
