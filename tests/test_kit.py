"""
Tests for how the tests are laid out.
"""

from __future__ import annotations

import ast
import os
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import mycred

# Starts a server, as tests do, and is killed.
_KILLED = """
import os, signal, subprocess
from pathlib import Path
from tests.kit.lifeline import Lifeline
server = subprocess.Popen(
    ["sleep", "600"], stdout=subprocess.DEVNULL, start_new_session=True
)
lifeline = Lifeline(Path("home").absolute(), server.pid)
print(server.pid, lifeline._watcher.pid, flush=True)
input()
os.kill(os.getpid(), signal.SIGKILL)
"""

ROOT = Path(mycred.__file__).parents[1]


def testModules() -> Iterator[Path]:
    """
    Yield the paths of all test modules.
    """
    yield from ROOT.glob("tests/**/test_*.py")


def imported(path: Path) -> Iterator[str]:
    """
    Yield the names of the modules that a module may import, each with what it imports of
    it.
    """
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)


class LayoutTests(SynchronousTestCase):
    """
    Tests for the modules of the tests.
    """

    def test_kit(self) -> None:
        """
        What test modules share stands in C{tests.kit}: none of them is imported.
        """
        names = {path.stem for path in testModules()}
        for path in ROOT.glob("tests/**/*.py"):
            for name in imported(path):
                wrong = names.intersection(name.split("."))
                self.assertFalse(wrong, f"{path} imports from {wrong}")

    def test_everyModule(self) -> None:
        """
        Each module of mycred has a test module of its name, in the directory of its
        package, or is named as C{L{mycred...}} in the docstring of a test module.
        """
        trees = [ast.parse(path.read_text("utf-8")) for path in testModules()]
        texts = [ast.get_docstring(tree) or "" for tree in trees]
        named = set(re.findall(r"L\{(mycred[.\w]*)\}", " ".join(texts)))
        tested = {path.relative_to(ROOT / "tests") for path in testModules()}
        for path in ROOT.glob("mycred/**/*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            *packages, name = (part.strip("_") for part in parts[1:])
            isTested = Path(*packages, f"test_{name}.py") in tested
            if parts[-1] != "__init__" and not isTested:
                module = ".".join(parts)
                self.assertTrue(module in named, f"no test module names L{{{module}}}")


class LifelineTests(SynchronousTestCase):
    """
    Tests for L{tests.kit.lifeline}.
    """

    def test_killed(self) -> None:
        """
        What a run has started ends when the run is killed, and its files go.
        """
        directory = Path(self.mktemp())
        (directory / "home" / "data").mkdir(parents=True)
        with subprocess.Popen(
            [sys.executable, "-c", _KILLED],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as run:
            assert run.stdout is not None
            pids = map(int, run.stdout.readline().split())
            ends = [os.pidfd_open(pid) for pid in pids]
            run.communicate(b"\n")
        for end in ends:
            self.addCleanup(os.close, end)
            self.assertTrue(select.select([end], [], [], 60)[0])
        self.assertEqual(list(directory.iterdir()), [])
