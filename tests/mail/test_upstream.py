"""
Twisted's own tests of its mail servers, run on L{mycred.mail}'s.

They are read out of the Twisted that is installed, as in L{tests.test_upstream}, and the
names of its classes are replaced by those of ours.
"""

from __future__ import annotations

import gc
import re
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from unittest import TestResult

from twisted.python.reflect import namedAny
from twisted.trial.runner import TestLoader
from twisted.trial.unittest import SynchronousTestCase, TestSuite

from mycred import mail
from tests.kit.suites import casesOf
from tests.kit.upstream import migrated


class ClearIMAP4Server(mail.IMAP4Server):
    """
    A server that passwords may be sent to in the clear: the transports of these tests
    don't say where the client is.
    """

    allowClearText = True


class ClearPOP3(mail.POP3):
    """
    A server that passwords may be sent to in the clear.
    """

    allowClearText = True


class ClearESMTP(mail.ESMTP):
    """
    A server that passwords may be sent to in the clear.
    """

    allowClearText = True


# For each of the modules, the class of Twisted's and ours.
MODULES = {
    "twisted.mail.test.test_imap": ("imap4.IMAP4Server", ClearIMAP4Server),
    "twisted.mail.test.test_pop3": ("pop3.POP3", ClearPOP3),
    "twisted.mail.test.test_smtp": ("smtp.ESMTP", ClearESMTP),
}

# Tests that must not pass, because mycred mends what they hold fast: the reason, and the
# test of ours that shows the better behavior.
MENDED: dict[str, tuple[str, str]] = {
    "test_imap.AuthenticatorTests.test_authNotBase64": (
        "what is no base64 is BAD (RFC 3501, section 6.2.2)",
        "tests.mail.test_logins.IMAP4LoginTests.test_malformed",
    ),
    "test_imap.AuthenticatorTests.test_challengerRaisesException": (
        "the text of an exception isn't sent",
        "tests.mail.test_logins.IMAP4LoginTests.test_ownMechanism",
    ),
    "test_imap.AuthenticatorTests.test_missingPortal": (
        "the answer has a code (RFC 5530)",
        "tests.mail.test_logins.IMAP4LoginTests.test_noPortal",
    ),
    "test_imap.AuthenticatorTests.test_unexpectedLoginFailure": (
        "the answer has a code (RFC 5530)",
        "tests.mail.test_logins.IMAP4LoginTests.test_defect",
    ),
    "test_imap.AuthenticatorTests.test_unhandledCredentials": (
        "the answer has a code (RFC 5530)",
        "tests.mail.test_logins.IMAP4LoginTests.test_unhandled",
    ),
    "test_imap.AuthenticatorTests.test_unsupportedMethod": (
        "the answer is the same over all protocols",
        "tests.mail.test_logins.IMAP4LoginTests.test_unsupported",
    ),
    "test_imap.HandCraftedTests.test_emptyStringLiteral": (
        "an empty literal is waited for, and an empty stored secret lets nobody in",
        "tests.mail.test_imap4.IMAP4ServerTests.test_emptyLiteral",
    ),
    "test_imap.IMAP4ServerTests.testCapability": (
        "all mechanisms that the checkers can serve are there",
        "tests.mail.test_imap4.IMAP4ServerTests.test_capabilities",
    ),
    "test_imap.IMAP4ServerTests.testCapabilityWithAuth": (
        "all mechanisms that the checkers can serve are there",
        "tests.mail.test_imap4.IMAP4ServerTests.test_capabilities",
    ),
    "test_imap.IMAP4ServerTests.test_loginException": (
        "the text of an exception isn't sent",
        "tests.mail.test_logins.IMAP4LoginTests.test_defect",
    ),
    "test_imap.TLSTests.test_loginBeforeSTARTTLS": (
        "the answer has a code (RFC 5530), and the client is on this machine or isn't",
        "tests.mail.test_imap4.IMAP4ServerTests.test_notPrivate",
    ),
    "test_pop3.AnotherPOP3Tests.test_badUTF8CharactersInCommand": (
        "what a client sends isn't sent back, and isn't logged as a defect",
        "tests.mail.test_pop3.POP3Tests.test_malformed",
    ),
    "test_pop3.AnotherPOP3Tests.test_wrong_command": (
        "what a client sends isn't sent back, and isn't logged as a defect",
        "tests.mail.test_pop3.POP3Tests.test_malformed",
    ),
    "test_pop3.AnotherPOP3Tests.test_pass_wrong_user": (
        "the answer has a code (RFC 3206)",
        "tests.mail.test_pop3.POP3Tests.test_passwords",
    ),
    "test_pop3.AnotherPOP3Tests.test_wrong_PASS": (
        "the answer has a code (RFC 3206)",
        "tests.mail.test_pop3.POP3Tests.test_passwords",
    ),
    "test_pop3.AnotherPOP3Tests.test_wrong_multiple_spaces_PASS": (
        "the answer has a code (RFC 3206)",
        "tests.mail.test_pop3.POP3Tests.test_passwords",
    ),
    "test_pop3.AnotherPOP3Tests.test_wrong_space_PASS": (
        "the answer has a code (RFC 3206)",
        "tests.mail.test_pop3.POP3Tests.test_passwords",
    ),
    "test_pop3.SASLTests.test_ValidLogin": (
        "all mechanisms that the checkers can serve are there",
        "tests.mail.test_pop3.POP3Tests.test_capabilities",
    ),
    "test_smtp.ESMTPAuthenticationTests.test_abortAuthentication": (
        "the answer has a code (RFC 4954, section 6)",
        "tests.mail.test_logins.ESMTPLoginTests.test_cancelled",
    ),
    "test_smtp.ESMTPAuthenticationTests.test_invalidBase64EncodedInitialResponse": (
        "the answer has a code (RFC 4954, section 6)",
        "tests.mail.test_logins.ESMTPLoginTests.test_malformedInitial",
    ),
    "test_smtp.ESMTPAuthenticationTests.test_invalidBase64EncodedResponse": (
        "the answer has a code (RFC 4954, section 6)",
        "tests.mail.test_logins.ESMTPLoginTests.test_malformed",
    ),
    "test_smtp.ESMTPAuthenticationTests.test_unexpectedLoginFailure": (
        "the answer has a code (RFC 4954, section 6)",
        "tests.mail.test_logins.ESMTPLoginTests.test_defect",
    ),
    "test_smtp.ESMTPAuthenticationTests.test_plainAuthentication": (
        "the challenges of LOGIN are those that clients know",
        "tests.mail.test_logins.ESMTPLoginTests.test_login",
    ),
    "test_smtp.ESMTPAuthenticationTests.test_plainAuthenticationEmptyPassword": (
        "the challenges of LOGIN are those that clients know",
        "tests.mail.test_logins.ESMTPLoginTests.test_login",
    ),
    "test_smtp.ESMTPAuthenticationTests.test_plainAuthenticationInitialResponse": (
        "the challenges of LOGIN are those that clients know",
        "tests.mail.test_logins.ESMTPLoginTests.test_login",
    ),
}

