"""
Tests for databases that are killed, freeze, hang or are something else.

They cover L{mycred._sql.client._server}, L{mycred._sql.client._connection},
L{mycred._sql.client._opening} and L{mycred._sql.client._watchdog}.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from mycred._failover import Fault, Slow
from mycred._sql.client import Database, OutcomeUnknown, Refused, Transaction
from mycred._sql.client._watchdog import WATCHDOG

from ...kit.databases import PASSWORD, USER, DatabaseServer, serverOf
from ...kit.sqlplaces import OnMariaDB, OnPostgreSQL, Place, soon

# A deadline that is meant to pass, in seconds.
_SHORT = 0.3


def late() -> float:
    """
    Return a deadline that passes.
    """
    return time.monotonic() + _SHORT


@contextlib.contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """
    Have a port listen.

    @param answer: a function that is called in a thread with each connection.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


class OutageTests(Place):
    """
    Tests for L{Database} on a server that doesn't always work.

    @ivar server: the server, which only these tests use.
    @cvar sleeping: a statement that takes long.
    @cvar counting: how many connections the user has.
    """

    kind: ClassVar[type[DatabaseServer]]
    server: DatabaseServer
    sleeping: ClassVar[str]
    counting: ClassVar[str]

    #: Arguments that can't be used, and what is said of them.
    unusable: ClassVar[tuple[tuple[str, str], ...]]

    def makeURL(self) -> str:
        """
        Return the URL of a new database on that server.
        """
        self.server = serverOf(self.kind, "outages")
        return self.server.url(self.server.makeDatabase())

    def answers(self, database: Database) -> None:
        """
        Assert that a look-up is answered.
        """
        self.assertEqual(database.read("select 1", {}, soon()).rows, [(1,)])

    def together(self, count: int, work: Callable[[], Any]) -> list[Exception]:
        """
        Call a function in several threads at once, and return what they raise.
        """
        errors: list[Exception] = []

        def call() -> None:
            try:
                work()
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=call) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return errors

    def fill(self, database: Database, count: int = 4) -> None:
        """
        Have several connections idle.
        """
        barrier = threading.Barrier(count)

        def work(transaction: Transaction) -> None:
            transaction.execute("select 1")
            barrier.wait()

        self.assertEqual(
            self.together(count, lambda: database.transaction(work, soon())), []
        )

    def connections(self) -> int:
        """
        Return how many connections the tests' user has.
        """
        number: int = self.server.query(self.counting)[0][0]
        return number

    def test_killed(self) -> None:
        """
        When the server ends all connections no look-up fails, nor a transaction.
        """
        database = self.open()
        for each in (
            lambda: self.answers(database),
            lambda: database.transaction(lambda t: t.execute("select 1"), soon()),
        ):
            self.fill(database)
            self.assertGreaterEqual(self.server.killConnections(), 4)
            self.assertEqual(self.together(4, each), [])
        self.assertEqual(list(database.takeNotes()), [])

    def test_killedInTransaction(self) -> None:
        """
        A transaction on an old connection that is lost midway is begun again, and takes
        effect once.
        """
        database = self.open()

        def make(transaction: Transaction) -> None:
            transaction.execute("create table marks (name integer)")

        calls = []

        def work(transaction: Transaction) -> int:
            calls.append(1)
            transaction.execute("insert into marks values (1)")
            if len(calls) == 1:
                self.server.killConnections()
            return transaction.execute("insert into marks values (2)").count

        database.transaction(make, soon())
        self.assertEqual(database.transaction(work, soon()), 1)
        self.assertEqual(len(calls), 2)
        rows = database.read("select name from marks", {}, soon()).rows
        self.assertEqual(sorted(rows), [(1,), (2,)])

    def test_killedAtCommit(self) -> None:
        """
        When the connection is lost at the very end nobody knows whether the transaction
        has taken effect: it isn't begun again.
        """
        database = self.open()
        calls = []

        def work(transaction: Transaction) -> None:
            calls.append(transaction.execute("select 1"))
            self.server.killConnections()

        with self.assertRaisesRegex(OutcomeUnknown, "nobody knows"):
            database.transaction(work, soon())
        self.assertEqual(len(calls), 1)
        self.answers(database)

    def test_restarted(self) -> None:
        """
        When the server was restarted between look-ups none fails.
        """
        database = self.open()
        self.fill(database)
        self.server.kill()
        self.server.start()
        self.assertEqual(self.together(4, lambda: self.answers(database)), [])

    def test_frozen(self) -> None:
        """
        While the server is frozen look-ups end at their deadline, on old connections and
        on new ones, and afterwards they are answered.
        """
        for count in (0, 4):
            database = self.open()
            if count:
                self.fill(database, count)
            self.server.freeze()
            try:
                errors = self.together(6, lambda: database.read("select 1", {}, late()))
            finally:
                self.server.thaw()
            self.assertEqual({type(error) for error in errors}, {Slow})
            self.assertEqual(len(errors), 6)
            self.assertEqual(self.together(6, lambda: self.answers(database)), [])

    def test_frozenInTransaction(self) -> None:
        """
        A transaction ends at its deadline, too, and has no effect.
        """
        database = self.open()
        database.transaction(
            lambda transaction: transaction.execute("create table marks (name integer)"),
            soon(),
        )

        def work(transaction: Transaction) -> None:
            transaction.execute("insert into marks values (1)")
            self.server.freeze()
            transaction.execute("insert into marks values (2)")

        try:
            self.assertRaises(Slow, database.transaction, work, late())
        finally:
            self.server.thaw()
        self.assertEqual(database.read("select * from marks", {}, soon()).rows, [])

    def test_limit(self) -> None:
        """
        Whatever goes on, there are no more connections than there may be.
        """
        database = self.open(connections=3)
        most = []

        def work() -> None:
            for _ in range(20):
                self.answers(database)
            most.append(self.connections())

        self.assertEqual(self.together(8, work), [])
        self.assertLessEqual(max(most), 3)

    def test_allowsFewer(self) -> None:
        """
        Where the server allows the user fewer connections than there may be, no look-up
        fails: it waits for one of them, and nobody's turn is forgotten.
        """
        self.allow(2)
        self.addCleanup(self.allow, -1)
        for _ in range(3):
            database = self.open(connections=4)
            many = self.together(8, lambda: [self.answers(database) for _ in range(20)])
            self.assertEqual((many, list(database.takeNotes())), ([], []))
            database.close()
            # The server ends its sessions a moment later.
            while self.connections():
                pass

    def allow(self, number: int) -> None:
        """
        Have the server allow the user so many connections; -1 stands for any number.
        """
        raise NotImplementedError

    def test_waits(self) -> None:
        """
        A look-up that comes when all connections are in use waits for one, until its
        deadline.
        """
        database = self.open(connections=1)

        def work(transaction: Transaction) -> None:
            transaction.execute("select 1")
            with self.assertRaisesRegex(Slow, "in use"):
                database.read("select 1", {}, late())

        database.transaction(work, soon())
        self.answers(database)

    def test_givenUp(self) -> None:
        """
        What a look-up was doing when it was given up doesn't go on at the server, so
        that statements that wait for a lock don't become more and more there.
        """
        database = self.open(connections=2)
        for _ in range(3):
            self.assertRaises(Slow, database.read, self.sleeping, {}, late())
        until = soon()
        while self.isBusy() and time.monotonic() < until:
            self.answers(database)
        self.assertFalse(self.isBusy())
        self.assertLessEqual(self.connections(), 3)

    def isBusy(self) -> bool:
        """
        Return whether the server still executes the statement that takes long.
        """
        raise NotImplementedError

    def test_refused(self) -> None:
        """
        A wrong password, an unknown user or an unknown database is refused, with a
        message that says which server and why, and shows no password.
        """
        wrong = self.url.replace(PASSWORD.replace(" ", "%20"), "Zq7Zq7")
        for url, why in (
            (wrong, "denied|authentication failed"),
            (self.url.replace(USER, "nobody"), "denied|authentication failed"),
            (f"{self.url}x", "denied|does not exist"),
            (f"{self.url}?nosuch=1", "nosuch"),
        ):
            with self.assertRaisesRegex(Refused, why) as caught:
                self.open(url).read("select 1", {}, soon())
            self.assertIn(str(self.server.port), str(caught.exception))
            for password in (PASSWORD, "Zq7Zq7"):
                self.assertNotIn(password, str(caught.exception))
            self.assertNotRegex(str(caught.exception), r"(failed: FATAL.*){2}")

    def test_unusable(self) -> None:
        """
        An argument of the URL that the driver can't use is named, and that is no outage.
        """
        for argument, name in self.unusable:
            with self.assertRaisesRegex(Refused, name):
                self.open(f"{self.url}?{argument}").read("select 1", {}, soon())

    def hangs(self, url: str) -> None:
        """
        Assert that look-ups at a server end at their deadline.
        """
        database = self.open(url, connections=2)
        for _ in range(3):
            self.assertRaises(Fault, database.read, "select 1", {}, late())

    def elsewhere(self, port: int) -> str:
        """
        Return the URL of this database on another port.
        """
        return self.url.replace(f":{self.server.port}/", f":{port}/")

    def test_blackHole(self) -> None:
        """
        A server that accepts connections and says nothing is given up at the deadline,
        and the next server is asked.
        """
        kept: list[socket.socket] = []
        with listening(kept.append) as port:
            url = self.elsewhere(port)
            self.hangs(url)
            # Its share of the time is short then.
            self.answers(self.open(url, self.url, timeout=1.0))
            for each in kept:
                each.close()

    def test_noServer(self) -> None:
        """
        A server that refuses connections, closes them at once or says something else
        fails at once, and the next one is asked.
        """

        def close(connection: socket.socket) -> None:
            connection.close()

        def chat(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"SSH-2.0-garbage\r\n" + os.urandom(4000))

        with listening(close) as closing, listening(chat) as chatting:
            ports = [closing, chatting]
            with listening(close) as refusing:
                pass
            for port in (*ports, refusing):
                url = self.elsewhere(port)
                self.assertRaises(Fault, self.open(url).read, "select 1", {}, soon())
                database = self.open(url, self.url)
                self.answers(database)
                self.answers(database)
                notes = "\n".join(database.takeNotes())
                self.assertIn(f":{port}/", notes)
                self.assertNotIn(PASSWORD, notes)

    def test_nonsense(self) -> None:
        """
        A server that says what makes no sense, whatever it is, is one that fails: nothing
        is said to be wrong with the URL, nor that the program is refused.
        """
        for said in (b"\0" * 60, b"\x05\0\0\0\nabc\0", b"J\0\0\0\nx.y\0" + b"\xff" * 71):

            def say(connection: socket.socket, said: bytes = said) -> None:
                with connection, contextlib.suppress(OSError):
                    connection.sendall(said)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass

            with listening(say) as port:
                database = self.open(self.elsewhere(port))
                with self.assertRaises(Fault) as caught:
                    database.read("select 1", {}, soon())
                self.assertNotIsInstance(caught.exception, Refused)

    def test_nothingLeaks(self) -> None:
        """
        After many failures there are no more descriptors and threads than before, and no
        thread keeps the program from ending.
        """
        database = self.open(connections=2)
        self.answers(database)

        def fail() -> None:
            with contextlib.suppress(Fault):
                database.read(self.sleeping, {}, time.monotonic() + 0.02)

        with listening(lambda connection: connection.close()) as port:
            other = self.open(self.elsewhere(port))

            def failToo() -> None:
                with contextlib.suppress(Fault):
                    other.read("select 1", {}, soon())

            def failAll() -> None:
                for each in (fail, failToo):
                    self.together(10, each)
                # A probe may still be going on.
                until = soon()
                while len(threading.enumerate()) > before and time.monotonic() < until:
                    self.answers(database)

            WATCHDOG.pause, pause = 0.01, WATCHDOG.pause
            self.addCleanup(setattr, WATCHDOG, "pause", pause)
            before = len(threading.enumerate())
            failAll()
            descriptors = len(os.listdir("/proc/self/fd"))
            for _ in range(5):
                failAll()
            self.assertLessEqual(len(os.listdir("/proc/self/fd")), descriptors + 2)
            self.assertLessEqual(len(threading.enumerate()), before)
        database.close()
        ours = [each for each in threading.enumerate() if each.name == "mycred SQL"]
        self.assertTrue(all(each.daemon for each in ours))


