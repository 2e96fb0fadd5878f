"""
The auth type C{special}: accounts in an SQLite database.

The file is C{mycred/plugins/diary_plugins.py} of its distribution, or
C{twisted/plugins/diary_plugins.py}.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import IUsernamePassword
from mycred.strcred import ICheckerFactory, parseArgString


def existingFile(text: str) -> str:
    """
    Read the name of a file that there is.
    """
    if not os.path.isfile(text):
        raise ValueError("there is no such file")
    return os.path.abspath(text)


def smallNumber(text: str) -> int:
    """
    Read a number from 1 to 99.
    """
    if not (text.isdecimal() and 1 <= int(text) <= 99):
        raise ValueError("write a number from 1 to 99")
    return int(text)


@implementer(ICheckerFactory, IPlugin)
class SpecialCheckerFactory:
    """
    Makes a C{SpecialChecker}.
    """

    # What is written on the command line.
    authType = "special"

    # One line, for --help-auth.
    argStringFormat = "The name of a database, and threads=NUMBER if need be."

    # As many lines as it takes, for --help-auth-type.
    authHelp = """
    Accounts in an SQLite database, in the table "accounts".

    database=FILE    the database; "database=" may be left out
    threads=NUMBER   how many logins are checked at a time, 2 if not given

    Example: --auth=special:/var/lib/diary/accounts.sqlite:threads=4
    """

    # What the checkers check; programs that have no use for it don't list the type.
    credentialInterfaces = (IUsernamePassword,)

    def generateChecker(self, argstring: str = "") -> Any:
        """
        Make a checker.

        @param argstring: what follows C{special:} on the command line.
        """
        options = parseArgString(
            argstring,
            {"database": existingFile, "threads": smallNumber},
            positional=("database",),
            required=("database",),
        )
        from diary.cred import SpecialChecker

        from twisted.enterprise.adbapi import ConnectionPool

        pool = ConnectionPool(
            "sqlite3",
            f"file:{quote(options['database'])}?mode=ro",
            uri=True,
            check_same_thread=False,
            cp_min=1,
            cp_max=options.get("threads", 2),
        )
        return SpecialChecker(pool)


theSpecialCheckerFactory = SpecialCheckerFactory()
