"""
The base of the tests of a directory.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from mycred._ldap import Directory, ldapSettings
from mycred._verdict import Kind, Verdict
from mycred.error import DenialReason

from .processes import shared
from .slapd import PEOPLE, SERVICE, SERVICE_PASSWORD, Slapd


class DirectoryTestCase(SynchronousTestCase):
    """
    Base of the tests that ask a server, which the tests of a class share.

    @cvar entries: its entries, beside those that are always there.
    @cvar options: what else it is made with.
    @ivar server: the server.
    """

    entries: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[dict[str, Any]] = {}

    def setUp(self) -> None:
        key = type(self), self.entries, tuple(self.options.items())
        [self.server] = shared.get(key, lambda: [Slapd(*self.entries, **self.options)])
        self.addCleanup(shared.restore)

    def serve(self, **options: Any) -> None:
        """
        Start a server for this test alone.
        """
        self.server = Slapd(*self.entries, **options)
        self.addCleanup(self.server.stop)

    def directory(self, **given: str) -> Directory:
        """
        Return a directory, of this server if nothing else is given.
        """
        usual = {} if "host" in given else {"host": self.server.socket}
        if not {"dn", "upn"} & set(given):
            usual["base"] = PEOPLE
        directory = Directory(ldapSettings(**{**usual, **given}))
        self.addCleanup(directory.close)
        return directory

    def account(self) -> dict[str, str]:
        """
        Return the options that name the service account.
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
        Log in, and return the verdict.
        """
        until = time.monotonic() + timeout
        return directory.lookUp(name.encode(), password.encode(), until, True)

    def assertAccepted(self, verdict: Verdict, name: str) -> None:
        """
        Assert that the user is accepted, under this name.
        """
        self.assertEqual(
            (verdict.kind, verdict.name), (Kind.ACCEPTED, name.encode()), verdict
        )

    def assertRefused(self, verdict: Verdict, *words: str) -> None:
        """
        Assert that the login is refused, for a reason with these words.
        """
        self.assertIs(verdict.kind, Kind.REFUSED, verdict)
        for word in words:
            self.assertIn(word, verdict.why)

    def assertDenied(self, verdict: Verdict, reason: DenialReason) -> None:
        """
        Assert that the login is denied.
        """
        self.assertEqual((verdict.kind, verdict.denial), (Kind.DENIED, reason), verdict)

    def assertUnsure(self, verdict: Verdict, *words: str) -> None:
        """
        Assert that the login is a temporary failure, for a reason with these words.
        """
        self.assertIs(verdict.kind, Kind.UNSURE, verdict)
        for word in words:
            self.assertIn(word, verdict.why)
