"""
Tell whether a key opens an account, and what may be done with it.

The order is sshd's: revoked keys, the user's files, trusted authorities.
"""

from __future__ import annotations

import errno
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Union

from .._accounts import (
    Account,
    Doubt,
    Kind,
    Rules,
    Standing,
    SystemUsers,
    Users,
    Verdict,
    isAccountName,
)
from .._notes import Note
from .._secrets import printable
from ..error import DenialReason
from ._certificate import Certificate, Offer, keyOf
from ._evidence import KeyEvidence
from ._keyfiles import Kept, KeyFiles, expand
from ._lines import keysIn, linesWith, optionsIn, principalsIn
from ._opening import AsUser, UnsafeFile, asNobodyElse, readSafely
from ._options import BadOption, KeyOptions, fromCertificate, merge
from ._policy import KeyPolicy
from ._revoked import Revoked
from ._sources import BadPattern, isAmong, isInside
from ._wire import UnusableKey

# A key that stands in more lines of a file than these is looked for no further.
_MOST_LINES = 1000

# What isn't there, or can't be had by anybody who tries again later.
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

# So much is noted until somebody takes it, and so much of each.
_MOST_NOTES, _LONGEST_NOTE = 100, 200


# What tells why an account may not be used.
Denial = Callable[[Account, list[Doubt]], Union[tuple[DenialReason, str], None]]


