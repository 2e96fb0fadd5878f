"""
Twisted with its own code migrated: C{python -m tests.kit.upstream}.

Modules of the Twisted that is installed are migrated by L{mycred.migrate} as they are
imported, implementations and tests alike, and the tests named are run.  That is done in
a process of its own, since nothing else of Twisted's would do in this one afterwards;
nothing is copied.

Standard input names what is to be run, as JSON; what became of each test, and which
modules were changed, goes to the file that is the only argument.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from mycred.migrate import migrate

# What mycred takes the place of isn't migrated itself: it brings the contracts.  The
# plugin is part of conch's checkers.
_KEPT = ("twisted.cred", "twisted.conch.checkers", "twisted.plugins.cred_unix")

# conch's commands sign with SHA-1 where they have an RSA key, which doesn't count: these
# are other keys, and where their names come from.
_KEYS = "__import__('twisted.conch.test.keydata', fromlist=['*'])"
_PRIVATE = f"{_KEYS}.privateEd25519_openssh_new + b'\\n'"
_PUBLIC = f"{_KEYS}.publicEd25519_openssh"

#: What a person has to do for these modules, beside what L{mycred.migrate} does: texts,
#: and what takes their place.
ADAPTED = {
    # It looks for private names there, too, and so its import stays.
    "twisted.conch.test.test_checkers": [
        (
            "from twisted.conch import checkers\n",
            "from mycred.checkers import sshkeys as checkers\n",
        ),
        ('"twisted.conch.checkers.', '"mycred.checkers.sshkeys.'),
    ],
    # Two factors take a server that says which connection is which.
    "twisted.conch.test.test_ssh": [
        (
            "userauth.SSHUserAuthServer,",
            "__import__('tests.kit.upstream', fromlist=['*'])"
            ".telling(userauth.SSHUserAuthServer),",
        ),
        (
            "return defer.succeed(keys.Key.fromString(privateRSA_openssh))",
            f"return defer.succeed(keys.Key.fromString({_PRIVATE}))",
        ),
        (
            "return keys.Key.fromString(publicRSA_openssh)",
            f"return keys.Key.fromString({_PUBLIC})",
        ),
        (
            '{b"testuser": [keys.Key.fromString(publicRSA_openssh)]}',
            '{b"testuser": [keys.Key.fromString(publicRSA_openssh), '
            f"keys.Key.fromString({_PUBLIC})]}}",
        ),
    ],
    "twisted.conch.test.test_conch": [
        ("f.write(privateRSA_openssh)", f"f.write({_PRIVATE})"),
        ("f.write(publicRSA_openssh)", f"f.write({_PUBLIC})"),
    ],
    "twisted.conch.test.test_cftp": [
        ("f.write(test_ssh.privateRSA_openssh)", f"f.write({_PRIVATE})"),
        ("f.write(test_ssh.publicRSA_openssh)", f"f.write({_PUBLIC})"),
    ],
}


def telling(server: Any) -> Any:
    """
    Extend conch's class of servers in which users log in, so that it says which
    connection a login belongs to, as L{mycred.conch} does.
    """

    class TellingPortal:
        """
        A portal that tells.
        """

        def __init__(self, portal: Any, connection: Any) -> None:
            self.portal = portal
            self.connection = connection

        def login(self, credentials: Any, *arguments: Any) -> Any:
            credentials.connection = self.connection
            return self.portal.login(credentials, *arguments)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.portal, name)

    class TellingServer(server):  # type: ignore[misc]
        """
        A server whose portal tells.
        """

        tellsConnections = True

        def serviceStarted(self) -> None:
            super().serviceStarted()
            self.portal = TellingPortal(self.portal, self.transport)

    return TellingServer


def migrated(name: str, source: str) -> str:
    """
    Migrate a module of Twisted's.

    @param name: its name.

    @raise LookupError: if a text isn't there for which something else was to take its
        place.
    """
    source = migrate(source).text
    for old, new in ADAPTED.get(name, ()):
        if old not in source:
            raise LookupError(f"{name} no longer has {old!r}")
        source = source.replace(old, new)
    return source


# The modules that were changed.
_changed: list[str] = []


class _Loader(SourceFileLoader):
    """
    What loads a module that is migrated.
    """

    def get_code(self, fullname: str) -> CodeType:
        """
        Compile it, and leave no trace of that in the folder where Twisted is.
        """
        source = self.get_data(self.path).decode("utf-8")
        new = migrated(fullname, source)
        if new != source:
            _changed.append(fullname)
        return compile(new, self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    """
    What finds the modules that are to be migrated.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """
        Find a module of Twisted's.
        """
        isTest = ".test." in fullname
        if not fullname.startswith("twisted.") or (
            not isTest and f"{fullname}.".startswith(tuple(f"{k}." for k in _KEPT))
        ):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            source = Path(spec.loader.path).read_bytes()
            if b"cred" in source or b"checkers" in source:
                spec.loader = _Loader(fullname, spec.loader.path)
        return spec


def run(names: list[str]) -> dict[str, str]:
    """
    Run tests.

    @param names: the modules or tests.

    @return: what became of each test: nothing if it is well, C{"skipped"}, or its
        traceback.
    """
    from twisted.trial.reporter import Reporter
    from twisted.trial.runner import TestLoader, TrialRunner
    from twisted.trial.unittest import TestSuite

    outcome: dict[str, str] = {}

    class Recorder(Reporter):
        """
        A reporter that remembers.
        """

        def startTest(self, test: Any) -> None:
            super().startTest(test)
            outcome.setdefault(test.id(), "")

        def addSkip(self, test: Any, reason: Any) -> None:
            super().addSkip(test, reason)
            outcome[test.id()] = "skipped"

        def addError(self, test: Any, error: Any) -> None:
            super().addError(test, error)
            self._record(test, error)

        def addFailure(self, test: Any, fail: Any) -> None:
            super().addFailure(test, fail)
            self._record(test, fail)

        def _record(self, test: Any, error: Any) -> None:
            text = getattr(error, "getTraceback", lambda: str(error[1]))()
            outcome[test.id()] = f"{outcome.get(test.id(), '')}{text}\n"

    loader = TestLoader()
    suite = TestSuite([loader.loadByName(name, recurse=True) for name in names])
    result = TrialRunner(Recorder, workingDirectory="temporary").run(suite)
    if result.testsRun < suite.countTestCases():
        raise RuntimeError(
            f"only {result.testsRun} of {suite.countTestCases()} tests ran"
        )
    return outcome


def main() -> None:
    """
    Do what standard input says.
    """
    order = json.load(sys.stdin)
    if order["migrated"]:
        sys.meta_path.insert(0, _Finder())
    result = {"outcome": run(order["names"]), "changed": _changed}
    Path(sys.argv[1]).write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main()
