"""
The URL of a database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from ..._extras import installing

# The drivers that are taken where a URL names none.
_DRIVERS = {
    "mariadb": "mysql+pymysql",
    "mysql": "mysql+pymysql",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}

# What to install for a driver.
_EXTRAS = {"psycopg": "postgresql", "pymysql": "mysql"}

# The arguments that say where a server is; others may be secrets.
_SHOWN = ("host", "port", "unix_socket")

# The arguments that are passwords for the server.
_PASSWORDS = ("password", "passwd")

# By the dialect: how the connection's text is encoded.  With another charset of MySQL's
# a value could end its own quotes.
_ENCODINGS = {
    "mysql": ("charset", "utf8mb4"),
    "postgresql": ("client_encoding", "utf8"),
}

# The end of a URL behind which another one may stand.
_SEVERAL = re.compile(r"[,;]\Z|[\s,;][A-Za-z][\w+]*://")

# The drivers that know that argument.
_ENCODED = ("mysqldb", "psycopg", "psycopg2", "pymysql")


@dataclass(frozen=True)
class DatabaseURL:
    """
    The URL of a database.

    @ivar shown: the URL without its password.
    @ivar dialect: the kind of database: C{sqlite}, C{postgresql}, C{mysql}, which is
        MariaDB, too, or another that SQLAlchemy knows.
    @ivar path: the path of the file, for SQLite.
    @ivar hasPassword: whether the text that was parsed holds a password.
    @ivar url: SQLAlchemy's, for all others.
    """

    shown: str
    dialect: str
    path: str = ""
    hasPassword: bool = False
    url: Any = field(default=None, repr=False)

    def __str__(self) -> str:
        """
        Return the URL without its password.
        """
        return self.shown

    @classmethod
    def ofFile(cls, path: str) -> DatabaseURL:
        """
        Return the URL of an SQLite file.

        @raise ValueError: if no file has such a path.
        """
        if not path or "\0" in path:
            raise ValueError("write sqlite:/// and a path, such as sqlite:////srv/a.db")
        return cls(f"sqlite:///{path}", "sqlite", path=path)

    @classmethod
    def parse(cls, text: str, password: str | None = None) -> DatabaseURL:
        """
        Parse a URL in the form that SQLAlchemy has: C{dialect[+driver]://user@host/name}.

        @param password: the password, if the URL has none.

        @raise ValueError: if it can't be used.  The text doesn't show the URL, which may
            hold a password.
        @raise ImportError: if a library is missing; the text says how to install it.
        """
        scheme, mark, rest = text.partition("://")
        if not mark or not re.fullmatch(r"[A-Za-z][\w+]*", scheme, re.ASCII):
            raise ValueError("write a URL, such as postgresql://myapp@localhost/accounts")
        if _SEVERAL.search(text):
            raise ValueError("write one URL, without a comma or a space after it")
        if scheme in ("sqlite", "sqlite+pysqlite"):
            return cls._parseFile(rest, password)
        url = _alchemyURL(f"{_DRIVERS.get(scheme, scheme)}://{rest}")
        hasPassword = bool(url.password) or any(url.query.get(key) for key in _PASSWORDS)
        if password is not None:
            if hasPassword:
                raise ValueError("the password is in the URL, and given apart; write one")
            url = url.set(password=password)
        dialect = _insistOnDriver(url)
        url = _insistOnEncoding(url, dialect)
        return cls(_shown(url), dialect, hasPassword=hasPassword, url=url)

    @classmethod
    def _parseFile(cls, rest: str, password: str | None) -> DatabaseURL:
        """
        Parse what comes after C{sqlite://}.
        """
        path, mark, _ = rest.partition("?")
        if mark:
            raise ValueError(
                "an SQLite file takes no arguments; write %3F for ? in a path"
            )
        if password is not None:
            raise ValueError("an SQLite file has no password")
        return cls.ofFile(unquote(path[1:]) if path.startswith("/") else "")


def _alchemyURL(text: str) -> Any:
    """
    Parse a URL by SQLAlchemy.
    """
    try:
        from sqlalchemy import make_url
    except ImportError:
        # What it needs as well comes with the same extra.
        extra = _EXTRAS.get(text.partition("://")[0].partition("+")[2], "sql")
        raise ImportError(f"SQLAlchemy isn't installed; do {installing(extra)}") from None
    try:
        url = make_url(text)
    # Whatever is wrong: the message may show the URL.
    except Exception:
        raise ValueError(
            "that is no URL of a database; write it as postgresql://user@host:5432/name, "
            "and / and : in a password as %2F and %3A"
        ) from None
    if "@" in (url.host or ""):
        raise ValueError("there is more than one @; write %40 for one in a password")
    if url.port is not None and not 0 < url.port < 2**16:
        raise ValueError("a port is a number from 1 to 65535")
    return url


def _insistOnDriver(url: Any) -> str:
    """
    Insist on a dialect, and on its driver.

    @return: the dialect.
    """
    name = url.drivername
    try:
        dialect = url.get_dialect()
    except ImportError as error:
        raise ImportError(f"no driver for {name}: {error}") from None
    # SQLAlchemy imports a module of that name, whatever it holds.
    except Exception:
        raise ValueError(
            f"SQLAlchemy knows no {name}; write postgresql, mysql or sqlite"
        ) from None
    if dialect.is_async:
        raise ValueError(f"{name} takes asyncio; write another driver")
    try:
        dialect.import_dbapi()
    except ImportError as error:
        extra = _EXTRAS.get(dialect.driver)
        how = f"; do {installing(extra)}" if extra else f" ({error})"
        raise ImportError(f"{dialect.driver} isn't installed{how}") from None
    found = str(url.get_backend_name())
    return "mysql" if found == "mariadb" else found


def _insistOnEncoding(url: Any, dialect: str) -> Any:
    """
    Return a URL that says which encoding the connection has.

    @raise ValueError: if it says another one than UTF-8.
    """
    if url.get_driver_name() not in _ENCODED:
        return url
    key, encoding = _ENCODINGS[dialect]
    if url.query.get(key, encoding) != encoding:
        raise ValueError(f"{key} must be {encoding}; leave it out")
    return url.update_query_dict({key: encoding})


def _shown(url: Any) -> str:
    """
    Return what of a URL is no secret.
    """
    query = {key: value for key, value in url.query.items() if key in _SHOWN}
    place = url.host, url.port, url.database
    name = url.get_backend_name()
    shown = type(url).create(name, url.username, None, *place, query)
    # The path of a socket is easier to read as it was written.
    return str(shown.render_as_string(hide_password=True)).replace("%2F", "/")


__all__ = ["DatabaseURL"]
