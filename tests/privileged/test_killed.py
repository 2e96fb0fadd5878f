"""
Tests for L{mycred._privileged} when its processes are killed, also while
L{mycred._sshkeys._authority} has the rights of a user.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

from twisted.trial.unittest import SkipTest

from mycred._accounts._pam import PAMSettings
from mycred._privileged import PrivilegedClient
from mycred._sshkeys import KeyFiles, KeySettings
from mycred._verdict import Kind

from ..kit.keys import blobOf, ed25519
from ..kit.machines import PASSWORD
from ..kit.privileged import PATIENCE, ClientTestCase, children, isGone, soon, until
from ..kit.services import Services

KEY = blobOf(ed25519())

#: Somebody whom every machine has.
NAME = b"daemon"


def end(pid: int) -> None:
    """
    End a process, unless it has ended.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class KilledTestCase(ClientTestCase):
    """
    Base of the tests in which the broker is killed.
    """

    def kill(self, client: PrivilegedClient) -> None:
        """
        Kill the broker, and wait until that shows.
        """
        os.kill(self.broker, signal.SIGKILL)
        until(lambda: client._processes.isOver)


class OthersTests(KilledTestCase):
    """
    Tests for starting others.
    """

    def test_startedAgain(self) -> None:
        """
        As long as this process has the privileges that they had, the next login starts
        others, and the log is told each time.
        """
        before = set(children(os.getpid()))
        client = self.client(2)
        self.patch(PrivilegedClient, "pause", 0)
        brokers = {self.broker}
        for times in (1, 2, 3):
            self.kill(client)
            self.assertIs(self.ask(client, b"carol"), Kind.ACCEPTED)
            [note] = self.answer.notes
            self.assertIn(f"started again (no. {times})", note)
            self.assertIs(self.ask(client, b"eve"), Kind.REFUSED)
            self.assertEqual(self.answer.notes, ())
            [self.broker] = set(children(os.getpid())) - before - brokers
            brokers.add(self.broker)
        # Nothing is left of those that were killed.
        self.assertEqual(brokers & set(children(os.getpid())), {self.broker})

    def test_whereItBegan(self) -> None:
        """
        They find their modules where those did that came first, wherever this process
        has gone.
        """
        client = self.client()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir("/")
        self.patch(sys, "path", [])
        self.kill(client)
        self.assertIs(self.ask(client, b"carol"), Kind.ACCEPTED)

    def test_notAgain(self) -> None:
        """
        Once it has become another user it starts none, and the log is told what to do.
        """
        client = self.client()
        self.kill(client)
        self.patch(os, "geteuid", lambda: 4711)
        notes = set()
        for _ in range(3):
            self.assertIs(self.ask(client, b"carol"), Kind.UNSURE)
            self.assertIn("restart the server", self.answer.verdict.why)
            notes.update(self.answer.notes)
        [note] = notes
        self.assertIn("no user can log in until it is restarted", note)

    def test_root(self) -> None:
        """
        For root it doesn't matter which groups it has left; for another it does.
        """
        client = self.client()
        self.kill(client)
        self.patch(os, "getegid", lambda: 4711)
        if os.geteuid():
            self.assertIs(self.ask(client, b"carol"), Kind.UNSURE)
            return
        self.assertIs(self.ask(client, b"carol"), Kind.ACCEPTED)

    def test_closed(self) -> None:
        """
        None are started once they were closed, also if that happens meanwhile.
        """
        client = self.client()
        self.kill(client)
        before = set(children(os.getpid()))
        client.close()
        self.assertIs(self.ask(client, b"carol"), Kind.UNSURE)
        self.assertLessEqual(set(children(os.getpid())), before)
        client = self.client()
        self.kill(client)
        self.patch(client, "_isClosed", True)
        client._startOthers([])
        self.assertFalse(client._processes.close.alive)

    def test_endAtOnce(self) -> None:
        """
        Processes that end as soon as they are started aren't started for each login.
        """
        client = self.client()
        before = set(children(os.getpid()))
        self.kill(client)
        self.assertIs(self.ask(client, b"carol"), Kind.ACCEPTED)
        [self.broker] = set(children(os.getpid())) - before
        self.kill(client)
        self.assertIs(self.ask(client, b"carol"), Kind.UNSURE)
        self.assertIn("a moment ago", self.answer.verdict.why)
        self.patch(client, "_notBefore", 0)
        self.assertIs(self.ask(client, b"carol"), Kind.ACCEPTED)

    def test_dontStart(self) -> None:
        """
        If others can't be started, that is told, and is no wrong password.
        """
        client = self.client()
        self.patch(PrivilegedClient, "pause", 0)
        self.kill(client)
        python = sys.executable
        for program in ("/nowhere/python", shutil.which("false")):
            self.patch(sys, "executable", program)
            self.assertIs(self.ask(client, b"carol"), Kind.UNSURE)
            self.assertIn("the next login starts others", self.answer.verdict.why)
        self.patch(sys, "executable", python)
        self.patch(client, "_settings", 5)
        self.assertIs(self.ask(client, b"carol"), Kind.UNSURE)
        self.assertIn("other fields than those", self.answer.verdict.why)

    def test_crowd(self) -> None:
        """
        Many requests at once start them once; none waits beyond its deadline.
        """
        client = self.client(3)
        self.kill(client)
        before = set(children(os.getpid()))
        with ThreadPoolExecutor(6) as threads:
            asking = [
                threads.submit(client.ask, b"carol", PASSWORD, None, soon(PATIENCE))
                for _ in range(12)
            ]
            kinds = {one.result().verdict.kind for one in asking}
        self.assertEqual(kinds, {Kind.ACCEPTED})
        # Its parent is a thread that ends now; then it is this one's.
        [self.broker] = until(lambda: set(children(os.getpid())) - before)
        self.kill(client)
        with client._starting:
            answer = client.ask(b"carol", PASSWORD, None, soon(0))
        self.assertIn("just being started", answer.verdict.why)


