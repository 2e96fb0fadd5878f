"""
Tests for what is installed: a wheel in an environment of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable, Iterator
from configparser import ConfigParser
from pathlib import Path
from zipfile import ZipFile

from twisted.trial.unittest import SynchronousTestCase

import mycred

ROOT = Path(mycred.__file__).parents[1]


class WheelTests(SynchronousTestCase):
    """
    Tests for the wheel, in a fresh environment.
    """

    def setUp(self) -> None:
        if not (ROOT / "setup.cfg").exists():
            self.fail("the tests belong into a checkout")

    def run_(self, *command: str, cwd: Path | None = None) -> str:
        """
        Run a program, which must succeed.

        @return: what it printed.
        """
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=cwd, env=environment
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def build(self) -> Path:
        """
        Build the wheel, of a copy so that nothing is left in the checkout.
        """
        work = Path(self.mktemp()).resolve()
        source = work / "source"
        source.mkdir(parents=True)
        for name in ("setup.cfg", "setup.py", "pyproject.toml", "README.rst", "LICENSE"):
            shutil.copy(ROOT / name, source)
        for name in ("mycred", "twisted"):
            shutil.copytree(
                ROOT / name,
                source / name,
                ignore=shutil.ignore_patterns("__pycache__", "dropin.cache"),
            )
        pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps")
        self.run_(*pip, "--wheel-dir", str(work), str(source))
        [wheel] = work.glob("mycred-*.whl")
        return wheel

    def test_installed(self) -> None:
        """
        The wheel holds mycred and its entry in Twisted's plugins, and no tests.
        Installed, twistd knows C{myapp}, Twisted's own C{--help-auth} works and
        lists each type once, with those that Twisted lacks, and there is the command
        C{mycred}; uninstalled, Twisted is whole.
        """
        wheel = self.build()
        files = set(ZipFile(wheel).namelist())
        for path in ROOT.glob("mycred/**/*.py"):
            self.assertIn(str(path.relative_to(ROOT)), files)
        self.assertIn("mycred/py.typed", files)
        self.assertIn("twisted/plugins/mycred_dropin.py", files)
        self.assertNotIn("twisted/plugins/__init__.py", files)
        self.assertFalse([f for f in files if f.startswith(("tests", "benchmarks"))])

        home = wheel.parent / "environment"
        venv.create(home)
        python = str(home / "bin" / "python")
        # What mycred needs, and pip, is taken from the environment that runs the tests;
        # but Twisted is copied, since the plugins go into its directory.
        [site] = home.glob("lib/python*/site-packages")
        here = Path(sysconfig.get_path("purelib"))
        shutil.copytree(
            here / "twisted",
            site / "twisted",
            ignore=shutil.ignore_patterns("test", "mycred_dropin*", "dropin.cache"),
        )
        (site / "rest.pth").write_text(f"{here}\n")
        self.run_(
            python,
            "-m",
            "pip",
            "install",
            "--no-deps",
            "--no-index",
            "--ignore-installed",
            str(wheel),
        )
        where = self.run_(python, "-c", "import mycred; print(mycred.__file__)", cwd=home)
        self.assertTrue(where.startswith(str(home)), where)

        twistd = (python, "-c", "from twisted.scripts.twistd import run; run()")
        self.assertIn("myapp", self.run_(*twistd, "--help", cwd=home))
        for program in ("ftp", "myapp"):
            listed = self.run_(*twistd, program, "--help-auth", cwd=home)
            types = [line.split()[0] for line in listed.splitlines()[5:] if line.strip()]
            self.assertEqual(len(types), len(set(types)), listed)
            self.assertLessEqual({"anonymous", "file", "memory"}, set(types))
            self.assertLessEqual({"htdigest", "htpasswd"}, set(types))
        self.assertIn("htpasswd", self.run_(str(home / "bin" / "mycred"), "types"))

        self.run_(python, "-m", "pip", "uninstall", "--yes", "mycred")
        self.assertTrue((site / "twisted" / "plugins" / "__init__.py").exists())
        self.assertNotIn("myapp", self.run_(*twistd, "--help", cwd=home))


class AdviceTests(SynchronousTestCase):
    """
    Tests for what is said of how to install things.
    """

    def test_noIndex(self) -> None:
        """
        Nothing names a package index that doesn't have mycred: it is installed from a
        checkout, with extras that there are.
        """
        extras = ConfigParser()
        extras.read(ROOT / "setup.cfg")
        known = set(extras["options.extras_require"])
        for path in sorted(advising()):
            text = path.read_text()
            self.assertNotRegex(
                text, r"mycred\[|pip3? install (?:-\S+ )*['\"]?mycred", path
            )
            for extra in re.findall(r"'\.\[(\w+)\]'|installing\(['\"](\w+)['\"]\)", text):
                self.assertIn("".join(extra), known, path)


def advising() -> Iterator[Path]:
    """
    Find the files whose text people see, or who look into the code.
    """
    yield ROOT / "README.rst"
    for folder, kind in (("mycred", "py"), ("doc", "rst"), ("newsfragments", "rst")):
        yield from (ROOT / folder).rglob(f"*.{kind}")


class OldestTests(SynchronousTestCase):
    """
    Tests for the oldest versions that mycred promises to work with.
    """

    def test_eachIsTried(self) -> None:
        """
        An environment of tox has the oldest version of each library that one can be
        promised for.
        """
        setup, tox = ConfigParser(), ConfigParser()
        setup.read(ROOT / "setup.cfg")
        tox.read(ROOT / "tox.ini")
        needed = setup["options"]["install_requires"]
        promised = versionsIn([needed, *setup["options.extras_require"].values()], ">=")
        names = ("testenv:oldest", "testenv:oldest-tls")
        tried = versionsIn([tox[name]["deps"] for name in names], "==")
        self.assertIn(("bcrypt", "4"), promised)
        for name, oldest in sorted(promised):
            found = [version for library, version in tried if library == name]
            # 4.0.1 is a 4.
            isTried = any(f"{version}.".startswith(f"{oldest}.") for version in found)
            self.assertTrue(isTried, f"{name} {oldest}: {found}")


def versionsIn(texts: Iterable[str], relation: str) -> set[tuple[str, str]]:
    """
    Return the libraries of which requirements name a version with this relation, each
    with the version.
    """
    pattern = rf"^([\w.-]+)(?:\[.*\])? {relation} ([\d.]+)$"
    return {pair for text in texts for pair in re.findall(pattern, text, re.MULTILINE)}


class ImportTests(SynchronousTestCase):
    """
    Tests for importing mycred.
    """

    def test_silent(self) -> None:
        """
        Importing anything of mycred warns of nothing and installs no reactor, the
        example server aside, and makes the errors available.
        """
        program = (
            "import sys, mycred.portal; mycred.error;"
            "import mycred.checkers, mycred.credentials, mycred.strcred, mycred.workers;"
            "import mycred.plugins.cred_file, mycred.plugins.cred_htpasswd;"
            "import mycred._hashes, mycred._passwordfile, mycred._cli._passwd;"
            "print('twisted.internet.reactor' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        self.assertEqual((done.stdout, done.stderr), ("False\n", ""))
