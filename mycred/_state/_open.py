"""
From the URL of shared state to what keeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from os.path import abspath
from typing import Any

from twisted.logger import Logger

from .._paths import AnyPath, asPath
from .._secrets import printable
from .._settingsfile import passwordTextIn
from .._sql._settings import isExposed
from .._sql.client import DatabaseURL
from ._fallback import Fallback
from ._interface import ISharedState
from ._process import ProcessState
from ._redis import SCHEMES, RedisState, RedisURL
from ._sql import SQLState

_log = Logger()

_DATABASES = ("mariadb", "mysql", "postgresql", "sqlite")

_KNOWN = sorted({*SCHEMES, *_DATABASES})


def openState(
    url: str | None = None,
    passwordfile: AnyPath | None = None,
    *,
    reactor: Any = None,
    warn: Callable[[str], object] | None = None,
) -> ISharedState:
    """
    Return the home of shared state that a URL names.

    It is asked at once, so that what is wrong with it is known when a program starts.
    Later it may be down: then this process counts alone until it is back.

    @param url: where it is: C{redis://}, C{rediss://} or C{redis+unix://} for Redis or
        Valkey; C{postgresql://}, C{mysql://} or C{sqlite:///} for a database; this
        process if L{None}.
    @param passwordfile: the path of a file that holds the password for it, and nothing
        else.
    @param reactor: the reactor; the one that is installed when it is needed if L{None}.
    @param warn: is called with each line of what deserves a warning; it is logged if
        L{None}.

    @raise ValueError: if it can't be used.  The text says what would be right.
    @raise OSError: if the file with the password can't be read.
    """
    if url is None:
        if passwordfile is not None:
            raise ValueError("state-passwordfile: there is no state that has a password")
        return ProcessState()
    password = None
    if passwordfile is not None:
        password = passwordTextIn(asPath(passwordfile), "state-passwordfile")
    make = _redisIn if url.partition(":")[0] in SCHEMES else _databaseIn
    try:
        home, name, isRisky = make(url, password, reactor)
        why = _checked(home, name)
    except (ValueError, ImportError) as error:
        raise ValueError(f"state: {error}") from None
    tell = _warn if warn is None else warn
    if isRisky:
        tell(
            f"state: nothing verifies that {name} is the server; anyone on the network "
            "between can let guesses through, and read what processes share"
        )
    if why is not None:
        tell(
            f"state: {name} can't be asked now ({why}); guesses are counted in this "
            "process alone until it can"
        )
    return Fallback(home, ProcessState(), name, reactor)


def _redisIn(
    url: str, password: str | None, reactor: Any
) -> tuple[RedisState, str, bool]:
    """
    Return the home in a Redis server, its name, and whether others can pretend to be it.
    """
    parsed = RedisURL.parse(url, password)
    return RedisState(url, password, reactor=reactor), str(parsed), parsed.isExposed


def _databaseIn(
    url: str, password: str | None, reactor: Any
) -> tuple[SQLState, str, bool]:
    """
    Return the home in a database, its name, and whether others can pretend to be it.
    """
    scheme, isURL, _ = url.partition("://")
    if isURL and scheme.partition("+")[0] not in _DATABASES:
        near = get_close_matches(scheme, _KNOWN, 1)
        meant = (
            f"did you mean {near[0]}?" if near else f"write one of {', '.join(_KNOWN)}"
        )
        raise ValueError(f"there is no {printable(scheme)}; {meant}")
    parsed = DatabaseURL.parse(url, password)
    if parsed.hasPassword:
        raise ValueError("the password is in the URL; write it into a file")
    if parsed.path:
        # twistd may change the directory before the first login.
        parsed = DatabaseURL.ofFile(abspath(parsed.path))
    return SQLState([parsed], reactor=reactor), str(parsed), isExposed(parsed)


def _checked(home: RedisState | SQLState, name: str) -> str | None:
    """
    Return why a home can't be asked now; L{None} if it can.

    @raise ValueError: if it refuses to be one.
    """
    try:
        home.check()
    except OSError as error:
        # That of a database begins with its name.
        return printable(str(error).removeprefix(f"{name}: "))
    return None


def _warn(line: str) -> None:
    """
    Log a warning.
    """
    _log.warn("{line}", line=line)


__all__ = ["openState"]
