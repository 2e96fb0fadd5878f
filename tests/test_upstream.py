"""
Twisted's own tests, run against mycred.

They are read out of the Twisted that is installed, C{twisted.cred} becomes
C{mycred} in them, and they run: the migration that the documentation describes,
on programs that somebody else wrote.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from unittest import TestResult

from twisted.python.reflect import namedAny
from twisted.trial.runner import TestLoader
from twisted.trial.unittest import SynchronousTestCase, TestSuite

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

# Tests that must not pass, because mycred mends what they hold fast: the reason,
# and the test of ours that shows the better behavior.
MENDED = {
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
        "tests.checkers.test_publickeys.SignatureTests.test_sha1",
    ),
    "test_checkers.SSHPublicKeyCheckerTests.test_usernameReturnedOnSuccess": (
        "a signature with SHA-1 doesn't count",
        "tests.checkers.test_publickeys.SignatureTests.test_sha1",
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

# Tests of what isn't there under conch's name: its private functions, and a class that
# has been deprecated since Twisted 15.0.
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
    "test_checkers.SSHProtocolCheckerTests.test_registerChecker",
    "test_checkers.SSHProtocolCheckerTests.test_registerCheckerWithInterface",
    *(
        f"test_checkers.SSHPublicKeyDatabaseTests.test_{name}"
        for name in (
            "checkKey",
            "checkKey2",
            "checkKeyAsRoot",
            "deprecated",
            "requestAvatarId",
            "requestAvatarIdInvalidKey",
            "requestAvatarIdInvalidSignature",
            "requestAvatarIdNormalizeException",
            "requestAvatarIdWithoutSignature",
        )
    ),
    # They patch what conch has inside.
    *(
        f"test_checkers.UNIXPasswordDatabaseTests.test_{name}"
        for name in (
            "defaultCheckers",
            "failOnSpecial",
            "loopThroughFunctions",
            "verifyPassword",
            "failOnBadPassword",
        )
    ),
}

# Tests that look at /etc/shadow, and so need to be root's.
SHADOWED = {
    f"test_strcred.UnixCheckerTests.{name}"
    for name in ("test_unixCheckerFailsUsername", "test_unixCheckerFailsUsernameBytes")
}

# A test that puts users of its own in place of the module pwd's, and so needs to be
# somebody else's: for root, other processes look accounts up, also before the reactor
# runs (tests.demo.test_memory).
IN_PROCESS = {"test_strcred.UnixCheckerTests.test_unixCheckerSucceeds"}


@cache
def migrated(name: str) -> ModuleType:
    """
    Load a test module of Twisted's, with its imports migrated.
    """
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None
    source = Path(spec.origin).read_text("utf-8")
    source = re.sub(r"\btwisted\.cred\.test\b", __name__, source)
    source = re.sub(
        r"\bfrom twisted\.conch import checkers\b",
        "from mycred.checkers import sshkeys as checkers",
        source,
    )
    source = re.sub(r"\btwisted\.conch\.checkers\b", "mycred.checkers.sshkeys", source)
    source = re.sub(r"\btwisted\.cred\b", "mycred", source)
    source = re.sub(r"(?m)^from twisted\.plugins import (.*)$", pluginImports, source)
    shortName = name.rpartition(".")[2]
    module = ModuleType(f"{__name__}.{shortName}")
    module.__file__ = spec.origin
    module.__package__ = spec.parent
    sys.modules[module.__name__] = module
    setattr(sys.modules[__name__], shortName, module)
    exec(compile(source, spec.origin, "exec", dont_inherit=True), module.__dict__)
    return module


def pluginImports(match: re.Match[str]) -> str:
    """
    Import mycred's plugin where it has one, and Twisted's where it hasn't.
    """
    names = [name.strip() for name in match[1].split(",")]
    return "; ".join(
        f"from {'mycred' if find_spec(f'mycred.plugins.{name}') else 'twisted'}"
        f".plugins import {name}"
        for name in names
    )


def suite() -> TestSuite:
    """
    Load all that is to run.
    """
    # So that one module of them can import another.
    sys.modules[__name__].__path__ = []  # type: ignore[attr-defined]
    return TestSuite([TestLoader().loadModule(migrated(name)) for name in MODULES])


def casesOf(tests: object) -> Iterator[SynchronousTestCase]:
    """
    Walk through nested suites.
    """
    if isinstance(tests, SynchronousTestCase):
        yield tests
    else:
        for part in tests:  # type: ignore[attr-defined]
            yield from casesOf(part)


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
        self.assertEqual({shortName(case) for case in listed}, set(MENDED))
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
        for reason, ours in MENDED.values():
            self.assertTrue(reason)
            self.assertTrue(callable(namedAny(ours)))


def shortName(case: SynchronousTestCase) -> str:
    """
    Name a migrated test as the list does.
    """
    return case.id().removeprefix(f"{__name__}.")


def testSuite() -> TestSuite:
    """
    Tell trial what to run: the migrated tests, without those in the list.
    """
    ours = TestLoader().loadClass(MendedTests)
    left = {*MENDED, *LEFT_OUT}
    if not os.access("/etc/shadow", os.R_OK):
        left |= SHADOWED
    if not os.geteuid():
        left |= IN_PROCESS
    theirs = [case for case in casesOf(suite()) if shortName(case) not in left]
    return TestSuite([ours, *theirs])
