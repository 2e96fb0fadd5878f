"""
A real sshd, mycred's conch server, and the real ssh that logs in to both.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from zope.interface import implementer

from twisted.conch.avatar import ConchUser
from twisted.conch.ssh import forwarding, session
from twisted.internet import defer, protocol, reactor, utils
from twisted.internet.error import ProcessExitedAlready
from twisted.python import components
from twisted.trial.unittest import SkipTest

from mycred._conchcontracts import IConchUser, ISession, ISessionSetEnv
from mycred._contracts import IRealm
from mycred.conch import SSHFactory, SSHServerTransport, hostKeyIn
from mycred.portal import Portal

USER = pwd.getpwuid(os.geteuid()).pw_name

# How long a login may take before the test gives up, in seconds.
PATIENCE = 30

_SSHD = shutil.which("sshd") or "/usr/sbin/sshd"

client = [
    "ssh",
    "-F/dev/null",
    "-oBatchMode=yes",
    "-oIdentitiesOnly=yes",
    "-oIdentityAgent=none",
    "-oStrictHostKeyChecking=no",
    "-oUserKnownHostsFile=/dev/null",
    "-oPreferredAuthentications=publickey",
    "-oLogLevel=ERROR",
    # The first of ssh's own list takes eight times as long; L{tests.conch.test_clients}
    # logs in by that.
    "-oKexAlgorithms=curve25519-sha256",
    f"-oConnectTimeout={PATIENCE}",
]


def needSSH() -> None:
    """
    Skip a test where there is no OpenSSH.
    """
    if not os.access(_SSHD, os.X_OK) or not shutil.which("ssh"):
        raise SkipTest("install openssh-server and openssh-client")


def keygen(path: Path, *arguments: str) -> Path:
    """
    Make a key with ssh-keygen, unless it was made before.
    """
    if not path.exists():
        options = arguments or ("-ted25519",)
        subprocess.run(
            ["ssh-keygen", "-q", "-N", "", "-C", path.name, "-f", path, *options],
            check=True,
        )
    return path


def certify(authority: Path, key: Path, name: str, *arguments: str) -> Path:
    """
    Have an authority sign a key.

    @return: the key, with its certificate beside it under the name that ssh looks for.
    """
    copied = key.with_name(f"{key.name}.{name}")
    if not copied.exists():
        shutil.copy(key, copied)
        shutil.copy(f"{key}.pub", f"{copied}.pub")
        subprocess.run(
            [
                "ssh-keygen",
                "-q",
                "-s",
                authority,
                "-I",
                name,
                *arguments,
                f"{copied}.pub",
            ],
            check=True,
            stderr=subprocess.PIPE,
        )
    return copied


def freePort() -> int:
    """
    Find a port of 127.0.0.1 that nobody uses.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def isListening(port: int) -> bool:
    """
    Tell whether somebody listens on a port of 127.0.0.1, without connecting to it.
    """
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


def _withoutPenalties() -> list[str]:
    """
    Have sshd listen to a client again that has failed, which it refuses since OpenSSH
    9.8; before, it knew no such line.
    """
    line = "PerSourcePenalties"
    done = subprocess.run(
        [_SSHD, "-t", "-f", "/dev/null", "-o", f"{line}=no"], capture_output=True
    )
    return [] if b"Bad configuration option" in done.stderr else [f"{line} no"]


class SSHD:
    """
    A running sshd, with a directory of its own.

    @ivar port: where it listens.
    """

    def __init__(self, folder: Path, *lines: str) -> None:
        """
        @param folder: where its files are made.
        @param lines: lines of sshd_config(5).
        """
        if os.geteuid() == 0:
            # Where it wants to be before somebody is logged in.
            os.makedirs("/run/sshd", 0o755, exist_ok=True)
        self.port = freePort()
        hostKey = keygen(folder / "sshd_host")
        config = folder / "sshd_config"
        config.write_text(
            "\n".join(
                [
                    f"Port {self.port}",
                    "ListenAddress 127.0.0.1",
                    f"HostKey {hostKey}",
                    "PidFile none",
                    "UsePAM no",
                    "PasswordAuthentication no",
                    "KbdInteractiveAuthentication no",
                    "PermitRootLogin yes",
                    "PermitUserEnvironment yes",
                    "LogLevel VERBOSE",
                    "MaxStartups 100",
                    *_withoutPenalties(),
                    *lines,
                ]
            )
            + "\n"
        )
        self.log = folder / "sshd.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [_SSHD, "-D", "-e", "-f", config], stdin=subprocess.DEVNULL, stderr=log
            )

    def started(self) -> defer.Deferred[None]:
        """
        Wait until it listens.
        """

        async def wait() -> None:
            for _ in range(10 * PATIENCE):
                if self._process.poll() is not None:
                    raise AssertionError(self.log.read_text())
                with socket.socket() as probe:
                    if not probe.connect_ex(("127.0.0.1", self.port)):
                        return
                pause: defer.Deferred[None] = defer.Deferred()
                reactor.callLater(0.1, pause.callback, None)
                await pause
            raise AssertionError("sshd doesn't listen")

        return defer.Deferred.fromCoroutine(wait())

    def stop(self) -> None:
        """
        Stop it.
        """
        self._process.terminate()
        self._process.wait()


