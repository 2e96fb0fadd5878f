"""
Tests for the example server in several processes.

They cover L{mycred.demo._processes.__main__}, L{mycred.demo._processes._worker},
L{mycred.demo._processes._start} and L{mycred.demo._processes._lifeline}, too.
"""

from __future__ import annotations

import imaplib
import json
import os
import pwd
import re
import shlex
import signal
import socket
import ssl
import stat
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

from twisted.internet.defer import inlineCallbacks
from twisted.trial.unittest import SkipTest, SynchronousTestCase, TestCase

from mycred._processtree import descendants
from mycred.demo._service import dropCheckers

from ..kit.certificates import Authority
from ..kit.demoworkers import frozen, workersOf
from ..kit.files import BCRYPT
from ..kit.forked import run
from ..kit.privileged import children, isGone, until
from ..kit.protocols import Refused
from ..kit.proxy import HEADERS, Proxy
from ..kit.server import (
    HANDING_OVER,
    PATIENCE,
    ROOT,
    PBClients,
    Server,
    ServerTests,
    hangUp,
    refusal,
)
from ..kit.wire import Wire

NOBODY = pwd.getpwnam("nobody").pw_uid


def killed(server: Server, number: int = signal.SIGKILL) -> int:
    """
    Kill the first of two workers, and wait until there is another one.

    @param number: the signal.

    @return: the process ID of the second one.
    """
    first, second = workersOf(server)
    os.kill(first, number)
    until(lambda: workersOf(server)[1:] == [second] and first not in workersOf(server))
    return second


class ProcessesTestCase(ServerTests, PBClients, TestCase):
    """
    Base of the tests with several processes.
    """

    def serve(self, *options: str, offered: str = "imap", twistd: str = "") -> Server:
        """
        Start a server with two workers, in which Alice may log in.
        """
        return self.start(
            self.passwords(alice="sesame"),
            "--processes=2",
            *options,
            offered=offered,
            twistd=twistd,
        )

    def assertServes(self, server: Server) -> None:
        """
        Assert that Alice can log in over IMAP4.
        """
        server.imap("alice", "sesame").logout()

    def assertEachServes(self, server: Server) -> None:
        """
        Assert that Alice can log in by each of two workers.
        """
        for worker in workersOf(server):
            with frozen(worker):
                self.assertServes(server)


class ServingTests(ProcessesTestCase):
    """
    Tests for what clients notice of several processes: nothing.
    """

    @inlineCallbacks
    def test_each(self) -> Iterator[object]:
        """
        Each of the workers serves each protocol of mail and Perspective Broker, and the
        program none.
        """
        server = self.serve(offered="imap pop3 smtp pb")
        for worker in workersOf(server):
            with frozen(worker):
                self.assertServes(server)
                server.pop3("alice", "sesame").quit()
                self.assertRaises(Refused, server.imap, "alice", "wrong")
                Wire(server.ports["smtp"]).close()
                yield self.logIn(server, "alice", "sesame")
        server.stop()
        self.assertNotIn("Traceback", server.log)

    def test_onePage(self) -> None:
        """
        The first worker alone serves HTTP, whose sessions and challenges are kept in
        memory; one that is started again in its place does so, too.
        """
        server = self.serve(offered="http")
        with frozen(workersOf(server)[1]):
            self.assertIn("Welcome", server.http("alice", "sesame"))
        with frozen(killed(server)):
            self.assertIn("Welcome", server.http("alice", "sesame"))
        with frozen(workersOf(server)[0]):
            page = HTTPConnection("127.0.0.1", server.ports["http"], timeout=0.2)
            page.request("GET", "/")
            self.assertRaises(TimeoutError, page.getresponse)
            page.close()

    def test_started(self) -> None:
        """
        The log says once where each protocol is served, how to log in, and which the
        workers are.
        """
        server = self.serve(offered="imap pop3")
        workers = ", ".join(map(str, workersOf(server)))
        self.assertIn(f"#info] --processes=2: workers {workers}\n", server.log)
        self.assertServes(server)
        server.stop()
        for said in ("starting up", "IMAP4Factory", "Log in with:", "Server Shut Down"):
            self.assertEqual(server.log.count(said), 1, server.log)

    def test_reactor(self) -> None:
        """
        Workers have the reactor that twistd is told.
        """
        server = self.serve(twistd="--reactor=poll")
        self.assertEachServes(server)
        for pid in (server.pid, *workersOf(server)):
            opened = map(os.readlink, Path(f"/proc/{pid}/fd").iterdir())
            self.assertNotIn("anon_inode:[eventpoll]", opened)

    def test_secrets(self) -> None:
        """
        What the command line tells stands in none but the program's own.
        """
        auth = "--auth=memory:alice:sesame"
        server = self.start(auth, "--processes=2", offered="imap")
        for worker in workersOf(server):
            for name in ("cmdline", "environ"):
                text = Path(f"/proc/{worker}/{name}").read_bytes()
                self.assertNotIn(b"sesame", text)
        self.assertEachServes(server)

    def test_log(self) -> None:
        """
        Logins are logged as by one process, one on a line, whatever a client sends.
        """
        server = self.serve()
        forged = json.dumps({"log_format": "Login accepted"})
        line = (
            "2026-01-01T00:00:00+0000 [mycred.login#info] Login refused: peer=192.0.2.1"
        )
        for name in (f"x\r\n{line}", f"ready\n{forged}\n", '"{log_level}"'):
            said = name.encode()
            client = Wire(server.ports["imap"])
            client.say(b"a LOGIN {%d}" % len(said))
            self.assertIn(b"+", client.line())
            client.say(said + b" wrong")
            self.assertIn(b"a NO", client.line())
            client.close()
        server.stop()
        stamp = r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} "
        logged = re.findall(stamp + r"\[mycred.login#info\] (Login .*)$", server.log)
        self.assertEqual(len(logged), 3, server.log)
        for each in logged:
            self.assertRegex(each, r'^Login refused: user=".*" .* peer=127\.0\.0\.1$')


