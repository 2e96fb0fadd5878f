"""
What the tests of checkers of files have in common.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mycred import _files
from mycred._checking._stores import AsyncStore
from mycred._hashes import Hash
from mycred._passwordfile import PasswordFile
from mycred.credentials import UsernamePassword
from mycred.error import TemporaryFailure, UnauthorizedLogin
from mycred.testing import SteppedWorkers

# htpasswd -nbB -C 4 carol hashed
BCRYPT = b"$2y$04$o50jQe7M4o62AeA5KFjucOnS1iuzc.U2.R3wyikupFOOrfTjNE/QW"


class FileTestCase(SynchronousTestCase):
    """
    Base of the tests that have a password file.
    """

    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        # Their reactor doesn't run: everything is done at once.
        self.workers = SteppedWorkers(running=False)
        self.verified: list[tuple[bytes, bytes]] = []
        verify = Hash.verify

        def remember(found: Hash, password: bytes) -> bool:
            self.verified.append((found.text, password))
            return verify(found, password)

        self.patch(Hash, "verify", remember)
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def settle(self) -> None:
        """
        Have all files be old enough to be believed.
        """
        self.patch(_files, "SETTLING", 0)

    def ask(self, database: Any, name: Any, password: Any) -> Deferred[Any]:
        """
        Present a name and a password.
        """
        return database.requestAvatarId(UsernamePassword(name, password))

    def assertAccepted(self, asking: Deferred[Any], avatarId: Any) -> None:
        """
        Insist on an avatar ID of this type.
        """
        accepted = self.successResultOf(asking)
        self.assertEqual((type(accepted), accepted), (type(avatarId), avatarId))

    def assertRefused(self, asking: Deferred[Any]) -> None:
        """
        Insist on an answer that tells nothing but no.
        """
        error = self.failureResultOf(asking).value
        self.assertIs(type(error), UnauthorizedLogin)
        self.assertEqual(error.args, ())

    def logged(self, text: str) -> list[Any]:
        """
        Find the events whose text holds another.
        """
        return [e for e in self.events if text in (formatEvent(e) or "")]


class StoreTests:
    """
    Tests for a file that comes, changes and goes: the same for all checkers that
    take plain text.
    """

    def checker(self: Any, content: bytes | None = None) -> Any:
        """
        Make a checker, of a file that holds this.
        """
        raise NotImplementedError

    def run_(self: Any) -> None:
        """
        Have the reactor run, so that the test steps the work, and the time.
        """
        self.workers.reactor.running = True

    def assertDown(self: Any, checker: Any) -> None:
        """
        Insist on a temporary failure, which is logged and tells the peer no name; the
        line about the login has it.
        """
        before = len(self.logged("can't be read"))
        failure = self.failureResultOf(
            self.ask(checker, b"alice", b"sesame"), TemporaryFailure
        )
        self.assertNotIn(str(self.path), str(failure.value))
        self.assertIn(f"{self.path} can't be read: ", failure.value.why)
        # Once by the checker, and once in the line about the login.
        self.assertEqual(len(self.logged("can't be read")), before + 2)

    def test_missing(self: Any) -> None:
        """
        A file that isn't there is no wrong password, and once it comes it counts;
        once it is gone, nobody is let in.
        """
        checker = self.checker()
        self.assertDown(checker)
        self.path.write_bytes(b"alice:sesame\n")
        self.assertAccepted(self.ask(checker, b"alice", b"sesame"), b"alice")
        self.path.unlink()
        self.assertDown(checker)

    def test_notAFile(self: Any) -> None:
        """
        A folder, or a pipe to which nobody writes, is a temporary failure, and
        nobody waits for it.
        """
        for make in (os.mkdir, os.mkfifo):
            self.path = Path(self.mktemp())
            make(self.path)
            self.assertDown(self.checker())

    def test_unreadable(self: Any) -> None:
        """
        So is a file that the server may not read.
        """

        def deny(path: str, flags: int) -> int:
            raise PermissionError(13, "Permission denied", path)

        checker = self.checker(b"alice:sesame\n")
        self.patch(_files, "_openWithoutWaiting", deny)
        self.assertDown(checker)

    def test_tooLarge(self: Any) -> None:
        """
        So is a file that is too large for anybody's accounts.
        """
        self.patch(_files, "LARGEST", 13)
        checker = self.checker(b"alice:sesame\n")
        self.assertAccepted(self.ask(checker, b"alice", b"sesame"), b"alice")
        self.assertDown(self.checker(b"alice:sesame\n#"))

    def test_differs(self: Any) -> None:
        """
        The file is read again when it differs: newer, older, of another size, or
        another file in its place.
        """
        checker = self.checker(b"alice:one\n")
        self.settle()
        self.assertAccepted(self.ask(checker, b"alice", b"one"), b"alice")
        self.path.write_bytes(b"alice:two\n")
        os.utime(self.path, (0, 0))
        self.assertAccepted(self.ask(checker, b"alice", b"two"), b"alice")
        self.path.write_bytes(b"alice:three\n")
        os.utime(self.path, (0, 0))
        self.assertAccepted(self.ask(checker, b"alice", b"three"), b"alice")
        backup = Path(self.mktemp())
        backup.write_bytes(b"alice:fours\n")
        os.utime(backup, (0, 0))
        backup.rename(self.path)
        self.assertAccepted(self.ask(checker, b"alice", b"fours"), b"alice")
        self.assertRefused(self.ask(checker, b"alice", b"three"))
        self.path.write_bytes(b"")
        self.assertRefused(self.ask(checker, b"alice", b"fours"))

    def test_sameState(self: Any) -> None:
        """
        A change that leaves time, size and place alike counts too, where the file
        was read just after it had changed.
        """
        state = (0, time.time_ns(), len(b"alice:one\n"), 0, 0)
        self.patch(_files, "signatureOf", lambda status: state)
        self.patch(_files, "SETTLING", 60)
        checker = self.checker(b"alice:one\n")
        self.assertAccepted(self.ask(checker, b"alice", b"one"), b"alice")
        self.path.write_bytes(b"alice:two\n")
        self.assertAccepted(self.ask(checker, b"alice", b"two"), b"alice")

    def test_changesWhileRead(self: Any) -> None:
        """
        A file that is written while it is read is read again, and if it goes on
        like that, that is a temporary failure.
        """
        read = os.read
        changes: list[int] = [3, 1000]

        def changing(descriptor: int, size: int) -> bytes:
            text = read(descriptor, size)
            if changes[0]:
                changes[0] -= 1
                with self.path.open("ab") as file:
                    file.write(b"#\n")
            return text

        checker = self.checker(b"alice:sesame\n")
        self.patch(os, "read", changing)
        self.assertAccepted(self.ask(checker, b"alice", b"sesame"), b"alice")
        self.assertEqual(changes.pop(0), 0)
        self.path.write_bytes(b"alice:tulip\n")
        self.assertDown(checker)

    def test_beingWritten(self: Any) -> None:
        """
        Nobody is refused because the file is just being written: it is looked at
        again after a moment.
        """
        self.run_()
        moment = _files.SETTLING
        # However long it takes until the file is read.
        self.patch(_files, "SETTLING", 3600)
        checker = self.checker(b"")
        asking = self.ask(checker, b"alice", b"sesame")
        wrong = self.ask(checker, b"alice", b"tulip")
        self.workers.step(2)
        self.assertNoResult(asking)
        self.path.write_bytes(b"alice:sesame\n")
        self.workers.reactor.advance(moment / 2)
        self.assertEqual(self.workers.pool.jobs, [])
        self.settle()
        self.workers.reactor.advance(moment + 1)
        self.workers.step(2)
        self.assertAccepted(asking, b"alice")
        self.assertRefused(wrong)
        self.assertEqual(self.workers.reactor.getDelayedCalls(), [])

    def test_halfWritten(self: Any) -> None:
        """
        Half of a password lets nobody in.
        """
        self.run_()
        checker = self.checker(b"bob:tulip\nalice:ses")
        asking = self.ask(checker, b"alice", b"ses")
        self.workers.step()
        self.assertNoResult(asking)
        self.path.write_bytes(b"bob:tulip\nalice:sesame\n")
        self.settle()
        self.workers.reactor.advance(1)
        self.workers.step()
        self.assertRefused(asking)

    def test_youngAndUnchanged(self: Any) -> None:
        """
        A refusal from a file that has just changed costs one more look, and no
        more: then it is certain.
        """
        self.patch(_files, "SETTLING", 3600)
        self.run_()
        asking = self.ask(self.checker(b"alice:sesame\n"), b"alice", b"tulip")
        self.workers.step()
        self.assertNoResult(asking)
        self.workers.reactor.advance(1)
        self.workers.step()
        self.assertRefused(asking)

    def test_goesOnChanging(self: Any) -> None:
        """
        If the file never comes to rest, that is a temporary failure, after so many
        looks, or when the login has taken as long as one may.
        """
        self.patch(_files, "SETTLING", 3600)
        self.run_()
        for pause, expected in ((0, AsyncStore.MOST_TRIES), (11, 3)):
            self.patch(AsyncStore, "PAUSE", pause)
            checker = self.checker(b"#\n")
            asking = self.ask(checker, b"alice", b"sesame")
            outcome: list[Any] = []
            asking.addErrback(outcome.append)
            looks = 0
            while not outcome and looks < 100:
                with self.path.open("ab") as file:
                    file.write(b"#\n")
                self.workers.step()
                self.workers.reactor.advance(pause)
                looks += 1
            outcome[0].trap(TemporaryFailure)
            self.assertEqual(outcome[0].value.why, f"{self.path} goes on changing")
            self.assertEqual(looks, expected, pause)
        self.assertEqual(len(self.logged("goes on changing")), 2 + 2)

    def test_oneDeadline(self: Any) -> None:
        """
        However often it is looked, a login takes no longer than one may.
        """
        self.run_()
        asking = self.ask(self.checker(b""), b"alice", b"sesame")
        self.workers.step()
        self.workers.reactor.advance(10)
        self.assertNoResult(asking)
        self.workers.reactor.advance(19)
        self.assertNoResult(asking)
        self.workers.reactor.advance(1)
        self.failureResultOf(asking, TemporaryFailure)

    def test_readOnceForAll(self: Any) -> None:
        """
        Those who ask for the same while they wait are served by one look.
        """
        self.run_()
        self.settle()
        checker = self.checker(b"alice:sesame\n")
        asking = [self.ask(checker, b"alice", b"sesame") for _ in range(5)]
        self.workers.step()
        for one in asking:
            self.assertAccepted(one, b"alice")
        self.assertEqual(self.workers.pool.jobs, [])

    def test_hangsUp(self: Any) -> None:
        """
        Who hangs up in the queue isn't looked up, and whoever hangs up later is
        neither refused nor logged.
        """
        self.run_()
        checker = self.checker(b"alice:sesame\n")
        asking = self.ask(checker, b"alice", b"tulip")
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.patch(PasswordFile, "lookUp", None)
        self.workers.step()
        self.assertEqual(self.workers.reactor.getDelayedCalls(), [])
        self.assertEqual(self.logged("refused"), [])

    def test_hangsUpDuringPause(self: Any) -> None:
        """
        The same holds while a file is given time to settle.
        """
        self.run_()
        asking = self.ask(self.checker(b""), b"alice", b"sesame")
        self.workers.step()
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.assertEqual(self.workers.reactor.getDelayedCalls(), [])

    def test_unexpected(self: Any) -> None:
        """
        Whatever else goes wrong, such as too little memory, is logged, and is no
        wrong password.
        """
        checker = self.checker(b"alice:sesame\n")

        def fail(path: str, flags: int) -> int:
            raise MemoryError

        self.patch(_files, "_openWithoutWaiting", fail)
        self.failureResultOf(self.ask(checker, b"alice", b"sesame"), TemporaryFailure)
        self.assertEqual(len(self.flushLoggedErrors(MemoryError)), 1)