class User(ConchUser):
    """
    Somebody who can run commands, and forward connections.
    """

    def __init__(self, avatarId: Any) -> None:
        super().__init__()
        self.avatarId = avatarId
        self.channelLookup = {
            b"session": session.SSHSession,
            b"direct-tcpip": forwarding.openConnectForwardingClient,
        }
        self.subsystemLookup = {b"greeting": Greeting}
        self.listening: list[Any] = []
        self.stopped: defer.Deferred[Any] = defer.Deferred()

    def global_tcpip_forward(self, data: bytes) -> int:
        """
        Listen for connections to forward.
        """
        host, port = forwarding.unpackGlobal_tcpip_forward(data)
        factory = forwarding.SSHListenForwardingFactory(
            self.conn, (host, port), forwarding.SSHListenServerForwardingChannel
        )
        self.listening.append(reactor.listenTCP(port, factory, interface="127.0.0.1"))
        return 1

    def logout(self) -> None:
        """
        Listen no more.
        """
        stopping = [defer.maybeDeferred(port.stopListening) for port in self.listening]
        defer.gatherResults(stopping).chainDeferred(self.stopped)


class Greeting(protocol.Protocol):
    """
    A subsystem.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def connectionMade(self) -> None:
        """
        Greet, and leave.
        """
        self.transport.write(b"hello\n")
        self.transport.loseConnection()


@implementer(ISession, ISessionSetEnv)
class Session:
    """
    A session that runs commands.
    """

    def __init__(self, avatar: Any) -> None:
        self._environment = {"PATH": os.environ["PATH"]}
        self._usePTY = False
        self._process: Any = None

    def setEnv(self, name: bytes, value: bytes) -> None:
        """
        Set a variable.
        """
        self._environment[os.fsdecode(name)] = os.fsdecode(value)

    def getPty(self, term: bytes, windowSize: Any, modes: Any) -> None:
        """
        Have a terminal.
        """
        self._usePTY = True

    def openShell(self, proto: Any) -> None:
        """
        Run a shell.
        """
        self.execCommand(proto, b"exec /bin/sh")

    def execCommand(self, proto: Any, command: bytes) -> None:
        """
        Run a command.
        """
        self._process = reactor.spawnProcess(
            proto,
            "/bin/sh",
            ["/bin/sh", "-c", command],
            self._environment,
            "/",
            usePTY=self._usePTY,
        )

    def windowChanged(self, newWindowSize: Any) -> None:
        """
        It is all the same.
        """

    def eofReceived(self) -> None:
        """
        Hand on that nothing more comes.
        """
        if self._process is not None:
            self._process.closeStdin()

    def closed(self) -> None:
        """
        Leave nothing running.
        """
        if self._process is not None:
            with suppress(ProcessExitedAlready):
                self._process.signalProcess("KILL")


components.registerAdapter(Session, User, ISession)


@implementer(IRealm)
class Realm:
    """
    A realm of such users.

    @ivar avatars: those who have logged in.
    """

    def __init__(self, user: type[User]) -> None:
        """
        @param user: what makes one.
        """
        self.avatars: list[User] = []
        self._user = user

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """
        Make one.
        """
        user = self._user(avatarId)
        self.avatars.append(user)
        return IConchUser, user, user.logout


class ConchServer:
    """
    A running conch server of mycred's.

    @ivar port: where it listens.
    @ivar avatars: those who have logged in.
    """

    def __init__(
        self,
        folder: Path,
        *checkers: Any,
        hostKey: Path | None = None,
        user: type[User] = User,
        **settings: Any,
    ) -> None:
        """
        @param folder: where its host key is made, if none is given.
        @param checkers: what checks logins.
        @param hostKey: the file of its host key.
        @param user: who logs in.
        @param settings: of its factory.
        """
        realm = Realm(user)
        self.avatars = realm.avatars
        path = str(hostKey or folder / "conch_host")
        factory = SSHFactory(Portal(realm, checkers), [hostKeyIn(path)], **settings)
        self._connections = connections = []  # type: ignore[var-annotated]

        class Connection(SSHServerTransport):
            """
            One that tells when it is gone.
            """

            def connectionMade(self) -> None:
                super().connectionMade()
                self.gone: defer.Deferred[None] = defer.Deferred()
                connections.append(self)

            def connectionLost(self, reason: Any = None) -> None:
                super().connectionLost(reason)
                self.gone.callback(None)

        factory.protocol = Connection
        self._listening = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.port = self._listening.getHost().port

    @defer.inlineCallbacks
    def stop(self) -> Any:
        """
        Stop it, and wait until nothing of it is left.
        """
        yield self._listening.stopListening()
        for connection in self._connections:
            connection.transport.abortConnection()
            yield connection.gone
        for avatar in self.avatars:
            yield avatar.stopped


def login(
    port: int, key: Path, command: str = "echo in", *arguments: str
) -> defer.Deferred[tuple[int, bytes, bytes]]:
    """
    Log in by ssh.

    @return: a L{Deferred} that fires with its exit status, and what it has written.
    """
    words = [*client, "-p", str(port), "-i", str(key), *arguments]
    words += [f"{USER}@127.0.0.1", *([command] if command else [])]
    # In a session of its own, and with nothing to read.
    running: Any = utils.getProcessOutputAndValue(
        "/bin/sh",
        ["-c", 'exec timeout 30 setsid -w "$@" </dev/null', "sh", *words],
        {"PATH": os.environ["PATH"], "HOME": "/", "VARIABLE": "client"},
    )
    return running.addCallback(lambda result: (result[2], result[0], result[1]))
