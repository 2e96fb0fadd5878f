"""
Tests for L{mycred._auditlog._syslog}: what syslog gets.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import fail
from twisted.internet.task import Clock
from twisted.logger import formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mycred._auditlog import _syslog
from mycred._auditlog._syslog import FACILITIES
from mycred.error import TemporaryFailure
from mycred.stack import AuditLog, AuditSyslog

from ..kit.auditing import FORGERIES, Saying, logIn, session


class SyslogTests(SynchronousTestCase):
    """
    A daemon gets a datagram for each login.
    """

    def setUp(self) -> None:
        # The path of a socket must be short.
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = f"{self.directory}/log"
        self.clock = Clock()
        self.logged: list[Any] = []
        globalLogPublisher.addObserver(self.logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.logged.append)

    def listen(self) -> socket.socket:
        """
        Begin to listen as the daemon does.
        """
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listening.close)
        listening.bind(self.path)
        listening.setblocking(False)
        return listening

    def portal(self, facility: str = "auth", *checkers: Any) -> Any:
        """
        Make the portal of a connection whose logins go to syslog.
        """
        syslog = AuditSyslog(facility, self.path, self.clock)
        self.addCleanup(syslog.close)
        return session(AuditLog(syslog), *checkers)

    def said(self) -> list[str]:
        """
        Return what the log says of syslog, and begin again.
        """
        said = [formatEvent(e) for e in self.logged if "place" in e]
        del self.logged[:]
        return said

    def test_message(self) -> None:
        """
        A message has the priority, the time, the program and the line.
        """
        daemon = self.listen()
        logIn(self.portal(), b"eve", b"wrong")
        self.assertRegex(
            daemon.recv(9999).decode("ascii"),
            rf"^<38>[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d mycred\[{os.getpid()}\]: "
            r'Login refused: user="eve" why="no such user" by=memory service=imap '
            r"ms=\d+ peer=192\.0\.2\.1$",
        )

    def test_priority(self) -> None:
        """
        The priority is that of the facility, and of a warning where it isn't the user's
        fault.
        """
        daemon = self.listen()
        down = Saying(lambda _: fail(TemporaryFailure("down")))
        for facility, number in (("auth", 4), ("authpriv", 10), ("local7", 23)):
            for checkers, severity in (((), 6), ((down,), 4)):
                logIn(self.portal(facility, *checkers))
                head = b"<%d>" % (8 * number + severity)
                self.assertTrue(daemon.recv(9999).startswith(head))

    def test_forged(self) -> None:
        """
        A message has one line, whatever a client types, and isn't too long for a daemon.
        """
        daemon = self.listen()
        for name in FORGERIES:
            portal = self.portal()
            logIn(portal, name, b"wrong")
            message = daemon.recv(99999).decode("utf-8")
            self.assertTrue(message.isprintable())
            self.assertLess(len(message), 2000)

    def test_missing(self) -> None:
        """
        Without a daemon logins go on, and that is logged once; one that begins later gets
        those that come then.
        """
        portal = self.portal()
        for _ in range(3):
            [login] = logIn(portal)
            self.assertEqual(login[1], b"alice")
        self.assertEqual(len(self.said()), 1)
        daemon = self.listen()
        logIn(portal)
        self.assertIn(b"Login accepted", daemon.recv(9999))
        self.assertIn("3 are missing", self.said()[0])

    def test_restarted(self) -> None:
        """
        A daemon that was started again gets the next login, and none is missing.
        """
        portal = self.portal()
        for _ in range(2):
            daemon = self.listen()
            logIn(portal)
            self.assertIn(b"Login accepted", daemon.recv(9999))
            daemon.close()
            os.unlink(self.path)
        self.assertEqual(self.said(), [])

    def drain(self, daemon: socket.socket) -> list[str]:
        """
        Return the messages that a daemon has got, and those that come while it reads.
        """
        messages: list[str] = []
        while True:
            try:
                messages.append(daemon.recv(9999).decode("utf-8"))
            except BlockingIOError:
                calls = self.clock.getDelayedCalls()
                if not calls:
                    return messages
                self.clock.advance(calls[0].getTime() - self.clock.seconds())

    def test_busy(self) -> None:
        """
        A daemon that reads nothing isn't waited for, and gets all later, in their order,
        as fast as they may come in an attack.
        """
        daemon = self.listen()
        portal = self.portal()
        # More than a socket holds.
        names = [b"%d" % number for number in range(1000)]
        for name in names:
            [login] = logIn(portal, name)
            self.assertIsInstance(login, Failure)
        messages = self.drain(daemon)
        found = [re.findall('user="([0-9]+)"', message)[0] for message in messages]
        self.assertEqual(found, [name.decode() for name in names])
        self.assertLess(self.clock.seconds(), 0.5)
        self.assertEqual(self.said(), [])

    def test_busyForLong(self) -> None:
        """
        No more wait than there is room for; that others are missing is logged once, and
        its end is.
        """
        self.patch(_syslog, "_MOST_WAITING", 5)
        daemon = self.listen()
        portal = self.portal()
        count = 0
        while not (said := self.said()):
            logIn(portal)
            count += 1
        self.assertIn("No buffer space", said[0])
        logIn(portal)
        self.assertEqual(self.said(), [])
        self.assertEqual(len(self.drain(daemon)), count - 1)
        self.assertIn("2 are missing", self.said()[0])

    def test_gone(self) -> None:
        """
        What waits for a daemon that is gone isn't kept.
        """
        daemon = self.listen()
        portal = self.portal()
        while not self.clock.getDelayedCalls():
            logIn(portal)
        daemon.close()
        self.clock.advance(1)
        self.assertEqual(len(self.said()), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_close(self) -> None:
        """
        What waits is sent when the program ends, if there is room, and nothing is left
        to be called.
        """
        for isRead in (True, False):
            daemon = self.listen()
            syslog = AuditSyslog("auth", self.path, self.clock)
            portal = session(AuditLog(syslog))
            while not self.clock.getDelayedCalls():
                logIn(portal)
            if isRead:
                daemon.recv(9999)
            syslog.close()
            self.assertEqual(self.clock.getDelayedCalls(), [])
            os.unlink(self.path)

    def test_reactor(self) -> None:
        """
        Without a clock it is the reactor that calls later.
        """
        self.listen()
        syslog = AuditSyslog("auth", self.path)
        portal = session(AuditLog(syslog))
        while syslog._later is None:
            logIn(portal)
        self.assertTrue(reactor.getDelayedCalls())
        syslog.close()
        self.assertEqual(reactor.getDelayedCalls(), [])

    def test_facilities(self) -> None:
        """
        There are no other facilities.
        """
        error = self.assertRaises(ValueError, AuditSyslog, "mail")
        self.assertEqual(str(error), f"write one of {', '.join(FACILITIES)}")
