"""
Databases, as threads see them: statements with bound values, answered by a deadline
whatever the server does.

SQLite comes with Python; other databases take SQLAlchemy, which knows their drivers.
"""

from ._database import Database
from ._drivers import driverFor
from ._errors import BadRow, BadStatement, BadValue, OutcomeUnknown, Refused
from ._statement import parametersIn, returnsAsName
from ._transaction import Result, Transaction
from ._url import DatabaseURL

__all__ = [
    "BadRow",
    "BadStatement",
    "BadValue",
    "Database",
    "DatabaseURL",
    "OutcomeUnknown",
    "Refused",
    "Result",
    "Transaction",
    "driverFor",
    "parametersIn",
    "returnsAsName",
]
