"""
The URL of a database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

#: The drivers that are taken where a URL names none.
DRIVERS = {
    "mariadb": "mariadb+pymysql",
    "mysql": "mysql+pymysql",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}


@dataclass(frozen=True)
class DatabaseURL:
    """
    The URL of a database.

    @ivar shown: the URL without its password.
    @ivar dialect: the kind of database: C{sqlite}, C{postgresql}, C{mysql}, C{mariadb},
        or another that SQLAlchemy knows.
    @ivar path: the path of the file, for SQLite.
    @ivar url: SQLAlchemy's, for all others.
    """

    shown: str
    dialect: str
    path: str = ""
    url: Any = field(default=None, repr=False)

    def __str__(self) -> str:
        """
        Return the URL without its password.
        """
        return self.shown

    @classmethod
    def parse(cls, text: str, password: str | None = None) -> DatabaseURL:
        """
        Parse a URL in the form that SQLAlchemy has: C{dialect[+driver]://user@host/name}.

        @param password: the password, if the URL has none.

        @raise ValueError: if it can't be used.  The text doesn't show the URL, which may
            hold a password.
        @raise ImportError: if a library is missing.
        """
        scheme, mark, rest = text.partition("://")
        if not mark:
            raise ValueError("write a URL, such as postgresql://myapp@localhost/accounts")
        if scheme == "sqlite":
            path = unquote(rest.partition("?")[0].removeprefix("/"))
            if not rest.startswith("/") or not path:
                raise ValueError("write sqlite:// and /PATH, such as sqlite:////srv/a.db")
            return cls(text, "sqlite", path=path)
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(f"{DRIVERS.get(scheme, scheme)}://{rest}")
            if password is not None:
                url = url.set(password=password)
            return cls(str(url), url.get_backend_name(), url=url)
        except ArgumentError:
            raise ValueError("that is no URL of a database") from None


__all__ = ["DatabaseURL"]
