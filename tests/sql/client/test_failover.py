"""
Tests for several servers of one database, which are killed, stopped and started again:
L{mycred._sql.client._server} on L{mycred._failover}.
"""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mycred._failover import Brief, Fault
from mycred._sql.client import Database, DatabaseURL, Refused

from ...kit.ahead import Time
from ...kit.databases import DatabaseServer, MariaDB, PostgreSQL
from ...kit.fakeldap import until
from ...kit.processes import freePort, shared

# How long a look-up may take, in seconds: where it is answered, and where it may fail.
LONG, ENOUGH = 60.0, 10.0

# The share of it that one server gets while another is left makes tests wait.
TIMEOUT = 3.0

HERE = "select name from here"


class ServersTests:
    """
    Tests for two servers, each of which knows its number.

    @cvar kind: what servers they are.
    """

    kind: type[DatabaseServer]

    def setUp(self: Any) -> None:
        """
        Find both servers working.
        """
        self.both = shared.get(self.kind, self.makeServers)
        self.addCleanup(shared.restore)
        self.time = Time()
        self.patch(time, "monotonic", self.time.monotonic)

    def makeServers(self: Any) -> list[DatabaseServer]:
        """
        Start both servers, each with a row that says which one it is.
        """
        servers = [self.kind(), self.kind()]
        for number, server in enumerate(servers):
            server.name = server.makeDatabase()
            owned = self.database(server)
            owned.transaction(
                lambda transaction, number=number: [
                    transaction.execute("create table here (name integer)"),
                    transaction.execute("insert into here values (:n)", n=number),
                ],
                time.monotonic() + LONG,
            )
        return servers

    def database(self: Any, *servers: DatabaseServer, **given: Any) -> Database:
        """
        Return the database on these servers.
        """
        urls = [DatabaseURL.parse(each.url(each.name)) for each in servers]
        return self.databaseAt(*urls, **given)

    def databaseAt(self: Any, *urls: DatabaseURL, **given: Any) -> Database:
        """
        Return the database at these URLs.
        """
        database = Database(urls, **{"timeout": TIMEOUT, **given})
        self.addCleanup(database.close)
        return database

    def ask(self: Any, database: Database, seconds: float = ENOUGH) -> int:
        """
        Return the number of the server that answers.
        """
        result = database.read(HERE, {}, time.monotonic() + seconds)
        [(number,)] = result.rows
        return int(number)

    def healths(self, database: Database) -> list[Any]:
        """
        Return the states of a database's servers.
        """
        return [server.health for server in database._failover.servers]

    def returned(self: Any, database: Database) -> None:
        """
        Wait until the first server is asked again.
        """
        self.time.ahead += 1
        until(lambda: self.ask(database, LONG) == 0)

    def fails(self: Any, database: Database) -> list[str]:
        """
        Return what was noted of servers that fail.
        """
        return [note for note in database.takeNotes() if "fails" in note]

    def test_preferred(self: Any) -> None:
        """
        The first server is asked as long as it works.
        """
        database = self.database(*self.both)
        self.assertEqual([self.ask(database) for _ in range(3)], [0, 0, 0])

    def test_killed(self: Any) -> None:
        """
        The second is asked when the first is gone, which the log tells once and without
        the password; and the first again when it is back.
        """
        database = self.database(*self.both)
        self.ask(database)
        self.both[0].kill()
        self.assertEqual([self.ask(database) for _ in range(20)], [1] * 20)
        [fails] = self.fails(database)
        self.assertIn("A server of the database fails", fails)
        self.assertNotIn("for%20the%20server", fails)
        self.both[0].start()
        self.returned(database)

    def test_stopped(self: Any) -> None:
        """
        With the first server stopped a look-up goes on with the second, in the time that
        it has; from then on none waits for the first, until it is back.
        """
        database = self.database(*self.both)
        self.ask(database)
        self.both[0].freeze()
        self.assertEqual(self.ask(database), 1)
        until(lambda: self.healths(database)[0].isDown)
        patching = self.patch(database._failover.servers[0], "use", self.fail)
        self.assertEqual([self.ask(database) for _ in range(20)], [1] * 20)
        patching.restore()
        self.both[0].thaw()
        self.returned(database)

    def test_stoppedBefore(self: Any) -> None:
        """
        So it is with a server that is stopped before anybody has connected to it.
        """
        self.both[0].freeze()
        database = self.database(*self.both)
        self.assertEqual(self.ask(database), 1)
        until(lambda: self.healths(database)[0].isDown)
        # While it is probed, and hangs, nobody waits.
        self.patch(database._failover.servers[0], "use", self.fail)
        for _ in range(5):
            self.time.ahead += 1
            self.assertEqual(self.ask(database), 1)

    def test_stoppedForMany(self: Any) -> None:
        """
        Of many who come when a server hangs nobody fails, and none waits longer than for
        its share.
        """
        database = self.database(*self.both, connections=2)
        self.ask(database)
        self.both[0].freeze()
        with ThreadPoolExecutor(8) as threads:
            asked = threads.map(lambda _: self.ask(database, LONG), range(40))
            self.assertEqual(set(asked), {1})

    def test_refusing(self: Any) -> None:
        """
        Nor does it matter that nobody listens where the first should be.
        """
        url = (
            self.both[0]
            .url("accounts")
            .replace(f":{self.both[0].port}/", f":{freePort()}/")
        )
        second = self.both[1].url(self.both[1].name)
        database = self.databaseAt(*map(DatabaseURL.parse, (url, second)))
        self.assertEqual([self.ask(database) for _ in range(5)], [1] * 5)
        self.assertEqual(len(self.fails(database)), 1)

    def test_refused(self: Any) -> None:
        """
        A server that refuses the account is left alone, too; if both do, that is said.
        """
        urls = [each.url(each.name) for each in self.both]
        wrong = [url.replace("for%20the%20server", "wrong") for url in urls]
        database = self.databaseAt(*map(DatabaseURL.parse, (wrong[0], urls[1])))
        self.assertEqual(self.ask(database), 1)
        database = self.databaseAt(*map(DatabaseURL.parse, wrong))
        self.assertRaises(Refused, self.ask, database)

    def test_bothKilled(self: Any) -> None:
        """
        With both gone look-ups fail at once, and say so; when they are back nothing is
        left of it.
        """
        # None is tried again before the test has the time pass.
        for name in ("firstPause", "longestPause"):
            self.patch(Brief, name, LONG)
        database = self.database(*self.both)
        self.ask(database)
        for server in self.both:
            server.kill()
        self.assertRaises(Fault, self.ask, database)
        for _ in range(100):
            error = self.assertRaises(Fault, self.ask, database)
            self.assertIn("no server of the database works", str(error))
        self.assertEqual(len(self.fails(database)), 2)
        for server in self.both:
            server.start()
        self.time.ahead += LONG
        self.returned(database)

    def test_back(self: Any) -> None:
        """
        While the only server is restarted look-ups fail; none does that begins when it is
        up, however many there are.
        """
        database = self.database(self.both[0])
        isBack = Event()

        def isAnswered() -> bool:
            with contextlib.suppress(Fault):
                return bool(self.ask(database, LONG) == 0)
            return False

        def ask() -> tuple[bool, bool]:
            return isBack.is_set(), isAnswered()

        def askUntilBack() -> list[tuple[bool, bool]]:
            asked = []
            while not isBack.is_set():
                asked.append(ask())
            return asked + [ask() for _ in range(20)]

        with ThreadPoolExecutor(4) as threads:
            asking = [threads.submit(askUntilBack) for _ in range(4)]
            self.both[0].kill()
            until(lambda: self.healths(database)[0].isDown)
            self.both[0].start()
            isBack.set()
            asked = [each for found in asking for each in found.result()]
        self.assertIn((False, False), asked)
        self.assertNotIn((True, False), asked)

    def test_restarted(self: Any) -> None:
        """
        A server that was restarted between two look-ups is asked as if nothing had been;
        so is one that has ended all connections.
        """
        database = self.database(self.both[0])
        for end in (self.restart, self.both[0].killConnections):
            self.ask(database)
            end()
            self.assertEqual(self.ask(database), 0)
        self.assertEqual(list(database.takeNotes()), [])

    def restart(self: Any) -> None:
        """
        Kill the first server, and start it again.
        """
        self.both[0].kill()
        self.both[0].start()

    def test_restartedForMany(self: Any) -> None:
        """
        Also if many come at once after that.
        """
        database = self.database(self.both[0])
        with ThreadPoolExecutor(8) as threads:
            for end in (self.restart, self.both[0].killConnections, lambda: None):
                asked = threads.map(lambda _: self.ask(database, LONG), range(40))
                self.assertEqual(set(asked), {0})
                end()
        self.assertEqual(list(database.takeNotes()), [])

    def test_killedMeanwhile(self: Any) -> None:
        """
        However often a server ends all connections while many look up: no look-up fails.
        """
        database = self.database(*self.both)
        with ThreadPoolExecutor(4) as threads:
            asked = [threads.submit(self.ask, database, LONG) for _ in range(400)]
            for _ in range(5):
                self.both[0].killConnections()
            self.assertLessEqual({each.result() for each in asked}, {0, 1})

    def test_transaction(self: Any) -> None:
        """
        A transaction that finds the first server gone takes effect on the second.
        """
        database = self.database(*self.both)
        self.ask(database)
        self.both[0].kill()
        changed = database.transaction(
            lambda transaction: transaction.execute(
                "update here set name = :n where name = :n", n=1
            ),
            time.monotonic() + ENOUGH,
        )
        self.assertLessEqual(changed.count, 1)
        self.assertEqual(self.ask(database), 1)


class PostgreSQLTests(ServersTests, SynchronousTestCase):
    """
    Tests for two servers of PostgreSQL.
    """

    kind = PostgreSQL


class MariaDBTests(ServersTests, SynchronousTestCase):
    """
    Tests for two servers of MariaDB.
    """

    kind = MariaDB
