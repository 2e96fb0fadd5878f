"""
Which driver a database has.
"""

from __future__ import annotations

from typing import Any, cast

from ._alchemy import AlchemyDriver
from ._driver import Driver
from ._sqlite import SQLiteDriver
from ._url import DatabaseURL


def driverFor(url: DatabaseURL) -> Driver:
    """
    Return the driver for a database.
    """
    kind = SQLiteDriver if url.dialect == "sqlite" else AlchemyDriver
    return cast(Driver, kind(url))


def connect(url: DatabaseURL, seconds: float) -> Any:
    """
    Return a new connection of a driver's own, for what only that driver can do.  It has
    no deadlines.

    @param seconds: how long that may take; not all drivers know how to keep to that.

    @raise Fault: if that can't be done.
    """
    return driverFor(url).connect(seconds)


__all__ = ["connect", "driverFor"]