class Authority:
    """
    What tells whether a key opens an account.

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
        asUser: AsUser = asNobodyElse,
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        @param files: where keys are.
        @param users: who the users are; those of the system if L{None}.
        @param policy: which signatures count.
        @param denial: tell why an account may not be used, as L{Standing.denial} does;
            any may if L{None}.
        @param asUser: what lets files be opened with the rights of a user.
        @param now: what tells the time, in seconds since 1970.
        """
        self._files = files
        self._users = SystemUsers() if users is None else users
        self._policy = policy
        self._denial = denial
        self._asUser = asUser
        self._now = now
        self._notes: deque[Note] = deque(maxlen=_MOST_NOTES)
        self._ca = files.ca and Kept(files.ca, keysIn)
        self._revoked = files.revoked and Kept(files.revoked, Revoked.parse)

    def look(self, name: bytes, offer: Offer, peer: str | None) -> Verdict:
        """
        Look for a key.

        @param name: the name of the user.
        @param offer: the key or the certificate.
        @param peer: the address of the client, if it is known.

        @return: a verdict, with the L{KeyEvidence} in its C{key} if it is a good one; it
            may be in doubt, also a good one.  A refusal that has an account is no last
            word: a key may be authorized from elsewhere.

        @raise OSError: if it can't be found out.
        """
        return _inDoubt(name, lambda doubts: self._look(name, offer, peer, doubts))

    def judge(self, name: bytes) -> Verdict:
        """
        Tell whether an account may be used whose key is right.

        @param name: the name of the user.

        @return: a verdict, without a key; it may be in doubt.

        @raise OSError: if it can't be found out.
        """
        user = self._users.find(name).user if isAccountName(name) else None
        if user is None:
            return Verdict(Kind.REFUSED, name, "there is no such account")
        account = user.account
        return _inDoubt(name, lambda doubts: self._judge(account, None, doubts))

    def _look(
        self, name: bytes, offer: Offer, peer: str | None, doubts: list[Doubt]
    ) -> Verdict:
        """
        Look for a key.

        @param doubts: the state of each file is added to it that may have been
            half-written.
        """
        user = self._users.find(name).user if isAccountName(name) else None
        if user is None:
            return Verdict(Kind.REFUSED, name, "there is no such account")
        account = user.account
        try:
            if self._isRevoked(offer, doubts):
                return Verdict(Kind.REFUSED, user.name, "the key is revoked")
        except OSError as error:
            why = f"{self._files.revoked} can't be read, so that no key counts: {error}"
            return Verdict(Kind.UNSURE, user.name, why)
        trouble: OSError | None = None
        evidence = None
        for pattern in self._files.files:
            try:
                evidence = self._lookInFile(
                    expand(pattern, account), offer, account, peer
                )
            except OSError as error:
                trouble = error
            if evidence is not None:
                break
        if evidence is None and isinstance(offer, Certificate):
            evidence = self._lookAtAuthority(offer, account, peer, doubts)
        if evidence is not None:
            return self._judge(account, evidence, doubts)
        if trouble is not None:
            return Verdict(Kind.UNSURE, user.name, str(trouble))
        why = "no line authorizes the key"
        return Verdict(Kind.REFUSED, user.name, why, account=account)

    def _isRevoked(self, offer: Offer, doubts: list[Doubt]) -> bool:
        """
        Tell whether a key is revoked.

        @raise OSError: if it can't be found out.
        """
        if not self._revoked:
            return False
        listed = self._revoked.read()
        doubts.append(listed.doubt)
        if listed.flaw:
            raise OSError(listed.flaw)
        return offer in listed.value

    def _judge(
        self, account: Account, evidence: KeyEvidence | None, doubts: list[Doubt]
    ) -> Verdict:
        """
        Tell whether an account may be used whose key is right.
        """
        name = os.fsencode(account.name)
        groups = self._users.groupsOf(account)
        account = account._replace(groups=groups.names, gids=groups.gids)
        denied = self._denial(account, doubts) if self._denial else None
        if denied is not None:
            reason, why = denied
            return Verdict(Kind.DENIED, name, why, reason, key=evidence)
        return Verdict(Kind.ACCEPTED, name, account=account, key=evidence)

    def lookIn(
        self, text: bytes, path: str, offer: Offer, account: Account, peer: str | None
    ) -> KeyEvidence | None:
        """
        Look for a key in what a file of keys holds.

        @param text: what it holds.
        @param path: what to call it.

        @return: L{None} if no line authorizes the key.
        """
        isCertificate = isinstance(offer, Certificate)
        key = offer.authority if isinstance(offer, Certificate) else offer
        for count, line in enumerate(linesWith(text, key.blob, key.base64)):
            if count >= _MOST_LINES:
                self._note(path, line.number, "the key stands in too many lines")
                break
            try:
                options = optionsIn(line)
                if options.isAuthority != isCertificate:
                    continue
                self._permit(options, peer)
                if isinstance(offer, Certificate):
                    options = self._certified(offer, options, account, peer)
            except (BadOption, UnusableKey) as error:
                self._note(path, line.number, str(error))
                continue
            return _evidence(offer, options, path, line.number)
        return None

    def takeNotes(self) -> Iterator[Note]:
        """
        Take what the log should be told.
        """
        while self._notes:
            yield self._notes.popleft()

    def _lookInFile(
        self, path: str, offer: Offer, account: Account, peer: str | None
    ) -> KeyEvidence | None:
        """
        Look for a key in a file of a user.

        @raise OSError: if it can't be read now, and perhaps later.
        """
        text = self._readAs(account, path)
        return None if text is None else self.lookIn(text, path, offer, account, peer)

    def _readAs(self, account: Account, path: str) -> bytes | None:
        """
        Read a file of a user.

        @return: L{None} if there is none, or it doesn't count.
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

    def _lookAtAuthority(
        self,
        certificate: Certificate,
        account: Account,
        peer: str | None,
        doubts: list[Doubt],
    ) -> KeyEvidence | None:
        """
        Look whether a certificate is by a trusted authority.

        @raise OSError: if it can't be found out.
        """
        if not self._ca:
            return None
        path = str(self._files.ca)
        listed = self._ca.read()
        doubts.append(listed.doubt)
        if listed.flaw:
            raise OSError(f"{path}: {listed.flaw}")
        if certificate.authority.blob not in listed.value:
            return None
        try:
            # First: nobody else may keep the machine busy with what it says.
            certificate.verify(self._policy.accepted)
            options, where = self._principal(certificate, account, peer, doubts)
            options = self._certified(certificate, options, account, peer)
        except (BadOption, UnusableKey) as error:
            self._note(path, None, f"{error} (the certificate {certificate.id!r})")
            return None
        return _evidence(certificate, options, *(where or (path, None)))

    def _principal(
        self,
        certificate: Certificate,
        account: Account,
        peer: str | None,
        doubts: list[Doubt],
    ) -> tuple[KeyOptions, tuple[str, int] | None]:
        """
        Find out whether a certificate is for a user.

        @return: options to merge with its own, and where they stand, if anywhere.

        @raise UnusableKey: if it isn't.
        """
        if self._files.principals is None:
            _insistOnName(certificate, account)
            # Nothing that the certificate permits is withheld.
            return KeyOptions(touchRequired=False), None
        path = expand(self._files.principals, account)
        text = self._readAs(account, path) or b""
        for line in principalsIn(text):
            if line.name not in certificate.principals:
                continue
            if line.number > text.count(b"\n"):
                # Half a line may be the whole name of another principal.
                doubts.append((path, hash(text)))
            try:
                options = optionsIn(line)
            except BadOption as error:
                self._note(path, line.number, str(error))
                continue
            # As for sshd: the first line that can be read decides.
            if options.isAuthority or options.principals is not None:
                raise BadOption(f"{path}:{line.number}: an option has no place there")
            self._permit(options, peer)
            return options, (path, line.number)
        raise UnusableKey(f"it is for nobody whom {path} names")

    def _certified(
        self,
        certificate: Certificate,
        options: KeyOptions,
        account: Account,
        peer: str | None,
    ) -> KeyOptions:
        """
        Hold a certificate to what it says itself, and to what is said of its authority.

        @param options: what is said.

        @return: both together.

        @raise BadOption: if it can't be obeyed.
        @raise UnusableKey: if the certificate doesn't count.
        """
        certificate.verify(self._policy.accepted)
        its = fromCertificate(certificate)
        self._permit(its, peer)
        merged = merge(options, its)
        if options.isAuthority:
            if options.principals is not None:
                if _named(options.principals).isdisjoint(certificate.principals):
                    raise UnusableKey("it is for none of the principals")
            else:
                _insistOnName(certificate, account)
        flaw = certificate.flaw(self._now())
        if flaw is not None:
            raise UnusableKey(flaw)
        return merged

    def _permit(self, options: KeyOptions, peer: str | None) -> None:
        """
        Insist that a key may be used now, and from where the client is.

        @raise BadOption: if it may not.
        """
        if options.expires is not None and options.expires < self._now():
            raise BadOption("it has expired")
        if options.principals is not None and not options.isAuthority:
            raise BadOption("principals= is for authorities")
        if options.sources is None and options.networks is None:
            return
        if peer is None:
            raise BadOption("where the client comes from isn't known")
        try:
            isPermitted = (
                options.sources is None or isAmong(peer, options.sources)
            ) and (options.networks is None or isInside(peer, options.networks))
        except BadPattern as error:
            raise BadOption(f"from=: {error}") from None
        if not isPermitted:
            raise BadOption(f"the client may not come from {peer}")

    def _note(self, path: str, line: int | None, why: str) -> None:
        """
        Note why a file or a line doesn't count.
        """
        where = path if line is None else f"{path}:{line}"
        # What a user or a client has written may be as long as he likes.
        values = {"where": printable(where), "why": printable(why[:_LONGEST_NOTE])}
        self._notes.append(("{where}: {why}", values))


def _inDoubt(name: bytes, look: Callable[[list[Doubt]], Verdict]) -> Verdict:
    """
    Look, and add to the verdict which files it is in doubt for.

    @param name: the name that is looked up.
    @param look: what adds their states to a list.

    @raise OSError: from C{look}, if there is no doubt.
    """
    doubts: list[Doubt] = []
    try:
        verdict = look(doubts)
    except OSError as error:
        if not any(doubts):
            raise
        verdict = Verdict(Kind.UNSURE, name, str(error))
    return verdict._replace(doubt=tuple(filter(None, doubts)) or None)


def _named(principals: str) -> set[str]:
    """
    Read a list of principals, as OpenSSH does: as far as an empty one.
    """
    names = principals.split(",")
    return set(names[: names.index("")] if "" in names else names)


def _insistOnName(certificate: Certificate, account: Account) -> None:
    """
    Insist that a certificate is for a user.
    """
    if account.name not in certificate.principals:
        raise UnusableKey(f"it is not for {account.name}")


def _evidence(
    offer: Offer, options: KeyOptions, path: str, line: int | None
) -> KeyEvidence:
    """
    Tell what is known of a key.
    """
    key = keyOf(offer)
    evidence = KeyEvidence(key.type.decode("ascii"), key.fingerprint, options, path, line)
    if isinstance(offer, Certificate):
        evidence = evidence._replace(
            certificateId=offer.id,
            serial=offer.serial,
            authority=offer.authority.fingerprint,
        )
    return evidence


def makeAuthority(
    files: Any,
    policy: Any,
    account: Any,
    *,
    users: Users | None = None,
    asUser: AsUser = asNobodyElse,
) -> Authority:
    """
    Make what tells whether keys open accounts, of settings.

    @param files: the fields of L{KeyFiles}.
    @param policy: the fields of L{KeyPolicy}.
    @param account: L{None} if any account may be used; otherwise the shadow file and
        the fields of L{Rules}.
    @param users: who the users are; those of the system if L{None}.
    @param asUser: what lets files be opened with the rights of a user.
    """
    where, algorithms = KeyFiles(*files), KeyPolicy(*policy)
    where = where._replace(files=tuple(where.files))
    known = SystemUsers() if users is None else users
    denial = None
    if account is not None:
        shadow, rules = account
        denial = Standing(known, shadow, Rules(*rules)).denial
    return Authority(where, known, policy=algorithms, denial=denial, asUser=asUser)


__all__ = ["Authority", "makeAuthority"]
