"""
The auth type C{sql}: the users whom a database knows.
"""

from __future__ import annotations

import sys

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import IScramCredentials, IUsernamePassword
from mycred.strcred import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
)

sqlCheckerFactoryHelp = """
This checker lets in users whom a database knows: PostgreSQL, MariaDB, MySQL, SQLite,
or another that SQLAlchemy has a driver for.  A query of yours finds a user by name,
and returns the name, which must be what the user has typed, and a hash of the
password, as mycred passwd makes it and most programs do.

While the database can't be asked logins are temporary failures.
"""

sqlCheckerFactoryNotes = r"""
A colon in a value is written \: on a command line, and the shell wants that in
quotes; in a file it is written as it is.

Example: --auth=sql:/etc/myapp/accounts.ini with a file of these lines:

[sql]
url = postgresql://myapp@db.example.org/accounts
passwordfile = /etc/myapp/db-password
query = select name, password, disabled from users where name = :username
"""


@implementer(ICheckerFactory, IPlugin)
class SQLCheckerFactory:
    """
    Makes L{SQLChecker<mycred.checkers.sql.SQLChecker>}.

    @cvar errorOutput: the file that a warning is written to.
    """

    authType = "sql"
    # The options aren't imported just to list auth types.
    argStringFormat = "FILE or url=URL:query=FILE[:passwordfile=FILE]..."
    credentialInterfaces = (IUsernamePassword, IScramCredentials)

    errorOutput = sys.stderr

    @property
    def authHelp(self) -> str:
        """
        The help, with what each option means.
        """
        from mycred.checkers.sql import sqlOptions

        return sqlOptions.help(sqlCheckerFactoryHelp, sqlCheckerFactoryNotes)

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Return a checker for a database.

        @param argstring: where it is, and how users are found.

        @raise InvalidAuthArgumentString: if an option is unknown, missing, wrong, or
            can't take effect, if a library is missing, or if the database refuses this
            program or the statements.
        """
        from mycred.checkers.sql import SQLChecker, readSettings

        settings = readSettings(argstring)
        for url in settings.exposed:
            self.errorOutput.write(
                f"Warning: --auth=sql: nothing verifies that {url} is the database; "
                "anyone on the network between can read hashes, or let themselves in\n"
            )
        checker = SQLChecker(settings)
        try:
            for why in checker.check():
                self.errorOutput.write(
                    "Warning: --auth=sql: one of the servers can't be asked now "
                    f"({why}); the others are\n"
                )
        except ValueError as error:
            raise InvalidAuthArgumentString(str(error)) from None
        except OSError as error:
            self.errorOutput.write(
                f"Warning: --auth=sql: the database can't be asked now ({error}); logins "
                "are temporary failures until it can be\n"
            )
        return checker


theSQLCheckerFactory = SQLCheckerFactory()
