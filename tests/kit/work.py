"""
What the tests have in common that count the work which a refusal takes.

No test asserts how long something takes; C{python -m benchmarks.timing} measures that.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from mycred import _counterparts
from mycred._counterparts import overridable
from mycred._passwordfile import Layout
from mycred.credentials import CramMD5Credentials, DigestedCredentials, UsernamePassword
from mycred.error import UnauthorizedLogin


def typed(name: bytes) -> Any:
    """
    Type a wrong password.
    """
    return UsernamePassword(name, b"wrong")


def typedText(name: bytes) -> Any:
    """
    Type one in a protocol that speaks text.
    """
    return UsernamePassword(name.decode("utf-8"), "wrong")  # type: ignore[arg-type]


def answered(name: bytes) -> Any:
    """
    Answer a challenge of CRAM-MD5 with a wrong password.
    """
    credentials = CramMD5Credentials()
    credentials.getChallenge()
    credentials.username, credentials.response = name, b"0" * 32
    return credentials


def digested(name: bytes) -> Any:
    """
    Answer a challenge of HTTP Digest with a wrong password.
    """
    fields = {"nonce": b"1", "uri": b"/", "response": b"0" * 32, "nc": b"1"}
    return DigestedCredentials(name, b"GET", b"Members", fields)


class WorkTests:
    """
    What counts the work that a refusal takes; a part of a test case.
    """

    def setUp(self: Any) -> None:
        super().setUp()  # type: ignore[misc]
        self.work: Counter[str] = Counter()
        self.count(Layout, "parse")
        for kind in (UsernamePassword, CramMD5Credentials, DigestedCredentials):
            self.count(kind, "checkPassword")
        self.count(DigestedCredentials, "checkHash")

    def count(self: Any, owner: Any, name: str) -> None:
        """
        Count how often something is called.
        """
        function = getattr(owner, name)

        def counting(*args: Any) -> Any:
            self.work[name] += 1
            return function(*args)

        if function in _counterparts._ours:
            # A program that looks on would be asked in another way.
            overridable(counting)
        self.patch(owner, name, counting)

    def workFor(self: Any, checker: Any, credentials: Any) -> dict[str, int]:
        """
        Count what it takes to refuse credentials.
        """
        self.work.clear()
        del self.verified[:]
        failure = self.failureResultOf(checker.requestAvatarId(credentials))
        self.assertIs(type(failure.value), UnauthorizedLogin)
        if self.verified:
            # Beside a hash it is next to nothing.
            del self.work["checkPassword"]
        return {**self.work, "verified": len(self.verified)}

    def assertSameWork(
        self: Any, checker: Any, present: Any, *names: bytes, **expected: int
    ) -> None:
        """
        Insist on the same work for all names.

        @param present: make the credentials with which a name is presented.
        @param expected: how often something is called at least.
        """
        first = self.workFor(checker, present(names[0]))
        for what, times in expected.items():
            self.assertGreaterEqual(first.get(what, 0), times, what)
        for name in names[1:]:
            self.assertEqual(self.workFor(checker, present(name)), first, name)


__all__ = ["WorkTests", "answered", "digested", "typed", "typedText"]
