"""
Clients that other people have written: OpenSSH's, PuTTY's, Dropbear's, paramiko and
asyncssh.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet import utils
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest

from .openssh import PATIENCE, USER

_LIBRARIES = Path(__file__).with_name("sshlibraries.py")


class Login(NamedTuple):
    """
    How somebody logs in, and what for.

    @ivar port: where.
    @ivar hostKey: the public key of the server, as in a file.
    @ivar user: who.
    @ivar key: the file of a private key, as ssh-keygen makes it.
    @ivar isCertified: whether there is a certificate beside it, to be shown.
    @ivar password: a password.
    @ivar kind: what is asked for: C{exec}, C{shell} or C{subsystem}.
    @ivar command: what is run.
    @ivar hasTerminal: whether in a terminal.
    """

    port: int
    hostKey: str
    user: str = USER
    key: Path | None = None
    isCertified: bool = False
    password: str | None = None
    kind: str = "exec"
    command: str = "echo in"
    hasTerminal: bool = False


class Outcome(NamedTuple):
    """
    What has come of it.

    @ivar out: what was written.
    @ivar err: what was written as errors, by the command and by the client.
    @ivar status: how the client has ended.
    """

    out: bytes
    err: bytes
    status: int


class Program:
    """
    A client.

    @cvar name: its name.
    @cvar package: what to install.
    @cvar knowsServers: whether it refuses a server with another key.
    @cvar hasTerminals: whether it can ask for one without having one.
    @cvar tellsRefusal: whether it ends by another status than 0 if it isn't let in.
    """

    name: str
    package: str
    knowsServers = hasTerminals = tellsRefusal = True

    def __init__(self, folder: Path) -> None:
        """
        @param folder: where it may write.
        """
        self.folder = folder
        self.need()

    def need(self) -> None:
        """
        Skip the test if it isn't there.
        """
        if shutil.which(self.name) is None:
            raise SkipTest(f"install {self.package}")

    def words(self, login: Login) -> list[str]:
        """
        Write a command line.
        """
        raise NotImplementedError

    def environment(self, login: Login) -> dict[str, str]:
        """
        Return what it finds in its environment besides.
        """
        return {}

    def command(self, login: Login) -> tuple[list[str], dict[str, str]]:
        """
        Write a command line, and its environment.
        """
        home = {"HOME": str(self.folder), "PATH": os.environ["PATH"]}
        words = ["timeout", str(PATIENCE), "setsid", "-w", *self.words(login)]
        return words, {**home, **self.environment(login)}

    def run(self, login: Login, text: bytes = b"") -> Deferred[Outcome]:
        """
        Log in, while a server runs in this process.

        @param text: what the command reads.
        """
        words, environment = self.command(login)
        path = self.folder / "input"
        path.write_bytes(text)
        # Into files: dbclient now and then waits for ever once it had to wait for room
        # in a pipe.
        script = 'exec "$@" <"$0" >"$0.out" 2>"$0.err"'
        running: Any = utils.getProcessValue(
            "/bin/sh", ["-c", script, str(path), *words], environment
        )

        def cbEnded(status: int) -> Outcome:
            out, err = (path.with_name(f"input.{one}") for one in ("out", "err"))
            return Outcome(out.read_bytes(), err.read_bytes(), status)

        return running.addCallback(cbEnded)

    def runNow(self, login: Login, text: bytes = b"") -> Outcome:
        """
        Log in, while a server runs in another process.
        """
        words, environment = self.command(login)
        done = subprocess.run(
            words, input=text, env=environment, capture_output=True, check=False
        )
        return Outcome(done.stdout, done.stderr, done.returncode)

    def knownHosts(self, login: Login) -> str:
        """
        Write a file with the server's key.
        """
        path = self.folder / "known_hosts"
        path.write_text(f"[127.0.0.1]:{login.port} {login.hostKey}\n")
        return str(path)

    def converted(self, key: Path, suffix: str, *words: str) -> str:
        """
        Have a key converted to the client's own format, unless it was before.

        @param words: what does so; C{KEY} stands for its file, C{NEW} for the new one.
        """
        new = self.folder / f"{key.name}.{suffix}"
        if not new.exists():
            names = {"KEY": str(key), "NEW": str(new)}
            command = [names.get(word, word) for word in words]
            subprocess.run(command, check=True, capture_output=True)
        return str(new)


class OpenSSH(Program):
    """
    OpenSSH's client.
    """

    name = "ssh"
    package = "openssh-client"

    def words(self, login: Login) -> list[str]:
        """
        Write a command line.
        """
        words = ["ssh", "-F/dev/null", "-oStrictHostKeyChecking=yes", "-oLogLevel=ERROR"]
        words += [f"-oUserKnownHostsFile={self.knownHosts(login)}"]
        words += ["-oIdentitiesOnly=yes", "-oIdentityAgent=none"]
        words += ["-oNumberOfPasswordPrompts=1"]
        if login.password is None:
            words += ["-oPreferredAuthentications=publickey"]
        else:
            words += ["-oPreferredAuthentications=password"]
        if login.key is not None:
            words += ["-i", str(login.key)]
            if login.isCertified:
                words += [f"-oCertificateFile={login.key}-cert.pub"]
        words += ["-s"] if login.kind == "subsystem" else []
        words += ["-tt"] if login.hasTerminal else []
        words += ["-p", str(login.port), f"{login.user}@127.0.0.1"]
        return [*words, *([] if login.kind == "shell" else [login.command])]

    def environment(self, login: Login) -> dict[str, str]:
        """
        Have it ask a program for the password.
        """
        program = self.folder / "askpass"
        program.write_text('#!/bin/sh\nprintf "%s\\n" "$PASSWORD"\n')
        program.chmod(0o700)
        return {
            "PASSWORD": login.password or "",
            "SSH_ASKPASS": str(program),
            "SSH_ASKPASS_REQUIRE": "force",
        }


class Plink(Program):
    """
    PuTTY's client.
    """

    name = "plink"
    package = "putty-tools"

    def words(self, login: Login) -> list[str]:
        """
        Write a command line.
        """
        fingerprint = subprocess.run(
            ["ssh-keygen", "-lf", self.knownHosts(login)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()[1]
        words = ["plink", "-ssh", "-batch", "-noagent", "-hostkey", fingerprint]
        words += ["-P", str(login.port), "-l", login.user]
        if login.password is not None:
            path = self.folder / "password"
            path.write_text(f"{login.password}\n")
            words += ["-pwfile", str(path)]
        if login.key is not None:
            make = ["puttygen", "KEY", "-O", "private", "-o", "NEW"]
            make += ["--new-passphrase", "/dev/null"]
            words += ["-i", self.converted(login.key, "ppk", *make)]
            if login.isCertified:
                words += ["-cert", f"{login.key}-cert.pub"]
        words += ["-s"] if login.kind == "subsystem" else []
        words += ["-t" if login.hasTerminal else "-T", "127.0.0.1"]
        return [*words, *([] if login.kind == "shell" else [login.command])]


class Dropbear(Program):
    """
    Dropbear's client.
    """

    name = "dbclient"
    package = "dropbear-bin"
    knowsServers = hasTerminals = tellsRefusal = False

    def words(self, login: Login) -> list[str]:
        """
        Write a command line.
        """
        # Whoever the server is: 2022.83 doesn't always know a key again.
        words = ["dbclient", "-y", "-y", "-p", str(login.port), "-l", login.user]
        # Where the end of the channel overtakes its output, it notices with the next
        # message only, such as the answer to this.
        words += ["-K", "10"]
        if login.key is not None:
            make = ["dropbearconvert", "openssh", "dropbear", "KEY", "NEW"]
            words += ["-i", self.converted(login.key, "dropbear", *make)]
        words += ["-s"] if login.kind == "subsystem" else []
        words += ["-t" if login.hasTerminal else "-T", "127.0.0.1"]
        return [*words, *([] if login.kind == "shell" else [login.command])]

    def environment(self, login: Login) -> dict[str, str]:
        """
        Tell it the password.
        """
        given = login.password
        return {} if given is None else {"DROPBEAR_PASSWORD": given}


class Paramiko(Program):
    """
    A library.
    """

    name = package = "paramiko"

    def need(self) -> None:
        """
        Skip the test if it isn't there.
        """
        if importlib.util.find_spec(self.name) is None:
            raise SkipTest(f"install {self.package} from PyPI")

    def words(self, login: Login) -> list[str]:
        """
        Write a command line.
        """
        fields = login._asdict()
        fields["key"] = str(login.key) if login.key else None
        fields["knownHosts"] = self.knownHosts(login)
        return [sys.executable, str(_LIBRARIES), self.name, json.dumps(fields)]


class AsyncSSH(Paramiko):
    """
    Another one.
    """

    name = package = "asyncssh"


def publicHalf(key: Path) -> str:
    """
    Return the public half of a key, as it is written in a file.
    """
    command = ["ssh-keygen", "-yf", key]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout


PROGRAMS: tuple[type[Program], ...] = (OpenSSH, Plink, Dropbear, Paramiko, AsyncSSH)

__all__ = ["PROGRAMS", "Login", "Outcome", "Program", "publicHalf"]
