"""
Tests for the layout: a login's path reads downwards.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import mycred

ROOT = Path(mycred.__file__).parent

# A part may import parts of the rows below its own, never of the rows above;
# parts in one row ignore each other.
ROWS = [
    {"demo", "migrate", "__main__"},
    {"_cli"},
    {"plugins"},
    {"metrics", "sharedstate", "stack"},
    {"_stackfile"},
    {"_programs"},
    {"_sessionservice", "conch", "mail", "strcred", "web"},
    {"sasl", "sessions", "tls"},
    {"_ftpportal"},
    {"portal", "checkers"},
    {"_stack"},
    {"_checking", "_state", "_auditlog", "_metrics"},
    {"_privileged"},
    {"_ldap", "_sql", "_sshkeys", "_tls", "_tokens"},
    {"_failover", "_settingsfile"},
    {"_certificates"},
    {"_accounts"},
    {"_passwordfile"},
    {"hashes", "testing"},
    {"_hashes", "_verdict", "_chain"},
    {"credentials", "workers", "_argstring", "_scramsearch"},
    {"_mechanism", "_scramturn"},
    {"_callers", "_scramcredentials"},
    {
        "_conversations",
        "_facts",
        "_fairsemaphore",
        "_httpdigest",
        "_refusals",
        "_reporting",
    },
    {"_loginline"},
    {"_encodings"},
    {"_audit", "_scram"},
    {"_peers"},
    {
        "_authzid",
        "_cancelling",
        "_digest",
        "_fairqueue",
        "_files",
        "_gauged",
        "_inifile",
        "_processtree",
        "_records",
        "_secrets",
        "_sharedvalues",
        "_storedstate",
        "_threads",
        "_steps",
        "_timing",
        "_uidoption",
    },
    {"_paths"},
    {
        "_contracts",
        "_conchcontracts",
        "_counterparts",
        "_extras",
        "_migrate",
        "_types",
        "_x509errors",
        "error",
    },
]
PLUGINS = sorted((ROOT / "plugins").glob("cred_*.py"))
EXAMPLES = sorted((ROOT.parent / "doc" / "examples").rglob("*.py"))

ROW = {part: number for number, row in enumerate(ROWS) for part in row}


def modules() -> Iterator[tuple[str, Path]]:
    """
    Return mycred's modules: the part that each belongs to, and its path.
    """
    for path in sorted(ROOT.rglob("*.py")):
        part = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if part != "__init__":
            yield part, path


def imported(path: Path) -> Iterator[str]:
    """
    Return the dotted names that a module imports, wherever it does so.
    """
    isOurs = path.is_relative_to(ROOT)
    package = ("mycred", *path.relative_to(ROOT).parts[:-1]) if isOurs else ()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            module = (node.module,) if node.module else ()
            for alias in node.names:
                yield ".".join((*base, *module, alias.name))


def named() -> dict[str, Path]:
    """
    Return the paths of mycred's modules, by their dotted names.
    """
    paths = {}
    for _, path in modules():
        words = path.relative_to(ROOT.parent).with_suffix("").parts
        paths[".".join(words).removesuffix(".__init__")] = path
    return paths


def below(name: str, known: dict[str, Path]) -> Iterator[str]:
    """
    Return the dotted names of the modules that a module imports.

    @param name: its own.
    @param known: the paths of all modules.
    """
    for each in imported(known[name]):
        # The last word may be what is taken from a module.
        found = each if each in known else each.rpartition(".")[0]
        # A package shows what its modules have.
        if found in known and not name.startswith(f"{found}."):
            yield found


class LayerTests(SynchronousTestCase):
    """
    Tests for who imports whom.
    """

    def test_everyPartHasARow(self) -> None:
        """
        No part of mycred is left out.
        """
        self.assertEqual({part for part, _ in modules()}, set(ROW))

    def test_downwards(self) -> None:
        """
        Imports point down.
        """
        for part, path in modules():
            for name in imported(path):
                words = name.split(".")
                if words[0] != "mycred" or len(words) == 1:
                    continue
                if words[1] in (part, "__version__"):
                    continue
                if (part, name) == ("strcred", "mycred.plugins"):
                    # Where plugins are found, and nothing that is in them.
                    continue
                self.assertLess(ROW[part], ROW[words[1]], f"{path} imports {name}")

    def test_noCircles(self) -> None:
        """
        Within a part, too: no modules import each other, not even for the sake of types
        or later.
        """
        paths = named()
        left = {name: set(below(name, paths)) for name in paths}
        while leaves := {name for name in left if not left[name] & left.keys()}:
            left = {name: left[name] for name in left.keys() - leaves}
        self.assertEqual(sorted(left), [])

    def test_contractsThroughOneDoor(self) -> None:
        """
        What is Twisted's own in cred comes in through two modules.
        """
        for part, path in modules():
            if part not in ("_contracts", "_conchcontracts", "error"):
                for name in imported(path):
                    self.assertFalse(name.startswith("twisted.cred"), f"{path}: {name}")

    def test_pluginsAreLight(self) -> None:
        """
        A plugin imports its checker only when it makes one.
        """
        for path in PLUGINS:
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.ImportFrom) and node.module is not None:
                    self.assertNotIn("checkers", node.module.split("."), str(path))

    def test_pluginsImportPublicNames(self) -> None:
        """
        A plugin imports public names from public modules only, so that each is an
        example for other distributions.
        """
        for path in [*PLUGINS, *EXAMPLES]:
            for name in imported(path):
                if name.startswith("mycred."):
                    private = [word for word in name.split(".") if word.startswith("_")]
                    self.assertEqual(private, [], f"{path} imports {name}")

    def test_map(self) -> None:
        """
        The contributor's map lists the parts in the order of the rows.
        """
        page = (ROOT.parent / "doc" / "map.rst").read_text("utf-8")
        parts = re.findall(r"^   \* - ``mycred/(\w+)", page, re.MULTILINE)
        rows = [ROW[part] for part in parts]
        self.assertEqual(rows, sorted(rows))
        self.assertGreater(len(rows), 10)
