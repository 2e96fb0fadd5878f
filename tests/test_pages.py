"""
Tests for pages of the documentation that name parts of the code.
"""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import mycred

ROOT = Path(mycred.__file__).resolve().parents[1]
DOC = ROOT / "doc"


def publicModules() -> set[str]:
    """
    Return the dotted names of the modules that programs may import.
    """
    found = set()
    for path in (ROOT / "mycred").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if not any(part.startswith("_") for part in parts):
            found.add(".".join(parts))
    return found


class MapTests(SynchronousTestCase):
    """
    Tests for the map.
    """

    page = (DOC / "map.rst").read_text("utf-8")

    def test_rooms(self) -> None:
        """
        It names each package, and each module that is public.
        """
        for path in sorted((ROOT / "mycred").iterdir()):
            isPackage = (path / "__init__.py").exists() or path.name == "plugins"
            if isPackage or (path.suffix == ".py" and not path.name.startswith("_")):
                self.assertRegex(self.page, rf"``(mycred/)?{re.escape(path.name)}``")

    def test_paths(self) -> None:
        """
        The paths that it names exist.
        """
        for path in re.findall(r"``((?:mycred|tests|doc|twisted)/[\w/.-]+)``", self.page):
            if "TYPE" not in path:
                self.assertTrue((ROOT / path).exists(), path)


class APITests(SynchronousTestCase):
    """
    Tests for the list of modules.
    """

    def test_modules(self) -> None:
        """
        It names each module that is public, but for the example server and the plugins.
        """
        page = (DOC / "api.rst").read_text("utf-8")
        named = set(re.findall(r":mod:`(mycred[\w.]*)`", page))
        public = {
            name
            for name in publicModules()
            if name != "mycred" and not name.startswith(("mycred.demo", "mycred.plugins"))
        }
        self.assertEqual(named, public)


class OperationsTests(SynchronousTestCase):
    """
    Tests for the messages to watch.
    """

    def test_messages(self) -> None:
        """
        What the page tells administrators to watch is what the log says.
        """
        said = "".join(
            path.read_text("utf-8") for path in sorted((ROOT / "mycred").rglob("*.py"))
        )
        # A message may be written in several pieces.
        said = re.sub(r'"\s*"', "", said)
        log = (DOC / "log.rst").read_text("utf-8")
        page = (DOC / "operations.rst").read_text("utf-8")
        messages = re.findall(r"^   \* - (?:many )?``([^`]+)``", page, re.MULTILINE)
        self.assertGreater(len(messages), 3)
        for message in messages:
            verdict = re.match(r"Login (\w+): \.\.\.", message)
            if verdict is not None:
                self.assertIn(f"\n``{verdict[1]}``\n", log)
                continue
            for piece in filter(None, map(str.strip, message.split("..."))):
                self.assertTrue(piece in said, f"the log doesn't say {piece!r}")
