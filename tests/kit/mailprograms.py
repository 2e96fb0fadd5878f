"""
Programs that people read and send mail with, run against a server in this process.
"""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SkipTest

from mycred.portal import Portal
from mycred.tls import TLSOptions

from .certificates import Authority
from .mailclients import PATIENCE
from .mailservers import PROTOCOLS, MailFactory, MailRealm, ScramChecker
from .protocols import LoginTestCase

Done = subprocess.CompletedProcess[str]


class ProgramTests(LoginTestCase):
    """
    Base of the tests with programs: a server with TLS, and what they need.

    @ivar folder: a directory.
    @ivar authority: the certificate of the authority that they trust.
    @ivar server: the server's certificate and its key.
    @ivar alice: Alice's certificate and her key.
    @ivar realm: the realm, which knows who has logged in.
    """

    timeout = 120

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        authority = Authority(self.folder)
        self.server = authority.certify("localhost", "localhost", "127.0.0.1")
        certificate, key = self.server
        self.authority = authority.file
        self.alice = authority.certify("alice")
        self.contextFactory = TLSOptions(
            str(key),
            str(certificate),
            clientCert="optional",
            clientCA=str(authority.file),
        ).contextFactory()
        self.realm = MailRealm()

    def serveMail(self, name: str, *checkers: Any, protocol: Any = None) -> None:
        """
        Serve a protocol.

        @param checkers: the checkers; one that has keys of Alice's password if none is
            given.
        @param protocol: the class of the protocol, unless it is mycred's.
        """
        portal = Portal(self.realm, checkers or [ScramChecker()])
        made = protocol or PROTOCOLS[name]
        self.serve(MailFactory(made, portal, self.contextFactory))

    def program(self, name: str, package: str) -> str:
        """
        Find a program.
        """
        path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/lib/cyrus/bin")
        if path is None:
            raise SkipTest(f"install {package}")
        return path

    def run_(self, *command: str, given: str = "", isTerminal: bool = False) -> Any:
        """
        Run a program.

        @param given: its standard input.
        @param isTerminal: whether it wants a terminal for that.

        @return: a L{Deferred} that fires with what it has said, and its status.
        """
        environment = {**os.environ, "HOME": str(self.folder), "LC_ALL": "C"}
        start = _runInTerminal if isTerminal else _run
        done: Deferred[Done] = deferToThread(start, command, given, environment)
        return done

    def assertNames(self, *names: bytes) -> None:
        """
        Assert who has logged in since the last time.
        """
        self.assertEqual(self.realm.names, list(names))
        self.realm.names.clear()


def _run(command: tuple[str, ...], given: str, environment: Mapping[str, str]) -> Done:
    """
    Run a program, which reads what it is given and then the end.
    """
    return subprocess.run(
        command,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=PATIENCE,
        check=False,
        env=environment,
    )


def _runInTerminal(
    command: tuple[str, ...], given: str, environment: Mapping[str, str]
) -> Done:
    """
    Run a program in a terminal in which nobody types.
    """
    ours, theirs = pty.openpty()
    try:
        # What it says fits into the terminal's buffer.
        status = subprocess.run(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            timeout=PATIENCE,
            check=False,
            env={**environment, "TERM": "xterm"},
            start_new_session=True,
        ).returncode
        os.close(theirs)
        theirs = -1
        said = b""
        while data := _readEnd(ours):
            said += data
    finally:
        os.close(ours)
        if theirs >= 0:
            os.close(theirs)
    return subprocess.CompletedProcess(command, status, said.decode("utf-8", "replace"))


def _readEnd(terminal: int) -> bytes:
    """
    Read from a terminal; nothing if its other end is closed.
    """
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
