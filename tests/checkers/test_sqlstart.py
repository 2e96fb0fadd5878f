"""
Tests for L{mycred.plugins.cred_sql} and L{mycred._sql._accounts}: what a program says of
C{--auth=sql} when it starts.
"""

from __future__ import annotations

import os
import sys
from io import StringIO
from typing import Any
from unittest.mock import patch

from zope.interface.verify import verifyObject

from twisted.plugin import IPlugin

from mycred._sql import Accounts
from mycred.checkers.sql import SQLChecker, sqlSettings
from mycred.credentials import UsernamePassword
from mycred.plugins.cred_sql import SQLCheckerFactory, theSQLCheckerFactory
from mycred.strcred import ICheckerFactory, InvalidAuthArgumentString, makeChecker

from ..kit.databases import PASSWORD
from ..kit.sqlaccounts import (
    QUERY,
    SQLTestCase,
)
from ..kit.sqlplaces import OnMariaDB, OnPostgreSQL, OnSQLite

UPDATE = "update accounts set password = :password where name = :name"


class StartTests:
    """
    Tests on any database.
    """

    server: Any

    def prepare(self: Any) -> None:
        """
        Make a table with an account.
        """
        self.makeTable("disabled integer, disabeled integer")
        self.add("alice")

    def start(self: Any, **keys: str) -> tuple[SQLChecker, str]:
        """
        Make a checker by an argument string.

        @return: the checker, and what was written to stderr.
        """
        factory = SQLCheckerFactory()
        factory.errorOutput = output = StringIO()
        checker: Any = factory.generateChecker(self.writeINI(**keys))
        self.addCleanup(checker.close)
        return checker, output.getvalue()

    def assertWrong(self: Any, *texts: str, **keys: str) -> str:
        """
        Insist on an error of one line, with these texts and no password.
        """
        error = self.assertRaises(InvalidAuthArgumentString, self.start, **keys)
        text = str(error)
        for each in texts:
            self.assertIn(each, text)
        self.assertNotIn("\n", text)
        self.assertNotIn(PASSWORD, text)
        self.assertNotIn("%20", text)
        return text

    def test_right(self: Any) -> None:
        """
        A query and an update that can be used make a checker, without a word, and leave
        no connection open: the program may fork.
        """
        self.prepare()
        query = "select name, password, disabled from accounts where name = :username;"
        checker, said = self.start(query=query, update=UPDATE)
        self.assertEqual(said, "")
        self.assertEqual(self.connections(), 0)
        login = checker.requestAvatarId(UsernamePassword(b"alice", b"sesame"))
        self.assertEqual(self.successResultOf(login), b"alice")

    def connections(self: Any) -> int:
        """
        Return how many connections to the database there are, but the one that asks.
        """
        raise NotImplementedError

    def test_query(self: Any) -> None:
        """
        A query that the database refuses, or that can't tell who is who, ends the
        program.
        """
        self.prepare()
        for query, text in (
            ("selct name from accounts where name = :username", "selct"),
            ("select name, password from acounts where name = :username", "acounts"),
            ("select name, pasword from accounts where name = :username", "pasword"),
            ("select name from accounts where name = :username", "... as password"),
            ("select password from accounts where name = :username", "... as name"),
            (QUERY, "there is no column disabeled, did you mean disabled?"),
            (
                "select name, password from accounts where name = :username or 1 = 1",
                "it finds users of any name; write where ... = :username",
            ),
            (
                "select name, password from accounts where name like :username",
                "it finds users of any name; write where ... = :username",
            ),
            ("delete from accounts where name = :username", "there is no column name"),
            ("select 1; select :username", ""),
        ):
            self.assertWrong("query: ", text, query=query)
        self.assertEqual(self.execute("select count(*) from accounts"), [(1,)])

    def test_wildcard(self: Any) -> None:
        """
        A user may have a name that is a pattern: nobody else's logins depend on it.
        """
        self.prepare()
        self.add("%")
        query = "select name, password, disabled from accounts where name = :username"
        checker, _ = self.start(query=query)
        for name in (b"alice", b"%"):
            login = checker.requestAvatarId(UsernamePassword(name, b"sesame"))
            self.assertEqual(self.successResultOf(login), name)

    def test_parameters(self: Any) -> None:
        """
        A query has the one parameter, an update two or three, and none within quotes.
        """
        for query, text in (
            (
                "select name, password from accounts",
                "query: write :username, without quotes, where the name that the user "
                "has typed stands",
            ),
            ("select * from a where name = ':username'", "query: write :username, wi"),
            (
                "select * from a where name = :user",
                "query: there is no :user here, write :username",
            ),
            (";", "query: write a statement"),
        ):
            self.assertWrong(text, query=query)
        for update, text in (
            ("update a set p = :password", "update: write :name, without quotes"),
            ("update a set p = 1 where name = :name", "update: write :password, with"),
            (
                f"{UPDATE} and p = :username",
                "update: there is no :username here, write :name or :password or :old",
            ),
        ):
            self.assertWrong(text, update=update)

    def test_update(self: Any) -> None:
        """
        An update that the database refuses, or that would change everybody's row, ends
        the program; and none changes anything.
        """
        self.prepare()
        query = "select name, password from accounts where name = :username"
        for update, text in (
            (UPDATE.replace("update", "updat"), "updat"),
            (UPDATE.replace("accounts", "acounts"), "acounts"),
            (UPDATE.replace("set password", "set pasword"), "pasword"),
            (f"{UPDATE} or 1 = 1", "it changes users of any name"),
        ):
            self.assertWrong("update: ", text, query=query, update=update)
        self.start(query=query, update=f"{UPDATE} and password = :old")
        [(password,)] = self.execute("select password from accounts")
        self.assertTrue(password.startswith("$2y$"))

    def test_typedName(self: Any) -> None:
        """
        A query that returns what was typed as the name ends the program: where a database
        doesn't tell names apart a user would have several.
        """
        self.prepare()
        for returned in (
            ":username as name",
            ":username AS Name",
            ":username name",
            "lower(:username) as name",
            "cast(:username as char) as name",
            ':username as "name"',
        ):
            query = f"select password, {returned} from accounts where name = :username"
            self.assertWrong("query: name must be what is stored", query=query)
        self.start(
            query="select name, password, lower(:username) as home from accounts "
            "where lower(name) = lower(:username)"
        )

    def test_severalServers(self: Any) -> None:
        """
        Each server is asked at the start: of one that can't be used the program warns,
        and one that refuses the query ends it.
        """
        self.prepare()
        right = self.server.url(self.database)
        query = "select name, password from accounts where name = :username"
        empty = self.server.url(self.server.makeDatabase())
        for urls in (f"{right} {self.unreachable()}x", f"{self.unreachable()}x {right}"):
            _, said = self.start(url=urls, query=query)
            self.assertRegex(
                said,
                r"\AWarning: --auth=sql: one of the servers can't be asked now \(.*\n\Z",
            )
            self.assertNotIn(PASSWORD, said)
        self.assertWrong("query: ", "accounts", url=f"{right} {empty}", query=query)

    def test_unreachable(self: Any) -> None:
        """
        A server that can't be reached now is warned of, and the program starts.
        """
        checker, said = self.start(url=self.unreachable())
        self.assertIsInstance(checker, SQLChecker)
        self.assertTrue(
            said.startswith("Warning: --auth=sql: the database can't be asked now (")
        )
        self.assertEqual(said.count("\n"), 1)
        self.assertNotIn(PASSWORD, said)

    def unreachable(self: Any) -> str:
        """
        Return the URL of a server that doesn't run.
        """
        return self.server.url("d").replace(str(self.server.port), "1")


