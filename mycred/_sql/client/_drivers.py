"""
Which driver a database has.
"""

from __future__ import annotations

from typing import cast

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


__all__ = ["driverFor"]