class WorkerTests(Services, KilledTestCase):
    """
    Tests for the workers of a broker that was killed.
    """

    def setUp(self) -> None:
        KilledTestCase.setUp(self)
        Services.setUp(self)
        if os.geteuid():
            raise SkipTest("run the tests as root, on a machine that isn't anybody's")

    def start(self, kind: str, settings: object) -> PrivilegedClient:
        """
        Start a broker and a worker.
        """
        before = set(children(os.getpid()))
        client = PrivilegedClient(kind, settings, 1)
        self.addCleanup(client.close)
        [self.broker] = set(children(os.getpid())) - before
        [self.worker] = until(lambda: children(self.broker))
        self.addCleanup(end, self.worker)
        return client

    def test_asUser(self) -> None:
        """
        A worker ends with the broker also after it has read a user's files with their
        rights.
        """
        files = KeyFiles((str(self.folder / "%u"), str(self.folder / "none")))
        client = self.start("sshkey", KeySettings(files))
        for _ in range(2):
            verdict = client.ask(NAME, KEY, None, soon(PATIENCE)).verdict
            self.assertIs(verdict.kind, Kind.REFUSED)
        self.kill(client)
        until(lambda: isGone(self.worker))

    def test_whileUser(self) -> None:
        """
        So does one that hangs while it has a user's rights.
        """
        program = f"""
            import os, sys, time
            from mycred._verdict import Account
            from mycred._privileged import _worker
            from mycred._records import pack
            from mycred._sshkeys import KeyFiles, KeySettings, _authority

            def hang(path, account, isStrict):
                print(os.geteuid(), flush=True)
                time.sleep(3600)

            _authority.readSafely = hang
            parent = os.getpid()
            settings = pack(KeySettings(KeyFiles(("x",))))
            backend = _worker.makeBackend("sshkey", settings)
            if not os.fork():
                _worker.endWith(parent)
                backend.lookUp({NAME!r}, {KEY!r}, None)
            time.sleep(3600)
        """
        process = self.python(textwrap.dedent(program))
        assert process.stdout is not None
        self.assertNotEqual(int(process.stdout.readline()), 0)
        [worker] = children(process.pid)
        self.addCleanup(end, worker)
        process.kill()
        until(lambda: isGone(worker))

    def test_module(self) -> None:
        """
        So does one in which a module of PAM has become another user, and come back.
        """
        self.service("become", f"{self.module()} become", "pam_permit.so")
        client = self.start("pam", PAMSettings("become", str(self.confdir)))
        answer = client.ask(NAME, b"x", None, soon(PATIENCE))
        self.assertIs(answer.verdict.kind, Kind.ACCEPTED)
        self.kill(client)
        until(lambda: isGone(self.worker))

    def test_underWay(self) -> None:
        """
        Whoever waits for an answer is told at once, also if that module hangs and the
        worker doesn't end.
        """
        pids = self.confdir / "pids"
        module = f"{self.module()} become pid={pids} wait"
        self.service("wait", module, "pam_permit.so")
        for privileges, says in [(0, "the next login"), (4711, "restart the server")]:
            pids.write_text("")
            client = self.start("pam", PAMSettings("wait", str(self.confdir)))
            self.patch(os, "geteuid", lambda uid=privileges: uid)
            with ThreadPoolExecutor(1) as threads:
                asking = threads.submit(client.ask, NAME, b"x", None, soon(PATIENCE))
                until(pids.read_text)
                os.kill(self.broker, signal.SIGKILL)
                verdict = asking.result().verdict
            self.assertIs(verdict.kind, Kind.UNSURE)
            # And not because of the time.
            self.assertIn("their broker has ended", verdict.why)
            self.assertIn(says, verdict.why)