class ServerTests(StartTests):
    """
    Tests on a server.
    """

    def urlOf(self: Any, user: str, password: str, database: str) -> str:
        """
        Return a URL.
        """
        where = f"127.0.0.1:{self.server.port}/{database}"
        return f"{self.server.dialect}://{user}:{password}@{where}"

    def test_refused(self: Any) -> None:
        """
        A wrong password, an unknown user and an unknown database end the program.
        """
        self.prepare()
        right = PASSWORD.replace(" ", "%20")
        for user, password, database, text in (
            ("myapp", "wrong", self.database, "myapp"),
            ("nobody", right, self.database, "nobody"),
            ("myapp", right, "nowhere", "nowhere"),
        ):
            self.assertWrong("url: ", text, url=self.urlOf(user, password, database))

    def test_noPassword(self: Any) -> None:
        """
        A server that wants a password, where there is none, ends the program with the
        option that takes it.
        """
        self.prepare()
        url = self.urlOf("myapp", "", self.database).replace(":@", "@")
        self.assertWrong("url: ", "password", "passwordfile=FILE", url=url)

    def test_permission(self: Any) -> None:
        """
        A role that may not read the table, or not change it where there is an update,
        ends the program; reading is all that a query needs.
        """
        self.prepare()
        user, query = self.makeReader(), "select name, password from accounts"
        keys = {
            "url": self.urlOf(user, "secret", self.database),
            "query": f"{query} where name = :username",
        }
        self.assertWrong("query: ", "denied", **keys)
        self.execute(f"grant select on accounts to {user}")
        self.start(**keys)
        self.assertWrong("update: ", "denied", update=UPDATE, **keys)

    def makeReader(self: Any) -> str:
        """
        Make a user who may do nothing.
        """
        name = f"reader_{self.database}"
        identified = {"postgresql": "login password", "mysql": "identified by"}
        kind = {"postgresql": "role", "mysql": "user"}[self.server.dialect]
        self.execute(f"create {kind} {name} {identified[self.server.dialect]} 'secret'")
        if self.server.dialect == "mysql":
            # To be let in, and nothing else.
            self.execute(f"grant create view on {self.database}.* to {name}")
        return name

    def test_missingDriver(self: Any) -> None:
        """
        Without the driver the program says how to install it.
        """
        driver = {"postgresql": "psycopg", "mysql": "pymysql"}[self.server.dialect]
        with patch.dict(sys.modules, {driver: None}):
            self.assertWrong(f"'.[{self.server.dialect}]' in a checkout of mycred")