class IdleTests(SynchronousTestCase):
    """
    Tests for the program itself, which serves nobody.
    """

    def test_dropped(self) -> None:
        """
        Checkers are closed and forgotten, also after one that can't be closed.
        """
        closed: list[str] = []

        class Checker:
            def close(self) -> None:
                closed.append("")
                raise OSError("no luck")

        options = {"credCheckers": [Checker(), object(), Checker()]}
        options["credInterfaces"] = dict.fromkeys("ab")
        dropCheckers(options)
        self.assertEqual(len(closed), 2)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 2)
        self.assertFalse(options["credCheckers"] or options["credInterfaces"])


class EndTests(ProcessesTestCase):
    """
    Tests for workers that end, and for the end of all.
    """

    def test_killed(self) -> None:
        """
        A worker that is killed is started again; meanwhile the other serves.
        """
        server = self.serve()
        first, second = workersOf(server)
        os.kill(first, signal.SIGKILL)
        self.assertServes(server)
        until(
            lambda: workersOf(server)[1:] == [second] and first not in workersOf(server)
        )
        with frozen(second):
            self.assertServes(server)
        another = workersOf(server)[0]
        server.stop()
        self.assertIn("Worker 1 has ended (SIGKILL); another starts in 0.5 s", server.log)
        self.assertIn(f"Worker 1 is process {another} now", server.log)
        self.assertNotIn("Traceback", server.log)

    def test_stopped(self) -> None:
        """
        SIGTERM ends the program and all workers; connections are closed.
        """
        server = self.serve()
        client = server.imap("alice", "sesame")
        self.addCleanup(hangUp, client)
        started = [server.pid, *descendants(server.pid)]
        self.assertGreater(len(started), 2)
        server.stop()
        self.assertRaises(imaplib.IMAP4.abort, client.noop)
        self.assertEqual([pid for pid in started if not isGone(pid)], [])
        self.assertNotIn("has ended", server.log)
        self.assertNotIn("Traceback", server.log)

    def test_orphans(self) -> None:
        """
        Workers end when the program is killed, also one that does nothing itself.
        """
        server = self.serve()
        started = descendants(server.pid)
        with frozen(workersOf(server)[0]):
            os.kill(server.pid, signal.SIGKILL)
            until(lambda: all(map(isGone, started)))

    def test_filesBeside(self) -> None:
        """
        A worker that is started again reads no file beside the store, where the server's
        user can put a link to a file of root's: it gets the secret of the site and the
        host key as they were at first.
        """
        server = self.serve("--auth=sshkey", offered="imap ssh")
        beside = [*self.folder.glob("*.secret"), *self.folder.glob("*.hostkey")]
        self.assertEqual(len(beside), 2)
        for path in beside:
            path.write_text("other")
        with frozen(killed(server)):
            self.assertServes(server)
            where = ("127.0.0.1", server.ports["ssh"])
            with socket.create_connection(where, PATIENCE) as client:
                self.assertEqual(client.recv(8), b"SSH-2.0-")

    def test_cannotStart(self) -> None:
        """
        A server whose workers can't start ends with what one of them has written, and
        with the status of a failure.
        """
        hook = self.folder / "hooks" / "sitecustomize.py"
        hook.parent.mkdir()
        hook.write_text(
            "import os, sys\n"
            "if 'myapp: worker' in sys.argv[-1]:\n"
            "    os.write(2, b'no luck')\n"
            "    os._exit(3)\n"
        )
        auth = self.passwords(alice="sesame")
        options = [*self.options([auth], ["imap"], ""), "--processes=2"]
        done = run(
            ["-n", "--pidfile=", "myapp", *options], PATIENCE, PYTHONPATH=str(hook.parent)
        )
        self.assertEqual(done.returncode, 1)
        said = done.stdout + done.stderr
        self.assertIn("twistd myapp: no worker can start (status 3): no luck\n", said)
        self.assertNotIn("Traceback", said)
        self.assertNotIn("Log in with", said)


