"""
Tests for L{mycred._privileged}, with real processes: L{mycred._privileged._client},
L{mycred._privileged._processes}, L{mycred._privileged._launch},
L{mycred._privileged.__main__}, L{mycred._privileged._broker},
L{mycred._privileged._worker} and L{mycred._processtree}.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from socket import SHUT_WR, socketpair
from threading import Event
from typing import Any

from twisted.trial.unittest import SkipTest

from mycred import _processtree
from mycred._accounts import (
    AccountFiles,
    AccountRules,
    AccountSettings,
)
from mycred._accounts._pam import PAMSettings
from mycred._files import SETTLING
from mycred._privileged import (
    PrivilegedClient,
    _launch,
    _processes,
    _worker,
)
from mycred._privileged._broker import Broker
from mycred._privileged._processes import WorkerProcesses
from mycred._privileged._wire import (
    Order,
    Request,
    WireError,
    drain,
    receive,
    send,
    unpackReply,
)
from mycred._records import pack
from mycred._verdict import Kind, Verdict

from ..kit.machines import PASSWORD
from ..kit.privileged import PATIENCE, ClientTestCase, children, held, soon, until


class AskTests(ClientTestCase):
    """
    Tests for L{PrivilegedClient.ask}.
    """

    def test_verdicts(self) -> None:
        """
        The processes find what this one would find, and tell all of it.
        """
        client = self.client(rules=AccountRules(minuid=1))
        accounts = self.accounts(AccountRules(minuid=1), now=time.time)
        for name in (b"carol", b"dave", b"locked", b"expired", b"root", b"eve"):
            for password in (PASSWORD, b"tulip", b"\xff\x01"):
                expected = replace(accounts.lookUp(name, password), doubt=None)
                answer = client.ask(name, password, None, soon(PATIENCE))
                self.assertEqual(replace(answer.verdict, doubt=None), expected)

    def test_rules(self) -> None:
        """
        Rules are told to the processes when they start.
        """
        shells = self.write("shells", b"/bin/bash\n")
        nologin = str(self.folder / "nologin")
        self.assertIs(
            self.ask(self.client(rules=AccountRules(minuid=5000)), b"carol"), Kind.DENIED
        )
        rules = AccountRules((nologin,), shells, 1000, ("staff",))
        client = self.client(rules=rules)
        self.assertIs(self.ask(client, b"carol"), Kind.ACCEPTED)
        self.assertIs(self.ask(client, b"dave"), Kind.DENIED)
        self.assertIn("/bin/sh", self.answer.verdict.why)
        self.assertIs(self.ask(client, b"erin"), Kind.DENIED)
        self.assertIn("groups staff", self.answer.verdict.why)
        Path(nologin).touch()
        self.assertIs(self.ask(client, b"carol"), Kind.DENIED)

    def test_manyAtATime(self) -> None:
        """
        As many requests as there are processes can be under way at a time, and each gets
        its own reply.
        """
        client = self.client(3)
        names = [b"carol", b"dave", b"eve", b"locked", b"frank"] * 20
        expected = [self.accounts().lookUp(n, PASSWORD).kind for n in names]
        with ThreadPoolExecutor(3) as threads:
            answers = threads.map(
                lambda n: client.ask(n, PASSWORD, None, soon(20)), names
            )
            kinds = [(answer.verdict.name, answer.verdict.kind) for answer in answers]
        self.assertEqual(kinds, list(zip(names, expected)))

    def test_store(self) -> None:
        """
        A store that can't be read is no wrong password; once it comes, it counts.
        """
        client = self.client()
        Path(self.shadow).rename(self.shadow + "~")
        self.assertIs(self.ask(client, b"carol"), Kind.UNSURE)
        self.assertIn(f"{self.shadow}", self.answer.verdict.why)
        Path(self.shadow + "~").rename(self.shadow)
        self.assertIs(self.ask(client, b"carol"), Kind.ACCEPTED)

    def test_notes(self) -> None:
        """
        What is odd comes with the answer.
        """
        self.write("shadow", b"carol:nonsense:::::::\n")
        client = self.client()
        self.assertIs(self.ask(client, b"carol"), Kind.REFUSED)
        [note] = self.answer.notes
        self.assertIn("shadow, line 1: ", note)

    def test_hangs(self) -> None:
        """
        A process that doesn't answer in time is replaced, and what it might have said
        reaches nobody else.
        """
        client = self.client()
        for _ in range(3):
            [hung] = until(lambda: children(self.broker))
            os.kill(hung, signal.SIGSTOP)
            answer = client.ask(b"carol", PASSWORD, None, soon(0.05))
            self.assertIs(answer.verdict.kind, Kind.UNSURE)
            self.assertIn("hasn't come in time", answer.verdict.why)
            self.assertIs(self.ask(client, b"eve"), Kind.REFUSED)
            self.assertEqual(self.answer.verdict.name, b"eve")
            self.assertIs(self.ask(client, b"carol"), Kind.ACCEPTED)
            self.assertNotIn(hung, children(self.broker))

    def test_crashesAlone(self) -> None:
        """
        Of a process that ends while nobody asks it the log is told, and nobody else.
        """
        client = self.client()
        for _ in range(3):
            [old] = until(lambda: children(self.broker))
            os.kill(old, signal.SIGKILL)
            until(lambda old=old: set(children(self.broker)) - {old})
            self.assertIs(self.ask(client, b"carol"), Kind.ACCEPTED)
            [note] = self.answer.notes
            self.assertIn("SIGKILL", note)

    def test_crashesMeanwhile(self) -> None:
        """
        Who waits for a process that ends needn't wait until the deadline.
        """
        client = self.client()
        [old] = children(self.broker)
        os.kill(old, signal.SIGSTOP)
        asked, answer = Event(), client._processes._receiveReply

        def waiting(*arguments: Any) -> Any:
            asked.set()
            return answer(*arguments)

        self.patch(client._processes, "_receiveReply", waiting)
        with ThreadPoolExecutor(1) as threads:
            asking = threads.submit(client.ask, b"carol", PASSWORD, None, soon(3600))
            self.assertTrue(asked.wait(PATIENCE))
            os.kill(old, signal.SIGABRT)
            os.kill(old, signal.SIGCONT)
            self.assertIn("SIGABRT", asking.result(PATIENCE).verdict.why)

    def test_nonsense(self) -> None:
        """
        An answer that makes no sense is none, and its process is replaced.
        """
        client = self.client()
        self.patch(_processes, "_notices", lambda end: drain(end) or [])
        for nonsense in (
            *(5, [], [0], {"a": 1}, {"ended": 5}, {"number": 0}),
            {"number": 0, "verdict": None, "notes": []},
            {"number": 0, "verdict": [], "notes": 1},
            {"number": 0, "verdict": {}, "notes": [], "more": 1},
        ):
            [old] = until(lambda: children(self.broker))
            self.patch(secrets, "randbits", lambda bits: 0)
            answers = [nonsense]

            def once(*arguments: Any, answers: list[Any] = answers) -> Any:
                return answers.pop() if answers else receive(*arguments)

            self.patch(_processes, "receive", once)
            self.assertIs(self.ask(client, b"carol"), Kind.UNSURE, nonsense)
            self.assertIn("makes no sense", self.answer.verdict.why)
            self.assertIs(self.ask(client, b"eve"), Kind.REFUSED, nonsense)
            self.assertNotIn(old, children(self.broker))

    def test_brokerHangs(self) -> None:
        """
        A broker that doesn't replace what hangs is told of, and its late reply isn't
        taken for another one.
        """
        client = self.client(2)
        self.patch(WorkerProcesses, "patience", 0.05)
        os.kill(self.broker, signal.SIGSTOP)
        for pid in children(self.broker):
            os.kill(pid, signal.SIGSTOP)
        for _ in range(2):
            answer = client.ask(b"carol", PASSWORD, None, soon(0.05))
            self.assertIn("gone", answer.verdict.why)
        self.patch(WorkerProcesses, "patience", PATIENCE)
        os.kill(self.broker, signal.SIGCONT)
        for pid in until(lambda: children(self.broker)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        for _ in range(2):
            answer = client.ask(b"carol", PASSWORD, None, soon(0.05))
        for _ in range(4):
            self.assertIs(self.ask(client, b"carol"), Kind.ACCEPTED)

    def test_implausible(self) -> None:
        """
        What the server should have refused, they refuse: an attacker may control it and
        send requests of their own.
        """
        client = self.client()
        for name, password in [
            (b"../../etc/passwd", b"x"),
            (b"carol\0x", PASSWORD),
            (b"carol\n", PASSWORD),
            (b"", b"x"),
            (b"carol", b""),
            (b"carol", PASSWORD + b"\0"),
            (b"carol", b"x" * 2000),
        ]:
            self.assertIs(self.ask(client, name, password), Kind.UNSURE)
        self.assertIs(self.ask(client, b"carol"), Kind.ACCEPTED)

    def test_goesOnChanging(self) -> None:
        """
        By a file that goes on changing no user is refused, nor told that the password is
        wrong; with the right one they are accepted.
        """
        verdicts = [Verdict(Kind.REFUSED, b"a", doubt=(n,)) for n in range(50)]
        slept: list[float] = []
        self.patch(time, "sleep", slept.append)
        verdict = _worker.settled(verdicts.pop, b"a")
        self.assertIs(verdict.kind, Kind.UNSURE)
        self.assertEqual(len(verdicts), 50 - _worker.MOST_TRIES)
        self.assertEqual(slept, [SETTLING] * _worker.MOST_TRIES)
        right = Verdict(Kind.ACCEPTED, b"a")
        for found, looks in [
            ([right], 1),
            ([verdicts[0], verdicts[0]], 2),
            ([replace(right, doubt=(1,)), right], 2),
            ([replace(right, doubt=(1,)), verdicts[0], verdicts[0]], 3),
            ([verdicts[0], verdicts[1], replace(verdicts[1], doubt=None)], 3),
        ]:
            left = list(found)
            verdict = _worker.settled(lambda left=left: left.pop(0), b"a")
            self.assertEqual((verdict, left), (found[looks - 1], []))

    def test_unexpected(self) -> None:
        """
        Whatever goes wrong in a look is told by its place, and not by its text, which
        may hold what nobody should see.
        """

        def lookUp(name: bytes, password: bytes, peer: object) -> Verdict:
            raise ZeroDivisionError("secret")

        with contextlib.ExitStack() as stack:
            one, other = map(stack.enter_context, socketpair())
            send(one, pack(Request(1, b"carol", b"secret", None)))
            one.shutdown(SHUT_WR)
            backend = _worker.Backend(lookUp, lambda: ())
            self.assertFalse(_worker.serveRequests(other, backend))
            answer = unpackReply(receive(one))
        assert not isinstance(answer, str)
        verdict = answer[1].verdict
        self.assertIs(verdict.kind, Kind.UNSURE)
        self.assertIn("ZeroDivisionError at " + __file__, verdict.why)
        self.assertNotIn("secret", verdict.why)

    def test_gone(self) -> None:
        """
        If all of them are gone, and this process may start no others, that is no wrong
        password.
        """
        client = self.client()
        self.patch(os, "geteuid", lambda: 4711)
        for pid in (self.broker, *children(self.broker)):
            os.kill(pid, signal.SIGKILL)
        self.assertIs(self.ask(client, b"carol"), Kind.UNSURE)
        self.assertIn("restart the server", self.answer.verdict.why)
        client = self.client()
        client.close()
        self.assertIs(self.ask(client, b"carol"), Kind.UNSURE)

    def test_brokerGone(self) -> None:
        """
        With the broker end the others, also one that hangs, and that is told.
        """
        client = self.client()
        self.patch(os, "geteuid", lambda: 4711)
        [worker] = children(self.broker)
        os.kill(worker, signal.SIGSTOP)
        os.kill(self.broker, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{worker}").exists())
        answer = client.ask(b"carol", PASSWORD, None, soon(0.05))
        self.assertIs(answer.verdict.kind, Kind.UNSURE)
        self.assertIn("gone", answer.verdict.why)


class ProcessTests(ClientTestCase):
    """
    Tests for how the processes begin and end.
    """

    def test_close(self) -> None:
        """
        They end when they are closed, and when they are forgotten; nothing is left
        open.
        """
        self.client().close()
        before = len(held("self"))
        client = self.client(2)
        workers = children(self.broker)
        self.assertEqual(len(workers), 2)
        client.close()
        self.assertEqual(len(held("self")), before)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
        others = set(children(os.getpid()))
        client = PrivilegedClient("unix", AccountSettings(AccountFiles()), 1)
        [broker] = set(children(os.getpid())) - others
        del client
        gc.collect()
        self.assertNotIn(broker, children(os.getpid()))

    def test_wrongSettings(self) -> None:
        """
        What the processes can't use is told by them, and they end.
        """
        before = children(os.getpid()), len(held("self"))
        error = self.assertRaises(
            ValueError,
            PrivilegedClient,
            "pam",
            PAMSettings("no-such-service", "/nowhere"),
            1,
        )
        self.assertIn("/nowhere/no-such-service", str(error))
        after = children(os.getpid()), len(held("self"))
        self.assertEqual(before, after)

    def test_mustWork(self) -> None:
        """
        If that is asked for, they look at the files, and tell what is wrong with them.
        """
        files = AccountFiles(self.passwd, self.shadow, self.group)
        PrivilegedClient("unix", AccountSettings(files, mustWork=True), 1).close()
        bare = self.write("bare", b"carol:x:1000:100:::\n")
        for passwd, shadow, says in [
            (bare, None, "write shadow=FILE"),
            (self.group, self.shadow, f"no line of {self.group} is one of passwd(5)"),
            (self.passwd, "/nowhere", "No such file or directory: '/nowhere'"),
        ]:
            files = AccountFiles(passwd, shadow)
            PrivilegedClient("unix", AccountSettings(files), 1).close()
            settings = AccountSettings(files, mustWork=True)
            error = self.assertRaises(ValueError, PrivilegedClient, "unix", settings, 1)
            self.assertIn(says, str(error))

    def test_cannotStart(self) -> None:
        """
        If they can't be started, or end at once, that is told.
        """
        before = len(held("self"))
        for program in ("/nowhere/python", shutil.which("false")):
            self.patch(sys, "executable", program)
            self.assertRaises(OSError, self.client)
        self.assertEqual(len(held("self")), before)

    def start(self, source: str, before: str = "") -> subprocess.Popen[str]:
        """
        Run a program that has some processes in C{client}.

        @param before: what it does first.
        """
        begin = f"""
            {before}
            import os, sys, time
            from mycred._privileged import PrivilegedClient
            from mycred._accounts import AccountFiles, AccountSettings
            files = AccountFiles({self.passwd!r}, {self.shadow!r})
            client = PrivilegedClient("unix", AccountSettings(files), 2)
        """
        return self.python(textwrap.dedent(begin) + textwrap.dedent(source))

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
        client = self.client()
        [worker] = children(self.broker)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            os.kill(self.broker, number)
            os.kill(worker, number)
        self.assertIs(self.ask(client, b"carol"), Kind.ACCEPTED)
        self.assertNotEqual(os.getsid(self.broker), os.getsid(0))
        status = Path(f"/proc/{worker}/status").read_text("ascii")
        [ignored] = [li for li in status.splitlines() if li.startswith("SigIgn:")]
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD):
            self.assertFalse(int(ignored.split()[1], 16) >> number - 1 & 1)
        caught = int(status.partition("SigCgt:")[2].split()[0], 16)
        self.assertFalse(caught >> signal.SIGCHLD - 1 & 1)

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
            until = time.monotonic() + 20
            kind = client.ask(b"carol", {PASSWORD!r}, None, until).verdict.kind
            print(kind.name, os.getppid() == 1 or os.getppid(), flush=True)
            os.dup2(os.open(os.devnull, os.O_RDWR), 1)
            time.sleep(3600)
        """)
        output, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(output.split()[0], "ACCEPTED")
        command = f"^{sys.executable} -c .*{self.shadow}"
        subprocess.run(["pkill", "-KILL", "-f", command], check=True)

    def test_cannotFork(self) -> None:
        """
        A worker that can't be started is started later.
        """
        end: Any = None
        broker = Broker(end, [end], end)
        self.addCleanup(os.close, broker._wakeup)
        self.addCleanup(os.close, broker._alarm)

        def fail() -> int:
            raise BlockingIOError

        self.patch(os, "fork", fail)
        broker._start(0)
        self.assertEqual((broker._empty, broker._places), ({0}, {}))
        self.patch(os, "fork", lambda: 4711)
        broker._start(0)
        self.assertEqual((broker._empty, broker._places), (set(), {4711: 0}))

    def test_orders(self) -> None:
        """
        An order that makes no sense ends the broker.
        """
        for order in (
            *(None, 5, [], [0, 7], {"place": 0}, {"place": "0", "number": 1}),
            *({"place": 1, "number": 1}, {"place": -1, "number": 1}),
            *({"place": True, "number": 1}, {"place": 0, "number": 1, "more": 1}),
        ):
            one, other = socketpair()
            with one, other:
                look: Any = None
                broker = Broker(other, [other], look)
                send(one, order)
                self.assertIsNone(broker._order())
                send(one, pack(Order(0, 7)))
                self.assertEqual(broker._order(), Order(0, 7))
                os.close(broker._wakeup)
                os.close(broker._alarm)

    def test_manyFiles(self) -> None:
        """
        A server that has very many files open gets its processes all the same.
        """
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 2048:
            raise SkipTest("allow 2048 open files (ulimit -Hn)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for number in [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]:
            self.addCleanup(os.close, number)
        client = self.client()
        [old] = children(self.broker)
        os.kill(old, signal.SIGKILL)
        until(lambda: set(children(self.broker)) - {old})
        self.assertIs(self.ask(client, b"carol"), Kind.ACCEPTED)

    def program(self, source: str, **arguments: Any) -> str:
        """
        Run a program that has processes of its own, and ends.

        @return: what it prints.
        """
        process = self.start(source, **arguments)
        output, _ = process.communicate(timeout=PATIENCE)
        return output

    def test_closedFiles(self) -> None:
        """
        A server without standard input, output and error gets its processes, too.
        """
        path = self.folder / "result"
        self.program(
            f"""
            kind = client.ask(b"carol", {PASSWORD!r}, None, time.monotonic() + 20)
            open({str(path)!r}, "w").write(kind.verdict.kind.name)
            """,
            before="import os; os.closerange(0, 3)",
        )
        self.assertEqual(path.read_text(), "ACCEPTED")

    def test_longPath(self) -> None:
        """
        There may be very many places for modules.
        """
        said = self.program(
            "print('begun')",
            before="import sys; sys.path += [f'/{n:0200}' for n in range(5000)]",
        )
        self.assertEqual(said, "begun\n")

    def test_blockedSignals(self) -> None:
        """
        Signals that the server has blocked aren't blocked in them.
        """
        said = self.program(
            """
            import subprocess
            text = open(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read()
            for pid in [*text.split(), *subprocess.getoutput(f"pgrep -P {text}").split()]:
                status = open(f"/proc/{pid}/status").read()
                print(int(status.partition("SigBlk:")[2].split()[0], 16))
            """,
            before="import signal as s; s.pthread_sigmask(s.SIG_BLOCK, range(1, 32))",
        )
        self.assertEqual(said.split(), ["0", "0", "0"])

    def test_laterModules(self) -> None:
        """
        Whoever writes into the folders of the server after its start gets nothing run
        by them.
        """
        folder = self.folder / "modules"
        folder.mkdir()
        said = self.program(
            f"""
            for name in ("bcrypt", "_cffi_backend", "argon2", "ctypes", "grp", "json"):
                source = "open('{folder}/run', 'w'); raise SystemExit"
                open(f"{folder}/{{name}}.py", "w").write(source)
            answer = client.ask(b"carol", {PASSWORD!r}, None, time.monotonic() + 20)
            print(answer.verdict.kind.name)
            """,
            before=f"import sys; sys.path.insert(0, {str(folder)!r})",
        )
        self.assertEqual(said, "ACCEPTED\n")
        self.assertFalse((folder / "run").exists())

    def test_modulesAtStart(self) -> None:
        """
        Python's own modules come before those in the server's folders.
        """
        folder = self.folder / "modules"
        folder.mkdir()
        for name in ("resource", "json", "select"):
            (folder / f"{name}.py").write_text(f"open({str(folder / 'run')!r}, 'w')")
        said = self.program(
            "print('begun')",
            before="import sys, resource, json, select, socket, subprocess; "
            f"sys.path.insert(0, {str(folder)!r})",
        )
        self.assertEqual(said, "begun\n")
        self.assertFalse((folder / "run").exists())

    def test_foldersLeft(self) -> None:
        """
        Once they have begun, only Python's own modules are found.
        """
        said = self.program("""
            from socket import socketpair
            from mycred._verdict import Kind, Verdict
            from mycred._privileged import _broker, _wire
            from mycred._privileged._worker import Backend
            from mycred._records import pack

            def lookUp(name, password, peer):
                return Verdict(Kind.REFUSED, name, str(sys.path))

            _broker.makeBackend = lambda *_: Backend(lookUp, lambda: ())
            (control, theirs), (end, other) = socketpair(), socketpair()
            if not os.fork():
                control.close(), end.close()
                own = [folder for folder in sys.path if "-packages" not in folder]
                _broker.Broker.serve(theirs, [other], ["/only", *own])
                os._exit(0)
            _wire.send(control, pack(_wire.Start("any", None)))
            assert _wire.receive(control) == ""
            _wire.send(end, pack(_wire.Request(1, b"carol", b"x", None)))
            path = _wire.unpackReply(_wire.receive(end))[1].verdict.why
            print("/only" in path, "-packages" in path)
        """)
        self.assertEqual(said, "True False\n")

    def test_stoppedBeforeKilled(self) -> None:
        """
        What is to be killed is stopped first, so that it starts nothing meanwhile.
        """
        done: list[Any] = []

        def descendants(pid: int) -> list[int]:
            done.append("listed")
            return [7, 8]

        self.patch(_processtree, "descendants", descendants)
        self.patch(os, "kill", lambda pid, number: done.append((pid, number)))
        _processtree.kill(5)
        kill = signal.SIGKILL
        self.assertEqual(
            done, [(5, signal.SIGSTOP), "listed", (7, kill), (8, kill), (5, kill)]
        )

    def test_triedAgain(self) -> None:
        """
        A worker that couldn't be started is started without anybody asking for it.
        """
        one, other = socketpair()
        self.addCleanup(one.close)
        self.addCleanup(other.close)
        backend: Any = None
        broker = Broker(other, [other], backend)
        self.addCleanup(os.close, broker._wakeup)
        self.addCleanup(os.close, broker._alarm)
        os.set_blocking(broker._wakeup, False)

        def fork() -> int:
            one.close()
            return 4711

        def waitpid(pid: int, options: int) -> tuple[int, int]:
            raise ChildProcessError

        self.patch(os, "fork", fork)
        self.patch(os, "waitpid", waitpid)
        self.patch(Broker, "retryDelay", 1)
        broker._empty = {0}
        broker.run()
        self.assertEqual((broker._empty, broker._places), (set(), {4711: 0}))

    def test_nonsensicalQuestion(self) -> None:
        """
        Of a question that makes no sense a worker ends, and that is told at once.
        """
        client = self.client()
        _, end = client._processes._idle.get()
        send(end, "nonsense")
        how = unpackReply(receive(end, soon(PATIENCE)))
        self.assertIn("ended (1)", str(how))

    def test_wrongKind(self) -> None:
        """
        What is wrong with the settings is told, whatever it is.
        """
        for kind, settings, says in [
            ("unix", 5, "other fields than those of AccountSettings"),
            ("unix", PAMSettings("login"), "other fields than those"),
            ("nonesuch", 5, "KeyError: "),
        ]:
            error = self.assertRaises(ValueError, PrivilegedClient, kind, settings, 1)
            self.assertIn(says, str(error))

    def test_replies(self) -> None:
        """
        Only the reply to an order is taken for it.
        """
        client = self.client()
        self.patch(secrets, "randbits", lambda bits: 7)
        for replies, isReplaced in [
            ([5, "x", 7], True),
            ([None], False),
            ([5, None], False),
            ([WireError()], False),
        ]:
            left = list(replies)

            def reply(*arguments: Any, left: list[Any] = left) -> Any:
                if isinstance(left[0], Exception):
                    raise left.pop(0)
                return left.pop(0)

            self.patch(_processes, "receive", reply)
            if isReplaced:
                client._processes._replace(0)
            else:
                self.assertRaises(OSError, client._processes._replace, 0)
            self.assertEqual(left, [])

    def test_state(self) -> None:
        """
        Whatever a module may change of a process shows.
        """
        before = _worker._state()
        self.assertEqual(_worker._state(), before)
        for name in ("getuid", "geteuid", "getgid", "getegid", "getgroups"):
            original = getattr(os, name)
            setattr(os, name, lambda: 4711)
            try:
                self.assertNotEqual(_worker._state(), before, name)
            finally:
                setattr(os, name, original)
        mask = os.umask(0o123)
        try:
            self.assertNotEqual(_worker._state(), before)
        finally:
            os.umask(mask)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
        try:
            self.assertNotEqual(_worker._state(), before)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR2])
        self.assertEqual(_worker._state(), before)

    def test_forkedServer(self) -> None:
        """
        In a server that forks no request gets the reply to another one.
        """
        said = self.program(f"""
            from mycred._privileged import _processes
            _processes.WorkerProcesses.patience = 0.1
            child = os.fork()
            name = b"locked" if child else b"carol"
            right = "DENIED" if child else "ACCEPTED"
            for _ in range(20):
                verdict = client.ask(name, {PASSWORD!r}, None, time.monotonic() + 0.2)
                kind = verdict.verdict.kind.name
                if kind not in (right, "UNSURE"):
                    print(name, kind, flush=True)
            if not child:
                os._exit(0)
            os.waitpid(child, 0)
        """)
        self.assertEqual(said, "")

    def test_inherited(self) -> None:
        """
        Programs that modules start inherit none of their files, and nothing of the
        server's environment that may be secret; none of them leaves a core.
        """
        os.environ["DB_PASSWORD"] = "geheim"
        os.environ["LC_X"] = "kept"
        self.addCleanup(os.environ.pop, "DB_PASSWORD")
        self.addCleanup(os.environ.pop, "LC_X")
        client = self.client()
        for pid in (self.broker, *children(self.broker)):
            for number in held(pid):
                text = Path(f"/proc/{pid}/fdinfo/{number}").read_text("ascii")
                [flags] = [x for x in text.splitlines() if x.startswith("flags:")]
                closed = bool(int(flags.split()[1], 8) & os.O_CLOEXEC)
                self.assertEqual(closed, number > 2, (pid, number))
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            self.assertNotIn(b"geheim", environment)
            self.assertIn(b"PATH=", environment)
            self.assertIn(b"LC_X=kept", environment)
            self.assertIn(b"\0-I\0", Path(f"/proc/{pid}/cmdline").read_bytes())
            limits = Path(f"/proc/{pid}/limits").read_text("ascii")
            self.assertRegex(limits, r"Max core file size +0 +0 ")
        client.close()

    def test_slowEnd(self) -> None:
        """
        A broker that doesn't end is ended.
        """
        client = self.client()
        workers = children(self.broker)
        os.kill(self.broker, signal.SIGSTOP)
        self.patch(_launch, "_END_WAIT", 0.05)
        client.close()
        for pid in (self.broker, *workers):
            until(lambda pid=pid: not Path(f"/proc/{pid}").exists())

    def test_environment(self) -> None:
        """
        They hold none of this process's files, and no folder.
        """
        open_ = os.open(self.passwd, os.O_RDONLY)
        os.set_inheritable(open_, True)
        self.addCleanup(os.close, open_)
        client = self.client()
        [worker] = children(self.broker)
        for pid, most in [(self.broker, 3 + 2 + 2), (worker, 3 + 1)]:
            self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), "/")
            has = held(pid)
            self.assertLessEqual(len(has), most)
            for number, what in has.items():
                if number < 3:
                    self.assertEqual(what, os.devnull)
                else:
                    self.assertRegex(what, r"^(socket|pipe|anon_inode):")
        client.close()
