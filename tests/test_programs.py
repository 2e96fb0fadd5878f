"""
Tests for L{mycred._programs} and L{mycred._extras}.
"""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

import mycred
from mycred import plugins
from mycred._extras import installing
from mycred._programs import ProgramAuthOptions

ROOT = Path(mycred.__file__).parents[1]


class Options(usage.Options, ProgramAuthOptions):
    """
    The options of one of mycred's own programs.
    """


class ProgramAuthOptionsTests(SynchronousTestCase):
    """
    Tests for L{ProgramAuthOptions}.
    """

    def test_noUsers(self) -> None:
        """
        A checker without users is refused, and one with users isn't.
        """
        for empty in ("memory", "memory:"):
            error = self.assertRaises(
                usage.UsageError, Options().parseOptions, [f"--auth={empty}"]
            )
            self.assertIn("--auth=memory: no user is in it", str(error))
        options = Options()
        options.parseOptions(["--auth=memory:alice:sesame"])
        self.assertEqual(len(options["credCheckers"]), 1)


class ExtrasTests(SynchronousTestCase):
    """
    Tests for L{installing}.
    """

    def test_installing(self) -> None:
        """
        Commands name extras that exist, also where a plugin has one as text.
        """
        setup = ConfigParser()
        setup.read(ROOT / "setup.cfg")
        commands = [installing(extra) for extra in setup["options.extras_require"]]
        self.assertIn("pip install '.[argon2]' in a checkout of mycred", commands)
        plugin = Path(plugins.__path__[0], "cred_sshkeys.py").read_text("utf-8")
        self.assertIn(f'needing("{installing("ssh")}")', plugin)
