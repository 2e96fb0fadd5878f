"""
From the URL of shared state to what keeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from twisted.logger import Logger

from .._paths import AnyPath, asPath
from .._secrets import printable
from .._settingsfile import passwordTextIn
from ._fallback import Fallback
from ._interface import ISharedState
from ._process import ProcessState
from ._redis import RedisState
from ._redisurl import SCHEMES, RedisURL

_log = Logger()

# The schemes of databases, for advice only: SQLAlchemy knows more.
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
    """
    if url is None:
        if passwordfile is not None:
            raise ValueError("state-passwordfile: there is no state that has a password")
        return ProcessState()
    scheme = url.partition(":")[0]
    password = None
    if passwordfile is not None:
        password = passwordTextIn(asPath(passwordfile), "state-passwordfile")
    try:
        home: Any = (_redis if scheme in SCHEMES else _database)(url, password, reactor)
        problems = [*home.check()]
    except (ValueError, ImportError) as error:
        raise ValueError(f"state: {error}") from None
    except OSError as error:
        problems = [
            f"{home.name} can't be asked now ({printable(str(error))}); guesses are "
            "counted in this process alone until it can"
        ]
    for problem in (*home.risks, *problems):
        (_warn if warn is None else warn)(f"state: {problem}")
    return Fallback(home, ProcessState(), home.name, reactor)
