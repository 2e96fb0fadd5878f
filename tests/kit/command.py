"""
The C{mycred} command, run in this process.
"""

from __future__ import annotations

import sys
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple

from twisted.trial.unittest import SynchronousTestCase

from mycred._cli import main


class Done(NamedTuple):
    """
    What a command has done.
    """

    status: int
    out: str
    err: str


class CommandTests:
    """
    What the tests of the command have in common.
    """

    def setUp(self: Any) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.path = self.folder / "htpasswd"

    def mycred(self: Any, *arguments: object, stdin: bytes = b"") -> Done:
        """
        Run the command.
        """
        out, err = StringIO(), StringIO()
        self.patch(sys, "stdin", TextIOWrapper(BytesIO(stdin)))
        self.patch(sys, "stdout", out)
        self.patch(sys, "stderr", err)
        try:
            status = main(list(map(str, arguments)))
        except SystemExit as error:
            status = int(error.code or 0)
        return Done(status, out.getvalue(), err.getvalue())

    def assertUsage(self: Any, done: Done, says: str) -> None:
        """
        Assert that a command line was refused, in one line.
        """
        self.assertEqual((done.status, done.out), (2, ""))
        [line] = done.err.splitlines()
        self.assertRegex(line, says)


class PasswdTestCase(CommandTests, SynchronousTestCase):
    """
    Base of the tests for C{mycred passwd}.
    """

    def passwd(self, *arguments: object, stdin: bytes = b"sesame\n") -> Done:
        """
        Run it, with a password of little cost where one is set.
        """
        return self.mycred("passwd", "--stdin", *arguments, stdin=stdin)

    def set(self, user: str, password: bytes, *options: str) -> None:
        """
        Set a password.
        """
        done = self.passwd("--cost=4", self.path, user, *options, stdin=password)
        self.assertEqual(done, (0, "", ""))

    def secret(self, user: bytes) -> bytes:
        """
        Return what is stored for a user.
        """
        for line in self.path.read_bytes().split(b"\n"):
            name, _, rest = line.partition(b":")
            if name.strip() == user:
                return rest.split(b":")[0].strip()
        raise KeyError(user)
