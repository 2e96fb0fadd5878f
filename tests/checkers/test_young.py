"""
Tests for keys while a file is being rewritten in place in which something stands that
forbids: what isn't in it yet must let nobody in.

They cover L{mycred._checking._accounts} and L{mycred._checking._stores}, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from mycred import _files as _state
from mycred._accounts import AccountRules
from mycred._privileged import _worker
from mycred._privileged._wire import Request
from mycred._records import pack
from mycred._sshkeys import KeyFiles, KeyPolicy, KeySettings, parseOffer, string
from mycred._verdict import Kind, Verdict
from mycred.checkers.sshkeys import UNIXAuthorizedKeysFiles
from mycred.error import DenialReason
from mycred.testing import SteppedWorkers

from ..kit.keycheckers import ALICE, BOB, CA, Command, MachineTestCase, proofOf
from ..kit.keys import blobOf, certificate, line
from ..kit.krl import HEAD, section

OTHERS = b"root:*:19000:0:99999:7:::\nbob:*:19000:0:99999:7:::\n"

#: Lines by which Alice can't log in, and what the log says then.
LOCKED = b"alice:!$6$x:19000:0:99999:7:::\n", DenialReason.LOCKED
EXPIRED = b"alice:*:19000:0:99999:7::19500:\n", DenialReason.EXPIRED

# More often than this nobody looks.
_MOST = 30


class PausingWorkers(SteppedWorkers):
    """
    Workers that do everything at once, and tell a test when a login waits.
    """

    def __init__(self, onPause: Callable[[float], object]) -> None:
        """
        @param onPause: what is called with each pause, in seconds.
        """
        super().__init__(running=False)
        self._onPause = onPause

    def pause(self, seconds: float) -> Deferred[None]:
        """
        Wait.
        """
        self._onPause(seconds)
        return super().pause(seconds)


class YoungTestCase(MachineTestCase):
    """
    Base of the tests in which a file goes on changing while somebody waits.
    """

    def setUp(self) -> None:
        super().setUp()
        self.file.write_bytes(line(ALICE) + b"\n" + line(BOB))
        self.pauses: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self.patch(time, "sleep", self.sleep)
        # This process has no broker.
        self.patch(_worker, "endWith", lambda parent: None)

    def keys(self, **settings: Any) -> UNIXAuthorizedKeysFiles:
        """
        Make a database.
        """
        return super().keys(workers=PausingWorkers(self.sleep), **settings)

    def sleep(self, seconds: float) -> None:
        """
        Let something happen while somebody waits.
        """
        self.pauses.append(seconds)
        if len(self.pauses) > _MOST:
            raise AssertionError("somebody waits for ever")
        self.meanwhile()

    def rewrite(self, path: Path, *contents: bytes) -> None:
        """
        Have a file rewritten in place, a step for each look.
        """
        # The same file, as with O_TRUNC.
        steps = iter(contents)
        path.write_bytes(next(steps))

        def step() -> None:
            content = next(steps, None)
            if content is not None:
                path.write_bytes(content)

        self.meanwhile = step
        del self.pauses[:]

    def goOn(self, path: Path, content: bytes) -> None:
        """
        Have a file rewritten again and again.
        """
        path.write_bytes(content)

        def step() -> None:
            with path.open("ab") as file:
                file.write(b"# more\n")

        self.meanwhile = step
        del self.pauses[:]

    def looks(self, **settings: Any) -> list[Callable[[Any], Verdict]]:
        """
        List the ways in which a key is looked up: in threads, and by processes that stay
        root.
        """
        rules = settings.get("accountRules")
        files = KeyFiles(
            ca=settings.get("ca"),
            revoked=settings.get("revoked"),
            principals=settings.get("principals"),
        )
        packed = pack(
            KeySettings(files, KeyPolicy(), rules, UNIXAuthorizedKeysFiles._shadow)
        )
        backend = _worker.makeBackend("sshkey", packed)
        # Whom the name service doesn't know.
        authority = self.authorityOf(backend)
        authority._users = self.keys()._users
        if rules is not None:
            standing = authority._denial.__self__
            standing._users = authority._users

        def byThreads(offer: Any) -> Verdict:
            return self.look(offer, **settings)

        def byProcesses(offer: Any) -> Verdict:
            blob = offer if isinstance(offer, bytes) else blobOf(offer)
            return _worker.verdictOn(backend, Request(1, b"alice", blob, None))

        return [byThreads, byProcesses]

    def authorityOf(self, backend: Any) -> Any:
        """
        Find what decides.
        """
        return backend.takeNotes.__self__


class ShadowTests(YoungTestCase):
    """
    Tests with an account that is locked, or has expired.
    """

    def setUp(self) -> None:
        super().setUp()
        self.shadow = self.home / "shadow"
        self.patch(UNIXAuthorizedKeysFiles, "_shadow", str(self.shadow))

    def test_rewritten(self) -> None:
        """
        Who isn't in the file yet, or in half a line of it, isn't taken for somebody who
        may log in.
        """
        for whole, reason in (LOCKED, EXPIRED):
            for size in range(len(whole)):
                for before in (b"", OTHERS):
                    half = before + whole[:size]
                    for look in self.looks(accountRules=AccountRules()):
                        self.rewrite(self.shadow, half, OTHERS + whole + OTHERS)
                        verdict = look(ALICE)
                        self.assertIs(verdict.denial, reason, half)
                        self.assertLessEqual(len(self.pauses), 2)

    def test_slowly(self) -> None:
        """
        So it is if it takes several steps.
        """
        whole, reason = LOCKED
        steps = [b"", b"ro", OTHERS, OTHERS + b"al", OTHERS + whole]
        for look in self.looks(accountRules=AccountRules()):
            self.rewrite(self.shadow, *steps)
            self.assertIs(look(ALICE).denial, reason)
            self.assertGreaterEqual(len(self.pauses), 4)

    def test_goesOnChanging(self) -> None:
        """
        If it never comes to rest, nothing can be said.
        """
        for look in self.looks(accountRules=AccountRules()):
            self.goOn(self.shadow, OTHERS)
            self.assertIs(look(ALICE).kind, Kind.UNSURE)

    def test_notThere(self) -> None:
        """
        Who isn't in a file that has come to rest isn't locked; who is, needn't wait.
        """
        for look in self.looks(accountRules=AccountRules()):
            self.rewrite(self.shadow, OTHERS)
            self.assertIs(look(ALICE).kind, Kind.ACCEPTED)
            self.assertEqual(len(self.pauses), 1)
            self.rewrite(self.shadow, OTHERS + b"alice:*:19000:0:99999:7:::\n" + OTHERS)
            self.assertIs(look(ALICE).kind, Kind.ACCEPTED)
            self.assertEqual(len(self.pauses), 0)

    def test_empty(self) -> None:
        """
        A file that holds nobody tells nothing, however old it is; nor does half a line
        that stays one.
        """
        for content in (b"", b"\n", b"# nobody\n", b"alice:*:19000:0:99999:7::1950"):
            for look in self.looks(accountRules=AccountRules()):
                self.rewrite(self.shadow, content)
                self.assertIs(look(ALICE).kind, Kind.UNSURE, content)

    def test_command(self) -> None:
        """
        So it is where a program has told the key.
        """
        self.file.unlink()
        whole, reason = LOCKED
        self.rewrite(self.shadow, OTHERS, OTHERS + whole)
        command: Any = Command(line(ALICE))
        verdict = self.look(ALICE, command=command, accountRules=AccountRules())
        self.assertIs(verdict.denial, reason)


class RevokedTests(YoungTestCase):
    """
    Tests with a list of revoked keys, and a KRL.
    """

    def setUp(self) -> None:
        super().setUp()
        self.revoked = self.home / "revoked"

    def test_list(self) -> None:
        """
        A key that isn't in the list yet isn't taken for one that counts.
        """
        whole = b"# ours\n" + line(BOB) + b"\n" + line(ALICE) + b"\n"
        for size in range(0, len(whole) - len(line(ALICE)), 7):
            for look in self.looks(revoked=str(self.revoked)):
                self.rewrite(self.revoked, whole[:size], whole)
                verdict = look(ALICE)
                self.assertIs(verdict.kind, Kind.REFUSED, whole[:size])
                self.assertIn("revoked", verdict.why)

    def test_krl(self) -> None:
        """
        So it is with a KRL, also if it is cut between two sections.
        """
        parts = [HEAD, section(2, string(blobOf(BOB))), section(2, string(blobOf(ALICE)))]
        whole = b"".join(parts)
        for size in {*range(0, len(whole), 7), len(parts[0]), len(parts[0] + parts[1])}:
            for look in self.looks(revoked=str(self.revoked)):
                self.rewrite(self.revoked, whole[:size], whole)
                verdict = look(ALICE)
                self.assertIs(verdict.kind, Kind.REFUSED, size)
                self.assertIn("revoked", verdict.why)

    def test_goesOnChanging(self) -> None:
        """
        If it never comes to rest, no key counts.
        """
        for look in self.looks(revoked=str(self.revoked)):
            self.goOn(self.revoked, line(BOB) + b"\n")
            self.assertIs(look(ALICE).kind, Kind.UNSURE)

    def test_empty(self) -> None:
        """
        A list that has come to rest revokes what it holds, and an empty one nothing, as
        for sshd.
        """
        for content in (b"", line(BOB) + b"\n", HEAD):
            for look in self.looks(revoked=str(self.revoked)):
                self.rewrite(self.revoked, content)
                self.assertIs(look(ALICE).kind, Kind.ACCEPTED, content)
                self.assertEqual(len(self.pauses), 1)
                # From now on nobody waits.
        keys = self.keys(revoked=str(self.revoked))
        assert keys.authorize is not None
        offer = parseOffer(blobOf(ALICE))
        for pauses in (1, 1):
            del self.pauses[:]
            asking: Deferred[Any] = keys.authorize(b"alice", proofOf(offer), None)
            self.assertIs(self.successResultOf(asking).kind, Kind.ACCEPTED)
            self.assertLessEqual(len(self.pauses), pauses)

    def test_damaged(self) -> None:
        """
        One that stays damaged lets nobody in.
        """
        for look in self.looks(revoked=str(self.revoked)):
            self.rewrite(self.revoked, line(BOB)[:40])
            verdict = look(ALICE)
            self.assertIs(verdict.kind, Kind.UNSURE)
            self.assertIn("no key counts", verdict.why)

    def test_command(self) -> None:
        """
        A program isn't asked about a key that is about to be revoked.
        """
        self.file.unlink()
        command: Any = Command(line(ALICE))
        self.rewrite(self.revoked, b"", line(ALICE))
        verdict = self.look(ALICE, command=command, revoked=str(self.revoked))
        self.assertIs(verdict.kind, Kind.REFUSED)
        self.assertEqual(command.asked, [])


class CertificateTests(YoungTestCase):
    """
    Tests with authorities and principals.
    """

    def setUp(self) -> None:
        super().setUp()
        self.ca = self.home / "ca"
        self.principals = self.ssh / "principals"

    def test_authority(self) -> None:
        """
        Nobody is refused because his authority isn't in the file yet.
        """
        whole = b"# ours\n" + line(BOB) + b"\n" + line(CA) + b"\n"
        for size in range(0, len(whole), 9):
            for look in self.looks(ca=str(self.ca)):
                self.rewrite(self.ca, whole[:size], whole)
                verdict = look(certificate(CA, ALICE))
                self.assertIs(verdict.kind, Kind.ACCEPTED, whole[:size])

    def test_principals(self) -> None:
        """
        Half a name isn't taken for a principal, unless it stays as it is.
        """
        self.ca.write_bytes(line(CA))
        # The other file has come to rest.
        self.patch(_state, "SETTLING", 0)
        blob = certificate(CA, ALICE, principals=(b"ops",))
        settings = {"ca": str(self.ca), "principals": str(self.principals)}
        for look in self.looks(**settings):
            for half, whole, kind, pauses in (
                (b"x\nops", b"x\nopsroom\n", Kind.REFUSED, 1),
                (b"ops", b"ops", Kind.ACCEPTED, 1),
                (b"ops\nx", b"ops\nxy\n", Kind.ACCEPTED, 0),
                (b"ops\n", b"", Kind.ACCEPTED, 0),
            ):
                self.rewrite(self.principals, half, whole)
                self.assertIs(look(blob).kind, kind, half)
                self.assertEqual(len(self.pauses), pauses)


class RulesTests(YoungTestCase):
    """
    Tests with the file of shells.
    """

    def test_shells(self) -> None:
        """
        Half a line isn't taken for a shell, unless it stays as it is.
        """
        shells = self.home / "shells"
        rules = AccountRules(shells=str(shells))
        self.patch(UNIXAuthorizedKeysFiles, "_shadow", str(self.home / "none"))
        for half, whole, kind in (
            (b"/bin/bash\n/bin/sh", b"/bin/bash\n/bin/shutdown\n", Kind.UNSURE),
            (b"/bin/sh", b"/bin/sh", Kind.ACCEPTED),
            (b"/bin/sh\n/bin/b", b"/bin/sh\n/bin/bash\n", Kind.UNSURE),
            (b"/bin/sh\n", b"", Kind.ACCEPTED),
        ):
            self.rewrite(shells, half, whole)
            self.assertIs(self.look(ALICE, accountRules=rules).kind, kind, half)
