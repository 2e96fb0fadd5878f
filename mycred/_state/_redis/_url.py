"""
The URL of a Redis or Valkey server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from os.path import abspath
from typing import NoReturn
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ..._peers import isThisMachine, parseHost
from ..._secrets import printable

_LOCAL = "redis+unix"

# By the scheme: whether it means TLS.
_SCHEMES = {
    "redis": False,
    "valkey": False,
    "rediss": True,
    "valkeys": True,
    _LOCAL: False,
}

#: What a URL of such a server begins with.
SCHEMES = frozenset(_SCHEMES)

_PORT = 6379

_EXAMPLE = "redis://redis.example.org/0"
_EXAMPLES = {
    "rediss": "rediss://redis.example.org/0?ca=/etc/myapp/ca.pem",
    "valkeys": "valkeys://redis.example.org/0?ca=/etc/myapp/ca.pem",
    _LOCAL: "redis+unix:///run/redis/redis.sock?db=0",
}

# What may follow the question mark, by scheme.
_ARGUMENTS = {"rediss": ("ca",), "valkeys": ("ca",), _LOCAL: ("db",)}

# Other names are written in their ASCII form.
_host = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})", re.ASCII)

_number = re.compile(r"[0-9]{1,5}", re.ASCII)


@dataclass(frozen=True)
class RedisURL:
    """
    Where a server is, and as whom to log in there.

    @ivar shown: the URL; there is no secret in it.
    @ivar host: its name or address; empty for a socket of this machine.
    @ivar path: the path of its socket.
    @ivar isSecure: whether TLS is spoken.
    @ivar ca: the path of the certificates of the authorities to trust, in PEM; those of
        the system if L{None}.
    """

    shown: str
    host: str = ""
    port: int = _PORT
    path: str = ""
    database: int = 0
    isSecure: bool = False
    ca: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """
        Return the URL.
        """
        return self.shown

    @property
    def isExposed(self) -> bool:
        """
        Whether it is asked over a network without TLS.
        """
        return bool(self.host) and not self.isSecure and not isThisMachine(self.host)

    @classmethod
    def parse(cls, text: str, password: str | None = None) -> RedisURL:
        """
        Parse a URL: C{redis://[USER@]HOST[:PORT][/DATABASE]}, C{rediss://} for TLS,
        with C{?ca=FILE} perhaps, or C{redis+unix:///PATH?db=DATABASE}.  C{valkey} may
        stand for C{redis}.

        @param password: the password, which no URL has.

        @raise ValueError: if it can't be used.  The text doesn't show the URL, which may
            hold a password.
        """
        split, user, port = _splitOf(text)
        arguments = _argumentsOf(split)
        if split.scheme == _LOCAL:
            where = {"path": _socketOf(split)}
            database = _databaseOf(arguments.get("db", ""))
        else:
            where = {"host": _hostOf(split)}
            database = _databaseOf(split.path.removeprefix("/"))
        if user is not None and password is None:
            raise ValueError(
                "there is a user, and no password; name the file that holds it"
            )
        return cls(
            _shown(split, user, database),
            **where,
            port=_PORT if port is None else port,
            database=database,
            isSecure=_SCHEMES[split.scheme],
            # twistd may change the directory before the first login.
            ca=abspath(arguments["ca"]) if "ca" in arguments else None,
            user=user,
            password=password,
        )


def _splitOf(text: str) -> tuple[SplitResult, str | None, int | None]:
    """
    Return the parts of a URL, the user, and the port.
    """
    try:
        split = urlsplit(text)
        port, given = split.port, split.password
        user = split.username
    except ValueError:
        _refuse("that is no URL of a server")
    if split.scheme not in SCHEMES or not text.partition(":")[2].startswith("//"):
        _refuse("that is no URL of a server")
    if port == 0:
        _refuse("a port is a number from 1 to 65535")
    if given is not None:
        raise ValueError("the password is in the URL; write it into a file")
    if split.fragment or not text.isprintable() or " " in text:
        _refuse("there is a space or a # in the URL")
    return split, unquote(user) if user else None, port


def _argumentsOf(split: SplitResult) -> dict[str, str]:
    """
    Return what follows the question mark.
    """
    known = _ARGUMENTS.get(split.scheme, ())
    pairs = parse_qsl(split.query, keep_blank_values=True)
    found = dict(pairs)
    if len(found) < len(pairs) or not all(found.values()) or found.keys() - {*known}:
        _refuse(
            f"after ? write {known[0]}= once, and nothing else"
            if known
            else "nothing may follow the database; for TLS write rediss://",
            split.scheme,
        )
    if "\0" in found.get("ca", ""):
        _refuse("no file has such a path")
    return found


def _hostOf(split: SplitResult) -> str:
    """
    Return the host.
    """
    host = split.hostname or "localhost"
    if parseHost(host) is None and not _host.fullmatch(host):
        _refuse("that is no name of a host")
    return host


def _socketOf(split: SplitResult) -> str:
    """
    Return the path of the socket.
    """
    path = unquote(split.path)
    if split.netloc.rpartition("@")[2] or len(path) < 2 or "\0" in path:
        raise ValueError("write redis+unix:// and the path of a socket after it")
    return path


def _databaseOf(text: str) -> int:
    """
    Return the number of a database.
    """
    if text and not _number.fullmatch(text):
        _refuse("a database is a number")
    return int(text or "0")


def _shown(split: SplitResult, user: str | None, database: int) -> str:
    """
    Return a URL as the log shows it.
    """
    place = split.netloc.rpartition("@")[2]
    who = "" if user is None else f"{user}@"
    where = split.path if split.scheme == _LOCAL else f"/{database}"
    return printable(f"{split.scheme}://{who}{place}{where}")


def _refuse(text: str, scheme: str = "") -> NoReturn:
    """
    Refuse a URL.

    @param scheme: its scheme, where the example should have it.
    """
    raise ValueError(f"{text}; write it as {_EXAMPLES.get(scheme, _EXAMPLE)}")


__all__ = ["SCHEMES", "RedisURL"]
