"""
Tests for mail that is delivered while workers, or the database, are killed, frozen or out
of order.

They cover L{mycred.demo._mailstore._store}, too.
"""

from __future__ import annotations

import os
import poplib
import re
import resource
import smtplib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import ClassVar

from twisted.trial.unittest import SynchronousTestCase

from mycred.demo._mailstore import LARGEST

from ..kit.couriers import Couriers
from ..kit.databases import DatabaseServer, MariaDB, PostgreSQL
from ..kit.imapview import No, View
from ..kit.mailledger import letter, tokenOf
from ..kit.mailload import atOnce
from ..kit.mailplaces import Place, PlaceTests, storeOptions, submit, workersOf
from ..kit.privileged import until
from ..kit.processes import shared
from ..kit.proxy import CuttingProxy
from ..kit.sharedmail import MailServer


class Site:
    """
    A mail server with two workers, and its database.

    @ivar server: the mail server.
    @ivar database: the database server; L{None} for a file.
    @ivar proxy: what stands before it.
    """

    def __init__(
        self,
        kind: type[DatabaseServer] | None,
        serve: Callable[[DatabaseServer | None, int], MailServer],
    ) -> None:
        """
        @param kind: the class of the database server.
        @param serve: what starts the mail server, with a database and the port at which
            it is reached.
        """
        self.database = kind() if kind is not None else None
        port = 0 if self.database is None else self.database.port
        self.proxy = CuttingProxy(port, rb"insert into mail_messages")
        try:
            self.server = serve(self.database, self.proxy.port)
        except BaseException:
            self._stopDatabase()
            raise

    def stop(self) -> None:
        """
        End all of it.
        """
        try:
            self.server.stop()
        finally:
            self._stopDatabase()

    def _stopDatabase(self) -> None:
        """
        End the database.
        """
        self.proxy.stop()
        if self.database is not None:
            self.database.stop()

    def restore(self) -> bool:
        """
        Return whether the next test can use it.
        """
        return self.server.restore()