class PostgreSQLOutageTests(OnPostgreSQL, OutageTests):
    """
    Tests for L{Database} on PostgreSQL.
    """

    unusable = (
        ("sslmode=verifyfull", "sslmode"),
        ("connect_timeout=x", "connect_timeout"),
        ("sslmode=require", "does not support SSL"),
    )

    sleeping = "select pg_sleep(600)"
    counting = (
        f"select count(*) from pg_stat_activity where usename = '{USER}'"
        " and backend_type = 'client backend'"
    )

    def allow(self, number: int) -> None:
        """
        Have the server allow the user so many connections.
        """
        self.server.query(f"alter role {USER} connection limit {number}")

    def isBusy(self) -> bool:
        """
        Return whether the server still executes the statement that takes long.
        """
        statement = (
            "select 1 from pg_stat_activity where state = 'active'"
            f" and usename = '{USER}' and query like '%sleep(%'"
        )
        return bool(self.server.query(statement))

    def test_locked(self) -> None:
        """
        While another session has a table locked look-ups end at their deadline, and the
        server isn't taken for dead: other tables are still read.
        """
        database = self.open()
        database.transaction(
            lambda transaction: transaction.execute("create table locked (name text)"),
            soon(),
        )

        def work(transaction: Transaction) -> None:
            transaction.execute("lock table locked in access exclusive mode")
            errors = self.together(
                4, lambda: database.read("select * from locked", {}, late())
            )
            self.assertEqual({type(error) for error in errors}, {Slow})
            self.answers(database)

        self.open().transaction(work, soon())
        self.assertEqual(database.read("select * from locked", {}, soon()).rows, [])

    def test_socket(self) -> None:
        """
        A server that is reached by a UNIX socket is given up at the deadline, too.
        """
        name = self.url.rpartition("/")[2]
        password = PASSWORD.replace(" ", "%20")
        database = self.open(
            f"postgresql://{USER}:{password}@:{self.server.port}/{name}"
            f"?host={self.server.home}"
        )
        self.answers(database)
        self.assertRaises(Slow, database.read, self.sleeping, {}, late())
        self.answers(database)


