"""
A checker whose accounts are in an SQLite database.
"""

from __future__ import annotations

from zope.interface import implementer

from mycred.checkers import ICredentialsChecker
from mycred.credentials import IUsernamePassword
from mycred.error import (
    AccountDenied,
    DenialReason,
    TemporaryFailure,
    UnauthorizedLogin,
)

# What stands in for the secret of somebody whom the store doesn't know.
NOBODY = b"", b"\0", False


@implementer(ICredentialsChecker)
class DatabaseChecker:
    """
    Check passwords against the rows of a table C{accounts (name, secret, locked)}.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, pool):
        """
        @param pool: a L{twisted.enterprise.adbapi.ConnectionPool}, so that the
            reactor never waits.
        """
        self.pool = pool

    def requestAvatarId(self, credentials):
        """
        Name the avatar as the store spells it.
        """
        looking = self.pool.runQuery(
            "select name, secret, locked from accounts where name = ?",
            (credentials.username,),
        )
        return looking.addCallbacks(
            self._cbRows, self._ebStore, callbackArgs=(credentials,)
        )

    def _cbRows(self, rows, credentials):
        name, secret, locked = rows[0] if rows else NOBODY
        # Checked for an unknown user too: both answers take the same time.
        matched = credentials.checkPassword(secret)
        if not (rows and secret and matched):
            raise UnauthorizedLogin
        if locked:
            raise AccountDenied(DenialReason.LOCKED)
        return name

    def _ebStore(self, failure):
        raise TemporaryFailure("the accounts can't be read")
