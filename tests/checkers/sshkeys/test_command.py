"""
Tests for L{mycred.checkers.sshkeys.KeysCommand}, with real programs.
"""

from __future__ import annotations

import os
import pwd
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, inlineCallbacks
from twisted.internet.task import Clock
from twisted.internet.utils import getProcessOutput
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SkipTest, TestCase

import mycred
from mycred._sshkeys import parseOffer
from mycred._verdict import Account
from mycred.checkers.sshkeys import KeysCommand
from mycred.error import TemporaryFailure

from ...kit.keys import blobOf, ed25519
from ...kit.privileged import isGone

ROOT = Path(mycred.__file__).parents[1]
ACCOUNT = Account("al ice", 1000, 1000, "/home/alice", "/bin/sh")
OFFER: Any = parseOffer(blobOf(ed25519()))


def Command(command: str, user: str | None = None, **settings: Any) -> KeysCommand:
    """
    Make a command, which root may run only if he says so.
    """
    if user is None and not os.geteuid():
        user = "root"
    return KeysCommand(command, user, **settings)


class StubReactor(Clock):
    """
    A clock that starts real processes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[Any] = []

    def spawnProcess(self, *args: Any, **kwargs: Any) -> Any:
        """
        Start one.
        """
        self.process = reactor.spawnProcess(*args, **kwargs)
        self.processes.append(self.process)
        return self.process


class CommandTests(TestCase):
    """
    Programs that know keys.
    """

    timeout = 60

    def setUp(self) -> None:
        # Where nobody else may write, up to the root.
        home = pwd.getpwuid(os.geteuid()).pw_dir
        self.folder = Path(tempfile.mkdtemp(prefix=".mycred-", dir=home))
        self.addCleanup(shutil.rmtree, self.folder)
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def program(self, text: str) -> str:
        """
        Write a program.
        """
        path = self.folder / "keys"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    def ask(self, command: KeysCommand) -> Deferred[bytes]:
        """
        Ask it.
        """
        return command.run(ACCOUNT, OFFER)

    @inlineCallbacks
    def test_arguments(self) -> Any:
        """
        It is told of the user and of the key, each argument by itself, and of nothing
        else that is in the environment.
        """
        path = self.program('printf "%s|" "$@"; env | grep -v -e PWD -e SHLVL -e _=')
        command = Command(f"{path} %u '%h x' %U %t %f %k %% ''")
        output = yield self.ask(command)
        values = [
            b"al ice",
            b"/home/alice x",
            b"1000",
            b"ssh-ed25519",
            OFFER.fingerprint.encode(),
            OFFER.base64,
            b"%",
            b"",
        ]
        self.assertEqual(output.split(b"|")[:-1], values)
        environment = output.split(b"|")[-1]
        self.assertEqual(
            environment, b"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin\n"
        )

    @inlineCallbacks
    def test_noArguments(self) -> Any:
        """
        Without arguments it gets the name.
        """
        output = yield self.ask(Command(self.program('echo "$#:$1"')))
        self.assertEqual(output, b"1:al ice\n")

    @inlineCallbacks
    def test_noInput(self) -> Any:
        """
        It has nothing to read, and what it complains of isn't taken for keys.
        """
        output = yield self.ask(Command(self.program("cat; echo no >&2; echo yes")))
        self.assertEqual(output, b"yes\n")

    @inlineCallbacks
    def test_failed(self) -> Any:
        """
        If it ends badly, nothing that it has written counts.
        """
        for text in ("echo key; exit 1", "echo key; kill -9 $$"):
            yield self.assertFailure(
                self.ask(Command(self.program(text))), TemporaryFailure
            )
        self.assertIn("keys", self.events[-1]["path"])

    @inlineCallbacks
    def test_tooMuch(self) -> Any:
        """
        One that writes without end is ended, and the line about the login says so.
        """
        command = Command(self.program("exec cat /dev/zero"), mostOutput=10_000)
        error = yield self.assertFailure(self.ask(command), TemporaryFailure)
        self.assertIn("too much", self.events[-1]["why"])
        self.assertEqual(error.why, f"{command.path}: {self.events[-1]['why']}")
        self.assertEqual(str(error), "Temporarily unavailable")

    @inlineCallbacks
    def test_tooLong(self) -> Any:
        """
        One that takes too long is ended, also if somebody else has its output.
        """
        clock = StubReactor()
        text = "sleep 1000 & echo $! > $0.pid; wait"
        command = Command(self.program(text), deadline=5, reactor=clock)
        asking = self.ask(command)
        self.assertNoResult(asking)
        while not (self.folder / "keys.pid").exists():
            pause: Deferred[None] = Deferred()
            reactor.callLater(0.01, pause.callback, None)
            yield pause
        clock.advance(5)
        self.failureResultOf(asking, TemporaryFailure)
        yield self.gone(clock.process)
        # What it has started has ended with it.
        left = int((self.folder / "keys.pid").read_text())
        self.assertTrue(isGone(left), left)

    @inlineCallbacks
    def gone(self, process: Any) -> Any:
        """
        Wait until a process has ended.
        """
        while process.pid is not None:
            pause: Deferred[None] = Deferred()
            reactor.callLater(0.01, pause.callback, None)
            yield pause

    @inlineCallbacks
    def test_cancel(self) -> Any:
        """
        It is ended when nobody waits for it any more.
        """
        clock = StubReactor()
        command = Command(self.program("exec sleep 1000"), reactor=clock)
        asking = self.ask(command)
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.assertEqual(clock.getDelayedCalls(), [])
        self.assertEqual(self.events, [])
        yield self.gone(clock.process)

    def test_unsafe(self) -> None:
        """
        A program that others could have written is refused, at the start and later.
        """
        path = self.program("echo")
        command = Command(path)
        os.chmod(path, 0o777)
        with self.assertRaises(ValueError):
            Command(path)
        self.failureResultOf(self.ask(command), TemporaryFailure)
        os.chmod(path, 0o644)
        with self.assertRaises(ValueError):
            Command(path)
        os.chmod(path, 0o755)
        os.chmod(self.folder, 0o777)
        with self.assertRaises(ValueError):
            Command(path)

    def test_wrong(self) -> None:
        """
        What can't be is an error.
        """
        path = self.program("echo")
        for command in ("", "keys", f"{path} %", f"{path} %x", f"{path} '", f"./{path}"):
            with self.assertRaises(ValueError, msg=command):
                Command(command)
        with self.assertRaises(ValueError):
            Command(path, "no-such-account")
        with self.assertRaises(OSError):
            Command(f"{path}-missing")
        if not os.geteuid():
            with self.assertRaises(ValueError):
                KeysCommand(path)

    @inlineCallbacks
    def test_crowd(self) -> Any:
        """
        Some run at a time, the others wait, and too many are too many.
        """
        clock = StubReactor()
        command = Command(self.program("exec sleep 1000"), reactor=clock)
        askings = [self.ask(command) for _ in range(201)]
        self.failureResultOf(askings.pop(), TemporaryFailure)
        running = len(clock.getDelayedCalls())
        self.assertLess(running, 201)
        processes = clock.processes
        self.assertEqual(len(processes), running)
        for asking in reversed(askings):
            asking.cancel()
            self.failureResultOf(asking, CancelledError)
        self.assertEqual(clock.getDelayedCalls(), [])
        for process in processes:
            yield self.gone(process)

    @inlineCallbacks
    def test_user(self) -> Any:
        """
        It runs with the rights of its own account.
        """
        if os.geteuid():
            raise SkipTest("run the tests as root, on a machine that isn't anybody's")
        command = Command("/usr/bin/id -u", "nobody")
        output = yield self.ask(command)
        self.assertEqual(int(output), pwd.getpwnam("nobody").pw_uid)

    @inlineCallbacks
    def test_groups(self) -> Any:
        """
        It has the groups of its own account, and none of root's.
        """
        if os.geteuid():
            raise SkipTest("run the tests as root, on a machine that isn't anybody's")
        record = pwd.getpwnam("nobody")
        output = yield self.ask(Command("/usr/bin/id -G", "nobody"))
        groups = os.getgrouplist("nobody", record.pw_gid)
        self.assertEqual(sorted(map(int, output.split())), sorted(groups))


class BecomeTests(TestCase):
    """
    Programs of a server that root has started, and that has become somebody else.
    """

    timeout = 60

    def setUp(self) -> None:
        if os.geteuid():
            raise SkipTest("run the tests as root, on a machine that isn't anybody's")

    def become(self, user: str, become: str) -> Any:
        """
        Have a process of root's make a command, become somebody else, and ask it.

        @param user: who shall run the command.
        @param become: how it becomes somebody else.

        @return: a L{Deferred} that fires with what came of it: users and groups.
        """
        program = f"""
            import os, sys
            from twisted.internet.task import react
            from twisted.logger import globalLogBeginner, textFileLogObserver
            from twisted.python.util import switchUID
            from mycred._verdict import Account
            from mycred._sshkeys import parseOffer
            from mycred.checkers.sshkeys import KeysCommand

            observer = textFileLogObserver(sys.stdout)
            globalLogBeginner.beginLoggingTo([observer], True, False)
            account = Account("alice", 1000, 1000, "/home/alice", "/bin/sh")
            offer = parseOffer({OFFER.blob!r})
            lines = "grep -E '^(Uid|Gid|Groups)' /proc/self/status"
            command = KeysCommand(f'/bin/sh -c "{{lines}}"', {user!r})
            {become}

            def main(reactor):
                return command.run(account, offer).addCallbacks(
                    lambda text: print(text.decode()), lambda failure: None
                )

            react(main)
        """
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        arguments = ["-c", textwrap.dedent(program)]
        return getProcessOutput(sys.executable, arguments, environment, errortoo=True)

    @inlineCallbacks
    def test_same(self) -> Any:
        """
        One that has become the account that runs the program runs it as itself, with the
        groups of that account and no others.
        """
        record = pwd.getpwnam("nobody")
        uid, gid = record.pw_uid, record.pw_gid
        output = yield self.become("nobody", f"switchUID({uid}, {gid})")
        found = dict(line.split(b":", 1) for line in output.splitlines() if b":" in line)
        self.assertEqual(set(map(int, found[b"Uid"].split())), {uid}, output)
        self.assertEqual(set(map(int, found[b"Gid"].split())), {gid}, output)
        groups = os.getgrouplist("nobody", gid)
        self.assertEqual(set(map(int, found[b"Groups"].split())), set(groups), output)

    @inlineCallbacks
    def test_others(self) -> Any:
        """
        One that has become somebody else, or not wholly that account, or that keeps a
        group of root's, can't; and the log says why.
        """
        record = pwd.getpwnam("nobody")
        uid, gid = record.pw_uid, record.pw_gid
        for user, become, says in [
            ("nobody", "switchUID(1, 1)", "has become somebody else"),
            ("root", f"switchUID({uid}, {gid})", "has become somebody else"),
            ("nobody", f"switchUID({uid}, {gid}, True)", "has become somebody else"),
            (
                "nobody",
                f"os.setgroups([]); os.setgid(0); os.setuid({uid})",
                "keeps the group 0",
            ),
            (
                "nobody",
                f"os.setgroups([0, {gid}]); os.setgid({gid}); os.setuid({uid})",
                "keeps the group 0",
            ),
            (
                "nobody",
                f"os.setgroups([]); os.setresgid({gid}, {gid}, 0); os.setuid({uid})",
                "keeps the group 0",
            ),
        ]:
            output = yield self.become(user, become)
            self.assertIn(says, output.decode(), become)
            self.assertNotIn(b"Uid:", output)

    @inlineCallbacks
    def test_root(self) -> Any:
        """
        One that is still root's becomes that account for the program.
        """
        record = pwd.getpwnam("nobody")
        output = yield self.become("nobody", "pass")
        self.assertIn(f"Uid:\t{record.pw_uid}\t{record.pw_uid}", output.decode())
        output = yield self.become("root", "pass")
        self.assertIn("Uid:\t0\t0", output.decode())
