"""
Databases, as threads see them: statements with bound values, answered by a deadline
whatever the server does.  L{Accounts} are those of users who log in.

SQLite comes with Python; other databases take SQLAlchemy, which knows their drivers.
"""

from ._accounts import Accounts
from ._configuration import readSettings, sqlSettings
from ._database import Database
from ._drivers import connect
from ._errors import BadStatement, BadValue, OutcomeUnknown, Refused
from ._options import OPTIONS
from ._settings import Settings
from ._statement import parametersIn
from ._transaction import Result, Transaction
from ._url import DatabaseURL

__all__ = [
    "OPTIONS",
    "Accounts",
    "BadStatement",
    "BadValue",
    "Database",
    "DatabaseURL",
    "OutcomeUnknown",
    "Refused",
    "Result",
    "Settings",
    "Transaction",
    "connect",
    "parametersIn",
    "readSettings",
    "sqlSettings",
]
