"""
A checker with a store of its own: C{diary/cred.py} of a small application.

The accounts are in an SQL database, the passwords hashed with scrypt.
"""

from __future__ import annotations

import sqlite3
from hashlib import scrypt
from hmac import compare_digest
from secrets import token_bytes
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from mycred.checkers import ICredentialsChecker
from mycred.credentials import IUsernamePassword
from mycred.error import AccountDenied, DenialReason, TemporaryFailure, UnauthorizedLogin

SCHEMA = """
create table accounts (
    name blob primary key, salt blob not null, hash blob not null,
    disabled integer not null default 0
)
"""


def hashOf(password: bytes, salt: bytes) -> bytes:
    """
    Hash a password.
    """
    return scrypt(password, salt=salt, n=2**14, r=8, p=1)


def addUser(connection: sqlite3.Connection, name: bytes, password: bytes) -> None:
    """
    Add an account.
    """
    salt = token_bytes(16)
    connection.execute(
        "insert into accounts (name, salt, hash) values (?, ?, ?)",
        (name, salt, hashOf(password, salt)),
    )


# What stands in for an unknown user: a hash of no password at all.
_NOBODY = (None, token_bytes(16), token_bytes(64), 0)


@implementer(ICredentialsChecker)
class SpecialChecker:
    """
    Check passwords against the table C{accounts}.
    """

    credentialInterfaces = (IUsernamePassword,)

    _log = Logger()
    _longest = 1024

    def __init__(self, pool: Any, mostAtATime: int = 100) -> None:
        """
        @param pool: a L{twisted.enterprise.adbapi.ConnectionPool}, in whose
            threads the database is asked and the hash is verified.
        @param mostAtATime: how many logins may be under way.
        """
        self._pool = pool
        self._mostAtATime = mostAtATime
        self._underWay = 0

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """
        Check a password.

        @param credentials: a provider of L{IUsernamePassword}.

        @return: a L{Deferred} that fires with the name as the table has it.
        """
        typed = [_asBytes(credentials.username), _asBytes(credentials.password)]
        if any(b"\0" in text or not 0 < len(text) <= self._longest for text in typed):
            return fail(UnauthorizedLogin())
        if self._underWay >= self._mostAtATime:
            return fail(TemporaryFailure("too many logins at a time"))
        self._underWay += 1
        checking: Deferred[Any] = self._pool.runInteraction(_check, *typed)
        checking.addBoth(self._cbDone)
        checking.addCallbacks(self._cbChecked, self._ebStore)
        if isinstance(credentials.username, str):
            # FTP and IRC hand over text, and want the answer in kind.
            checking.addCallback(bytes.decode)
        return checking

    def _cbDone(self, result: Any) -> Any:
        """
        Make room for another login.
        """
        self._underWay -= 1
        return result

    def _cbChecked(self, found: tuple[bytes, bool, bool]) -> bytes:
        """
        Turn what was found into an answer.
        """
        name, matched, disabled = found
        if not matched:
            raise UnauthorizedLogin()
        if disabled:
            raise AccountDenied(DenialReason.DISABLED)
        return name

    def _ebStore(self, failure: Failure) -> None:
        """
        Tell a database that is down from a wrong password.
        """
        failure.trap(sqlite3.Error)
        self._log.error("The accounts can't be read: {error}", error=failure.value)
        raise TemporaryFailure("the accounts can't be read")


def _check(transaction: Any, name: bytes, password: bytes) -> tuple[Any, bool, bool]:
    """
    Look an account up and verify its password, in a thread.
    """
    transaction.execute(
        "select name, salt, hash, disabled from accounts where name = ?", (name,)
    )
    known, salt, stored, disabled = transaction.fetchone() or _NOBODY
    return known, compare_digest(hashOf(password, salt), stored), bool(disabled)


def _asBytes(text: str | bytes) -> bytes:
    """
    Encode text.
    """
    return text.encode("utf-8", "replace") if isinstance(text, str) else text
