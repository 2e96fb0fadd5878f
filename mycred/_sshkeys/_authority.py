"""
Decide whether a key opens an account, and what may be done with it.

The order is sshd's: revoked keys, the user's files, trusted authorities.
"""

from __future__ import annotations

import errno
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar, Union

from .._accounts import SystemUsers, Users, isAccountName, madeUp
from .._accounts._users import User
from .._secrets import printable
from .._verdict import Account, Doubt, Kind, Note, Verdict
from ..error import DenialReason
from ._authorizedkeys import Skip, authoritiesIn, linesWith, optionsIn, principalsIn
from ._budget import Limit, TooMuch
from ._certificate import Certificate, Offer, signingKeyOf
from ._evidence import KeyEvidence
from ._groupmemory import GroupMemory
from ._keyfiles import KeyFiles, ListFile, expand
from ._options import BadOption, KeyOptions
from ._policy import KeyPolicy
from ._request import Request
from ._revoked import Revoked
from ._strictmodes import AsUser, UnsafeFile, readSafely, withOwnRights
from ._wire import UnusableKey

_T = TypeVar("_T")

# What isn't there, or can't be read later either.
_DEFINITE = {
    errno.EACCES,
    errno.EINVAL,  # no regular file
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ENXIO,
    errno.EPERM,
}

# So many notes are kept until they are taken, so much of each, and of so many lines.
_MOST_NOTES, _LONGEST_NOTE, _MOST_TOLD = 100, 200, 20


# Returns why an account may not be used; None if it may.
Denial = Callable[[Account, list[Doubt]], Union[tuple[DenialReason, str], None]]


