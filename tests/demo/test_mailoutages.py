"""
Tests for mail that is delivered while workers, or the database, are killed, frozen or out
of order.

They cover L{mycred.demo._store}, too.
"""

from __future__ import annotations

import os
import poplib
import smtplib
from random import Random
from typing import ClassVar

from twisted.trial.unittest import SynchronousTestCase

from ..kit.couriers import Couriers
from ..kit.databases import DatabaseServer, MariaDB, PostgreSQL
from ..kit.imapview import No, View
from ..kit.mailledger import letter, tokenOf
from ..kit.mailload import atOnce
from ..kit.mailplaces import Place, PlaceTests, storeOptions, workersOf
from ..kit.privileged import until
from ..kit.proxy import CuttingProxy
from ..kit.sharedmail import MailServer

# How many times the same is tried, at other moments.
_TIMES = 3


class OutageTests(PlaceTests):
    """
    Base of the tests with a database server that fails.
    """

    kind: ClassVar[type[DatabaseServer] | None] = None

    def setUp(self) -> None:
        super().setUp()
        self.random = Random(os.urandom(8))
        self.user, self.other = self.newUser(), self.newUser()

    def startDatabase(self) -> DatabaseServer:
        """
        Start a database server.
        """
        assert self.kind is not None
        server = self.kind()
        self.addCleanup(server.stop)
        return server

    def startServer(self, *options: str) -> MailServer:
        """
        Start a mail server.
        """
        server = self.serve(*options)
        self.addCleanup(server.stop)
        return server

    def couriers(self, server: MailServer) -> Couriers:
        """
        Have clients deliver mail, until the end of the test.
        """
        for user in (self.user, self.other):
            Place(server).view(user).close()
        couriers = Couriers([Place(server)] * 2, [self.user, self.other])
        self.addCleanup(couriers.stop)
        return couriers

    def moments(self) -> list[int]:
        """
        Return numbers of deliveries after which to disturb.
        """
        return [self.random.randrange(20) for _ in range(_TIMES)]


class FileTests(OutageTests, SynchronousTestCase):
    """
    Tests for mailboxes in a file.
    """

    def store(self) -> list[str]:
        """
        Return the options for a new store.
        """
        return storeOptions(None, self.folder)

    def test_workerKilled(self) -> None:
        """
        A worker that is killed takes no mail with it that a client was told is delivered,
        leaves nothing half done, and is started again; clients of the other worker notice
        nothing.
        """
        server = self.startServer(self.store(), "--processes=2")
        couriers = self.couriers(server)
        for moment in self.moments():
            stays, falls = self.random.sample(workersOf(server, 2), 2)
            view = Place(server, stays).view(self.user)
            self.addCleanup(view.close)
            couriers.deliver(60, moment, lambda pid=falls: server.kill(pid))
            self.assertNotIn(falls, workersOf(server, 2))
            view.do(b"NOOP")
            view.learn()
            self.assertEqual(server.servedBy(view), stays)
        couriers.check(Place(server))


