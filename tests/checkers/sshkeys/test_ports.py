"""
Tests for L{mycred.checkers.sshkeys._ports}: a server on which nobody who needs two
factors could get in is told of when it starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent

from twisted.trial.unittest import SynchronousTestCase

import mycred

PROGRAM = """
import sys
from twisted.conch.ssh.factory import SSHFactory as ConchFactory
from twisted.conch.ssh.userauth import SSHUserAuthServer
from twisted.logger import globalLogBeginner, textFileLogObserver
observer = textFileLogObserver(sys.stdout)
globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
import mycred.conch
from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse as Memory
from mycred.checkers import CheckerChain
from mycred.checkers.sshkeys import SSHProtocolChecker
from mycred.portal import Portal
import twisted.cred.portal

class Two(SSHProtocolChecker):
    def areDone(self, avatarId):
        return len(self.successfulCredentials[avatarId]) >= 2

class Own(ConchFactory):
    pass

def make(cls, portal):
    factory = cls.__new__(cls)
    factory.portal = portal
    # No host keys are needed to listen.
    factory.startFactory = factory.stopFactory = lambda: None
    return factory

def portalOf(checker, Portal=Portal):
    return Portal(None, [checker])

from twisted.internet import reactor

def listen(factory):
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    return port

def two(cls=Two):
    checker = cls()
    checker.registerChecker(Memory(alice=b"sesame"))
    return checker

{body}

# After what is looked at when the reactor runs.
reactor.callWhenRunning(
    lambda: reactor.callLater(0, lambda: reactor.callLater(0, reactor.stop)))
reactor.run()
"""


class StartTests(SynchronousTestCase):
    """
    Tests for servers that start, in a process of their own; nobody connects to them.
    """

    def told(self, body: str) -> list[str]:
        """
        Run a server.

        @return: the lines of its log that warn.
        """
        program = PROGRAM.replace("{body}", dedent(body))
        path = [str(Path(mycred.__file__).parents[1]), os.environ.get("PYTHONPATH")]
        ended = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.assertEqual(ended.returncode, 0, indent(ended.stderr, "    "))
        return [line for line in ended.stdout.splitlines() if "several factors" in line]

    def test_conch(self) -> None:
        """
        Under conch's own factory it is told at once which checker and which server, and
        what to do.
        """
        (line,) = self.told("port = listen(make(ConchFactory, portalOf(two())))")
        self.assertIn("Two wants several factors", line)
        self.assertIn("twisted.conch.ssh.factory.SSHFactory, on IPv4Address", line)
        self.assertIn("Serve it with mycred.conch.SSHFactory", line)

    def test_around(self) -> None:
        """
        So it is for a factory of a program's own that extends conch's, in something like
        TLS or a limit, for Twisted's portal, and for a checker in a chain.
        """
        for body in (
            "listen(make(Own, portalOf(two())))",
            "from twisted.protocols.policies import WrappingFactory\n"
            "listen(WrappingFactory(make(ConchFactory, portalOf(two()))))",
            "listen(make(ConchFactory, portalOf(two(), twisted.cred.portal.Portal)))",
            "listen(make(ConchFactory, portalOf(CheckerChain([two()]))))",
        ):
            self.assertEqual(len(self.told(body)), 1, body)

    def test_late(self) -> None:
        """
        So it is where all is made when the reactor runs already.
        """
        body = """
        def begin():
            checker = two()
            listen(make(ConchFactory, portalOf(checker)))
        reactor.callWhenRunning(begin)
        """
        self.assertEqual(len(self.told(body)), 1)

    def test_others(self) -> None:
        """
        Nothing is told of mycred's own factory, of a server that tells connections apart
        by itself, of a checker that is content with any factor, or of another portal.
        """
        for body in (
            "listen(make(mycred.conch.SSHFactory, portalOf(two())))",
            "listen(make(ConchFactory, portalOf(two(SSHProtocolChecker))))",
            "two()\nlisten(make(ConchFactory, portalOf(Memory(alice=b'sesame'))))",
            "class Telling(SSHUserAuthServer):\n"
            "    tellsConnections = True\n"
            "class Own(ConchFactory):\n"
            "    services = {b'ssh-userauth': Telling}\n"
            "listen(make(Own, portalOf(two())))",
        ):
            self.assertEqual(self.told(body), [], body)
