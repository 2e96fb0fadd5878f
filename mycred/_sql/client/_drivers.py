"""
Which driver a database has.
"""

from __future__ import annotations

from ._alchemy import AlchemyDriver
from ._driver import Driver
from ._sqlite import SQLiteDriver
from ._url import DatabaseURL


def driverFor(url: DatabaseURL) -> Driver:
    """
    Return the driver for a database.
    """
    return SQLiteDriver(url) if url.dialect == "sqlite" else AlchemyDriver(url)


__all__ = ["driverFor"]