class PostgreSQLTests(FileTests):
    """
    Tests for mailboxes in PostgreSQL.
    """

    kind = PostgreSQL

    def setUp(self) -> None:
        super().setUp()
        self.database = self.startDatabase()
        self.name = self.database.makeDatabase()

    def store(self) -> list[str]:
        """
        Return the options for a new store.
        """
        return storeOptions(self.database, self.folder)

    def test_connectionsKilled(self) -> None:
        """
        Where the database ends all connections, deliveries that were acknowledged are
        there once, all others at most once; and the server goes on.
        """
        server = self.startServer(self.store(), "--processes=2")
        couriers = self.couriers(server)
        for moment in self.moments():
            couriers.deliver(60, moment, self.database.killConnections)
        couriers.check(Place(server))

    def test_databaseKilled(self) -> None:
        """
        The same is true where the database is killed, and started again; clients that
        stay are served again, and those that idle are told of new mail.
        """
        server = self.startServer(self.store(), "--processes=2")
        couriers = self.couriers(server)
        idle = [Place(server, pid).view(self.other) for pid in workersOf(server, 2)]
        for view in idle:
            self.addCleanup(view.close)

        def restart() -> None:
            self.database.kill()
            self.database.start()

        for moment in self.moments()[:2]:
            couriers.deliver(60, moment, restart)
        for view in idle:
            count = len(view.uids)
            view.idle(lambda each, least=count + 60: len(each.uids) >= least)
        couriers.check(Place(server))

    def test_commitUnanswered(self) -> None:
        """
        A client whose message was committed, or was not, by a database that then is lost
        is told of a failure for now, and the message isn't there twice.
        """
        proxy = CuttingProxy(self.database.port, rb"insert into mail_messages")
        self.addCleanup(proxy.stop)
        ours, its = f":{proxy.port}/", f":{proxy.target}/"
        server = self.startServer([text.replace(its, ours) for text in self.store()])
        view = Place(server).view(self.user)
        self.addCleanup(view.close)
        client = Place(server).smtp(self.user)
        self.addCleanup(client.close)
        for proxy.isTold in (True, False):
            proxy.isArmed = True
            refused = self.assertRaises(No, view.append, letter(b"put"))
            self.assertRegex(str(refused), r"^NO \[UNAVAILABLE\]")
            self.assertFalse(proxy.isArmed)
            proxy.isArmed = True
            client.mail("")
            client.rcpt(self.user)
            self.assertEqual(client.data(letter(b"sent"))[0], 451)
            self.assertFalse(proxy.isArmed)
        view.do(b"NOOP")
        tokens = list(map(tokenOf, view.learn().values()))
        self.assertEqual(tokens[1:], [b"put", b"sent"])

    def test_frozen(self) -> None:
        """
        While the database answers nothing, each protocol says that this is for now; a
        program that is told to end does; and once the database goes on all is well.
        """
        store = self.store()
        server, other = self.startServer(store), self.startServer(store)
        place = Place(server)
        idle, view, pop3, smtp = (
            place.view(self.user),
            place.view(self.user),
            place.pop3(self.user),
            place.smtp(self.user),
        )
        for client in (idle, view, pop3, smtp):
            self.addCleanup(client.close)
        idle.say(b"i IDLE")
        self.assertEqual(idle.line(), b"+ Idling")
        self.database.freeze()
        self.addCleanup(self.database.thaw)

        def logInIMAP4() -> None:
            place.view(self.user)

        def logInPOP3() -> None:
            place.pop3(self.user)

        def logInSMTP() -> None:
            place.smtp(self.user)

        answers = atOnce(
            lambda act=act: _refusal(act)
            for act in (
                lambda: view.do(b"NOOP"),
                lambda: pop3.retr(1),
                lambda: smtp.sendmail("", [self.user], letter(b"frozen")),
                logInIMAP4,
                logInPOP3,
                logInSMTP,
            )
        )
        for answer, expected in zip(
            answers,
            [
                r"NO \[UNAVAILABLE\]",
                r"-ERR \[SYS/TEMP\]",
                r"\b451\b",
                r"NO \[UNAVAILABLE\]",
                r"-ERR \[SYS/TEMP\]",
                r"\b454\b",
            ],
        ):
            self.assertRegex(answer, expected)
        other.stop()
        self.database.thaw()
        until(lambda: _isServed(view))
        smtp.sendmail("", [self.user], letter(b"thawed"))
        self.assertEqual(idle.line(), b"* 2 EXISTS")


class MariaDBTests(PostgreSQLTests):
    """
    Tests for mailboxes in MariaDB.
    """

    kind = MariaDB


def _refusal(act) -> str:
    """
    Return what the server says when it refuses.
    """
    try:
        act()
    except (No, poplib.error_proto, smtplib.SMTPException) as error:
        return str(error)
    return "it is done"


def _isServed(view: View) -> bool:
    """
    Return whether a client is served.
    """
    try:
        view.do(b"NOOP")
    except No:
        return False
    return True