class PostgreSQLTests(OnPostgreSQL, ServerTests, SQLTestCase):
    """
    Tests on PostgreSQL.
    """

    def connections(self) -> int:
        """
        Return how many connections there are.
        """
        [(number,)] = self.execute(
            "select count(*) from pg_stat_activity where datname = current_database() "
            "and pid <> pg_backend_pid()"
        )
        return int(number)

    def test_arguments(self) -> None:
        """
        An argument of the URL that can't be used ends the program, which otherwise would
        wait for ever for a server that it can't ask.
        """
        self.prepare()
        for argument, text in (
            ("sslmode=verify", 'invalid sslmode value: "verify"'),
            ("sslmode=allow&sslrootcert=system", 'weak sslmode "allow"'),
            ("channel_binding=1", "invalid channel_binding value"),
            ("keepalives=x", "invalid integer value"),
            ("options=-c%20mode=1", 'unrecognized configuration parameter "mode"'),
            ("nosuch=1", 'invalid connection option "nosuch"'),
        ):
            url = f"{self.server.url(self.database)}?{argument}"
            error = self.assertRaises(InvalidAuthArgumentString, self.start, url=url)
            self.assertIn(text, str(error))


class MariaDBTests(OnMariaDB, ServerTests, SQLTestCase):
    """
    Tests on MariaDB.
    """

    def test_arguments(self) -> None:
        """
        An argument of the URL that can't be used ends the program, without what stands in
        a file that it names.
        """
        self.prepare()
        (self.home / "my.cnf").write_text("password = secret\n")
        for argument, text in (
            ("nosuch=1", "unexpected keyword argument 'nosuch'"),
            ("client_flag=x", "invalid literal for int"),
            (f"read_default_file={self.home}/my.cnf", "no section headers"),
        ):
            url = f"{self.server.url(self.database)}?{argument}"
            error = self.assertRaises(InvalidAuthArgumentString, self.start, url=url)
            self.assertIn(text, str(error))
            self.assertNotIn("secret", str(error))

    def connections(self) -> int:
        """
        Return how many connections there are.
        """
        [(number,)] = self.execute(
            "select count(*) from information_schema.processlist where db = database() "
            "and id <> connection_id()"
        )
        return int(number)


