"""
Tests for the page on accounts in a database, and for its queries, each against that
program's own tables in real databases.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

from twisted.python.failure import Failure
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from mycred._scram import NAMES, written
from mycred._sql._row import COLUMNS
from mycred.checkers import accountOf
from mycred.checkers.sql import sqlOptions
from mycred.credentials import IUsernamePassword, UsernamePassword
from mycred.error import AccountDenied, DenialReason, UnauthorizedLogin
from mycred.strcred import InvalidAuthArgumentString, makeChecker

from .kit.databases import PASSWORD, USER, DatabaseServer, MariaDB, PostgreSQL, serverOf
from .kit.examples import EXAMPLES, ROOT
from .kit.protocols import Refused
from .kit.sasl import ScramClient, Server as SASLServer, keysOf, portalOf
from .kit.server import Server, ServerTests
from .kit.sqlschemas import (
    DOVECOT,
    EJABBERD,
    EJABBERD_HOSTS,
    POSTFIXADMIN,
    ejabberdRow,
    insert,
)

QUERIES = EXAMPLES / "sql"
PAGE = (ROOT / "doc" / "sql.rst").read_text("utf-8")

# How long a command may take, in seconds.
PATIENCE = 60

# Hashes of "password", as other programs write them.
MD5_CRYPT = "$1$wMt2Ne7m$YyY9/jq7zPmX5VHKkysph1"
SHA512_CRYPT = (
    "$6$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MTSuDDl3aCI6WouIL9"
    "AjRbLCelDCy.g."
)
BCRYPT = "$2y$05$ni.I10aVbOp0X1c8J.8sa.KKwvKHYPF0NGvC5KO0mEYr5E.Spta4i"


class QueryTests(SynchronousTestCase):
    """
    Base of the tests for queries.

    @cvar example: the name of the file.
    @cvar schema: the statements that make the tables, by the kind of database.
    @cvar kinds: the servers that the program knows.
    """

    example: ClassVar[str]
    schema: ClassVar[dict[str, tuple[str, ...]]]
    kinds: ClassVar[tuple[type[DatabaseServer], ...]] = (PostgreSQL, MariaDB)

    def made(self, kind: type[DatabaseServer]) -> tuple[Any, str]:
        """
        Return a server, and the name of a database with the tables.
        """
        server = serverOf(kind)
        database = server.makeDatabase()
        for statement in self.schema[server.dialect]:
            server.query(statement, database)
        if server.dialect == "postgresql":
            server.query(
                f"grant select on all tables in schema public to {USER}", database
            )
        return server, database

    def checker(self, server: DatabaseServer, database: str) -> Any:
        """
        Return a checker made of the example, for a database.
        """
        return makeChecker(f"sql:{self.settings(server, database)}")

    def settings(self, server: DatabaseServer, database: str) -> Path:
        """
        Return the path of the example's file, for a database.
        """
        home = Path(self.mktemp()).resolve()
        home.mkdir()
        secret = home / "password"
        secret.touch(0o600)
        secret.write_text(f"{PASSWORD}\n")
        url = f"{server.dialect}://{USER}@127.0.0.1:{server.port}/{database}"
        text = (QUERIES / self.example).read_text()
        text = re.sub("(?m)^url = .*", f"url = {url}", text)
        path = home / self.example
        path.write_text(
            re.sub("(?m)^passwordfile = .*", f"passwordfile = {secret}", text)
        )
        return path

    def login(self, checker: Any, name: str, password: str) -> object:
        """
        Log in by a password.

        @return: the avatar ID, the reason of a denial, or the class of the failure.
        """
        typed = UsernamePassword(name.encode(), password.encode())
        outcome: list[Any] = []
        checker.requestAvatarId(typed).addBoth(outcome.append)
        [result] = outcome
        if not isinstance(result, Failure):
            return result
        if result.check(AccountDenied):
            return result.value.reason
        return result.type

    def prove(self, checker: Any, name: str, password: str, hash: str) -> bool:
        """
        Log in by SCRAM.

        @return: whether the client and the server are content with each other.
        """
        client = ScramClient(hash, name.encode(), password.encode())
        mechanism = NAMES[hash].decode("ascii")
        login = SASLServer(portalOf(checker)).login(mechanism, client.answer)
        outcome: list[object] = []
        login.addCallbacks(outcome.append, lambda failure: None)
        return bool(outcome) and client.isTrusted

    def check(self, path: Path, name: str, password: str) -> None:
        """
        Insist on a login by C{mycred check}.
        """
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "mycred",
                "check",
                "--stdin",
                f"--auth=sql:{path}",
                name,
            ],
            input=password.encode(),
            capture_output=True,
            cwd=ROOT,
            timeout=PATIENCE,
        )
        self.assertEqual((done.returncode, done.stderr), (0, b""), done.stdout)
        self.assertIn(b"accepted by sql, avatar ID", done.stdout)


class PostfixadminTests(QueryTests):
    """
    Tests for the query for Postfixadmin.
    """

    example = "postfixadmin.ini"
    schema = POSTFIXADMIN

    def test_query(self) -> None:
        """
        Users log in by their address, whatever makes their hash; mailboxes and domains
        that aren't active, and passwords that have expired, are denied.
        """
        for kind in self.kinds:
            server, database = self.made(kind)

            def domain(name: str, **more: object) -> None:
                insert(server, database, "domain", {"domain": name, **more})

            def mailbox(address: str, password: str, **more: object) -> None:
                local, _, name = address.partition("@")
                row = {
                    "username": address,
                    "password": password,
                    "name": "Alice Example",
                    "maildir": f"{name}/{local}/",
                    "domain": name,
                    "local_part": local,
                }
                insert(server, database, "mailbox", {**row, **more})

            off = 0 if kind is MariaDB else False
            domain("example.org")
            domain("closed.example", active=off)
            domain("strict.example", password_expiry=90)
            for name, stored in (
                ("md5crypt", MD5_CRYPT),
                ("php_crypt", SHA512_CRYPT),
                ("dovecot", "{SHA512-CRYPT}" + SHA512_CRYPT),
                ("blowfish", "{BLF-CRYPT}" + BCRYPT),
            ):
                mailbox(f"{name}@example.org", stored)
            mailbox("gone@example.org", BCRYPT, active=off)
            mailbox("alice@closed.example", BCRYPT)
            mailbox("old@strict.example", BCRYPT)
            mailbox("new@strict.example", BCRYPT, password_expiry="2099-01-01")
            checker = self.checker(server, database)
            for name in ("md5crypt", "php_crypt", "dovecot", "blowfish"):
                address = f"{name}@example.org"
                outcome = self.login(checker, address, "password")
                self.assertEqual(outcome, address.encode())
                outcome = self.login(checker, address, "guess")
                self.assertEqual(outcome, UnauthorizedLogin)
            for name, outcome in (
                ("gone@example.org", DenialReason.DISABLED),
                ("alice@closed.example", DenialReason.DISABLED),
                ("old@strict.example", DenialReason.PASSWORD_EXPIRED),
                ("new@strict.example", b"new@strict.example"),
                ("BLOWFISH@example.org", UnauthorizedLogin),
                ("blowfish", UnauthorizedLogin),
                ("blowfish@example.com", UnauthorizedLogin),
            ):
                self.assertEqual(self.login(checker, name, "password"), outcome, name)
                refused = self.login(checker, name, "guess")
                self.assertEqual(refused, UnauthorizedLogin)
            path = self.settings(server, database)
            self.check(path, "php_crypt@example.org", "password")


class DovecotTests(QueryTests):
    """
    Tests for the query for Dovecot.
    """

    example = "dovecot.ini"
    schema = DOVECOT

    def test_query(self) -> None:
        """
        Users log in by their address, of which the table has two parts; the uid, the gid
        and the home directory are the account's.
        """
        for kind in self.kinds:
            server, database = self.made(kind)
            for name, domain, stored, active in (
                ("alice", "example.org", "{SHA512-CRYPT}" + SHA512_CRYPT, "Y"),
                ("alice", "example.com", "{BLF-CRYPT}" + BCRYPT, "Y"),
                ("bob", "example.org", "{BLF-CRYPT}" + BCRYPT, "N"),
            ):
                row = {
                    "username": name,
                    "domain": domain,
                    "password": stored,
                    "home": f"/srv/mail/{domain}/{name}",
                    "uid": 1000,
                    "gid": 1001,
                    "active": active,
                }
                insert(server, database, "users", row)
            checker = self.checker(server, database)
            for name in ("alice@example.org", "alice@example.com"):
                self.assertEqual(self.login(checker, name, "password"), name.encode())
                self.assertEqual(self.login(checker, name, "guess"), UnauthorizedLogin)
            for name, outcome in (
                ("bob@example.org", DenialReason.DISABLED),
                ("alice", UnauthorizedLogin),
                ("@", UnauthorizedLogin),
                ("@example.org", UnauthorizedLogin),
                ("alice@example.org@example.org", UnauthorizedLogin),
                ("alice@EXAMPLE.org", UnauthorizedLogin),
            ):
                self.assertEqual(self.login(checker, name, "password"), outcome, name)
            account: Any = accountOf(self.login(checker, "alice@example.com", "password"))
            self.assertEqual((account.uid, account.gid), (1000, 1001))
            self.assertEqual(account.home, "/srv/mail/example.com/alice")
            self.check(self.settings(server, database), "alice@example.org", "password")


class EjabberdTests(QueryTests):
    """
    Tests for the query for ejabberd.
    """

    example = "ejabberd.ini"
    schema = EJABBERD
    host: ClassVar[str] = ""

    def test_query(self) -> None:
        """
        Users log in by keys of SCRAM, with or without the name of the host, by a password
        or by SCRAM.
        """
        for kind in self.kinds:
            server, database = self.made(kind)
            keys = {hash: keysOf(b"password", hash, 4096) for hash in NAMES}
            rows = [
                ejabberdRow("alice", keys["sha256"], self.host),
                ejabberdRow("alice", keys["sha1"], self.host),
                ejabberdRow("bob", keys["sha1"], self.host),
            ]
            if self.host:
                rows.append(ejabberdRow("carol", keys["sha256"], "example.com"))
            for row in rows:
                insert(server, database, "users", row)
            checker = self.checker(server, database)
            for name in ("alice", "alice@example.org", "Alice", "ALICE@example.org"):
                self.assertEqual(self.login(checker, name, "password"), b"alice", name)
                self.assertEqual(self.login(checker, name, "guess"), UnauthorizedLogin)
                self.assertTrue(self.prove(checker, name, "password", "sha256"), name)
                self.assertFalse(self.prove(checker, name, "guess", "sha256"))
            for name in ("bob", "carol", "alice@example.com", "alic\u00e9"):
                outcome = self.login(checker, name, "password")
                self.assertEqual(outcome, UnauthorizedLogin, name)
                self.assertFalse(self.prove(checker, name, "password", "sha256"), name)
            self.check(self.settings(server, database), "alice@example.org", "password")


class EjabberdHostsTests(EjabberdTests):
    """
    Tests for the query for ejabberd with several hosts in its tables.
    """

    example = "ejabberd-hosts.ini"
    schema = EJABBERD_HOSTS
    host = "example.org"


class UsersTests(QueryTests):
    """
    Tests for the query for a table of one's own.
    """

    example = "users.ini"
    schema = dict.fromkeys(
        ("postgresql", "mysql"), ((QUERIES / "users.sql").read_text(),)
    )

    def test_query(self) -> None:
        """
        Users log in by a hash, or by keys of SCRAM in the same column; those who are
        disabled, and whose day has come, are denied.
        """
        keys = written(keysOf(b"password", count=4096)).decode()
        for kind in self.kinds:
            server, database = self.made(kind)
            for name, stored, more in (
                ("alice", BCRYPT, {"expires": "2099-01-01"}),
                ("erin", keys, {}),
                ("bob", BCRYPT, {"disabled": 1 if kind is MariaDB else True}),
                ("carol", BCRYPT, {"expires": "2020-01-01"}),
            ):
                insert(
                    server, database, "users", {"name": name, "password": stored, **more}
                )
            checker = self.checker(server, database)
            for name, outcome in (
                ("alice", b"alice"),
                ("erin", b"erin"),
                ("bob", DenialReason.DISABLED),
                ("carol", DenialReason.EXPIRED),
                ("Alice", UnauthorizedLogin),
            ):
                self.assertEqual(self.login(checker, name, "password"), outcome, name)
                refused = self.login(checker, name, "guess")
                self.assertEqual(refused, UnauthorizedLogin, name)
            self.assertTrue(self.prove(checker, "erin", "password", "sha256"))
            for name, password in (("erin", "guess"), ("alice", "password")):
                self.assertFalse(self.prove(checker, name, password, "sha256"))


def blocks(heading: str) -> list[str]:
    """
    Return the literal blocks of a section of the page.
    """
    section = re.split(rf"(?m)^{re.escape(heading)}\n-+\n", PAGE)[1]
    section = re.split(r"(?m)^.*\n-+\n", section)[0]
    found = re.findall(r"\.\. code-block:: .*\n\n((?:    .*\n|\n)+)", section)
    return [re.sub("(?m)^    ", "", block).strip() + "\n" for block in found]


def told(text: str, command: str, *arguments: str) -> str:
    """
    Return the lines of a shell with more arguments of one of mycred's commands.
    """
    return text.replace(command, " ".join([command, *arguments]))


class PageTestCase(ServerTests, SynchronousTestCase):
    """
    Base of the tests for what the page says to type.
    """

    def setUp(self) -> None:
        super().setUp()
        shutil.copy(QUERIES / "users.sql", self.folder)
        # What an installation of mycred has on the path.
        programs = self.folder / "bin"
        programs.mkdir()
        command = programs / "mycred"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mycred "$@"\n')
        command.chmod(0o755)

    def type(self, *command: str, given: str = "", **variables: str) -> str:
        """
        Run a program that must succeed.

        @param given: what it reads.
        @param variables: what it finds in its environment.

        @return: what it prints.
        """
        packages = {
            "mariadb": "mariadb-client",
            "psql": "postgresql-client",
            "sqlite3": "sqlite3",
        }
        for program, package in packages.items():
            if program in " ".join(command) and shutil.which(program) is None:
                raise SkipTest(f"install {package}")
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **variables},
            timeout=PATIENCE,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def insert(self, ending: str, **variables: str) -> None:
        """
        Insert a user as the page does.

        @param ending: what stands at the end of the line.
        """
        insertion = blocks("From nothing to a login")[1]
        lines = told(insertion, "mycred passwd", "--stdin", "--cost=4")
        lines = lines.replace("| sqlite3 accounts.db", ending)
        self.assertIn(ending, lines)
        self.type("sh", "-ec", lines, given="sesame\n", **variables)

    def assertServed(self, auth: str) -> None:
        """
        Insist on a server that lets the user in, and refuses a wrong password.
        """
        server = Server(
            self.options([f"--auth={auth}"], ["imap"], ""),
            ["imap"],
            under=("env", "-C", str(self.folder)),
            PYTHONPATH=str(ROOT),
        )
        self.addCleanup(server.stop)
        server.inbox().logout()
        self.assertRaises(Refused, server.imap, "alice", "guess")


class ReferenceTests(SynchronousTestCase):
    """
    Tests for the lists of the page.
    """

    def test_options(self) -> None:
        """
        It tells of every option, and of no other.
        """
        keys = re.findall(r"(?m)^``(\w+)=.*``\n    ", PAGE)
        self.assertEqual(sorted(keys), sorted(option.key for option in sqlOptions))

    def test_columns(self) -> None:
        """
        It tells of every column, and of no other.
        """
        rows = re.findall(r"(?m)^   \* - (``\w+``(?:, ``\w+``)*)\n     - ", PAGE)
        names = re.findall(r"\w+", " ".join(rows))
        self.assertEqual(sorted(names), sorted(COLUMNS))

    def test_examples(self) -> None:
        """
        It shows each of the examples.
        """
        shown = set(re.findall(r"literalinclude:: examples/sql/(\S+)", PAGE))
        self.assertEqual(shown, {path.name for path in QUERIES.iterdir()})


class TutorialTests(PageTestCase):
    """
    Tests for the way from nothing to a login.
    """

    def test_login(self) -> None:
        """
        Its lines, typed one after another, end with a server that lets the user in.
        """
        table, _, settings, check, promised, serve = blocks("From nothing to a login")
        self.type("sh", "-ec", table)
        self.insert("| sqlite3 accounts.db")
        (self.folder / "accounts.ini").write_text(settings)
        check = told(check, "mycred check", "--stdin")
        said = self.type("sh", "-ec", f"{{ {check} }} 2>&1", given="sesame\n")
        said = said.replace(str(self.folder), "/home/me")
        self.assertEqual(*(re.sub(r" *\d+\.\d+", "T", each) for each in (said, promised)))
        [auth] = re.findall("twistd -n myapp --auth=(.*)", serve)
        self.assertServed(auth)

    def test_program(self) -> None:
        """
        The program makes a portal that lets the user in.
        """
        [table, *_] = blocks("From nothing to a login")
        self.type("sh", "-ec", table)
        self.insert("| sqlite3 accounts.db")
        [code] = blocks("In a program")
        code = re.sub('url=".*"', f'url="sqlite:///{self.folder}/accounts.db"', code)
        names: dict[str, Any] = {"realm": object()}
        exec(re.sub(r"(?m)^ *passwordfile=.*,\n", "", code), names)
        login = names["checker"].requestAvatarId(UsernamePassword(b"alice", b"sesame"))
        self.assertEqual(self.successResultOf(login), b"alice")
        self.assertIn(IUsernamePassword, names["portal"].listCredentialsInterfaces())


class ServerTestCase(PageTestCase):
    """
    Base of the tests for what the page says of servers.
    """

    def settings(self, url: str) -> Path:
        """
        Write the file of the page.
        """
        secret = self.folder / "password"
        secret.touch(0o600)
        secret.write_text("change this\n")
        text = (QUERIES / "users.ini").read_text()
        text = re.sub("(?m)^url = .*", f"url = {url}", text)
        path = self.folder / "accounts.ini"
        path.write_text(
            re.sub("(?m)^passwordfile = .*", f"passwordfile = {secret}", text)
        )
        return path

    def assertReadsOnly(self, path: Path) -> None:
        """
        Insist on a role that can't delete a user.
        """
        settings = path.read_text()
        query = "query = delete from users where name = :username\n"
        path.write_text(re.sub(r"(?s)query =.*", query, settings))
        error = self.assertRaises(InvalidAuthArgumentString, makeChecker, f"sql:{path}")
        self.assertIn("denied", str(error))


class PostgreSQLTests(ServerTestCase):
    """
    Tests for what the page says of PostgreSQL.
    """

    def test_login(self) -> None:
        """
        After its statements the role can read the users, who can log in.
        """
        server = serverOf(PostgreSQL)
        self.addCleanup(server.query, "drop role accounts_reader")
        self.addCleanup(server.query, "drop database accounts with (force)")
        [statements, *_] = blocks("On a server")
        where = {
            "PGHOST": str(server.home),
            "PGPORT": str(server.port),
            "PGUSER": "postgres",
        }
        quiet = ("-q", "-v", "ON_ERROR_STOP=1")
        self.type("psql", *quiet, "postgres", given=statements, **where)
        self.insert("| psql accounts", **where)
        path = self.settings(
            f"postgresql://accounts_reader@127.0.0.1:{server.port}/accounts"
        )
        self.assertServed(f"sql:{path}")
        self.assertReadsOnly(path)


class MariaDBTests(ServerTestCase):
    """
    Tests for what the page says of MariaDB.
    """

    def test_login(self) -> None:
        """
        After its statements the role can read the users, who can log in.
        """
        server = serverOf(MariaDB)
        self.addCleanup(server.query, "drop user accounts_reader@localhost")
        self.addCleanup(server.query, "drop database accounts")
        [_, statements, *_] = blocks("On a server")
        socket = server.home / "s"
        client = f"mariadb --no-defaults --user=root --socket={socket}"
        self.type(*client.split(), given=statements)
        self.insert(f"| {client} accounts")
        path = self.settings(
            f"mysql://accounts_reader@localhost/accounts?unix_socket={socket}"
        )
        self.assertServed(f"sql:{path}")
        self.assertReadsOnly(path)
