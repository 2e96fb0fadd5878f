"""
Tests for the distribution in C{doc/examples/json_auth}: a checker and its auth type, by
public names alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import mycred

ROOT = Path(mycred.__file__).parents[1]
EXAMPLE = ROOT / "doc" / "examples" / "json_auth"

# printf password | openssl sha1 -binary | base64
USERS = '{"alice": "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="}'


class JSONAuthTests(SynchronousTestCase):
    """
    Tests for the auth type C{json}.
    """

    def setUp(self) -> None:
        self.place = Path(self.mktemp()).resolve()
        shutil.copytree(EXAMPLE, self.place, ignore=shutil.ignore_patterns("*cache*"))
        (self.place / "users.json").write_text(USERS)

    def python(self, *arguments: str, typed: str = "") -> tuple[int, str]:
        """
        Run Python where the distribution and mycred can be imported, and return its exit
        status and what it printed.
        """
        path = os.pathsep.join([str(self.place), str(ROOT)])
        done = subprocess.run(
            [sys.executable, *arguments],
            input=typed,
            capture_output=True,
            text=True,
            cwd=self.place,
            env={**os.environ, "PYTHONPATH": path},
        )
        return done.returncode, done.stdout + done.stderr

    def test_itsOwn(self) -> None:
        """
        Its own tests pass.
        """
        status, printed = self.python("-m", "twisted.trial", "test_json_auth")
        self.assertEqual(status, 0, printed)
        self.assertIn("PASSED", printed)

    def test_check(self) -> None:
        """
        C{mycred check} tries it, and its refusals are logged like those of mycred's own.
        """
        check = ("-m", "mycred", "check", "--stdin", "--auth=json:users.json")
        status, printed = self.python(*check, "alice", typed="password")
        self.assertEqual(status, 0, printed)
        self.assertIn("accepted by json, avatar ID b'alice'", printed)
        status, printed = self.python(*check, "alice", typed="tulip")
        self.assertEqual(status, 1, printed)
        self.assertIn('Login refused: user="alice" why="wrong password"', printed)

    def test_twistedsOwn(self) -> None:
        """
        Twisted's own programs know the type, too.
        """
        _, printed = self.python("-m", "twisted", "ftp", "--help-auth")
        self.assertRegex(printed, r"(?m)^  json +\tFILE$")

    def test_wrong(self) -> None:
        """
        A program refuses a file that can't be read, and explains the type.
        """
        twistd = ("-m", "twisted", "myapp")
        status, printed = self.python(*twistd, "--auth=json:/no/such")
        self.assertEqual(status, 1, printed)
        self.assertIn("--auth=json: file: /no/such can't be read", printed)
        _, printed = self.python(*twistd, "--help-auth-type=json")
        self.assertIn("[file=]FILE", printed)

    def test_short(self) -> None:
        """
        It is short: less than 60 lines that aren't empty, with its tests.
        """
        sources = [p for end in ("py", "toml") for p in self.place.rglob(f"*.{end}")]
        lines = [line for p in sources for line in p.read_text("utf-8").splitlines()]
        self.assertLess(len([line for line in lines if line.strip()]), 60)