class RefusedTests(ServerTests, SynchronousTestCase):
    """
    Tests for what can't be had.
    """

    def test_number(self) -> None:
        """
        What is no number of processes is told in one line.
        """
        for number in ("0", "-1", "two", "", "257", "1.5"):
            done = refusal(self.passwords(alice="sesame"), f"--processes={number}")
            self.assertEqual(done.returncode, 1)
            self.assertEqual(
                done.stderr,
                "twistd myapp: --processes: write a number from 1 to 256\n",
            )

    def test_twistd(self) -> None:
        """
        So are options of twistd that are for one process.
        """
        for option in ("--debug", "--profile=x", "--chroot=/"):
            name = option.partition("=")[0]
            auth = self.passwords(alice="sesame")
            done = refusal(auth, "--processes=2", twistd=option)
            self.assertEqual(done.returncode, 1)
            [line] = done.stderr.splitlines()
            self.assertIn(f"--processes: twistd {name} is for one process", line)

    def test_portInUse(self) -> None:
        """
        A port that is in use is told as by one process.
        """
        with socket.create_server(("127.0.0.1", 0)) as taken:
            where = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
            options = self.options([self.passwords(alice="sesame")], [], "imap")
            done = refusal(*options, f"--imap={where}", "--processes=2")
        self.assertEqual(done.returncode, 1)
        self.assertIn(
            f"twistd myapp: --imap={where}: that is in use; end",
            done.stdout + done.stderr,
        )


