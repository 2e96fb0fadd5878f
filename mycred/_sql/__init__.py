"""
Logins against a database of accounts: a query of the site's own finds the user.

L{Accounts.lookUp} does it, and waits for the database: it is called in threads.
"""

from ._accounts import Accounts
from ._configuration import readSettings, sqlSettings
from ._options import OPTIONS
from ._settings import Settings

__all__ = ["OPTIONS", "Accounts", "Settings", "readSettings", "sqlSettings"]