class SQLiteTests(OnSQLite, StartTests, SQLTestCase):
    """
    Tests on SQLite.
    """

    def connections(self) -> int:
        """
        Return how many descriptors of the file are open.
        """
        return sum(
            os.path.realpath(f"/proc/self/fd/{each}") == self.database
            for each in os.listdir("/proc/self/fd")
        )

    def unreachable(self) -> str:
        """
        Return the URL of a file that is no database, and may become one.
        """
        path = self.home / "locked.sqlite"
        path.touch()
        return f"sqlite:///{path}"

    def test_unreachable(self) -> None:
        """
        A file that isn't there, or is none of SQLite's, ends the program, as does one
        without the table.
        """
        self.assertWrong("url: ", url=f"sqlite:///{self.home}/none.sqlite")
        self.assertFalse((self.home / "none.sqlite").exists())
        self.assertWrong("url: ", "that is a directory", url=f"sqlite:///{self.home}")
        self.assertWrong("accounts", url=self.unreachable())

    def test_readOnly(self) -> None:
        """
        A file that may not be written serves a query.
        """
        self.prepare()
        query = "select name, password from accounts where name = :username"
        os.chmod(self.database, 0o444)
        checker, _ = self.start(query=query)
        login = checker.requestAvatarId(UsernamePassword(b"alice", b"sesame"))
        self.assertEqual(self.successResultOf(login), b"alice")


class PluginTests(OnSQLite, SQLTestCase):
    """
    Tests for the plugin.
    """

    def test_registered(self) -> None:
        """
        The type is known by its name.
        """
        verifyObject(ICheckerFactory, theSQLCheckerFactory)
        verifyObject(IPlugin, theSQLCheckerFactory)
        self.makeTable()
        checker = makeChecker(f"sql:{self.writeINI()}")
        self.assertIsInstance(checker, SQLChecker)

    def test_commandLine(self) -> None:
        """
        All can stand on the command line, with the statements in files.
        """
        self.makeTable()
        (self.home / "query.sql").write_text(f"-- finds a user\n{QUERY};\n")
        (self.home / "update.sql").write_text(UPDATE)
        url = f"sqlite:///{self.database}".replace(":", "\\:")
        checker = makeChecker(
            f"sql:url={url}:query={self.home}/query.sql:update={self.home}/update.sql"
        )
        self.assertIsInstance(checker, SQLChecker)

    def test_exposed(self) -> None:
        """
        A server on the network that nothing verifies is warned of, and no other one.
        """
        for url, isExposed in (
            ("postgresql://myapp@192.0.2.1/d", True),
            ("postgresql://myapp@192.0.2.1/d?sslmode=require", True),
            ("postgresql://myapp@192.0.2.1/d?sslmode=verify-full", False),
            ("postgresql://myapp@/d?host=192.0.2.1", True),
            ("postgresql://myapp@/d?host=/run/postgresql", False),
            ("postgresql://myapp@/d", False),
            ("postgresql://myapp@localhost/d", False),
            ("postgresql://myapp@[::1]/d", False),
            ("mysql://myapp@192.0.2.1/d", True),
            ("mysql://myapp@192.0.2.1/d?ssl_ca=/etc/ssl/ca.pem", False),
            ("mysql://myapp@127.0.0.1/d", False),
            ("mysql://myapp@/d?unix_socket=/run/mysqld/mysqld.sock", False),
            (f"sqlite:///{self.home}/a.db", False),
        ):
            settings = sqlSettings(url=url, query=QUERY)
            self.assertEqual(bool(settings.exposed), isExposed, url)

    def test_warning(self) -> None:
        """
        The warning names the server, and no password.
        """
        factory = SQLCheckerFactory()
        factory.errorOutput = output = StringIO()
        self.patch(Accounts, "check", lambda self, until: ())
        url = "postgresql://myapp:secret@db.example.org/d"
        factory.generateChecker(self.writeINI(url=url))
        self.assertTrue(
            output.getvalue().startswith(
                "Warning: --auth=sql: nothing verifies that "
                "postgresql://myapp@db.example.org/d is the database; "
            )
        )

    def test_help(self) -> None:
        """
        Help has each option.
        """
        for key in ("config", "url", "passwordfile", "query", "update", "case", "realm"):
            self.assertRegex(theSQLCheckerFactory.authHelp, rf"(?m)^\[?{key}=")
