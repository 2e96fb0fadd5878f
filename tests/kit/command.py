"""
The command as it is run, in this process.
"""

from __future__ import annotations

import sys
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple

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
