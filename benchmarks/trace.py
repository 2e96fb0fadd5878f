"""
How many modules one warm login passes through, and how often it goes from one to another:
what a reader of the code has to follow.

The login is one that a portal tells the log about, with a name in bytes, and is done in
one thread: the reactor doesn't run.  Only functions of mycred's own count, and of them
none that belong to each login whatever its store: for the log, and for the client's
address.  A switch is a call from one module into another, be it by way of Twisted.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import mycred
from mycred._reporting import Reporter, setReporter
from mycred.checkers import (
    HtpasswdChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
    PasswdChecker,
)
from mycred.checkers.ldap import LDAPChecker, ldapSettings
from mycred.checkers.sql import SQLChecker, sqlSettings
from mycred.credentials import UsernamePassword
from mycred.workers import Workers

ROOT = Path(mycred.__file__).parent

#: The modules that don't count.
AROUND = {"_reporting", "_peers"}

#: How many modules a login may pass through.
GOALS = {"memory": 5, "htpasswd": 10, "passwd": 15, "ldap": 15, "sql": 26}

# Both of the password "sesame".
BCRYPT = b"$2y$04$LrUsgUb9BNwEvs9JxQjWa.ALXQaR6wQKtMV3lJVaq1jDEZuAAwu.i"
SHA512 = (
    b"$6$rounds=1000$saltsaltsalt$Np..HltI19w3y4MiKjEr7ThGWhG9McoUaNpfknJO/E5/wgVNHUbAU"
    b"aHlAFh4Q4aetfsv1Nn2s4muHXgTMefXp/"
)


class Trace:
    """
    The modules that a login passes through.

    @ivar calls: the modules of the functions that were called from another module, in
        their order.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._stack: list[str] = []

    @property
    def modules(self) -> list[str]:
        """
        The modules, each once, in the order in which the login comes to them.
        """
        return list(dict.fromkeys(self.calls))

    def __enter__(self) -> Trace:
        """
        Watch this thread.
        """
        sys.setprofile(self._profile)
        return self

    def __exit__(self, *error: object) -> None:
        """
        Watch no more.
        """
        sys.setprofile(None)

    def _profile(self, frame: FrameType, event: str, _: object) -> None:
        """
        Note a call into another module.
        """
        path = Path(frame.f_code.co_filename)
        if event not in ("call", "return") or not path.is_relative_to(ROOT):
            return
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if event == "return":
            del self._stack[-1:]
            return
        if self._stack[-1:] != [module] and module not in AROUND:
            self.calls.append(module)
        self._stack.append(module)


def traced(checker: Any, pause: float = 0.1) -> Trace:
    """
    Log in, after logins that read files and open connections, and trace that.

    @param pause: how long files take to be believed, in seconds.
    """
    for _ in range(2):
        checker.requestAvatarId(_credentials())
        time.sleep(pause)
    credentials = _credentials()
    with Trace() as trace:
        asking = checker.requestAvatarId(credentials)
    if asking.result != b"alice":
        raise AssertionError(asking.result)
    return trace


def _credentials() -> UsernamePassword:
    """
    Make credentials as a portal hands them on.
    """
    credentials = UsernamePassword(b"alice", b"sesame")
    setReporter(credentials, Reporter(None))
    return credentials


def checkers(directory: Path) -> dict[str, Any]:
    """
    Make checkers of files that know alice; that of SQL is closed by the caller.

    @param directory: where to put the files.
    """
    for name, line in (
        ("htpasswd", b"alice:" + BCRYPT),
        ("passwd", b"alice:x:1000:1000::/:/bin/sh"),
        ("shadow", b"alice:" + SHA512 + b":19000:0:99999:7:::"),
    ):
        (directory / name).write_bytes(line + b"\n")
    workers, shadow = _workers(), directory / "shadow"
    return {
        "memory": InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame"),
        "htpasswd": HtpasswdChecker(directory / "htpasswd", workers=workers),
        "passwd": PasswdChecker(directory / "passwd", shadow, workers=workers),
        "sql": _sqlChecker(directory / "accounts.sqlite"),
    }


def _sqlChecker(path: Path) -> SQLChecker:
    """
    Make a checker of a database, an SQLite file, that knows alice.

    @param path: where to put the file.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("create table users (name, password)")
        row = "alice", BCRYPT.decode("ascii")
        connection.execute("insert into users values (?, ?)", row)
    query = "select name, password from users where name = :username"
    settings = sqlSettings(url=f"sqlite:///{path}", query=query)
    return SQLChecker(settings, workers=_workers(), databaseWorkers=_workers())


def _workers() -> Workers:
    """
    Make workers whose reactor doesn't run, so that each job is done at once.
    """
    return Workers(SimpleNamespace(running=False, seconds=lambda: 0.0))


def main() -> None:
    """
    Trace, and print.
    """
    from tests.kit.slapd import PEOPLE, Slapd, person

    with ExitStack() as cleanUp:
        directory = Path(cleanUp.enter_context(tempfile.TemporaryDirectory()))
        known = checkers(directory)
        cleanUp.callback(known["sql"].close)
        server = Slapd(person("alice", "sesame"))
        cleanUp.callback(server.stop)
        where = ldapSettings(host=f"127.0.0.1:{server.port}", base=PEOPLE, tls="none")
        known["ldap"] = LDAPChecker(where, workers=_workers())
        cleanUp.callback(known["ldap"].close)
        for name, checker in known.items():
            trace = traced(checker)
            modules, goal = trace.modules, GOALS[name]
            missed = " MISSED" if len(modules) > goal else ""
            print(
                f"{name:10} {len(modules):3} modules, {len(trace.calls):3} switches "
                f"(goal: {goal} modules){missed}"
            )
            print(f"    {', '.join(modules)}")


if __name__ == "__main__":
    main()
