"""
Tests for the example server with accounts in a database that fails in the ways in which
databases do (L{mycred.checkers.sql}).
"""

from __future__ import annotations

import signal
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from ..kit.databases import USER, DatabaseServer, MariaDB, PostgreSQL, serverOf
from ..kit.protocols import Refused
from ..kit.server import Server, ServerTests
from ..kit.wire import Wire

# How long a look-up may take, in seconds: where the database is frozen, and elsewhere.
SHORT, LONG = 3.0, 20.0

# A checker that is asked after the database.
LAST = "--auth=memory:last:last"

# How many connections a server has to the database at most.
CONNECTIONS = 3

# How long the program may take to end, in seconds: far longer than its grace.
LONGEST_END = 60.0

# What IMAP4 takes as one string, in bytes.
LONGEST_LITERAL = 4096

TEMPORARY = r"\[UNAVAILABLE\]"

NAMES = [
    b"ALICE",
    b"Alice",
    b"alice ",
    b" alice",
    "alicé".encode(),
    "alice\u0301".encode(),
    "alicé".encode("latin-1"),
    "\uff41lice".encode(),
    b"alice\0",
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"alice'",
    b"alice' or '1' = '1",
    b"alice'; drop table users; --",
    b'"alice"',
    b"alice\\",
    b"%",
    b"a_ice",
    b"%s",
    b":username",
    b"x" * 10_000,
]


