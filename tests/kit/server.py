"""
The example server as it is run, in a process of its own, and clients for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import imaplib
import os
import poplib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable
from hashlib import md5
from http.client import HTTPConnection
from pathlib import Path
from threading import Timer
from typing import Any

import bcrypt

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.python.failure import Failure
from twisted.spread import pb
from twisted.trial.unittest import SkipTest

from mycred.credentials import UsernamePassword

from .forked import ROOT, Twistd, run
from .protocols import Refused

# How long anything may take before the test gives up, in seconds.
PATIENCE = 20

# How long a server may take to begin, in seconds: it compiles nothing or everything, and
# those that can't begin end by themselves.
_LONGEST_START = 180

_STAYS = ["-n", "--pidfile="]

TWISTD = [
    sys.executable,
    "-c",
    "from twisted.scripts.twistd import run; run()",
    *_STAYS,
]

# What the log calls the server of each protocol.
FACTORIES = {
    "pop3": "POP3Factory",
    "imap": "IMAP4Factory",
    "pb": "PBServerFactory",
    "smtp": "SMTPFactory",
    "http": "Site",
    "ssh": "SSHFactory",
}

#: The program that does what systemd does for a .socket unit, given a host or the path of
#: a UNIX socket, and becomes the command that follows.
HANDING_OVER = """
import os, socket, sys
where = sys.argv[1]
if where.startswith("/"):
    os.umask(0o117)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(where)
    listening.listen()
else:
    family = socket.AF_INET6 if ":" in where else socket.AF_INET
    listening = socket.create_server((where, 0), family=family)
