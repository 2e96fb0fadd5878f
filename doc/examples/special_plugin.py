"""
The auth type C{special}: accounts in an SQLite database.

The file is C{twisted/plugins/diary_plugins.py} of its distribution.
"""

from urllib.parse import quote

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import IUsernamePassword
from mycred.strcred import (
    ICheckerFactory,
    ICredentialsChecker,
    Option,
    Options,
    integerBetween,
    readableFile,
)

options = Options(
    Option(
        "database",
        readableFile,
        "FILE",
        "The database.",
        required=True,
        positional=True,
    ),
    Option(
        "threads",
        integerBetween(1, 99, "a number from 1 to 99"),
        "N",
        "How many logins are checked at a time, 2 if not given.",
        default=2,
    ),
)


@implementer(ICheckerFactory, IPlugin)
class SpecialCheckerFactory:
    """
    Makes a C{SpecialChecker}.
    """

    # What is written on the command line.
    authType = "special"

    # One line, for --help-auth.
    argStringFormat = options.format

    # As many lines as it takes, for --help-auth-type.
    authHelp = options.help(
        'This lets in the users in an SQLite database, in the table "accounts".',
        "Example: --auth=special:/var/lib/diary/accounts.sqlite:threads=4",
    )

    # What the checkers check; programs that have no use for it don't list the type.
    credentialInterfaces = (IUsernamePassword,)

    def generateChecker(self, argstring: str = "") -> ICredentialsChecker:
        """
        Return a checker.

        @param argstring: what follows C{special:} on the command line.
        """
        given = options.parse(argstring)
        from diary.cred import SpecialChecker

        from twisted.enterprise.adbapi import ConnectionPool

        pool = ConnectionPool(
            "sqlite3",
            f"file:{quote(given['database'])}?mode=ro",
            uri=True,
            check_same_thread=False,
            cp_min=1,
            cp_max=given["threads"],
        )
        checker: ICredentialsChecker = SpecialChecker(pool)
        return checker


theSpecialCheckerFactory = SpecialCheckerFactory()