class MariaDBOutageTests(OnMariaDB, OutageTests):
    """
    Tests for L{Database} on MariaDB.
    """

    unusable = (
        ("sslmode=verify-full", "sslmode= can't be used"),
        ("ssl=true", "ssl= can't be used"),
        ("ssl_ca=/etc/passwd", "ssl_ca= can't be used"),
        ("read_timeout=x", "read_timeout= can't be used"),
    )

    sleeping = "select sleep(600)"
    counting = (
        f"select count(*) from information_schema.processlist where user = '{USER}'"
    )

    def allow(self, number: int) -> None:
        """
        Have the server allow the user so many connections.
        """
        allowed = max(0, number)
        self.server.query(f"alter user {USER} with max_user_connections {allowed}")

    def isBusy(self) -> bool:
        """
        Return whether the server still executes the statement that takes long.
        """
        statement = (
            "select 1 from information_schema.processlist"
            f" where user = '{USER}' and info like '%sleep(%'"
        )
        return bool(self.server.query(statement))

    def test_socket(self) -> None:
        """
        A server that is reached by a UNIX socket is given up at the deadline, too.
        """
        place = f"127.0.0.1:{self.server.port}"
        url = f"{self.url.replace(place, '')}?unix_socket={self.server.home}/s"
        database = self.open(url)
        self.answers(database)
        self.assertRaises(Slow, database.read, self.sleeping, {}, late())
        self.answers(database)


del OutageTests
