"""
Tests for the processes that check logins: real ones.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest

import mycred
from mycred._accounts import Kind, Rules
from mycred._helper import Helper, _asking
from mycred._helper._wire import receive

from ..accounts._machines import PASSWORD, MachineTestCase

ROOT = Path(mycred.__file__).parents[1]

# How long anything may take before the test gives up, in seconds.
PATIENCE = 20.0


def children(pid: int) -> list[int]:
    """
    List the processes that a process has started.
    """
    path = Path(f"/proc/{pid}/task/{pid}/children")
    if not path.parent.exists():
        return []
    if not path.exists():
        raise SkipTest("run Linux with CONFIG_PROC_CHILDREN")
    return [int(word) for word in path.read_text("ascii").split()]


def until(condition: Callable[[], Any]) -> Any:
    """
    Wait for something that other processes do.
    """
    end = time.monotonic() + PATIENCE
    while not (result := condition()):
        if time.monotonic() > end:
            raise AssertionError("it doesn't happen")
        time.sleep(0.005)
    return result


class HelperTestCase(MachineTestCase):
    """
    Base of the tests that start processes.
    """

    def helper(self, processes: int = 1, rules: Any = None) -> Helper:
        """
        Start processes for the accounts of the machine.
        """
        before = set(children(os.getpid()))
        files = self.passwd, self.shadow, self.group
        rules = rules or Rules()
        helper = Helper("unix", files, rules, processes=processes)
        self.addCleanup(helper.close)
        [self.broker] = set(children(os.getpid())) - before
        for pid in children(self.broker):
            # It closes what it has inherited when it begins.
            until(lambda pid=pid: len(os.listdir(f"/proc/{pid}/fd")) <= 4)
        return helper

    def ask(self, helper: Helper, name: bytes, password: bytes = PASSWORD) -> Kind:
        """
        Ask, and have no doubts.
        """
        self.answer = helper.ask(name, password, None, PATIENCE)
        return self.answer.verdict.kind


class AskTests(HelperTestCase):
    """
    Tests for L{Helper.ask}.
    """

    def test_verdicts(self) -> None:
        """
        The processes find what this one would find, and tell all of it.
        """
        helper = self.helper(rules=Rules(minuid=1))
        accounts = self.accounts(Rules(minuid=1), now=time.time)
        for name in (b"carol", b"dave", b"locked", b"expired", b"root", b"eve"):
            for password in (PASSWORD, b"tulip", b"\xff\x01"):
                expected = accounts.look(name, password)._replace(doubt=None)
                answer = helper.ask(name, password, None, PATIENCE)
                self.assertEqual(answer.verdict._replace(doubt=None), expected)

    def test_rules(self) -> None:
        """
        Rules are told to the processes when they start.
        """
        shells = self.write("shells", b"/bin/bash\n")
        nologin = str(self.folder / "nologin")
        rules = Rules((nologin,), shells, 1000, ("staff",))
        helper = self.helper(rules=rules)
        self.assertIs(self.ask(helper, b"carol"), Kind.ACCEPTED)
        self.assertIs(self.ask(helper, b"dave"), Kind.DENIED)
        self.assertIn("/bin/sh", self.answer.verdict.why)
        self.assertIs(self.ask(helper, b"erin"), Kind.DENIED)
        self.assertIn("groups staff", self.answer.verdict.why)
        Path(nologin).touch()
        self.assertIs(self.ask(helper, b"carol"), Kind.DENIED)

    def test_manyAtATime(self) -> None:
        """
        As many as there are processes can ask at a time, and each gets his own
        answer.
        """
        helper = self.helper(3)
        names = [b"carol", b"dave", b"eve", b"locked", b"frank"] * 20
        expected = [self.accounts().look(n, PASSWORD).kind for n in names]
        with ThreadPoolExecutor(3) as threads:
            answers = threads.map(lambda n: helper.ask(n, PASSWORD, None, 20), names)
            kinds = [(answer.verdict.name, answer.verdict.kind) for answer in answers]
        self.assertEqual(kinds, list(zip(names, expected)))

    def test_store(self) -> None:
        """
        A store that can't be read is no wrong password; once it comes, it counts.
        """
        helper = self.helper()
        Path(self.shadow).rename(self.shadow + "~")
        self.assertIs(self.ask(helper, b"carol"), Kind.UNSURE)
        self.assertIn(f"{self.shadow}", self.answer.verdict.why)
        Path(self.shadow + "~").rename(self.shadow)
        self.assertIs(self.ask(helper, b"carol"), Kind.ACCEPTED)

    def test_notes(self) -> None:
        """
        What is odd comes with the answer.
        """
        self.write("shadow", b"carol:nonsense:::::::\n")
        helper = self.helper()
        self.assertIs(self.ask(helper, b"carol"), Kind.REFUSED)
        [note] = self.answer.notes
        self.assertIn("shadow, line 1: ", note)

    def test_hangs(self) -> None:
        """
        A process that doesn't answer in time is replaced, and what it might have said
        reaches nobody else.
        """
        helper = self.helper()
        for _ in range(3):
            [hung] = until(lambda: children(self.broker))
            os.kill(hung, signal.SIGSTOP)
            answer = helper.ask(b"carol", PASSWORD, None, 0.05)
            self.assertIs(answer.verdict.kind, Kind.UNSURE)
            self.assertIn("0.05 s", answer.verdict.why)
            self.assertIs(self.ask(helper, b"eve"), Kind.REFUSED)
            self.assertEqual(self.answer.verdict.name, b"eve")
            self.assertIs(self.ask(helper, b"carol"), Kind.ACCEPTED)
            self.assertNotIn(hung, children(self.broker))

    def test_crashes(self) -> None:
        """
        A process that ends by itself is replaced; whoever is told of that is told
        that nothing was found out, and the answer to him isn't given to the next.
        """
        helper = self.helper()
        for _ in range(3):
            [old] = until(lambda: children(self.broker))
            os.kill(old, signal.SIGKILL)
            until(lambda old=old: set(children(self.broker)) - {old})
            self.assertIs(self.ask(helper, b"carol"), Kind.UNSURE)
            self.assertIn("SIGKILL", self.answer.verdict.why)
            self.assertIs(self.ask(helper, b"eve"), Kind.REFUSED)
            self.assertEqual(self.answer.verdict.name, b"eve")

    def test_crashesMeanwhile(self) -> None:
        """
        Who waits for a process that ends needn't wait until the deadline.
        """
        helper = self.helper()
        [old] = children(self.broker)
        os.kill(old, signal.SIGSTOP)
        with ThreadPoolExecutor(1) as threads:
            asking = threads.submit(helper.ask, b"carol", PASSWORD, None, 3600)
            os.kill(old, signal.SIGABRT)
            os.kill(old, signal.SIGCONT)
            self.assertIn("SIGABRT", asking.result(PATIENCE).verdict.why)

    def test_nonsense(self) -> None:
        """
        An answer that makes no sense is none, and its process is replaced.
        """
        helper = self.helper()
        for nonsense in (5, [], [0], {"a": 1}, [0, 0, 0, 0], [0, None, []], [0, [], 1]):
            [old] = until(lambda: children(self.broker))
            helper._numbers = count()
            answers = [nonsense]

            def once(*arguments: Any, answers: list[Any] = answers) -> Any:
                return answers.pop() if answers else receive(*arguments)

            self.patch(_asking, "receive", once)
            self.assertIs(self.ask(helper, b"carol"), Kind.UNSURE, nonsense)
            self.assertIn("makes no sense", self.answer.verdict.why)
            self.assertIs(self.ask(helper, b"eve"), Kind.REFUSED, nonsense)
            self.assertNotIn(old, children(self.broker))

    def test_gone(self) -> None:
        """
        If all of them are gone, that is no wrong password.
        """
        helper = self.helper()
        for pid in (self.broker, *children(self.broker)):
            os.kill(pid, signal.SIGKILL)
        self.assertIs(self.ask(helper, b"carol"), Kind.UNSURE)
        self.assertIn("restart the server", self.answer.verdict.why)
        helper = self.helper()
        helper.close()
        self.assertIs(self.ask(helper, b"carol"), Kind.UNSURE)

    def test_brokerGone(self) -> None:
        """
        Without a broker, what hangs can't be replaced: that is told too.
        """
        helper = self.helper()
        [worker] = children(self.broker)
        os.kill(self.broker, signal.SIGKILL)
        os.kill(worker, signal.SIGSTOP)
        self.addCleanup(os.kill, worker, signal.SIGKILL)
        answer = helper.ask(b"carol", PASSWORD, None, 0.05)
        self.assertIs(answer.verdict.kind, Kind.UNSURE)
        self.assertIn("gone", answer.verdict.why)


class ProcessTests(HelperTestCase):
    """
    Tests for how the processes begin and end.
    """

    def test_close(self) -> None:
        """
        They end when they are closed, and when they are forgotten; nothing is left
        open.
        """
        self.helper().close()
        before = len(os.listdir("/proc/self/fd"))
        helper = self.helper(2)
        workers = children(self.broker)
        self.assertEqual(len(workers), 2)
        helper.close()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
        helper = Helper("unix", [None, None, None], Rules(), processes=1)
        [broker] = children(os.getpid())
        del helper
        gc.collect()
        self.assertNotIn(broker, children(os.getpid()))

    def test_wrongSettings(self) -> None:
        """
        What the processes can't use is told by them, and they end.
        """
        before = children(os.getpid()), len(os.listdir("/proc/self/fd"))
        error = self.assertRaises(
            ValueError, Helper, "pam", "no-such-service", "/nowhere", processes=1
        )
        self.assertIn("/nowhere/no-such-service", str(error))
        after = children(os.getpid()), len(os.listdir("/proc/self/fd"))
        self.assertEqual(before, after)

    def test_cannotStart(self) -> None:
        """
        If they can't be started, or end at once, that is told.
        """
        before = len(os.listdir("/proc/self/fd"))
        for program in ("/nowhere/python", shutil.which("false")):
            self.patch(sys, "executable", program)
            self.assertRaises(OSError, self.helper)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def start(self, source: str) -> subprocess.Popen[str]:
        """
        Run a program that has some processes in C{helper}.
        """
        begin = f"""
            import os, sys, time
            from mycred._helper import Helper
            from mycred._accounts import Rules
            files = {[self.passwd, self.shadow, None]}
            helper = Helper("unix", files, Rules(), processes=2)
        """
        program = textwrap.dedent(begin) + textwrap.dedent(source)
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        assert process.stdout is not None
        self.addCleanup(process.stdout.close)
        return process

    def test_serverKilled(self) -> None:
        """
        However the server ends, they end with it, also those that are busy.
        """
        process = self.start("print('started', flush=True); time.sleep(3600)")
        assert process.stdout is not None
        self.assertEqual(process.stdout.readline(), "started\n")
        [broker] = children(process.pid)
        workers = children(broker)
        os.kill(workers[0], signal.SIGSTOP)
        process.kill()
        until(lambda: not any(Path(f"/proc/{p}").exists() for p in [broker, *workers]))

    def test_signals(self) -> None:
        """
        What ends a server, such as Ctrl-C in its terminal, leaves them to do their
        work until the server ends; what the modules start is ended by it.
        """
        helper = self.helper()
        [worker] = children(self.broker)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            os.kill(self.broker, number)
        self.assertIs(self.ask(helper, b"carol"), Kind.ACCEPTED)
        self.assertNotEqual(os.getsid(self.broker), os.getsid(0))
        status = Path(f"/proc/{worker}/status").read_text("ascii")
        [ignored] = [li for li in status.splitlines() if li.startswith("SigIgn:")]
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD):
            self.assertFalse(int(ignored.split()[1], 16) >> number - 1 & 1)

    def test_daemon(self) -> None:
        """
        A server that becomes a daemon still asks them, and nothing of its terminal
        stays open through them.
        """
        process = self.start(f"""
            if os.fork():
                os._exit(0)
            os.setsid()
            if os.fork():
                os._exit(0)
            kind = helper.ask(b"carol", {PASSWORD!r}, None, 20).verdict.kind
            print(kind.name, os.getppid() == 1 or os.getppid(), flush=True)
            os.dup2(os.open(os.devnull, os.O_RDWR), 1)
            time.sleep(3600)
        """)
        output, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(output.split()[0], "ACCEPTED")
        command = f"^{sys.executable} -c .*{self.shadow}"
        subprocess.run(["pkill", "-KILL", "-f", command], check=True)

    def test_environment(self) -> None:
        """
        They hold none of this process's files, and no folder.
        """
        open_ = os.open(self.passwd, os.O_RDONLY)
        os.set_inheritable(open_, True)
        self.addCleanup(os.close, open_)
        helper = self.helper()
        [worker] = children(self.broker)
        for pid, most in [(self.broker, 3 + 2 + 2), (worker, 3 + 1)]:
            self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), "/")
            self.assertLessEqual(len(os.listdir(f"/proc/{pid}/fd")), most)
            for number in range(3):
                self.assertEqual(os.readlink(f"/proc/{pid}/fd/{number}"), os.devnull)
        helper.close()