class SQLLoginTests(ServerTests):
    """
    Logins with accounts in a database.

    @cvar kind: the kind of server.
    """

    kind: ClassVar[type[DatabaseServer]]

    # A statement that locks the table, and one that counts a user's connections.
    lock: ClassVar[str]
    counting: ClassVar[str]

    def setUp(self: Any) -> None:
        super().setUp()
        self.hash = self.hashed("sesame")

    def filled(self: Any, server: DatabaseServer) -> str:
        """
        Make a database with users.

        @return: its name.
        """
        name = server.makeDatabase()
        server.query("create table users (name varchar(60), password text)", name)
        names = ["alice", *(f"user{n}" for n in range(50))]
        rows = ", ".join(f"('{user}', '{self.hash}')" for user in names)
        server.query(f"insert into users values {rows}", name)
        # The table belongs to the administrator.
        server.query("grant select on users to myapp", name)
        return name

    def ownServer(self: Any) -> DatabaseServer:
        """
        Start a database server for this test alone.
        """
        server: DatabaseServer = self.kind()
        self.addCleanup(server.stop)
        return server

    def serve(
        self: Any, *urls: str, timeout: float = LONG, offered: str = "imap"
    ) -> Server:
        """
        Start the example server, with accounts in a database, one in memory that is
        looked for before, and one that is looked for after that.
        """
        settings: Path = self.folder / "accounts.ini"
        settings.touch(0o600)
        settings.write_text(
            "[sql]\n"
            f"url = {' '.join(urls)}\n"
            "query = select name, password from users where name = :username\n"
            f"timeout = {timeout}\n"
            f"connections = {CONNECTIONS}\n"
        )
        auth = "--auth=memory:admin:local", f"--auth=sql:{settings}", LAST
        server: Server = self.start(*auth, offered=offered)
        return server

    def assertIn_(self, server: Server, name: str = "alice", password: str = "") -> None:
        """
        Assert that a user can log in.
        """
        server.imap(name, password or "sesame").logout()

    def assertUnavailable(self: Any, server: Server, name: str = "alice") -> None:
        """
        Assert that a login is a temporary failure.
        """
        error = self.assertRaises(Refused, server.imap, name, "sesame")
        self.assertRegex(error.answer, TEMPORARY)

    def atOnce(self: Any, count: int, logIn: Callable[[int], object]) -> None:
        """
        Have so many clients log in at once.
        """
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(logIn, range(count)))

    def test_killed(self: Any) -> None:
        """
        Where the database ends all connections between logins, no login fails, one after
        another or several at once.
        """
        database = self.ownServer()
        server = self.serve(database.url(self.filled(database)))
        for _ in range(3):
            self.atOnce(6, lambda n: self.assertIn_(server, f"user{n}"))
            self.assertGreater(database.killConnections(), 0)
            self.assertIn_(server)
            database.killConnections()
        self.atOnce(6, lambda n: self.assertIn_(server, f"user{n}"))
        server.stop()
        self.assertNotIn("Traceback", server.log)

    def test_restarted(self: Any) -> None:
        """
        While the database is down logins are temporary failures, and users of another
        checker log in; once it is up again, no login fails.
        """
        database = self.ownServer()
        url = database.url(self.filled(database))
        server = self.serve(url)
        self.assertIn_(server)
        for _ in range(2):
            database.kill()
            for _ in range(3):
                self.assertUnavailable(server)
            self.assertIn_(server, "admin", "local")
            self.assertIn_(server, "last", "last")
            database.start()
            for number in range(10):
                self.assertIn_(server, f"user{number}")
        server.stop()
        self.assertIn(f"127.0.0.1:{database.port}", server.log)
        self.assertNotIn("for%20the%20server", server.log)
        self.assertNotIn("for the server", server.log)
        self.assertNotIn("Traceback", server.log)

    def test_frozen(self: Any) -> None:
        """
        While the database doesn't answer, logins are temporary failures by the deadline,
        and users of other checkers log in, before the deadline if theirs is asked first;
        afterwards all log in.
        """
        database = self.ownServer()
        server = self.serve(database.url(self.filled(database)), timeout=SHORT)
        self.assertIn_(server)
        database.freeze()
        self.addCleanup(database.thaw)

        def logIn(number: int) -> None:
            if number % 4:
                self.assertUnavailable(server, f"user{number}")
            else:
                self.assertIn_(server, "last", "last")

        waiting = self.wire(server, "imap")
        waiting.say(b"a LOGIN alice sesame")
        self.assertIn_(server, "admin", "local")
        self.assertTrue(waiting.isQuiet())
        self.atOnce(20, logIn)
        self.assertRegex(waiting.line(), TEMPORARY.encode("ascii"))
        database.thaw()
        self.atOnce(20, lambda n: self.assertIn_(server, f"user{n}"))
        server.stop()
        self.assertNotIn("Traceback", server.log)

    def test_frozenAtTheEnd(self: Any) -> None:
        """
        A program that is told to end while its database doesn't answer ends by itself,
        with logins under way.
        """
        database = self.ownServer()
        server = self.serve(database.url(self.filled(database)))
        self.assertIn_(server)
        database.freeze()
        self.addCleanup(database.thaw)
        for _ in range(2 * CONNECTIONS):
            self.wire(server, "imap").say(b"a LOGIN alice sesame")
        # When that is answered the others are under way.
        self.assertIn_(server, "admin", "local")
        self.assertEqual(server.end(LONGEST_END), -signal.SIGTERM)
        self.assertNotIn("Traceback", server.log)

    def test_twoServers(self: Any) -> None:
        """
        With two servers the second is asked as long as the first is down.
        """
        first, second = self.ownServer(), serverOf(self.kind)
        others = self.filled(second)
        server = self.serve(first.url(self.filled(first)), second.url(others))
        self.assertIn_(server)
        self.assertEqual(self.count(second, others), 0)
        first.kill()
        for number in range(5):
            self.assertIn_(server, f"user{number}")
        self.assertGreater(self.count(second, others), 0)
        first.start()
        self.assertIn_(server)
        server.stop()
        self.assertNotIn("Traceback", server.log)

    def test_crowd(self: Any) -> None:
        """
        When fifty clients log in at once there are no more connections to the database
        than there may be, and all are let in.
        """
        database = serverOf(self.kind)
        name = self.filled(database)
        server = self.serve(database.url(name))
        # What happens at the first login has happened.
        self.assertIn_(server)
        with closing(database.connect(name)) as connection:
            cursor = connection.cursor()
            cursor.execute("begin")
            cursor.execute(self.lock)
            clients = [self.wire(server, "imap") for _ in range(50)]
            for number, client in enumerate(clients):
                client.say(b"a LOGIN user%d sesame" % number)
            # When that is answered the others are under way.
            self.assertIn_(server, "admin", "local")
            while self.count(database, name) < CONNECTIONS:
                pass
            self.assertEqual(self.count(database, name), CONNECTIONS)
        for client in clients:
            self.assertRegex(client.line(), b"^a OK ")
        self.assertEqual(self.count(database, name), CONNECTIONS)
        server.stop()
        self.assertNotIn("Traceback", server.log)

    def test_names(self: Any) -> None:
        """
        Names that the database may take for another, or that no user can have, are
        answered like unknown ones, over each protocol.
        """
        database = serverOf(self.kind)
        server = self.serve(database.url(self.filled(database)), offered="imap pop3 http")
        for protocol, logIn in self.clients(server).items():
            unknown = logIn(b"nobody", b"sesame")
            self.assertEqual(logIn(b"alice", b"wrong"), unknown)
            self.assertNotEqual(logIn(b"alice", b"sesame"), unknown)
            for name in NAMES:
                self.assertEqual(logIn(name, b"sesame"), unknown, (protocol, name))
        server.stop()
        self.assertNotIn("Traceback", server.log)
        self.assertNotIn("A server", server.log)

    def clients(self: Any, server: Server) -> dict[str, Callable[[bytes, bytes], object]]:
        """
        Return what logs in over each protocol and returns the server's answer.
        """

        def imap(name: bytes, password: bytes) -> bytes:
            wire = self.wire(server, "imap")
            name = name[:LONGEST_LITERAL]
            wire.ask(b"a LOGIN {%d}" % len(name))
            wire.ask(b"%b {%d}" % (name, len(password)))
            return wire.ask(password)

        def pop3(name: bytes, password: bytes) -> bytes:
            wire = self.wire(server, "pop3")
            wire.ask(b"USER " + name)
            return wire.ask(b"PASS " + password)

        def http(name: bytes, password: bytes) -> object:
            token = b64encode(name + b":" + password).decode("ascii")
            answer, page = server.request({"Authorization": f"Basic {token}"})
            return answer.status, page

        return {"imap": imap, "pop3": pop3, "http": http}

    def wire(self: Any, server: Server, protocol: str) -> Wire:
        """
        Connect until the end of the test.
        """
        wire = Wire(server.ports[protocol])
        self.addCleanup(wire.close)
        return wire

    def count(self, database: DatabaseServer, name: str) -> int:
        """
        Count the connections that are in use for one of a server's databases.
        """
        [[found]] = database.query(self.counting.format(USER, name))
        return int(found)


class PostgreSQLTests(SQLLoginTests, SynchronousTestCase):
    """
    Tests with PostgreSQL.
    """

    kind = PostgreSQL
    lock = "lock table users in access exclusive mode"
    counting = (
        "select count(*) from pg_stat_activity where usename = '{}' and datname = '{}'"
    )


class MariaDBTests(SQLLoginTests, SynchronousTestCase):
    """
    Tests with MariaDB.
    """

    kind = MariaDB
    lock = "lock tables users write"
    counting = (
        "select count(*) from information_schema.processlist"
        " where user = '{}' and db = '{}'"
    )
