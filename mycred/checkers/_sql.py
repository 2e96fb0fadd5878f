"""
Check passwords against a database of accounts.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from .._checking._accounts import avatarIdOf
from .._checking._lookups import LookUps
from .._checking._passwords import Answer, PasswordChecker, asTyped, errorOf
from .._checking._stores import DirectoryStore
from .._contracts import AvatarID
from .._failover import Fault, Unsure
from .._fairqueue import Source
from .._scram import HASHES
from .._secrets import asBytes
from .._sql import Accounts, Settings
from .._sql.client import Refused
from .._types import Credentials, PasswordCredentials
from .._verdict import Kind, Verdict
from ..workers import Workers
from ._hashupgrades import HashUpgrades


class SQLChecker(PasswordChecker):
    """
    The users whom a database knows, by a query of the site's own.

    The avatar ID is the user's name as the database spells it, which must be what the
    user has typed.  Where the query brings a uid and the like,
    L{accountOf<mycred.checkers.accountOf>} returns them.  While the database can't be
    asked, logins are temporary failures; other checkers beside this one work.

    Where rows hold SCRAM keys, users can log in without sending their password.
    """

    authType = "sql"

    def __init__(
        self,
        settings: Settings,
        *,
        workers: Workers | None = None,
        databaseWorkers: Workers | None = None,
    ) -> None:
        """
        @param settings: where the database is, and how users are found
            (L{sqlSettings<mycred.checkers.sql.sqlSettings>}).
        @param workers: where hashes are verified; the reactor's own if L{None}.
        @param databaseWorkers: the threads that wait for the database, and for nothing
            else; if L{None}, as many of the reactor that is installed as there are
            connections.

        @raise ImportError: if a library is missing.
        """
        self.workers = workers
        self._settings = settings
        self.store = DirectoryStore(
            Accounts(settings),
            settings.timeout,
            databaseWorkers,
            threads=settings.connections,
            path="the database",
        )
        self._upgrades = None
        if settings.update is not None:
            self._upgrades = HashUpgrades(self.store, settings.timeout)

    @property
    def opensLater(self) -> tuple[str, ...]:
        """
        The paths of the files that are opened at logins: those of SQLite.
        """
        return tuple(url.path for url in self._settings.urls if url.path)

    def check(self) -> tuple[str, ...]:
        """
        Have the database execute the statements for a user whom nobody is, at once and in
        the caller's thread.  Unless that is done it happens at the first login.

        @return: of several servers, why some can't be asked now.

        @raise ValueError: if it refuses them, or this program; or if what they do can't
            be used.
        @raise OSError: if it can't be asked now.
        """
        try:
            return self._accounts.check(time.monotonic() + self._settings.timeout)
        except Refused as error:
            advice = "; write its password into a file, and passwordfile=FILE"
            isLacking = "password" in str(error) and self._settings.lackPasswords
            raise ValueError(f"url: {error}{advice * isLacking}") from None
        except Unsure as error:
            raise ValueError(str(error)) from None
        except Fault as error:
            raise OSError(str(error)) from None

    def close(self) -> None:
        """
        Close the connections to the database.
        """
        self._accounts.close()

    def scramHashes(self) -> Collection[str]:
        """
        Return the hashes for which users have SCRAM keys who were looked up lately; as
        long as there are none, all, if the query brings keys.
        """
        known = super().scramHashes()
        return known or (tuple(HASHES) if self._accounts.haveKeys else ())

    @property
    def _accounts(self) -> Accounts:
        """
        The accounts.
        """
        return self.store.directory

    def _makeLookUps(self) -> LookUps:
        """
        Make the look-ups, which wait for the database in threads of its own.
        """
        return LookUps(self, self._findUser, upgrades=self._upgrades is not None)

    def _findUser(self, name: bytes, source: Source) -> Deferred[object]:
        """
        Have the database find a user.
        """
        looking = self.store.lookUp(self._accounts.lookUp, name, source=source)
        return looking.addCallback(_cbFound)

    def _spelled(self, name: bytes) -> bytes:
        """
        Return a name as the database would spell it.
        """
        try:
            return asBytes(self._settings.names.asked(name.decode("utf-8")))
        except UnicodeDecodeError:
            # No user has such a name.
            return name

    def _avatarId(self, verdict: Verdict, credentials: Credentials) -> AvatarID:
        """
        Return the avatar ID of a user, with what is known of the account.
        """
        if verdict.sqlAccount is None:
            return asTyped(verdict.name, credentials)
        return avatarIdOf(verdict, credentials)

    def _cbVerdict(self, verdict: Verdict, credentials: PasswordCredentials) -> Answer:
        """
        Conclude from a verdict.  If the login is accepted by an outdated hash, have that
        replaced.
        """
        answer = super()._cbVerdict(verdict, credentials)
        if verdict.outdated is None:
            return answer
        if isinstance(answer, Deferred):
            return answer.addCallback(self._cbAccepted, verdict, credentials)
        isRefused = isinstance(answer, Failure)
        return answer if isRefused else self._cbAccepted(answer, verdict, credentials)

    def _cbAccepted(self, avatarId: Any, verdict: Verdict, credentials: Any) -> Any:
        """
        Begin to replace the hash by which a login was accepted.
        """
        typed, old = self._typedIn(credentials), verdict.outdated
        if self._upgrades is not None and typed is not None and old is not None:
            password, workers = asBytes(typed.password), self._lookUps().workers
            self._upgrades.begin(verdict.name, password, old, workers)
        return avatarId


def _cbFound(verdict: Verdict) -> object:
    """
    Return what a look-up in the database has found.
    """
    if verdict.kind is Kind.UNSURE:
        raise errorOf(verdict)
    return verdict.secret


__all__ = ["SQLChecker"]