# It fails in any process in which the module that it is about was imported before, by
# whichever test, and is about no server.
ELSEWHERE = {"test_pop3.POP3ClientDeprecationTests.test_deprecation"}


@cache
def load(name: str) -> ModuleType:
    """
    Load a test module of Twisted's, migrated, with our class in place of Twisted's.
    """
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None
    source = migrated(name, Path(spec.origin).read_text("utf-8"))
    theirs, ours = MODULES[name]
    source, count = re.subn(rf"\b{re.escape(theirs)}\b", ours.__name__, source)
    assert count
    module = ModuleType(f"{__name__}.{name.rpartition('.')[2]}")
    module.__file__ = spec.origin
    module.__package__ = spec.parent
    setattr(module, ours.__name__, ours)
    sys.modules[module.__name__] = module
    setattr(sys.modules[__name__], name.rpartition(".")[2], module)
    exec(compile(source, spec.origin, "exec", dont_inherit=True), module.__dict__)
    return module


def cases() -> list[SynchronousTestCase]:
    """
    Return all tests of the modules.
    """
    sys.modules[__name__].__path__ = []  # type: ignore[attr-defined]
    loaded = [TestLoader().loadModule(load(name)) for name in MODULES]
    return list(casesOf(TestSuite(loaded)))


def shortName(case: SynchronousTestCase) -> str:
    """
    Name a migrated test as the list does.
    """
    return case.id().removeprefix(f"{__name__}.")


class MendedTests(SynchronousTestCase):
    """
    Tests for the list of what must not pass.
    """

    def test_stillDiffers(self) -> None:
        """
        Each test in the list exists in Twisted and fails with mycred: the list holds
        nothing that could run.
        """
        listed = [case for case in cases() if shortName(case) in MENDED]
        self.assertEqual({shortName(case) for case in listed}, set(MENDED))
        for case in listed:
            result = TestResult()
            case.run(result)
            self.assertFalse(result.wasSuccessful(), case.id())
        # What has failed in Deferreds that nobody looks at is logged when they go.
        gc.collect()
        self.flushLoggedErrors()

    def test_mendedByUs(self) -> None:
        """
        For each test in the list there is one of ours that shows what mycred does
        instead.
        """
        for reason, ours in MENDED.values():
            self.assertTrue(reason)
            self.assertTrue(callable(namedAny(ours)))


def testSuite() -> TestSuite:
    """
    Tell trial what to run: ours, and the migrated tests without those in the list.
    """
    left = {*MENDED, *ELSEWHERE}
    theirs = [case for case in cases() if shortName(case) not in left]
    return TestSuite([TestLoader().loadClass(MendedTests), *theirs])
