"""
Twisted's own tests, run against mycred.

They are read out of the Twisted that is installed, L{mycred.migrate} migrates them, and
they run: on Twisted's protocols as they are, and, in a process of its own, on Twisted's
protocols migrated as well.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from unittest import TestResult

import twisted
from twisted.python.reflect import namedAny
from twisted.trial.runner import TestLoader
from twisted.trial.unittest import SynchronousTestCase, TestSuite

from .kit.suites import casesOf
from .kit.upstream import migrated

# The tests of cred itself, and of the protocols that hold a portal.
MODULES = [
    "twisted.cred.test.test_cred",
    "twisted.cred.test.test_cramauth",
    "twisted.cred.test.test_digestauth",
    "twisted.cred.test.test_simpleauth",
    "twisted.cred.test.test_strcred",
    "twisted.conch.test.test_checkers",
    "twisted.conch.test.test_manhole_tap",
    "twisted.conch.test.test_userauth",
    "twisted.mail.test.test_imap",
    "twisted.mail.test.test_pop3",
    "twisted.mail.test.test_smtp",
    "twisted.spread.test.test_pb",
    "twisted.test.test_ftp",
    "twisted.test.test_ftp_options",
    "twisted.test.test_sip",
    "twisted.web.test.test_httpauth",
    "twisted.words.test.test_irc_service",
    "twisted.words.test.test_service",
    "twisted.words.test.test_tap",
]

# Some of the modules that these are tests of.
IMPLEMENTATIONS = {
    "twisted.conch.manhole_tap",
    "twisted.conch.ssh.userauth",
    "twisted.mail.imap4",
    "twisted.mail.pop3",
    "twisted.mail.smtp",
    "twisted.protocols.ftp",
    "twisted.spread.pb",
    "twisted.web._auth.basic",
    "twisted.words.service",
}

# Tests that must not pass, because mycred mends what they hold fast: the reason,
# and the test of ours that shows the better behavior.
MENDED = {
    "test_cred.CredTests.test_listCheckers": (
        "users in memory can log in by SCRAM, too",
        "tests.checkers.test_memory.ScramTests.test_login",
    ),
    "test_cred.OnDiskDatabaseTests.test_getUserNonexistentDatabase": (
        "a file that isn't there is no wrong password",
        "tests.checkers.test_file.CachedTests.test_missing",
    ),
    "test_strcred.CheckerOptionsTests.test_unexpectedException": (
        "the user is told what would be right, not 'Unexpected error'",
        "tests.test_strcred.AuthOptionTests.test_fileWithoutName",
    ),
    "test_strcred.CryptTests.test_verifyCryptedPasswordOSError": (
        "hashes are verified without the module crypt, which Python 3.13 lacks",
        "tests.checkers.test_unix.VerifyCryptedPasswordTests.test_verify",
    ),
    "test_strcred.UnixCheckerTests.test_unixCheckerSucceedsBytes": (
        "a name in bytes is answered in bytes",
        "tests.checkers.test_unix.PasswdCheckerTests.test_accepted",
    ),
    "test_checkers.SSHPublicKeyCheckerTests.test_credentialsWithoutSignature": (
        "a key that could only sign with SHA-1 wouldn't do",
        "tests.checkers.sshkeys.test_publickeys.SignatureTests.test_sha1",
    ),
    "test_checkers.SSHPublicKeyCheckerTests.test_usernameReturnedOnSuccess": (
        "a signature with SHA-1 doesn't count",
        "tests.checkers.sshkeys.test_publickeys.SignatureTests.test_sha1",
    ),
    "test_checkers.SSHPublicKeyDatabaseTests.test_requestAvatarId": (
        "a signature with SHA-1 doesn't count",
        "tests.checkers.sshkeys.test_publickeys.SignatureTests.test_sha1",
    ),
    "test_checkers.SSHPublicKeyDatabaseTests.test_requestAvatarIdWithoutSignature": (
        "a key that could only sign with SHA-1 wouldn't do",
        "tests.checkers.sshkeys.test_publickeys.SignatureTests.test_sha1",
    ),
    "test_checkers.SSHPublicKeyDatabaseTests.test_requestAvatarIdNormalizeException": (
        "what is offered and is no key is one line of the log, without a traceback",
        "tests.conch.test_userauth.QueueTests.test_noKey",
    ),
    "test_endpoints.NewConnectionTests.test_publicKeyAuthentication": (
        "DSA keys don't count",
        "tests.sshkeys.test_key.PublicKeyTests.test_unknownType",
    ),
    "test_endpoints.NewConnectionTests.test_agentAuthentication": (
        "DSA keys don't count",
        "tests.sshkeys.test_key.PublicKeyTests.test_unknownType",
    ),
    "test_userauth.LoopbackTests.test_loopback": (
        "what was proved in one connection doesn't count in another, and Twisted's "
        "server doesn't say which is which",
        "tests.conch.test_server.FactorTests.test_twoFactors",
    ),
    "test_imap.HandCraftedTests.test_emptyStringLiteral": (
        "an empty stored secret lets nobody in",
        "tests.checkers.test_memory.InMemoryTests.test_emptySecret",
    ),
}

# The same, for those that pass as long as not all of Twisted is migrated.
MENDED_IN_WHOLE = {
    "test_manhole_tap.MakeServiceTests.test_passwd": (
        "users of a file can log in by SCRAM, too",
        "tests.checkers.test_file.PlainTextTests.test_interfaces",
    ),
}

# Tests of what conch has inside, and isn't there under its name.
LEFT_OUT = {
    *(
        f"test_checkers.HelperTests.test_{name}"
        for name in (
            "pwdGetByName",
            "pwdGetByNameWithoutPwd",
            "shadowGetByName",
            "shadowGetByNameWithoutSpwd",
        )
    ),
    *(
        f"test_checkers.UNIXPasswordDatabaseTests.test_{name}"
        for name in (
            "defaultCheckers",
            "failOnSpecial",
            "loopThroughFunctions",
            "verifyPassword",
        )
    ),
}

# Tests that look at /etc/shadow, and so need to be root's.
SHADOWED = {
    f"test_strcred.UnixCheckerTests.{name}"
    for name in ("test_unixCheckerFailsUsername", "test_unixCheckerFailsUsernameBytes")
}

# Tests for another user than root.  One puts users of its own in place of the module
# pwd's: for root, other processes look accounts up, also before the reactor runs
# (tests.demo.test_memory).  The other one fails for root with Twisted alone.
NOT_ROOTS = {
    "test_strcred.UnixCheckerTests.test_unixCheckerSucceeds",
    "test_checkers.SSHPublicKeyDatabaseTests.test_checkKeyAsRoot",
}


@cache
def load(name: str) -> ModuleType:
    """
    Load a test module of Twisted's, migrated, beside Twisted's own.
    """
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None
    source = migrated(name, Path(spec.origin).read_text("utf-8"))
    shortName = name.rpartition(".")[2]
    module = ModuleType(f"{__name__}.{shortName}")
    module.__file__ = spec.origin
    module.__package__ = spec.parent
    sys.modules[module.__name__] = module
    setattr(sys.modules[__name__], shortName, module)
    exec(compile(source, spec.origin, "exec", dont_inherit=True), module.__dict__)
    return module


def suite() -> TestSuite:
    """
    Load all that is to run.
    """
    # So that one module of them can import another.
    sys.modules[__name__].__path__ = []  # type: ignore[attr-defined]
    return TestSuite([TestLoader().loadModule(load(name)) for name in MODULES])


class MendedTests(SynchronousTestCase):
    """
    Tests for the list of what must not pass.
    """

    def test_stillDiffers(self) -> None:
        """
        Each test in the list exists in Twisted and fails with mycred: the list
        holds nothing that could run.
        """
        listed = [case for case in casesOf(suite()) if shortName(case) in MENDED]
        here = {name.rpartition(".")[2] for name in MODULES}
        mended = {name for name in MENDED if name.partition(".")[0] in here}
        self.assertEqual({shortName(case) for case in listed}, mended)
        for case in listed:
            result = TestResult()
            case.run(result)
            # Twisted skips some where Python has no crypt.
            differs = result.skipped or not result.wasSuccessful()
            self.assertTrue(differs, case.id())

    def test_mendedByUs(self) -> None:
        """
        For each test in the list there is one of ours that shows what mycred
        does instead.
        """
        for reason, ours in [*MENDED.values(), *MENDED_IN_WHOLE.values()]:
            self.assertTrue(reason)
            self.assertTrue(callable(namedAny(ours)))


def shortName(case: SynchronousTestCase) -> str:
    """
    Name a migrated test as the list does.
    """
    return case.id().removeprefix(f"{__name__}.")


def leftOut() -> set[str]:
    """
    Return the tests that can't run, or only for another user.
    """
    left = set(LEFT_OUT)
    if not os.access("/etc/shadow", os.R_OK):
        left |= SHADOWED
    if not os.geteuid():
        left |= NOT_ROOTS
    return left


_FINE = ("", "skipped")
_NOT_RUN = "it wasn't run"
_IMPORTS = re.compile(
    r"twisted\.cred\b|twisted\.conch\.checkers\b|from twisted import .*\bcred\b"
    r"|from twisted\.conch import .*\bcheckers\b"
)


def concerned() -> list[str]:
    """
    Find the test modules of Twisted's that have to do with what is migrated.
    """
    root = Path(twisted.__file__).parent
    return [
        ".".join(path.relative_to(root.parent).with_suffix("").parts)
        for path in sorted(root.rglob("test_*.py"))
        if _IMPORTS.search(path.read_text("utf-8"))
    ]


class WholeTests(SynchronousTestCase):
    """
    Tests for Twisted, all of which is migrated.
    """

    def setUp(self) -> None:
        self.changed: set[str] = set()

    def attempt(self, names: Iterable[str], *, isMigrated: bool) -> dict[str, str]:
        """
        Run tests of Twisted's in a process of its own.

        @return: what became of each; see L{tests.kit.upstream.run}.
        """
        folder = Path(self.mktemp()).resolve()
        folder.mkdir(parents=True)
        root = Path(__file__).parents[1]
        done = subprocess.run(
            [sys.executable, "-B", "-m", "tests.kit.upstream", "outcome"],
            input=json.dumps({"migrated": isMigrated, "names": list(names)}),
            capture_output=True,
            text=True,
            errors="replace",
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(root), "LC_ALL": "C"},
        )
        written = folder / "outcome"
        self.assertTrue(written.exists(), done.stdout[-2000:] + done.stderr[-2000:])
        result = json.loads(written.read_text("utf-8"))
        if isMigrated:
            self.changed.update(result["changed"])
        return dict(result["outcome"])

    def test_whole(self) -> None:
        """
        Twisted's tests that have to do with cred pass when all of Twisted is migrated,
        but for those that must not, each of which fails.  None is skipped that isn't
        skipped without mycred.

        What fails once and not again, or without mycred, too, is Twisted's.
        """
        names = concerned()
        self.assertLessEqual(set(MODULES), set(names))
        outcome = self.attempt(names, isMigrated=True)
        short = {test.partition(".test.")[2]: test for test in outcome}
        mended = {*MENDED, *MENDED_IN_WHOLE}
        expected = {short.get(name) for name in leftOut() | mended}
        skipped = {test for test, what in outcome.items() if what == "skipped"} - expected
        failed = {test for test, what in outcome.items() if what not in _FINE} - expected
        # Their whole modules: a test may fail because of the one before it.
        again = [n for n in names if any(f"{t}.".startswith(f"{n}.") for t in failed)]
        if failed:
            second = self.attempt(again, isMigrated=True)
            failed = {test for test in failed if second.get(test, _NOT_RUN) not in _FINE}
        plain = self.attempt([*again, *sorted(skipped)], isMigrated=False)
        wrong = {test for test in failed if plain.get(test, "") in _FINE}
        wrong |= {test for test in skipped if not plain.get(test, "")}
        self.assertEqual("\n".join(f"{test}: {outcome[test]}" for test in wrong), "")
        self.assertEqual({name for name in mended if not outcome[short[name]]}, set())
        self.assertLessEqual(IMPLEMENTATIONS, self.changed)


def testSuite() -> TestSuite:
    """
    Tell trial what to run: ours, and the migrated tests without those in the lists.
    """
    ours = [TestLoader().loadClass(tests) for tests in (MendedTests, WholeTests)]
    left = {*MENDED, *leftOut()}
    theirs = [case for case in casesOf(suite()) if shortName(case) not in left]
    return TestSuite([*ours, *theirs])
