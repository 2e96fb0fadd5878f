"""
What the tests of a directory have in common.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from mycred._ldap import Directory, ldapSettings
from mycred._verdict import Kind, Verdict
from mycred.error import DenialReason

from .slapd import PEOPLE, SERVICE, SERVICE_PASSWORD, Slapd


class DirectoryTestCase(SynchronousTestCase):
    """
    Base of the tests that ask a server.

    @cvar entries: what it holds, beside what is always there.
    @cvar options: what else it is made with.
    @ivar server: the server.
    """

    entries: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[dict[str, Any]] = {}

    def setUp(self) -> None:
        self.serve(**self.options)

    def serve(self, **options: Any) -> None:
        """
        Start a server.
        """
        self.server = Slapd(*self.entries, **options)
        self.addCleanup(self.server.stop)

    def directory(self, **given: str) -> Directory:
        """
        Make a directory, of this server if nothing else is said.
        """
        usual = {} if "host" in given else {"host": self.server.socket}
        if not {"dn", "upn"} & set(given):
            usual["base"] = PEOPLE
        directory = Directory(ldapSettings(**{**usual, **given}))
        self.addCleanup(directory.close)
        return directory

    def account(self) -> dict[str, str]:
        """
        Name the service account.
        """
        path = Path(self.mktemp())
        path.touch(0o600)
        path.write_bytes(SERVICE_PASSWORD)
        return {"binddn": SERVICE, "bindpwfile": str(path)}

    def look(
        self,
        directory: Directory,
        name: str,
        password: str = "sesame",
        timeout: float = 20,
    ) -> Verdict:
        """
        Log in.
        """
        until = time.monotonic() + timeout
        return directory.lookUp(name.encode(), password.encode(), until, True)

    def assertAccepted(self, seen: Verdict, name: str) -> None:
        """
        Insist on a name.
        """
        verdict = seen
        self.assertEqual(
            (verdict.kind, verdict.name), (Kind.ACCEPTED, name.encode()), seen
        )

    def assertRefused(self, seen: Verdict, *words: str) -> None:
        """
        Insist on wrong credentials, and on what the log is told.
        """
        self.assertIs(seen.kind, Kind.REFUSED, seen)
        for word in words:
            self.assertIn(word, seen.why)

    def assertDenied(self, seen: Verdict, reason: DenialReason) -> None:
        """
        Insist on a denial.
        """
        verdict = seen
        self.assertEqual((verdict.kind, verdict.denial), (Kind.DENIED, reason), seen)

    def assertUnsure(self, seen: Verdict, *words: str) -> None:
        """
        Insist on a temporary failure, and on what the log is told.
        """
        self.assertIs(seen.kind, Kind.UNSURE, seen)
        for word in words:
            self.assertIn(word, seen.why)
