"""
Check passwords against an LDAP directory.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.python.failure import Failure

from .._checking._accounts import AccountChecker, errorOf
from .._checking._passwords import refusal
from .._checking._stores import DirectoryStore
from .._contracts import AvatarID, IUsernamePassword
from .._fairqueue import Source
from .._ldap import Directory, ScramUsers, Settings, Usual
from .._peers import sourceOf
from .._secrets import LONGEST, asBytes
from .._types import PasswordCredentials
from .._verdict import Verdict
from ..credentials import IScramCredentials
from ..workers import Workers

_T = TypeVar("_T")


class LDAPChecker(AccountChecker):
    """
    The users who can bind to an LDAP directory, and whom its entries let in.

    The avatar ID is the user's name as the directory spells it.  While the directory
    can't be asked, logins are temporary failures; other checkers beside this one work.

    Where entries hold SCRAM keys, users can log in without sending their password.
    """

    authType = "ldap"

    # As a password policy has it.
    countsRefusals = True

    # Those who can log in by SCRAM, if any can.
    _scram: ScramUsers | None = None

    def __init__(self, settings: Settings, *, workers: Workers | None = None) -> None:
        """
        @param settings: where the directory is, and which of its users are let in
            (L{ldapSettings<mycred.checkers.ldap.ldapSettings>}).
        @param workers: the threads that wait for it, and for nothing else; if L{None},
            six of the reactor that is installed.
        """
        directory = Directory(settings)
        self.store = DirectoryStore(directory, settings.timeout, workers)
        if settings.scram is not None and settings.search is not None:
            self._scram = ScramUsers(directory, settings.search, settings.scram)
            # mypy takes what the class has for all that there can be.
            both = IUsernamePassword, IScramCredentials
            self.credentialInterfaces = both  # type: ignore[assignment]

    def close(self) -> None:
        """
        Close the connections to the directory.
        """
        self.store.directory.close()

    def scramHashes(self) -> Collection[str]:
        """
        Return the hashes for which users have SCRAM keys, as far as that is known: none
        if no attribute holds keys.
        """
        return () if self._scram is None else self._scram.hashes()

    def _checkScram(self, credentials: Any) -> Deferred[AvatarID]:
        """
        Have a client prove by SCRAM that it knows the password.  No thread waits for it.
        """
        users = self._scram
        name, source = asBytes(credentials.username), sourceOf(credentials)
        if users is None or not isPlausibleName(name):
            return fail(refusal(self._implausible))
        asked = name, credentials.hash
        looking = self.store.lookUp(users.lookUp, *asked, source=source)

        def cbLooked(verdict: Verdict) -> Deferred[Verdict] | Failure:
            if verdict.keys is None:
                if isinstance(verdict.secret, Usual):
                    credentials.expect(*verdict.secret)
                return Failure(errorOf(verdict))
            proving: Deferred[None] = credentials.prove(verdict.keys)
            return proving.addCallback(cbProved, verdict.secret)

        def cbProved(_: object, entry: object) -> Deferred[Verdict]:
            return self.store.lookUp(users.admit, name, entry, source=source)

        finding = _endedByCancel(looking).addCallback(cbLooked)
        return finding.addCallback(self._cbVerdict, credentials)

    def _isPlausible(self, name: object, password: object) -> bool:
        """
        Return whether a directory could know such a name, and such a password.
        """
        return isPlausibleName(name) and (
            isinstance(password, bytes)
            and 0 < len(password) <= self.longestPassword
            and b"\0" not in password
        )

    def _stateOf(self, name: bytes, source: Source, avatarId: object) -> bytes:
        """
        Return nothing: the directory shows no passwords.
        """
        return b""

    def _findVerdict(
        self, name: bytes, password: bytes | None, credentials: PasswordCredentials
    ) -> Deferred[Verdict]:
        """
        Have the directory find a verdict.
        """
        find, source = self.store.directory.lookUp, sourceOf(credentials)
        return self.store.lookUp(find, name, password, source=source)


def _endedByCancel(looking: Deferred[_T]) -> Deferred[_T]:
    """
    Return a L{Deferred} with the result of a look-up, that fails if it is cancelled: a
    verdict stands even if the client has gone, for the log, but it can't be asked then.
    """

    def cancel(answer: Deferred[_T]) -> None:
        answer.errback(CancelledError())
        looking.cancel()

    def pass_(result: Any) -> None:
        if not answer.called:
            answer.callback(result)

    answer: Deferred[_T] = Deferred(cancel)
    looking.addBoth(pass_)
    return answer


def isPlausibleName(name: object) -> bool:
    """
    Return whether a directory could know such a name: it is text, and no spaces only,
    which a directory takes for nothing.
    """
    if not isinstance(name, bytes) or len(name) > LONGEST or b"\0" in name:
        return False
    try:
        return bool(name.decode("utf-8").strip())
    except UnicodeDecodeError:
        return False


__all__ = ["LDAPChecker", "isPlausibleName"]
