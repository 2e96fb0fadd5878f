"""
Tests for one mailbox that several processes serve: two workers of one program, and
another program on the same database.

They cover L{mycred.demo._mailstore._store}, too.
"""

from __future__ import annotations

import poplib
from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from ..kit.databases import DatabaseServer, MariaDB, PostgreSQL, serverOf
from ..kit.imapview import View
from ..kit.mailledger import Ledger, letter, tokenOf
from ..kit.mailload import Correspondent, atOnce, checkMailbox
from ..kit.mailplaces import Place, PlaceTests, storeOptions, workersOf
from ..kit.processes import shared
from ..kit.sharedmail import MailServer


class SQLiteTests(PlaceTests, SynchronousTestCase):
    """
    Tests for mailboxes in a file.

    @cvar kind: the database server.
    @cvar times: how many messages each client delivers, and how many it removes.
    """

    kind: ClassVar[type[DatabaseServer] | None] = None
    # Each waits for the disk.
    times = 16

    def setUp(self) -> None:
        super().setUp()
        servers = shared.get(type(self), self.makeServers)
        self.addCleanup(shared.restore)
        first, second = servers
        self.user = self.newUser()
        pids = workersOf(first, 2)
        self.places = [*(Place(first, pid) for pid in pids), Place(second)]

    def makeServers(self) -> list[MailServer]:
        """
        Start two programs, one of which has two workers.
        """
        store = storeOptions(self.kind and serverOf(self.kind), self.folder)
        servers = [self.serve(store, "--processes=2")]
        try:
            return [*servers, self.serve(store)]
        except BaseException:
            servers[0].stop()
            raise

    def views(self) -> list[View]:
        """
        Open the user's inbox at each place.
        """
        views = [place.view(self.user) for place in self.places]
        for view in views:
            self.addCleanup(view.close)
        return views

    def smtp(self, place: Place) -> Any:
        """
        Log the user in over SMTP at a place.
        """
        client = place.smtp(self.user)
        self.addCleanup(client.close)
        return client

    def pop3(self, place: Place) -> poplib.POP3:
        """
        Log the user in over POP3 at a place.
        """
        client = place.pop3(self.user)
        self.addCleanup(client.close)
        return client

    def fill(self, view: View, *tokens: bytes) -> list[int]:
        """
        Put messages into the inbox.

        @return: their UIDs.
        """
        return [view.append(letter(token)) for token in tokens]

    def assertSame(self, *views: View) -> None:
        """
        Assert that clients that have looked see the same messages.
        """
        for view in views:
            view.do(b"NOOP")
            view.learn()
        first = views[0]
        for view in views[1:]:
            self.assertEqual(view.uids, first.uids)
            self.assertEqual(view.uidValidity, first.uidValidity)

    def test_idle(self) -> None:
        """
        Clients that idle at any place are told of a message that is sent at another, or
        put there, and find it whole.
        """
        views = self.views()
        count = len(views[0].uids)
        for place, view in zip(self.places, views):
            self.smtp(place).sendmail("", [self.user], letter(b"sent"))
            view.append(letter(b"put"))
            count += 2
            for each in views:
                each.idle(lambda client, wanted=count: len(client.uids) == wanted)
                new = list(each.learn().values())[-2:]
                self.assertEqual(list(map(tokenOf, new)), [b"sent", b"put"])
        self.assertSame(*views)

    def test_noop(self) -> None:
        """
        NOOP shows what was delivered at another place before, at once.
        """
        views = self.views()
        for view in views:
            [uid] = self.fill(view, b"put")
            for other in views:
                other.do(b"NOOP")
                other.learn()
                self.assertEqual(other.uids[-1], uid)

    def test_flags(self) -> None:
        """
        NOOP tells of flags that were changed at another place.
        """
        views = self.views()
        [uid] = self.fill(views[0], b"put")
        self.assertSame(*views)
        for view, flag in zip(views, (b"\\Seen", b"\\Flagged", b"\\Answered")):
            view.do(b"UID STORE %d +FLAGS (%b)" % (uid, flag))
            for other in views:
                other.do(b"NOOP")
                self.assertIn(flag, other.flags[uid])
        self.assertEqual(len(views[0].flags[uid]), 3)

    def test_expunge(self) -> None:
        """
        Messages that were removed at one place are gone at all others from the next NOOP
        on, and no UID is used again, not even that of the last message.
        """
        views = self.views()
        welcome, first, second, last = [
            *views[0].learn(),
            *self.fill(views[0], b"first", b"second", b"last"),
        ]
        self.assertSame(*views)
        views[1].do(b"UID STORE %d,%d +FLAGS.SILENT (\\Deleted)" % (first, last))
        views[2].do(b"EXPUNGE")
        self.assertSame(*views)
        self.assertEqual(views[0].uids, [welcome, second])
        for view in views:
            [new] = self.fill(view, b"new")
            self.assertGreater(new, last)
            last = new
        self.assertSame(*views)

    def test_fetchOfRemoved(self) -> None:
        """
        A client that doesn't know yet that a message was removed at another place is told
        nothing of it, and may go on.
        """
        ours, theirs, _ = self.views()
        first, second = self.fill(ours, b"first", b"second")
        self.assertSame(ours, theirs)
        ours.do(b"UID STORE %d +FLAGS.SILENT (\\Deleted)" % first)
        ours.do(b"EXPUNGE")
        self.assertEqual(list(theirs.contents([first, second])), [second])
        self.assertIs(theirs.copy(first), None)
        theirs.do(b"UID STORE %d +FLAGS (\\Seen)" % first)
        self.assertSame(ours, theirs)

    def test_pop3(self) -> None:
        """
        A message that is removed over POP3 at one place is gone at all others; POP3 names
        the same messages alike everywhere.
        """
        views = self.views()
        self.fill(views[0], b"first", b"second")
        clients = [self.pop3(place) for place in self.places]
        names = [client.uidl()[1] for client in clients]
        self.assertEqual(names[1:], names[:-1])
        self.assertEqual(len(names[0]), 3)
        clients[0].dele(2)
        clients[0].quit()
        for client in clients[1:]:
            refused = self.assertRaises(poplib.error_proto, client.retr, 2)
            self.assertIn("gone", str(refused))
        self.assertSame(*views)
        self.assertEqual(len(views[0].uids), 2)

    def test_firstLogins(self) -> None:
        """
        A user who logs in for the first time at all places at once gets one mailbox, with
        one message in it.
        """
        views = atOnce(
            lambda place=place: place.view(self.user) for place in self.places * 3
        )
        for view in views:
            self.addCleanup(view.close)
        self.assertSame(*views)
        self.assertEqual(len(views[0].uids), 1)

    def test_load(self) -> None:
        """
        Eight clients at once deliver messages, and remove as many, at all places and over
        all protocols: nothing is lost, nothing is there twice, no UID is used again,
        and each client sees what RFC 3501 allows.
        """
        ledger, other = Ledger(), self.newUser()
        clients = []
        for number in range(8):
            users = [self.user, other][:: 1 if number < 5 else -1]
            place = self.places[number % len(self.places)]
            client = Correspondent(place, users, ledger, number)
            self.addCleanup(client.close)
            clients.append(client)
        atOnce(lambda each=client: each.work(self.times) for client in clients)
        for user in (self.user, other):
            views = [client.view for client in clients if client.user == user]
            views.append(checkMailbox(self.places[0], user, ledger))
            self.addCleanup(views[-1].close)
            self.assertSame(*views)


class PostgreSQLTests(SQLiteTests):
    """
    Tests for mailboxes in PostgreSQL.
    """

    kind = PostgreSQL
    # A thousand in all.
    times = 63


class MariaDBTests(PostgreSQLTests):
    """
    Tests for mailboxes in MariaDB.
    """

    kind = MariaDB
