"""
Real PostgreSQL and MariaDB servers on this machine, each with data of its own, and files
of SQLite.
"""

from __future__ import annotations

import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing, suppress
from glob import glob
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from twisted.trial.unittest import SkipTest

from .daemons import Daemon, atExit
from .lifeline import Lifeline

#: The user of the databases that tests make, and their password.
USER, PASSWORD = "myapp", "for the server"


class DatabaseServer(Daemon):
    """
    A server, and databases on it.

    @cvar dialect: the kind, as in the URL.
    @cvar account: the user of the system as whom it runs, if root runs the tests.
    """

    dialect: ClassVar[str]
    account: ClassVar[str]

    _templates: ClassVar[dict[str, Path]] = {}
    _numbers = count(1)

    def __init__(self, **settings: str) -> None:
        """
        Start it.

        @param settings: settings of the server beyond those that it has here.
        """
        super().__init__(self.dialect)
        self._settings = settings
        self.own(self.home)
        template = self._template()
        run("cp", "-a", f"{template}/.", str(self.home / "data"))
        self.start()

    def killConnections(self) -> int:
        """
        End all connections but the one that does it, and return how many they were.
        """
        raise NotImplementedError

    def connect(self, database: str = "") -> Any:
        """
        Return a connection of its administrator, where each statement takes effect.
        """
        raise NotImplementedError

    def query(self, statement: str, database: str = "") -> list[tuple[Any, ...]]:
        """
        Execute a statement as its administrator, and return the rows.
        """
        with closing(self.connect(database)) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def makeDatabase(self) -> str:
        """
        Make an empty database that belongs to C{USER}.

        @return: its name.
        """
        raise NotImplementedError

    def url(self, database: str) -> str:
        """
        Return the URL of a database, for C{USER}, with the password.
        """
        password = PASSWORD.replace(" ", "%20")
        return f"{self.dialect}://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def popenOptions(self) -> dict[str, Any]:
        """
        Return how to run it: as its own user.
        """
        return {"cwd": "/", **_asUser(self.account)}

    def answers(self) -> bool:
        """
        Return whether its administrator can log in.
        """
        try:
            self.connect().close()
        except Exception:
            return False
        return True

    def _template(self) -> Path:
        """
        Return a fresh data directory, which is made once in a run.
        """
        if self.dialect not in self._templates:
            home = Path(tempfile.mkdtemp(prefix=f"mycred-{self.dialect}-data-"))
            lifeline = Lifeline(home)
            atExit(lambda: (shutil.rmtree(home, ignore_errors=True), lifeline.cut()))
            self.own(home)
            self.initialize(home / "data")
            self._templates[self.dialect] = home / "data"
        return self._templates[self.dialect]

    def initialize(self, data: Path) -> None:
        """
        Make a data directory.
        """
        raise NotImplementedError

    @classmethod
    def own(cls, home: Path) -> None:
        """
        Give a directory or a file to the user as whom the server runs.
        """
        if not os.geteuid():
            user = pwd.getpwnam(cls.account)
            os.chown(home, user.pw_uid, user.pw_gid)


class PostgreSQL(DatabaseServer):
    """
    A PostgreSQL server.
    """

    dialect = "postgresql"
    account = "postgres"

    @staticmethod
    def program(name: str) -> str:
        """
        Return the path of one of its programs.
        """
        found = sorted(glob(f"/usr/lib/postgresql/*/bin/{name}"))
        if not found:
            raise SkipTest("install postgresql")
        return found[-1]

    def initialize(self, data: Path) -> None:
        """
        Make a data directory, whose administrator logs in at a socket without a password.
        """
        run(
            *[self.program("initdb"), "-D", str(data), "-U", "postgres", "--no-sync"],
            *["--auth-local=trust", "--auth-host=scram-sha-256", "--no-locale"],
            *["-E", "UTF8"],
            **_asUser(self.account),
            cwd="/",
        )

    def commandLine(self) -> list[str]:
        """
        Return the command line that starts it.
        """
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.home),
            "fsync": "off",
            "max_connections": "60",
            **self._settings,
        }
        given = [f"--{key}={value}" for key, value in settings.items()]
        data = str(self.home / "data")
        return [self.program("postgres"), "-D", data, "-p", str(self.port), *given]

    def connect(self, database: str = "") -> Any:
        """
        Return a connection of its administrator.
        """
        import psycopg

        return psycopg.connect(
            host=str(self.home),
            port=self.port,
            user="postgres",
            dbname=database or "postgres",
            autocommit=True,
            connect_timeout=5,
        )

    def killConnections(self) -> int:
        """
        End all connections but the one that does it.
        """
        return len(
            self.query(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where pid <> pg_backend_pid() and usename is not null"
                " and backend_type = 'client backend'"
            )
        )

    def makeDatabase(self) -> str:
        """
        Make an empty database.
        """
        if not self.query(f"select 1 from pg_roles where rolname = '{USER}'"):
            self.query(f"create role {USER} login password '{PASSWORD}'")
        name = f"d{next(self._numbers)}"
        self.query(f"create database {name} owner {USER}")
        return name


