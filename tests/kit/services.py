"""
PAM services for tests, in a folder of their own.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest

from mycred._accounts._pam import PAM

_SOURCE = Path(__file__).with_name("pammodule.c")


class Services:
    """
    What tests with PAM services have in common.
    """

    def setUp(self: Any) -> None:
        super().setUp()  # type: ignore[misc]
        self.confdir = Path(self.mktemp()).resolve()
        self.confdir.mkdir()
        self.service("permit", "pam_permit.so", "pam_permit.so")
        try:
            PAM("permit", str(self.confdir))
        except ValueError as error:
            raise SkipTest(f"install Linux-PAM: {error}")

    def service(self: Any, name: str, auth: str, account: str) -> str:
        """
        Write a service file.

        @param auth: a module, and what follows it, for the stage C{auth}.
        @param account: a module for the stage C{account}.

        @return: its name.
        """
        lines = f"auth required {auth}\naccount required {account}\n"
        (self.confdir / name).write_text(lines)
        return name

    def module(self: Any) -> str:
        """
        Compile the module of the tests.

        @return: its name.
        """
        compiler = shutil.which("cc")
        if compiler is None:
            raise SkipTest("install a C compiler")
        path = self.confdir / "module.so"
        command = [compiler, "-shared", "-fPIC", "-o", path, _SOURCE, "-l:libpam.so.0"]
        subprocess.run(command, check=True)
        return str(path)