os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="x")
os.execv(sys.argv[2], sys.argv[2:])
"""

LETTER = (
    b"From: <bob@localhost>\r\nTo: <alice@localhost>\r\n"
    b"Subject: Tea & <b>cakes</b>\r\n\r\n<script>alert('five')</script>\r\n"
)


class Server:
    """
    A running C{twistd myapp}.

    @ivar ports: where each protocol is served.
    @ivar pid: its process ID.
    @ivar log: what the server has logged, complete once it has stopped.
    """

    def __init__(
        self,
        options: list[str],
        offered: list[str],
        *twistd: str,
        under: tuple[str, ...] = (),
        directory: str = str(ROOT),
        **environment: str,
    ) -> None:
        """
        @param options: the command line.
        @param offered: the protocols that it starts.
        @param twistd: what C{twistd} itself is told.
        @param under: a command that runs it.
        @param directory: where it starts.
        @param environment: variables that it finds besides.
        """
        self.log = ""
        self.ports: dict[str, int] = {}
        arguments = [*twistd, "myapp", *options]
        self._process: Any
        if under or environment:
            self._process = subprocess.Popen(
                [*under, *TWISTD, *arguments],
                env={**os.environ, **environment},
                cwd=directory,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # No more is read of what it says than is wanted: the rest comes at its
                # end.
                bufsize=0,
            )
        else:
            self._process = Twistd([*_STAYS, *arguments], directory=directory)
        # What hangs is killed, so that reading its output comes to an end.
        watchdog = Timer(_LONGEST_START, self._process.kill)
        watchdog.start()
        try:
            # It says how to log in when all of them listen.
            while "Log in with:" not in self.log:
                self._readLine()
            missing = [name for name in offered if name not in self.ports]
            if missing:
                self.stop()
                raise AssertionError(f"It doesn't offer {missing}:\n{self.log}")
        finally:
            watchdog.cancel()

    def _readLine(self) -> None:
        """
        Take note of the next line of the log.
        """
        line = self._process.stdout.readline().decode("utf-8", "replace")
        if not line:
            self.stop()
            raise AssertionError(f"The server did not start:\n{self.log}")
        self.log += line
        started = re.search(r"\] (\w+)(?: \(\w+\))* starting on (\d+)$", line)
        for name, factory in FACTORIES.items():
            if started and started[1] == factory:
                self.ports[name] = int(started[2])

    def logsMuch(self) -> None:
        """
        Have the pipe take a megabyte of its log, which is read at its end only.
        """
        fcntl.fcntl(self._process.stdout, fcntl.F_SETPIPE_SZ, 1024**2)

    @property
    def pid(self) -> int:
        """
        Its process ID.
        """
        pid: int = self._process.pid
        return pid

    def memory(self) -> int:
        """
        Return how much memory it takes, in MiB.
        """
        status = Path(f"/proc/{self._process.pid}/statm").read_text()
        return int(status.split()[1]) * resource.getpagesize() // 1024**2

    def stop(self) -> None:
        """
        Stop it as an init system does.
        """
        try:
            self.log += self._ended()
        except ValueError:
            # It was stopped before.
            pass
        finally:
            self._process.kill()
            self._process.wait()

    def end(self, patience: float) -> int:
        """
        Send it SIGTERM once, and wait until it has ended.

        @param patience: for how many seconds.

        @return: its status.

        @raise subprocess.TimeoutExpired: if it hasn't ended by then.
        """
        self._process.send_signal(signal.SIGTERM)
        said: bytes = self._process.communicate(timeout=patience)[0] or b""
        self.log += said.decode("utf-8", "replace")
        status: int = self._process.wait()
        return status

    def _ended(self) -> str:
        """
        Send it SIGTERM, and again if that came so early that it was lost.  Not by
        SIGINT, which is ignored in what a shell runs in the background.

        @return: what the server has logged since.
        """
        for _ in range(PATIENCE // 2):
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                said: bytes = self._process.communicate(timeout=2)[0] or b""
                return said.decode("utf-8", "replace")
        raise AssertionError("The server does not stop")

    def pop3(self, name: str, password: str) -> poplib.POP3:
        """
        Log in over POP3.
        """
        client = poplib.POP3("127.0.0.1", self.ports["pop3"], PATIENCE)
        try:
            client.user(name)
            client.pass_(password)
        except poplib.error_proto as error:
            client.close()
            raise Refused(error)
        return client

    def imap(self, name: str, password: str) -> imaplib.IMAP4:
        """
        Log in over IMAP4.
        """
        client = imaplib.IMAP4("127.0.0.1", self.ports["imap"], PATIENCE)
        try:
            client.login(name, password)
        except imaplib.IMAP4.error as error:
            client.shutdown()
            raise Refused(error)
        return client

    def inbox(self) -> imaplib.IMAP4:
        """
        Log Alice in over IMAP4, and open her mailbox.
        """
        client = self.imap("alice", "sesame")
        client.select()
        return client

    def request(
        self, headers: dict[str, str], path: str = "/", method: str = "GET"
    ) -> tuple[Any, str]:
        """
        Request a page.

        @return: the answer, and the page.
        """
        connection = HTTPConnection("127.0.0.1", self.ports["http"], timeout=PATIENCE)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer, answer.read().decode("utf-8")
        finally:
            connection.close()

    def http(self, name: str, password: str, path: str = "/") -> str:
        """
        Get a page with Basic authentication.
        """
        token = b64encode(f"{name}:{password}".encode()).decode("ascii")
        answer, page = self.request({"Authorization": f"Basic {token}"}, path)
        if answer.status != 200:
            raise Refused(answer.status)
        return page

    def curl(self, scheme: str, path: str, *options: str) -> Callable[[str, str], str]:
        """
        Return a client that runs C{curl}.
        """
        if shutil.which("curl") is None:
            raise SkipTest("install curl")
        url = f"{scheme}://127.0.0.1:{self.ports[scheme]}/{path}"

        def get(name: str, password: str) -> str:
            command = ["curl", "-sSfq", "--noproxy", "*", "-m", str(PATIENCE), *options]
            done = subprocess.run(
                [*command, "-u", f"{name}:{password}", url],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
            if done.returncode:
                raise Refused(f"{done.returncode}: {done.stderr}")
            return done.stdout

        return get


class ServerTests:
    """
    What the tests of the server have in common.
    """

    def setUp(self: Any) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()

    def sockets(self: Any) -> Path:
        """
        Make a directory for UNIX sockets, whose paths must be short (108 bytes on Linux),
        wherever the suite runs.
        """
        folder = tempfile.mkdtemp(prefix="mycred-")
        self.addCleanup(shutil.rmtree, folder)
        return Path(folder)

    def passwords(self, **secrets: str) -> str:
        """
        Write a file of passwords.

        @return: the option that names it.
        """
        path = self.folder / f"passwd-{'-'.join(secrets)}"
        path.write_text("".join(f"{name}:{secrets[name]}\n" for name in secrets))
        return f"--auth=file:{path}"

    def htdigest(self, **passwords: str) -> str:
        """
        Write a file as C{htdigest} does.

        @return: the option that names it.
        """
        path = self.folder / "htdigest"
        lines = [(name, f"{name}:mycred:{passwords[name]}") for name in passwords]
        path.write_text(
            "".join(f"{n}:mycred:{md5(a.encode()).hexdigest()}\n" for n, a in lines)
        )
        return f"--auth=htdigest:{path}:realm=mycred"

    def hashed(self, password: str) -> str:
        """
        Return a hash of a password as C{htpasswd -B} makes it, but cheap.
        """
        return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode("ascii")

    def options(self, auth: list[str], offered: list[str], unsaid: str) -> list[str]:
        """
        Return a command line.
        """
        # The usual ports may be in use.
        where = [
            f"--{name}=" + ("tcp:0:interface=127.0.0.1" if name in offered else "")
            for name in FACTORIES
            if name not in unsaid.split()
        ]
        return [f"--store={self.folder / 'store.sqlite'}", *where, *auth]

    def start(
        self: Any,
        *auth: str,
        offered: str = "pop3 imap pb http",
        unsaid: str = "",
        twistd: str = "",
    ) -> Server:
        """
        Start a server that is stopped at the end of the test.

        @param auth: how to log in.
        @param offered: the protocols to offer.
        @param unsaid: those about which nothing is said, so that the server has to know
            by itself that it can't offer them.
        @param twistd: what C{twistd} itself is told.
        """
        names = offered.split()
        server = Server(self.options(list(auth), names, unsaid), names, *twistd.split())
        self.addCleanup(server.stop)
        return server

    def restart(self: Any, server: Server, *auth: str) -> Server:
        """
        Stop a server, and start another on the same store.
        """
        server.stop()
        return self.start(*auth)


def refusal(*options: str, twistd: str = "") -> subprocess.CompletedProcess[str]:
    """
    Return what the server writes that ends at once, since it can't do what its command
    line says, and its status.

    @param twistd: what C{twistd} itself is told.
    """
    arguments = [*_STAYS, *twistd.split(), "myapp", *options]
    return run(arguments, PATIENCE, COLUMNS="80")


def hangUp(client: imaplib.IMAP4) -> None:
    """
    End a connection, unless it has ended.
    """
    with contextlib.suppress(OSError):
        client.shutdown()


class PBUser(pb.PBClientFactory):
    """
    A client of Perspective Broker.

    @ivar gone: fires when it is disconnected.
    """

    noisy = False

    def __init__(self) -> None:
        super().__init__()
        self.gone: Deferred[None] = Deferred()

    def clientConnectionLost(self, *args: Any, **kw: Any) -> None:
        """
        Notice the end.
        """
        super().clientConnectionLost(*args, **kw)
        self.gone.callback(None)


class PBClients:
    """
    What the tests with clients of Perspective Broker have in common.
    """

    def connect(self: Any, server: Server) -> PBUser:
        """
        Connect until the end of the test.
        """
        factory = PBUser()
        connector = reactor.connectTCP("127.0.0.1", server.ports["pb"], factory, PATIENCE)

        def disconnect() -> Deferred[None]:
            connector.disconnect()
            return factory.gone

        self.addCleanup(disconnect)
        return factory

    def logIn(
        self: Any, server: Server, name: str, password: str, mind: Any = None
    ) -> Deferred[Any]:
        """
        Log in with a name and a password.
        """
        typed = UsernamePassword(name.encode(), password.encode())
        return self.connect(server).login(typed, mind)

    @inlineCallbacks
    def assertRemote(self: Any, calling: Deferred[Any], *names: str) -> Any:
        """
        Assert that a call fails with one of the errors of these names.
        """
        failures: list[Failure] = []
        answer = yield calling.addErrback(failures.append)
        self.assertTrue(failures, f"it went through: {answer!r}")
        self.assertTrue(failures[0].check(*names), f"{failures[0]}")