class MariaDB(DatabaseServer):
    """
    A MariaDB server.
    """

    dialect = "mysql"
    # The programs come without an account of their own.
    account = "nobody"

    def initialize(self, data: Path) -> None:
        """
        Make a data directory, whose administrator logs in at a socket without a password.
        """
        program = shutil.which("mariadb-install-db")
        if program is None:
            raise SkipTest("install mariadb-server-core and mariadb-client-core")
        user = [f"--user={self.account}"] if not os.geteuid() else []
        run(
            *[program, "--no-defaults", f"--datadir={data}", "--skip-test-db", *user],
            *["--auth-root-authentication-method=normal"],
            cwd="/",
            # Two of them would use the same names there.
            env={**os.environ, "TMPDIR": str(data.parent)},
        )

    def commandLine(self) -> list[str]:
        """
        Return the command line that starts it.
        """
        settings = {
            "datadir": str(self.home / "data"),
            "socket": str(self.home / "s"),
            "tmpdir": str(self.home),
            "port": str(self.port),
            "bind-address": "127.0.0.1",
            "pid-file": str(self.home / "pid"),
            # What was committed outlives the process, though not the machine.
            "innodb-flush-log-at-trx-commit": "2",
            "innodb-buffer-pool-size": "16M",
            "skip-name-resolve": "1",
            **self._settings,
        }
        given = [f"--{key}={value}" for key, value in settings.items()]
        return ["/usr/sbin/mariadbd", "--no-defaults", *given]

    def connect(self, database: str = "") -> Any:
        """
        Return a connection of its administrator.
        """
        import pymysql

        return pymysql.connect(
            unix_socket=str(self.home / "s"),
            user="root",
            database=database or None,
            autocommit=True,
            charset="utf8mb4",
            connect_timeout=5,
        )

    def killConnections(self) -> int:
        """
        End all connections but the one that does it.
        """
        rows = self.query(
            "select id from information_schema.processlist"
            " where id <> connection_id() and command <> 'Daemon'"
        )
        with closing(self.connect()) as connection:
            for (number,) in rows:
                with suppress(Exception):
                    connection.cursor().execute(f"kill {number}")
        return len(rows)

    def makeDatabase(self) -> str:
        """
        Make an empty database.
        """
        name = f"d{next(self._numbers)}"
        self.query(f"create database {name}")
        self.query(f"create user if not exists {USER} identified by '{PASSWORD}'")
        self.query(f"grant all on {name}.* to {USER}")
        return name


class SQLite(DatabaseServer):
    """
    Files of SQLite: no server, but databases as on one.
    """

    dialect = "sqlite"

    def __init__(self) -> None:
        """
        Make a directory for them.
        """
        self.home = Path(tempfile.mkdtemp(prefix="mycred-sqlite-"))
        self._process = None

    def connect(self, database: str = "") -> Any:
        """
        Return a connection.
        """
        return sqlite3.connect(database, isolation_level=None)

    def makeDatabase(self) -> str:
        """
        Make an empty file.

        @return: its path.
        """
        path = self.home / f"d{next(self._numbers)}"
        path.touch(0o600)
        return str(path)

    def url(self, database: str) -> str:
        """
        Return the URL of a file.
        """
        return f"sqlite:///{database}"


_S = TypeVar("_S", bound=DatabaseServer)

_running: dict[tuple[type[DatabaseServer], str], DatabaseServer] = {}


def serverOf(kind: type[_S], purpose: str = "") -> _S:
    """
    Return a server that tests of a run share, each with databases of its own.  It starts
    when the first test needs it, and ends with the run.

    @param purpose: what the server is for, if these tests freeze or kill it; all other
        tests share one that they mustn't stop.
    """
    if (kind, purpose) not in _running:
        _running[kind, purpose] = server = kind()
        atExit(server.stop)
    found: Any = _running[kind, purpose]
    return found  # type: ignore[no-any-return]


def run(*command: str, **more: Any) -> None:
    """
    Run a program that must succeed.
    """
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False, **more
    )
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise AssertionError(f"{command[0]} fails: {said}")


def _asUser(name: str) -> dict[str, Any]:
    """
    Return how to run a program as another user, since servers refuse to be root.
    """
    if os.geteuid():
        return {}
    user = pwd.getpwnam(name)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


__all__ = [
    "PASSWORD",
    "USER",
    "DatabaseServer",
    "MariaDB",
    "PostgreSQL",
    "SQLite",
    "serverOf",
]