class Authority:
    """
    What decides whether a key opens an account.

    Its methods wait for the file system and the name service, and may be called in any
    thread.
    """

    def __init__(
        self,
        files: KeyFiles = KeyFiles(),  # noqa: B008
        users: Users | None = None,
        *,
        policy: KeyPolicy = KeyPolicy(),  # noqa: B008
        denial: Denial | None = None,
        asUser: AsUser = withOwnRights,
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        @param files: where keys are.
        @param users: where users are looked up; those of the system if L{None}.
        @param policy: which signatures count.
        @param denial: returns why an account may not be used, as L{AccountStatus.denial}
            does; if L{None}, any account may.
        @param asUser: what lets files be opened with the rights of a user.
        @param now: what tells the time, in seconds since 1970.
        """
        self._files = files
        self._users = SystemUsers() if users is None else users
        self._groups = GroupMemory(self._users)
        self._policy = policy
        self._denial = denial
        self._asUser = asUser
        self._now = now
        self._notes: deque[Note] = deque(maxlen=_MOST_NOTES)
        self._ca = self._listFile(files.ca, authoritiesIn)
        self._revoked = self._listFile(files.revoked, Revoked.parse)

    def lookUp(self, name: bytes, offer: Offer, peer: str | None) -> Verdict:
        """
        Look a key up.

        @param name: the name of the user.
        @param offer: the key or the certificate.
        @param peer: the address of the client; L{None} if it isn't known.

        @return: a verdict, with the L{KeyEvidence} in its C{key} if it accepts.  Any may
            be in doubt, also one that accepts.  A refusal with an account isn't final:
            the key may be authorized from elsewhere.  The account may be made up, so
            that the look-up there takes as long for a name that no account has.

        @raise OSError: if it can't be found out.
        """
        return _withDoubt(name, lambda doubts: self._lookUp(name, offer, peer, doubts))

    def judgeAccount(self, name: bytes, evidence: KeyEvidence | None = None) -> Verdict:
        """
        Judge whether an account may be used whose key is right.

        @param name: the name of the user.
        @param evidence: what is known of the key.

        @return: a verdict, with the evidence; it may be in doubt.

        @raise OSError: if it can't be found out.
        """
        user = self._users.find(name).user if isAccountName(name) else None
        if user is None:
            return Verdict(Kind.REFUSED, name, "there is no such account")
        asked = user, evidence
        return _withDoubt(name, lambda doubts: self._judgeAccount(*asked, doubts))

    def checkRevoked(self, verdict: Verdict, offer: Offer) -> Verdict:
        """
        Hold a key that a program knows as the user's against those that are revoked.

        @param verdict: the verdict if it isn't one of them.
        @param offer: the key.

        @return: a verdict; it may be in doubt.
        """
        return _withDoubt(
            verdict.name,
            lambda doubts: self._refusalIfRevoked(offer, verdict.name, doubts) or verdict,
        )

    def _lookUp(
        self, name: bytes, offer: Offer, peer: str | None, doubts: list[Doubt]
    ) -> Verdict:
        """
        Look a key up.

        @param doubts: gets the state of each file that may have been half-written.
        """
        user = self._users.find(name).user if isAccountName(name) else None
        known = name if user is None else user.name
        # First, and whatever the name: a revoked key tells nothing of names.
        if self._revoked is not None:
            refused = self._refusalIfRevoked(offer, known, doubts)
            if refused is not None:
                return refused
        if user is None:
            account = madeUp(name) if isAccountName(name) else None
            why = "there is no such account"
            return Verdict(Kind.REFUSED, name, why, account=account)
        account = user.account
        failed: OSError | None = None
        evidence = None
        request = self._request(offer, account, peer)
        for pattern in self._files.files:
            try:
                evidence = self._findInFile(expand(pattern, account), request)
            except OSError as error:
                failed = error
            if evidence is not None:
                break
        if evidence is None and request.certificate is not None:
            evidence = self._findAuthority(request.certificate, request, doubts)
        if evidence is not None:
            return self._judgeAccount(user, evidence, doubts)
        if failed is not None:
            return Verdict(Kind.UNSURE, user.name, str(failed))
        why = "no line authorizes the key"
        return Verdict(Kind.REFUSED, user.name, why, account=account)

    def _refusalIfRevoked(
        self, offer: Offer, name: bytes, doubts: list[Doubt]
    ) -> Verdict | None:
        """
        Return the verdict on a key that is revoked, or may be; L{None} if it isn't.
        """
        try:
            if self._isRevoked(offer, doubts):
                return Verdict(Kind.REFUSED, name, "the key is revoked")
        except OSError as error:
            why = f"{self._files.revoked} can't be read, so that no key counts: {error}"
            return Verdict(Kind.UNSURE, name, why)
        return None

    def _isRevoked(self, offer: Offer, doubts: list[Doubt]) -> bool:
        """
        Return whether a key is revoked.

        @raise OSError: if it can't be found out.
        """
        if not self._revoked:
            return False
        listed = self._revoked.read()
        doubts.append(listed.doubt)
        if listed.value is None:
            raise OSError(listed.flaw)
        return offer in listed.value

    def _judgeAccount(
        self, user: User, evidence: KeyEvidence | None, doubts: list[Doubt]
    ) -> Verdict:
        """
        Judge whether an account may be used whose key is right.
        """
        name, account = user.name, user.account
        groups = self._groups.groupsOf(account)
        # Quicker than to replace two values.
        text, uid, gid, home, shell, _, _ = account
        account = Account(text, uid, gid, home, shell, groups.names, groups.gids)
        denied = self._denial(account, doubts) if self._denial else None
        if denied is not None:
            reason, why = denied
            return Verdict(Kind.DENIED, name, why, reason, key=evidence)
        return Verdict(Kind.ACCEPTED, name, account=account, key=evidence)

    def lookUpInText(
        self, text: bytes, path: str, offer: Offer, account: Account, peer: str | None
    ) -> KeyEvidence | None:
        """
        Return what a text of authorized_keys says of a key.

        @param text: the text.
        @param path: what to call it.

        @return: the evidence; L{None} if no line authorizes the key.
        """
        return self._findInText(text, path, self._request(offer, account, peer))

    def takeNotes(self) -> Iterator[Note]:
        """
        Take what the log should be told.
        """
        while self._notes:
            yield self._notes.popleft()

    def _listFile(
        self, path: str | None, parse: Callable[[bytes, Skip], _T]
    ) -> ListFile[_T] | None:
        """
        Return a file of the administrator's; L{None} if there is none.
        """
        if not path:
            return None
        return ListFile(path, parse, lambda line, why: self._note(path, line, why))

    def _request(self, offer: Offer, account: Account, peer: str | None) -> Request:
        """
        Return the request to log in to an account.
        """
        return Request(offer, account, peer, self._policy.certifying, self._now())

    def _findInFile(self, path: str, request: Request) -> KeyEvidence | None:
        """
        Return what a file of a user says of a key; L{None} if no line authorizes it.

        @raise OSError: if it can't be read now, and perhaps later.
        """
        text = self._readAs(request.account, path)
        return None if text is None else self._findInText(text, path, request)

    def _findInText(self, text: bytes, path: str, request: Request) -> KeyEvidence | None:
        """
        Return what a text says of a key; L{None} if no line authorizes it.
        """
        wanted, budget = request.wanted, request.budget
        try:
            for line in linesWith(text, wanted.blob, wanted.base64, budget):
                try:
                    options = optionsIn(line, budget)
                    if options.isAuthority != (request.certificate is not None):
                        continue
                    options = request.permittedBy(options)
                except (BadOption, UnusableKey) as error:
                    self._noteLine(path, line.number, error, request)
                else:
                    return _evidence(request.offer, options, path, line.number)
        except TooMuch as error:
            self._note(path, None, str(error))
        return None

    def _readAs(self, account: Account, path: str) -> bytes | None:
        """
        Return what a file of a user holds; L{None} if there is none, or it doesn't count.

        @raise OSError: if it can't be read now, and perhaps later.
        """
        with self._asUser(self._users, account):
            try:
                return readSafely(path, account, self._files.isStrict)
            except UnsafeFile as error:
                self._note(path, None, f"ignored, since {error}")
            except OSError as error:
                if error.errno not in _DEFINITE:
                    raise
                if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                    self._note(path, None, f"ignored: {error.strerror}")
        return None

    def _findAuthority(
        self, certificate: Certificate, request: Request, doubts: list[Doubt]
    ) -> KeyEvidence | None:
        """
        Return what is known of a certificate by a trusted authority; L{None} if it is by
        none, or doesn't count.

        @raise OSError: if it can't be found out.
        """
        if not self._ca:
            return None
        path = str(self._files.ca)
        listed = self._ca.read()
        doubts.append(listed.doubt)
        if listed.value is None:
            raise OSError(f"{path}: {listed.flaw}")
        if certificate.authority.blob not in listed.value.blobs:
            if listed.value.flaw:
                raise OSError(f"{path}: {listed.value.flaw}")
            return None
        try:
            # First: only who holds a good certificate may have a file read.
            request.saidBy(certificate)
            options, where = self._principal(certificate, request, doubts)
            options = request.permittedBy(options)
        except (BadOption, TooMuch, UnusableKey) as error:
            # It may be as long as a client likes.
            id = certificate.id[:_LONGEST_NOTE]
            self._note(path, None, f"{error} (the certificate {id!r})")
            return None
        return _evidence(certificate, options, *(where or (path, None)))

    def _principal(
        self, certificate: Certificate, request: Request, doubts: list[Doubt]
    ) -> tuple[KeyOptions, tuple[str, int] | None]:
        """
        Return what is said of the principal by which a certificate is for a user.

        @return: options that must permit the login, too, and the path and the number of
            the line where they stand; L{None} for these if they stand nowhere.

        @raise UnusableKey: if it isn't.
        """
        if self._files.principals is None:
            request.insistOnName(certificate)
            # Nothing that the certificate permits is withheld.
            return KeyOptions(touchRequired=False), None
        path = expand(self._files.principals, request.account)
        names = frozenset(certificate.principals)
        try:
            return self._principalIn(path, names, request, doubts)
        except TooMuch as error:
            raise UnusableKey(f"{path}: {error}") from None

    def _principalIn(
        self,
        path: str,
        names: frozenset[str],
        request: Request,
        doubts: list[Doubt],
    ) -> tuple[KeyOptions, tuple[str, int]]:
        """
        Return the options of one of some names in a file of principals, with the path and
        the number of the line.

        @raise UnusableKey: if there is none.
        @raise TooMuch: if there is too much to look at.
        """
        text = self._readAs(request.account, path) or b""
        for line in principalsIn(text, request.budget):
            if line.name not in names:
                continue
            if line.number > text.count(b"\n"):
                # Half a line may be the whole name of another principal.
                doubts.append((path, hash(text)))
            try:
                request.budget.spend(Limit.LINES)
                options = optionsIn(line, request.budget)
            except BadOption as error:
                self._noteLine(path, line.number, error, request)
                continue
            # As for sshd: the first line that can be parsed decides.
            if options.isAuthority or options.principals is not None:
                raise BadOption(f"{path}:{line.number}: an option has no place there")
            return options, (path, line.number)
        raise UnusableKey(f"it is for no principal that {path} names")

    def _noteLine(self, path: str, line: int, error: Exception, request: Request) -> None:
        """
        Note why a line doesn't count, unless that was noted of many.
        """
        request.told += 1
        if request.told <= _MOST_TOLD:
            self._note(path, line, str(error))

    def _note(self, path: str, line: int | None, why: str) -> None:
        """
        Note why a file or a line doesn't count.
        """
        where = path if line is None else f"{path}:{line}"
        # What a user or a client has written may be of any length.
        values = {"where": printable(where), "why": printable(why[:_LONGEST_NOTE])}
        self._notes.append(Note("{where}: {why}", values))


def _withDoubt(name: bytes, lookUp: Callable[[list[Doubt]], Verdict]) -> Verdict:
    """
    Return a verdict that says for which files it is in doubt.

    @param name: the name that is looked up.
    @param lookUp: returns the verdict, and adds the states of these files to a list.

    @raise OSError: from C{lookUp}, if there is no doubt.
    """
    doubts: list[Doubt] = []
    try:
        verdict = lookUp(doubts)
    except OSError as error:
        if not any(doubts):
            raise
        verdict = Verdict(Kind.UNSURE, name, str(error))
    inDoubt = tuple(filter(None, doubts))
    return replace(verdict, doubt=inDoubt) if inDoubt else verdict


def _evidence(
    offer: Offer, options: KeyOptions, path: str, line: int | None
) -> KeyEvidence:
    """
    Return what is known of a key.
    """
    key = signingKeyOf(offer)
    evidence = KeyEvidence(key.type.decode("ascii"), key.fingerprint, options, path, line)
    if isinstance(offer, Certificate):
        evidence = evidence._replace(
            certificateId=offer.id,
            serial=offer.serial,
            authority=offer.authority.fingerprint,
        )
    return evidence


__all__ = ["Authority"]