class FileTests(PlaceTests, SynchronousTestCase):
    """
    Tests for mailboxes in a file.

    @cvar kind: the class of the database server.
    """

    kind: ClassVar[type[DatabaseServer] | None] = None

    def setUp(self) -> None:
        super().setUp()
        self.random = Random(os.urandom(8))
        self.user, self.other = self.newUser(), self.newUser()
        [self.site] = shared.get(type(self), lambda: [Site(self.kind, self.serveAt)])
        self.addCleanup(shared.restore)

    def serveAt(self, database: DatabaseServer | None, port: int) -> MailServer:
        """
        Start a mail server with two workers.
        """
        store = storeOptions(database, self.folder)
        if database is not None:
            ours, its = f":{port}/", f":{database.port}/"
            store = [text.replace(its, ours) for text in store]
        return self.serve(store, "--processes=2")

    def view(self, user: str, pid: int = 0) -> View:
        """
        Open a user's inbox.
        """
        view = Place(self.site.server, pid).view(user)
        self.addCleanup(view.close)
        return view

    def couriers(self) -> Couriers:
        """
        Have clients deliver mail, until the end of the test.
        """
        for user in (self.user, self.other):
            self.view(user)
        couriers = Couriers([Place(self.site.server)] * 2, [self.user, self.other])
        self.addCleanup(couriers.stop)
        return couriers

    def moments(self) -> list[int]:
        """
        Return numbers of deliveries after which to disturb.
        """
        return [self.random.randrange(20) for _ in range(3)]

    def test_workerKilled(self) -> None:
        """
        A worker that is killed takes no mail with it that a client was told is delivered,
        leaves nothing half done, and is started again; clients of the other worker notice
        nothing.
        """
        server, couriers = self.site.server, self.couriers()
        for moment in self.moments()[:2]:
            stays, falls = self.random.sample(workersOf(server, 2), 2)
            view = self.view(self.user, stays)
            couriers.deliver(30, moment, lambda pid=falls: server.kill(pid))
            self.assertNotIn(falls, workersOf(server, 2))
            view.do(b"NOOP")
            view.learn()
            self.assertEqual(server.servedBy(view), stays)
        couriers.check(Place(server))

    def test_large(self) -> None:
        """
        The largest messages of eight clients at once come whole, and take little memory.
        """
        server, users = self.site.server, [self.newUser() for _ in range(8)]
        views = [self.view(user) for user in users]
        before = sum(map(_memory, server.processes()))
        content = letter(b"large", LARGEST // 20)
        uids = atOnce(lambda view=view: view.append(content) for view in views)
        fetched = atOnce(
            lambda view=view, uid=uid: view.contents([uid])
            for view, uid in zip(views, uids)
        )
        for uid, contents in zip(uids, fetched):
            self.assertEqual(contents, {uid: content})
        taken = sum(map(_memory, server.processes())) - before
        self.assertLess(taken, 12 * len(users) * LARGEST)

    def refuse(self) -> None:
        """
        Have the database take no more changes.
        """
        self.limit(0)

    def permit(self) -> None:
        """
        Have it take changes again.
        """
        self.limit(resource.RLIM_INFINITY)

    def limit(self, size: int) -> None:
        """
        Set how large the files of the mail server may become.
        """
        for pid in self.site.server.processes():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def test_readOnly(self) -> None:
        """
        Where the database takes no more changes, for want of room or otherwise, mail can
        be read, and deliveries fail for now; nothing of them is there later.
        """
        view, pop3 = self.view(self.user), Place(self.site.server).pop3(self.user)
        smtp = Place(self.site.server).smtp(self.user)
        for client in (pop3, smtp):
            self.addCleanup(client.close)
        pop3.dele(1)
        self.refuse()
        try:
            large = letter(b"refused", 10_000)
            for act, expected in [
                (lambda: view.append(large), r"^NO \[UNAVAILABLE\]"),
                (lambda: submit(smtp, [self.user], large), r"\b451\b"),
                (pop3.quit, r"-ERR \[SYS/TEMP\]"),
            ]:
                self.assertRegex(_refusal(act), expected)
            self.assertEqual(len(view.learn()), 1)
            self.view(self.user).do(b"NOOP")
        finally:
            self.permit()
        until(lambda: not _refusal(lambda: view.append(letter(b"taken"))))
        submit(smtp, [self.user], letter(b"taken"))
        tokens = list(map(tokenOf, self.view(self.user).learn().values()))
        self.assertEqual(tokens, [None, b"taken", b"taken"])


class PostgreSQLTests(FileTests):
    """
    Tests for mailboxes in PostgreSQL.
    """

    kind = PostgreSQL

    def setUp(self) -> None:
        super().setUp()
        assert self.site.database is not None
        self.database: DatabaseServer = self.site.database

    def refuse(self) -> None:
        """
        Have the database take no more changes.
        """
        self.setReadOnly("on")

    def permit(self) -> None:
        """
        Have it take changes again.
        """
        self.setReadOnly("off")

    def setReadOnly(self, value: str) -> None:
        """
        Set whether transactions only read, those of present connections, too.
        """
        name = self.site.server.store.rpartition("/")[2]
        setting = f"default_transaction_read_only = {value}"
        self.database.query(f"alter database {name} set {setting}")
        self.database.killConnections()

    def test_connectionsKilled(self) -> None:
        """
        Where the database ends all connections, deliveries that were acknowledged are
        there once, all others at most once; and the server goes on.
        """
        couriers = self.couriers()
        for moment in self.moments():
            couriers.deliver(30, moment, self.database.killConnections)
        couriers.check(Place(self.site.server))

    def test_databaseKilled(self) -> None:
        """
        The same is true where the database is killed, and started again; clients that
        stay are served again, and those that idle are told of new mail.
        """
        couriers = self.couriers()
        idle = [self.view(self.other, pid) for pid in workersOf(self.site.server, 2)]

        def restart() -> None:
            self.database.kill()
            self.database.start()

        for moment in self.moments()[:2]:
            couriers.deliver(30, moment, restart)
        for view in idle:
            # Each process looks again for itself.
            until(lambda view=view: not _refusal(lambda: view.do(b"NOOP")))
        couriers.check(Place(self.site.server))
        last = self.view(self.other)
        uid = last.append(letter(b"last"))
        for view in idle:
            view.idle(lambda each: len(each.uids) == len(last.uids))
            view.learn()
            self.assertEqual(view.uids[-1], uid)

    def test_commitUnanswered(self) -> None:
        """
        A client whose message was committed, or was not, by a database that then is lost
        is told of a failure for now, and the message isn't there twice.
        """
        proxy, view = self.site.proxy, self.view(self.user)
        client = Place(self.site.server).smtp(self.user)
        self.addCleanup(client.close)
        for proxy.isTold in (True, False):
            proxy.isArmed = True
            refused = self.assertRaises(No, view.append, letter(b"put"))
            self.assertRegex(str(refused), r"^NO \[UNAVAILABLE\]")
            self.assertFalse(proxy.isArmed)
            client.mail("")
            client.rcpt(self.user)
            proxy.isArmed = True
            self.assertEqual(client.data(letter(b"sent"))[0], 451)
            self.assertFalse(proxy.isArmed)
        view.do(b"NOOP")
        tokens = list(map(tokenOf, view.learn().values()))
        self.assertEqual(tokens[1:], [b"put", b"sent"])


class MariaDBTests(PostgreSQLTests):
    """
    Tests for mailboxes in MariaDB.
    """

    kind = MariaDB

    def setReadOnly(self, value: str) -> None:
        """
        Set whether transactions only read.
        """
        self.database.query(f"set global read_only = {value}")


class FrozenTests(PlaceTests, SynchronousTestCase):
    """
    Tests for databases that answer nothing.
    """

    def test_frozen(self) -> None:
        """
        While the database answers nothing, each protocol says that this is for now; a
        program that is told to end does; and once the database goes on all is well, for
        clients that idled, too.
        """
        # At once, since that takes as long as the programs wait.
        users = [self.newUser() for _ in range(2)]
        kinds: list[type[DatabaseServer]] = [PostgreSQL, MariaDB]
        atOnce(
            lambda kind=kind, user=user: self.freeze(kind(), user)
            for kind, user in zip(kinds, users)
        )

    def freeze(self, database: DatabaseServer, user: str) -> None:
        """
        Freeze a database while clients of all protocols are there.
        """
        self.addCleanup(database.stop)
        store = storeOptions(database, self.folder)
        server, other = self.serve(store), self.serve(store)
        self.addCleanup(server.stop)
        self.addCleanup(other.stop)
        place = Place(server)
        idle, view = place.view(user), place.view(user)
        pop3, smtp = place.pop3(user), place.smtp(user)
        busy = Place(other).view(user)
        for client in (idle, view, pop3, smtp, busy):
            self.addCleanup(client.close)
        idle.say(b"i IDLE")
        self.assertEqual(idle.line(), b"+ Idling")
        database.freeze()
        self.addCleanup(database.thaw)
        refused: dict[Callable[[], object], str] = {
            lambda: view.do(b"NOOP"): r"^NO \[UNAVAILABLE\]",
            lambda: pop3.retr(1): r"-ERR \[SYS/TEMP\]",
            lambda: submit(smtp, [user], letter(b"frozen")): r"\b451\b",
            lambda: place.view(user): r"^NO \[UNAVAILABLE\]",
            lambda: place.pop3(user): r"-ERR \[SYS/TEMP\]",
            lambda: place.smtp(user): r"\b454\b",
            # What is under way is given up.
            other.stop: r"^$",
        }
        busy.say(b"b NOOP")
        answers = atOnce(lambda act=act: _refusal(act) for act in refused)
        for answer, expected in zip(answers, refused.values()):
            self.assertRegex(answer, expected)
        database.thaw()
        until(lambda: _refusal(lambda: view.do(b"NOOP")) == "")
        submit(smtp, [user], letter(b"thawed"))
        self.assertEqual(idle.line(), b"* 2 EXISTS")


def _memory(pid: int) -> int:
    """
    Return the most memory that a process has taken so far, in bytes.
    """
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    found = re.search(r"^VmHWM:\s+([0-9]+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def _refusal(act: Callable[[], object]) -> str:
    """
    Return what the server says when it refuses; an empty text if it doesn't.
    """
    try:
        act()
    except (No, poplib.error_proto, smtplib.SMTPException) as error:
        return str(error)
    return ""
