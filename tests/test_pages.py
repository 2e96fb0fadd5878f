"""
Tests for pages of the documentation that name parts of the code.
"""

from __future__ import annotations

import re
from pathlib import Path

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

import mycred
from mycred._scram import written
from mycred.checkers import FilePasswordDB, HtpasswdChecker
from mycred.hashes import make
from mycred.portal import ConnectionFacts
from mycred.sasl import MECHANISMS, mechanismsFor

from .kit.sasl import keysOf, portalOf

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


class MechanismsTests(SynchronousTestCase):
    """
    Tests for the page on mechanisms.
    """

    page = (DOC / "mechanisms.rst").read_text("utf-8")

    def test_names(self) -> None:
        """
        It names all mechanisms, in the order in which they are offered.
        """
        cells = re.findall(r"^   \* - (``[A-Z].*``)$", self.page, re.MULTILINE)
        named = re.findall("``([A-Z0-9-]+)``", " ".join(cells))
        self.assertEqual(named, [name.decode() for name in MECHANISMS])

    def test_stores(self) -> None:
        """
        What it says that a store serves is offered, and nothing else.
        """
        rows = self.page.partition("What to store")[2].split("   * - ")
        said = {}
        for row in rows[1:]:
            first, *others = re.split(r"\n     - ", row.split("\n\n")[0].strip())
            said[first] = [other.strip() == "yes" for other in others]
        columns = ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN")
        keys = {hash: written(keysOf(hash=hash)) for hash in ("sha256", "sha1")}
        for title, checker, stored in (
            ("keys for SCRAM-SHA-256", HtpasswdChecker, keys["sha256"]),
            ("keys for SCRAM-SHA-1", HtpasswdChecker, keys["sha1"]),
            ("bcrypt, argon2, SHA-crypt, yescrypt", HtpasswdChecker, make("x", cost=4)),
            ("plain text", FilePasswordDB, b"sesame"),
        ):
            path = Path(self.mktemp())
            path.write_bytes(b"alice:" + stored + b"\n")
            portal = portalOf(checker(str(path)))
            facts = ConnectionFacts(StringTransport())
            # The file is read when this is asked for the first time.
            mechanismsFor(portal, facts, allowClearText=True)
            offered = mechanismsFor(portal, facts, allowClearText=True)
            served = [column.encode() in offered for column in columns]
            self.assertEqual(served, said[title], title)
