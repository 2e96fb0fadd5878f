"""
Tests for where the example server listens, and for what it says if it can't.

They cover L{mycred.demo._listening}, too.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import given, strategies as st

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from mycred.demo._listening import CannotStart, Listening, whyNotListening
from mycred.demo._strports import (
    asksForCertificates,
    endpointAt,
    isBehindLocalProxy,
    isPublic,
)

from ..kit.privileged import until
from ..kit.server import (
    FACTORIES,
    HANDING_OVER,
    PATIENCE,
    ROOT,
    TWISTD,
    Server,
    ServerTests,
    refusal,
)

EXAMPLE = "tcp:1110:interface=127.0.0.1"


class DescriptionTests(SynchronousTestCase):
    """
    Tests for descriptions that are wrong.
    """

    def assertWrong(self, where: str, says: str) -> None:
        """
        Assert that a description isn't taken, in one line.
        """
        error = self.assertRaises(
            ValueError, endpointAt, MemoryReactorClock(), where, EXAMPLE
        )
        self.assertEqual(len(str(error).splitlines()), 1)
        self.assertRegex(str(error), says)

    def test_port(self) -> None:
        """
        A port that is no number, or too high, is told with what it may be.
        """
        for kind in ("tcp", "tcp6", "ssl", "haproxy:tcp", "TCP"):
            for port in ("99999", "65536", "-1", "pop3", "1.5", "١"):
                self.assertWrong(f"{kind}:{port}", "port: write a number from 0 to 65535")
        for kind in ("tcp", "tcp:", "ssl", "haproxy:tcp6"):
            self.assertWrong(kind, "port")
        self.assertWrong("tcp:1:backlog=many", "backlog: write a number")

    def test_kind(self) -> None:
        """
        What isn't known is told with what would be right: for TLS another description
        with TLS, never one without.
        """
        for where in ("1110", "", "xx:1", "127.0.0.1:1110", "haproxy:", "haproxy:xx"):
            self.assertWrong(where, f"right would be, for example, {EXAMPLE}$")
        for where in ("tcp:1:iface=::1", "tcp6:1:interface=::1", "tcp:1:2:3:4"):
            self.assertWrong(where, f"(interface=|colon).*{EXAMPLE}$")
        for where in ("ssl:", "ssl:x", "SSL:993:key=x", "ssl:993:privateKey=/no/such"):
            self.assertWrong(where, "right would be, for example, mtls:PORT:[^ ]*$")
        for where in ("mtls:", "mtls:1", "MTLS:1:key=x", "mtls:1:privateKey=/no/such"):
            self.assertWrong(where, "right would be, for example, mtls:PORT:[^ ]*$")
        self.assertWrong("stdio:", "no client can connect")

    def test_unix(self) -> None:
        """
        A socket needs a path, and its mode is octal.
        """
        self.assertWrong("unix:", "address must be given")
        for mode in ("999", "rw", ""):
            self.assertWrong(f"unix:/x:mode={mode}", "mode: write it in octal")
        self.assertWrong("unix:/x:lockfile=no", "lockfile: write a number")
        endpointAt(MemoryReactorClock(), "unix:/x:mode=660:lockfile=0", EXAMPLE)

    def test_systemd(self) -> None:
        """
        A socket that systemd hasn't handed over is told.
        """
        for where in ("systemd:domain=INET:index=9", "systemd:domain=INET:name=pop3"):
            self.assertWrong(where, "systemd has handed over no such socket")
            self.assertWrong(f"haproxy:{where}", "systemd has handed over no such socket")
        self.assertWrong("systemd:index=0", "domain must be given")
        self.assertWrong("systemd:domain=inet:index=0", "domain: write one of INET, ")
        self.assertWrong("systemd:domain=INET", "index or name")

    @given(
        st.text(),
        st.sampled_from(["", "tcp:", "tcp6:", "ssl:", "mtls:", "unix:", "haproxy:"]),
    )
    def test_anything(self, text: str, kind: str) -> None:
        """
        Whatever is written, it is taken or told to be wrong.
        """
        try:
            endpointAt(MemoryReactorClock(), kind + text, EXAMPLE)
        except ValueError as error:
            self.assertTrue(str(error))


class PublicTests(SynchronousTestCase):
    """
    Tests for where others can read passwords.
    """

    def test_public(self) -> None:
        """
        They can on all addresses but the machine's own, unless there is TLS: also where
        a proxy or systemd stands before the server, who may bring it to others.
        """
        for kind in ("tcp:1", "tcp6:1", "TCP:1", "systemd:index=0", "haproxy:tcp:1"):
            for host in ("0.0.0.0", "::", "192.0.2.1", "10.0.0.1", "fe80::1%lo", "?"):
                self.assertTrue(isPublic(kind, host), (kind, host))
            for host in ("127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", None):
                self.assertFalse(isPublic(kind, host), (kind, host))
        for kind in ("ssl:1", "haproxy:ssl:1", "SSL:1", "mtls:1", "unix:/x", "other:1"):
            self.assertFalse(isPublic(kind, "0.0.0.0"), kind)

    def test_localProxy(self) -> None:
        """
        A proxy of this machine is one that connects to its own address, or to a socket.
        """
        for where in (
            "haproxy:tcp:1:interface=127.0.0.1",
            "haproxy:tcp:1:interface=\\:\\:1",
            "HAProxy:tcp6:1:interface=127.0.0.2",
            "haproxy:unix:/x",
        ):
            self.assertTrue(isBehindLocalProxy(where), where)
        for where in (
            "haproxy:tcp:1",
            "haproxy:tcp:1:interface=10.0.0.1",
            "haproxy:tcp:1:interface=localhost",
            "haproxy:systemd:domain=INET:index=0",
            "haproxy:ssl:1:privateKey=x",
            "tcp:1:interface=127.0.0.1",
            "unix:/x",
        ):
            self.assertFalse(isBehindLocalProxy(where), where)

    def test_certificates(self) -> None:
        """
        Only C{mtls:} asks clients for certificates, where it is told to.
        """
        for where, isAsking in (
            ("mtls:1:privateKey=x:clientCert=optional:clientCA=x", True),
            ("MTLS:1:privateKey=x:clientCert=required:clientCA=x", True),
            ("mtls:1:privateKey=x", False),
            ("mtls:1:privateKey=x:clientCert=no", False),
            ("ssl:1:privateKey=x", False),
            ("", False),
        ):
            self.assertEqual(asksForCertificates(where), isAsking, where)


class Endpoint:
    """
    An endpoint with a given answer.
    """

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def listen(self, factory: Any) -> Any:
        """
        Answer.
        """
        return self.answer


class Port:
    """
    A port that can be closed.
    """

    closed = False

    def stopListening(self) -> None:
        """
        Be closed.
        """
        self.closed = True


class ListeningTests(SynchronousTestCase):
    """
    Tests for what listens, with endpoints of all kinds.
    """

    def listening(self, answer: Any) -> Listening:
        """
        Make it.
        """
        self.reactor = MemoryReactorClock()
        self.reactor.stop = lambda: self.stopped.append(True)  # type: ignore[method-assign]
        self.stopped: list[bool] = []
        factory: Any = None
        return Listening("--pop3=x", Endpoint(answer), factory, self.reactor)

    def test_listens(self) -> None:
        """
        It tells of the port, once, and closes it; with C{twistd} or without.
        """
        for isPrivileged in (True, False):
            port = Port()
            service = self.listening(succeed(port))
            if isPrivileged:
                service.privilegedStartService()
                self.assertIs(self.successResultOf(service.listening), port)
            service.startService()
            self.successResultOf(service.stopService())
            self.assertTrue(port.closed)
        self.assertIsNone(self.listening(None).stopService())

    def test_fails(self) -> None:
        """
        If it can't listen, that is told in one line.
        """
        for error in (
            CannotListenError("", 1, OSError(errno.EADDRINUSE, "x")),
            OverflowError("too high"),
            RuntimeError(),
        ):
            for start in ("privilegedStartService", "startService"):
                service = self.listening(fail(error))
                told = self.assertRaises(CannotStart, getattr(service, start))
                self.assertRegex(str(told), "^twistd myapp: --pop3=x: [^\n]+$")
                self.assertNoResult(service.listening)

    def test_failsLater(self) -> None:
        """
        An endpoint of another package may find out later: then the server ends.
        """
        later: Deferred[Any] = Deferred()
        service = self.listening(later)
        service.privilegedStartService()
        service.startService()
        later.errback(OSError(errno.EADDRINUSE, "Address already in use"))
        self.assertEqual(self.stopped, [True])

    def test_stopped(self) -> None:
        """
        A server that is stopped first waits for none.
        """
        service = self.listening(Deferred())
        service.privilegedStartService()
        service.startService()
        self.successResultOf(service.stopService())
        self.assertEqual(self.stopped, [])

    def test_why(self) -> None:
        """
        What to do depends on what the system says.
        """
        for number, says in (
            (errno.EADDRINUSE, "in use"),
            (errno.EACCES, "may not listen"),
            (errno.EPERM, "may not listen"),
            (errno.EADDRNOTAVAIL, "no such address"),
            (errno.ENOENT, "no such directory"),
            (errno.EMFILE, "Too many"),
        ):
            cause = OSError(number, os.strerror(number))
            for error in (cause, CannotListenError("", 80, cause)):
                self.assertIn(says, whyNotListening(error))


class StartTests(ServerTests, SynchronousTestCase):
    """
    Tests for servers that can't start, as they are run.
    """

    def assertEnds(self, option: str, *more: str, says: str) -> None:
        """
        Assert that a server ends with one line about an option.
        """
        name = option.partition("=")[0][2:]
        rest = self.options(["--auth=memory:alice:sesame", "--auth=sshkey"], [], name)
        if more:
            command = [*more, *TWISTD, "myapp", *rest, option]
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
            )
        else:
            done = refusal(*rest, option)
        said = done.stdout + done.stderr
        self.assertNotEqual(done.returncode, 0, said)
        self.assertNotIn("Traceback", said)
        self.assertNotIn("Log in with", said)
        [line] = [line for line in said.splitlines() if "twistd myapp: " in line]
        self.assertIn(f"twistd myapp: {option}: ", line)
        self.assertIn(says, line)

    def inUse(self) -> int:
        """
        Listen until the end of the test.
        """
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        port: int = listening.getsockname()[1]
        return port

    def test_inUse(self) -> None:
        """
        A port that is in use is told, for each protocol and each kind of place.
        """
        port = self.inUse()
        for name in ("pop3", "imap", "pb", "http", "ssh"):
            option = f"--{name}=tcp:{port}:interface=127.0.0.1"
            self.assertEnds(option, says="in use")
        path = self.sockets() / "socket"
        path.write_text("")
        for where in (f"unix:{path}", f"haproxy:tcp:{port}:interface=127.0.0.1"):
            self.assertEnds(f"--pop3={where}", says="in use")

    def test_notOurs(self) -> None:
        """
        An address that isn't the machine's is told, and a directory that isn't there.
        """
        for where in ("tcp:0:interface=192.0.2.1", r"tcp:0:interface=2001\:db8\:\:1"):
            self.assertEnds(f"--imap={where}", says="no such address")
        missing = self.folder / "missing" / "socket"
        self.assertEnds(f"--http=unix:{missing}", says="no such directory")

    def test_privileged(self) -> None:
        """
        A port that only root may take is told to others.
        """
        start = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        if not start.exists() or int(start.read_text()) < 2:
            raise SkipTest("here everybody may listen at every port")
        under: list[str] = []
        if os.geteuid() == 0:
            if shutil.which("setpriv") is None:
                raise SkipTest("install util-linux")
            under = ["setpriv", "--bounding-set=-net_bind_service"]
        self.assertEnds(
            "--pop3=tcp:1:interface=127.0.0.1", *under, says="may not listen there"
        )

    def test_daemon(self) -> None:
        """
        A daemon that can't listen ends at once, with a status, and leaves nothing but a
        line in its log.
        """
        log, pid = self.folder / "log", self.folder / "pid"
        option = f"--pop3=tcp:{self.inUse()}:interface=127.0.0.1"
        rest = self.options(["--auth=memory:alice:sesame"], [], "pop3")
        done = subprocess.run(
            [*TWISTD[:3], f"--pidfile={pid}", f"--logfile={log}", "myapp", *rest, option],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--pop3=tcp", done.stderr)
        self.assertFalse(pid.exists())
        # What started it doesn't wait for its last words.
        until(lambda: "in use" in log.read_text())
        written = log.read_text()
        self.assertEqual(written.count("in use"), 1)
        self.assertNotIn("Traceback", written)

    def test_systemdSocket(self) -> None:
        """
        A socket that systemd hands over serves users, and is shown with its port; if it
        is open to others that is warned of.
        """
        for host, isWarned in (("127.0.0.1", False), ("0.0.0.0", True)):
            where = "--pop3=systemd:domain=INET:index=0"
            options = self.options([self.passwords(alice="sesame")], [], "pop3")
            server = Server(
                [*options, where],
                ["pop3"],
                under=(sys.executable, "-c", HANDING_OVER, host),
            )
            self.addCleanup(server.stop)
            server.pop3("alice", "sesame").quit()
            server.stop()
            self.assertIn(f"pop3://127.0.0.1:{server.ports['pop3']}/1", server.log)
            self.assertEqual(f"{where}: clients of other" in server.log, isWarned)

    def test_clearText(self) -> None:
        """
        Passwords that would be sent in clear text over the network are told of, for each
        protocol for which that is so: that they are refused for mail, and can be read.
        """
        path = self.passwords(alice="sesame")
        digest = self.htdigest(alice="sesame")
        everywhere = [f"--{name}=tcp:0" for name in FACTORIES if name != "ssh"]
        for options, names in (
            ([path, *everywhere], {"-pop3", "-imap", "-smtp", "http"}),
            ([path, "--clear-text", "--imap=tcp:0"], {"imap"}),
            ([path, "--pop3=tcp6:0"], {"-pop3"}),
            ([path, "--pop3=haproxy:tcp:0"], {"-pop3"}),
            ([digest, "--http=tcp:0"], set()),
            ([path, f"--pop3=unix:{self.sockets() / 'socket'}"], set()),
            ([path], set()),
        ):
            isUNIX = options[-1].startswith("--pop3=unix")
            server = self.start(
                *options, offered="imap" if path in options and isUNIX else "http"
            )
            server.stop()
            warned = [
                "-" * (what == "clients") + name
                for name, what in re.findall(
                    r"--(\w+)=\S+: (anyone|clients) o", server.log
                )
            ]
            self.assertEqual((set(warned), len(warned)), (names, len(names)), server.log)