class EndpointTests(ProcessesTestCase):
    """
    Tests for the endpoints that descriptions name.
    """

    def connect(self, path: Path) -> bytes:
        """
        Return the greeting at a UNIX socket.
        """
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(str(path))
            return client.recv(1024)

    def at(self, where: str, *options: str, under: tuple[str, ...] = ()) -> Server:
        """
        Start a server for IMAP4 at a place.
        """
        server = Server(
            [
                *self.options([self.passwords(alice="sesame")], [], "imap"),
                f"--imap={where}",
                *options,
            ],
            [],
            under=under,
        )
        self.addCleanup(server.stop)
        return server

    def test_unix(self) -> None:
        """
        The path of a UNIX socket keeps its mode, also when a worker ends, and is removed
        in the end.
        """
        path = self.sockets() / "imap"
        server = self.at(f"unix:{path}:mode=600", "--processes=2")
        mode = stat.S_IMODE(path.stat().st_mode)
        for number in (signal.SIGKILL, signal.SIGTERM):
            second = killed(server, number)
        with frozen(second):
            self.assertIn(b"OK", self.connect(path))
        self.assertEqual([mode, stat.S_IMODE(path.stat().st_mode)], [0o600, 0o600])
        server.stop()
        self.assertFalse(path.exists())
        self.assertNotIn("Traceback", server.log)

    def test_tls(self) -> None:
        """
        TLS is served by each worker, by either endpoint.
        """
        certificate, key = Authority(self.folder).certify("server", "127.0.0.1")
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        for kind in ("ssl", "mtls"):
            where = f"{kind}:0:privateKey={key}:certKey={certificate}"
            server = self.at(f"{where}:interface=127.0.0.1", "--processes=2")
            for worker in workersOf(server):
                with frozen(worker):
                    client = imaplib.IMAP4_SSL(
                        "127.0.0.1",
                        server.ports["imap"],
                        ssl_context=context,
                        timeout=PATIENCE,
                    )
                    client.login("alice", "sesame")
                    client.logout()
            server.stop()
            self.assertNotIn("Traceback", server.log)

    def test_proxied(self) -> None:
        """
        What a proxy tells of a client is logged.
        """
        server = self.at("haproxy:tcp:0:interface=127.0.0.1", "--processes=2")
        header, address = HEADERS[0]
        proxy = Proxy(server.ports["imap"], header)
        self.addCleanup(proxy.stop)
        server.ports["imap"] = proxy.port
        self.assertEachServes(server)
        server.stop()
        self.assertEqual(server.log.count(f"peer={address}\n"), 2, server.log)

    def test_systemd(self) -> None:
        """
        Sockets that systemd hands over are served, by one process and by several.
        """
        under = (sys.executable, "-c", HANDING_OVER, "127.0.0.1")
        for where in (
            "systemd:domain=INET:index=0",
            "haproxy:systemd:domain=INET:name=x",
        ):
            server = self.at(where, "--processes=2", "--clear-text", under=under)
            if where.startswith("haproxy"):
                proxy = Proxy(server.ports["imap"], HEADERS[0][0])
                self.addCleanup(proxy.stop)
                server.ports["imap"] = proxy.port
            self.assertEachServes(server)
            server.stop()

    def test_systemdPath(self) -> None:
        """
        The path of a UNIX socket that systemd hands over is systemd's: it keeps its mode,
        and stays when the server ends.
        """
        for processes in ("1", "2"):
            path = self.sockets() / "imap"
            under = (sys.executable, "-c", HANDING_OVER, str(path))
            where = "systemd:domain=UNIX:index=0"
            server = self.at(where, f"--processes={processes}", under=under)
            self.assertIn(b"OK", self.connect(path))
            server.stop()
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o660)
            self.assertNotIn("Traceback", server.log)

    def test_unit(self) -> None:
        """
        What the unit of systemd on the page starts serves IMAP4 with STARTTLS.
        """
        unit = (ROOT / "doc" / "examples" / "myapp-processes.service").read_text()
        [line] = re.findall("(?m)^ExecStart=/opt/myapp/bin/twistd (.*)$", unit)
        certificate, key = Authority(self.folder).certify("server", "::1")
        certificate.rename(self.folder / "fullchain.pem")
        key.rename(self.folder / "privkey.pem")
        (self.folder / "htpasswd").write_text(f"alice:{self.hashed('sesame')}\n")
        # The name that the socket has here.
        line = line.replace("name=imap", "name=x").replace("/etc/myapp", str(self.folder))
        told = shlex.split(line.replace("/var/lib/myapp", str(self.folder)))
        options = told[told.index("myapp") + 1 :]
        server = Server(options, [], under=(sys.executable, "-c", HANDING_OVER, "::1"))
        self.addCleanup(server.stop)
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        client = imaplib.IMAP4("::1", server.ports["imap"], PATIENCE)
        self.addCleanup(hangUp, client)
        client.starttls(context)
        client.login("alice", "sesame")
        self.assertEqual(len(workersOf(server)), 2)


class RightsTests(ProcessesTestCase):
    """
    Tests for C{twistd --uid}.
    """

    def setUp(self) -> None:
        super().setUp()
        if os.geteuid():
            raise SkipTest("run it as root")
        for folder in (*self.folder.parents, self.folder):
            folder.chmod(folder.stat().st_mode | 0o011)

    def ids(self, pid: int) -> set[str]:
        """
        Return the user IDs of a process.
        """
        status = Path(f"/proc/{pid}/status").read_text()
        return set(re.findall(r"(?m)^Uid:(.*)$", status)[0].split())

    def test_restarted(self) -> None:
        """
        Workers become the user, also one that is started later; each has had root's
        rights before that, as accounts of shadow(5) take, and has no more afterwards.
        """
        passwd, shadow = self.folder / "passwd", self.folder / "shadow"
        passwd.write_text("carol:x:1000:1000::/home/carol:/bin/sh\n")
        shadow.write_text(f"carol:{BCRYPT.decode()}:19000::::::\n")
        shadow.chmod(0o600)
        os.chown(self.folder, NOBODY, -1)
        server = self.start(
            f"--auth=passwd:{passwd}:shadow={shadow}",
            "--processes=2",
            offered="imap",
            twistd="--uid=nobody",
        )
        with frozen(workersOf(server)[1]):
            server.imap("carol", "hashed").logout()
        with frozen(killed(server)):
            server.imap("carol", "hashed").logout()
        workers = workersOf(server)
        for worker in workers:
            self.assertEqual(self.ids(worker), {str(NOBODY)})
        self.assertEqual(self.ids(server.pid), {"0"})
        # It needs no processes that check passwords.
        until(lambda: sorted(children(server.pid)) == sorted(workersOf(server)))
        # The system ends them with the program, though they are another user by now.
        with frozen(workers[0]):
            os.kill(server.pid, signal.SIGKILL)
            until(lambda: all(map(isGone, workers)))
        self.assertNotIn("Traceback", server.log)
        os.chown(self.folder, 0, -1)
