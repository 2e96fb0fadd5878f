"""
What all checkers of passwords have in common.

A checker asks its store for a verdict on a name and a password, off the reactor's thread
where that takes time, and concludes from it.  An unknown user is refused after the same
work as a known one, in the same words.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar, Union

from zope.interface import implementer
from zope.interface.interface import InterfaceClass

from twisted.internet.defer import (
    CancelledError,
    Deferred,
    FirstError,
    fail,
    gatherResults,
    maybeDeferred,
    succeed,
)
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._audit import withReason
from .._contracts import (
    AvatarID,
    ICredentialsChecker,
    IUsernameHashedPassword,
    IUsernamePassword,
    twistedCredentials,
)
from .._conversations import IScramCredentials
from .._counterparts import isOverridden
from .._encodings import namesIn, triesDecodings
from .._fairqueue import Source
from .._peers import sourceOf
from .._reporting import reportsOutcome
from .._scram import prepared
from .._secrets import asBytes, isPlausible
from .._storedstate import IStoredState, stateDigest
from .._types import Credentials, PasswordCredentials
from .._verdict import NO_SUCH_USER, WRONG_PASSWORD, Kind, Verdict
from ..error import (
    AccountDenied,
    LoginFailed,
    TemporaryFailure,
    UnauthorizedLogin,
)
from ..workers import Workers
from ._lookups import Known, LookUps
from ._stores import ThreadedStore

_T = TypeVar("_T")

#: An avatar ID, a L{Failure}, or a L{Deferred}: what L{Deferred.addCallback} isn't
#: annotated for.
Answer: TypeAlias = Any

# Asked of its module at each login, it would take as long as the login: there are names
# in that one which are deprecated.
_UsernamePassword = twistedCredentials.UsernamePassword

#: What passwords in plain text can be held against.
PLAIN_INTERFACES = (IUsernamePassword, IUsernameHashedPassword)

#: What stands in for the secret of a user who is unknown, or has none.
NOBODYS = secrets.token_hex(16).encode("ascii")


class KeyStore(Protocol):
    """
    What finds keys of SCRAM.
    """

    def lookUpKeys(
        self, name: bytes, hash: str, salt: bytes, source: Source
    ) -> Deferred[Verdict]:
        """
        Look a user up, for a client that proves the password by SCRAM.

        @param name: the name.
        @param hash: the hash of the mechanism, as L{hashlib} names it.
        @param salt: the salt for a password in plain text.
        @param source: where the login comes from.
        """

    def scramHashes(self) -> Collection[str]:
        """
        Return the hashes for which at least one user has keys, without waiting.
        """


@implementer(ICredentialsChecker, IStoredState)
class PasswordChecker:
    """
    Base of checkers of passwords: a subclass says where the stored secret is::

        class DiaryChecker(PasswordChecker):
            inThread = True

            def __init__(self, path):
                self._path = path

            def lookUp(self, username):
                with open(self._path) as file:
                    hashes = json.load(file)
                name = username.decode("utf-8", "replace")
                return (name, hashes[name]) if name in hashes else None

    All else is done here.  Names and passwords that are too long or hold a NUL are
    refused before any work.  Text is decoded as the client meant it.  A hash, of any
    scheme that L{mycred.hashes} knows, is verified in a worker thread.  Keys of SCRAM
    also serve clients that prove the password without sending it.  An unknown user is
    refused after the same work as most others, and led through the same conversation.  A
    hash that can't be used matches nothing and is logged.  If C{lookUp} fails, the login
    is a temporary failure, and the log says why.  The log is told how each login ends.

    @cvar authType: what the log calls the checker; if there is none, the class's name.
    @cvar credentialInterfaces: the kinds of credentials that are checked.
    @cvar inThread: whether C{lookUp} blocks.  Then it is called in a worker thread, where
        the password is verified, too.
    @cvar plain: whether the store holds passwords as they are.  What begins like a hash
        is verified as one all the same.  If it doesn't hold any, what is no hash matches
        nothing.
    @cvar longestPassword: longer passwords are refused, in bytes.
    @ivar workers: the threads; the reactor's own if L{None}.
    """

    authType: str
    credentialInterfaces: Iterable[InterfaceClass] = (
        IUsernamePassword,
        IScramCredentials,
    )
    inThread = False
    longestPassword = 1024
    plain = False
    workers: Workers | None = None

    _log = Logger()

    # What the log is told of a name or a password that isn't worth any work.
    _implausible = NO_SUCH_USER

    # Where verdicts are found.  mycred's own checkers have stores that look a user up and
    # verify the password at once.
    _store: ThreadedStore[Any] | None = None

    # Those of a program's own store.  Its subclass may well have another _store.
    _mycredLookUps: LookUps | None = None

    def __init_subclass__(cls, **more: object) -> None:
        """
        Have a subclass whose store holds passwords as they are check credentials that
        prove a password without sending it, too, unless it says what it checks; and one
        that checks credentials by itself be asked for no other kinds than it may know.
        """
        super().__init_subclass__(**more)
        if "credentialInterfaces" in vars(cls):
            return
        if cls.plain and cls.credentialInterfaces is PasswordChecker.credentialInterfaces:
            cls.credentialInterfaces = (*PLAIN_INTERFACES, IScramCredentials)
        if "requestAvatarId" in vars(cls):
            # It was written for what there was before.
            known = tuple(cls.credentialInterfaces)
            cls.credentialInterfaces = tuple(
                i for i in known if i is not IScramCredentials
            )

    def lookUp(self, username: bytes) -> Union[Known, Deferred[Union[Known, None]], None]:
        """
        Look a user up.  Subclasses override this.

        @param username: the name that the client sent.

        @return: L{None} if there is no such user; otherwise the name as the store spells
            it, and what it holds as the secret: a hash in any spelling that
            L{mycred.hashes} knows, or, with C{plain}, a password.  A third item, a
            L{DenialReason<mycred.error.DenialReason>}, denies the account after the right
            password.  A L{Deferred} will do where C{inThread} isn't set.

        @raise Exception: if nothing can be found out now.
        """
        raise NotImplementedError

    def scramHashes(self) -> Collection[str]:
        """
        Return the hashes by which at least one user can log in by SCRAM, as far as that
        is known without waiting: a server offers no others.  A subclass may override
        this; otherwise it is what users have who were looked up lately, and both where
        the store holds passwords as they are.
        """
        return self._keyStore().scramHashes()

    @reportsOutcome
    def requestAvatarId(self, credentials: PasswordCredentials) -> Deferred[AvatarID]:
        """
        Check a password.

        @param credentials: a provider of one of C{credentialInterfaces}.

        @return: a L{Deferred} that fires with the name as the store spells it, in the
            type in which the credentials have it.  It fails with
            L{UnauthorizedLogin<mycred.error.UnauthorizedLogin>}, with its subclass
            L{AccountDenied<mycred.error.AccountDenied>} if the password was right and the
            account may not be used, and with L{TemporaryFailure
            <mycred.error.TemporaryFailure>} if nothing could be found out, or too many
            logins wait.
        """
        return self._check(credentials)

    def storedState(
        self, credentials: PasswordCredentials, avatarId: object = None
    ) -> bytes | Deferred[bytes]:
        """
        Return what the store holds for a user now, as
        L{IStoredState<mycred.checkers.IStoredState>} says.
        """
        source, states = sourceOf(credentials), []
        for name in namesIn(credentials):
            if self._isPlausible(name, b"password"):
                states.append(self._stateOf(name, source, avatarId))
        if len(states) == 1:
            return states[0]
        finding = gatherResults(map(_deferred, states), consumeErrors=True)
        return finding.addCallbacks(lambda found: stateDigest(*found), _ebOne)

    def _stateOf(
        self, name: bytes, source: Source, avatarId: object
    ) -> bytes | Deferred[bytes]:
        """
        Return what the store holds for a name.
        """
        return self._lookUps().stateOf(name, source)

    def _check(self, credentials: PasswordCredentials) -> Deferred[AvatarID]:
        """
        Check a password, which may be text that can be decoded in several ways.
        """
        # To ask for the interface alone takes several times as long.
        if hasattr(credentials, "prove") and IScramCredentials.providedBy(credentials):
            return self._checkScram(credentials)
        if isinstance(credentials.username, str):
            return self._checkText(credentials)
        return self._checkDecoded(credentials)

    def _checkScram(self, credentials: Any) -> Deferred[AvatarID]:
        """
        Have a client prove by SCRAM that it knows the password.  No thread waits for it.
        """
        if IScramCredentials not in self.credentialInterfaces:
            # What such a checker has stored may look like a password, and be none.
            return fail(refusal("no SCRAM here"))
        sent = asBytes(credentials.username)
        if not isPlausible(sent):
            return fail(refusal(self._implausible))
        name = self._spelled(sent)
        other = self._spelled(prepared(name))
        finding = self._findKeys(name, credentials)
        if other != name and isPlausible(other):
            # Both are looked up for each name, so that the time doesn't tell which of
            # them is known.
            both = [finding, self._findKeys(other, credentials)]
            finding = gatherResults(both, consumeErrors=True).addCallbacks(
                _cbBoth, _ebOne
            )
        return finding.addCallback(self._cbKeys, credentials, other)

    def _spelled(self, name: bytes) -> bytes:
        """
        Return a name as the store would spell it.
        """
        return name

    def _findKeys(self, name: bytes, credentials: Any) -> Deferred[Verdict]:
        """
        Have the keys of a user found, for SCRAM.
        """
        hash, salt, source = credentials.hash, credentials.salt, sourceOf(credentials)
        return self._keyStore().lookUpKeys(name, hash, salt, source)

    def _keyStore(self) -> KeyStore:
        """
        Return where the keys are that SCRAM needs.
        """
        return self._lookUps()

    def _cbKeys(self, verdict: Verdict, credentials: Any, name: bytes) -> Answer:
        """
        Ask the client, if the user has keys.

        @param name: the name as the store would spell it.
        """
        if verdict.kind is Kind.UNSURE:
            return Failure(errorOf(verdict))
        if verdict.keys is None:
            if verdict.expected is not None:
                rounds, size, isStored = verdict.expected
                # All spellings of a known name have one salt, if it is stored.
                credentials.expect(rounds, size, name if isStored else None)
            return refusal(verdict.why)
        avatarId = self._avatarId(verdict, credentials)
        proving = maybeDeferred(credentials.prove, verdict.keys)
        proving.addCallbacks(lambda _: self._cbPasswordMatch(True, avatarId), _ebUnproved)
        return self._denied(verdict, proving)

    @triesDecodings
    def _checkText(self, credentials: PasswordCredentials) -> Deferred[AvatarID]:
        """
        Check a password that is text.
        """
        return self._checkDecoded(credentials)

    def _checkDecoded(self, credentials: PasswordCredentials) -> Deferred[AvatarID]:
        """
        Check a password, decoded in one way.
        """
        typed = self._typedIn(credentials)
        name = asBytes(credentials.username)
        password = None if typed is None else asBytes(typed.password)
        if not self._isPlausible(name, b"" if typed is None else password):
            return fail(refusal(self._implausible))
        finding = self._findVerdict(name, password, credentials)
        return finding.addCallback(self._cbVerdict, credentials)

    def _typedIn(self, credentials: PasswordCredentials) -> IUsernamePassword | None:
        """
        Return the credentials that hold the password to verify, or L{None} if they prove
        it without sending it.
        """
        return IUsernamePassword(credentials, None)

    def _isPlausible(self, name: object, password: object) -> bool:
        """
        Return whether a name and a password are worth any work.
        """
        if not isinstance(password, bytes) or len(password) > self.longestPassword:
            return False
        return b"\0" not in password and isPlausible(name)

    def _findVerdict(
        self, name: bytes, password: bytes | None, credentials: PasswordCredentials
    ) -> Deferred[Verdict]:
        """
        Have a verdict found.

        @param password: the password; L{None} if the credentials prove it otherwise.
        """
        source, store = sourceOf(credentials), self._store
        if isinstance(store, ThreadedStore):
            return store.lookUp(name, password, source)
        return self._lookUps().lookUp(name, password, source)

    def _lookUps(self) -> LookUps:
        """
        Return the look-ups of the program's own store.
        """
        lookUps = self._mycredLookUps
        if lookUps is None or not lookUps.isOf(self):
            # Here, since subclasses needn't call a constructor, and may be copied.
            lookUps = self._mycredLookUps = self._makeLookUps()
        return lookUps

    def _makeLookUps(self) -> LookUps:
        """
        Make the look-ups.
        """
        return LookUps(self)

    def _cbVerdict(self, verdict: Verdict, credentials: PasswordCredentials) -> Answer:
        """
        Conclude from a verdict.

        @return: the avatar ID, a L{Deferred} or a L{Failure}.
        """
        if verdict.kind is Kind.UNSURE:
            return Failure(errorOf(verdict))
        avatarId = self._avatarId(verdict, credentials)
        answer: Answer
        if verdict.isVerified:
            isRight = verdict.kind is Kind.ACCEPTED
            answer = self._cbPasswordMatch(isRight, avatarId)
        else:
            secret, why = verdict.secret, verdict.why
            answer = self._matchPassword(credentials, secret, avatarId, why)
        return self._denied(verdict, answer)

    def _avatarId(self, verdict: Verdict, credentials: Credentials) -> AvatarID:
        """
        Return the avatar ID of a user, in the type in which the credentials have the
        name.
        """
        return asTyped(verdict.name, credentials)

    def _denied(self, verdict: Verdict, answer: Answer) -> Answer:
        """
        Deny the account after the right password, if it may not be used.

        @param answer: what follows from the password.
        """
        if verdict.denial is None:
            return answer
        denied = errorOf(replace(verdict, kind=Kind.DENIED, why=""))
        return maybeDeferred(_itself, answer).addCallback(lambda _: Failure(denied))

    def _cbPasswordMatch(self, matched: bool, username: AvatarID) -> AvatarID | Failure:
        """
        Name the avatar, if the password matched.

        Programs override this, and call it with these arguments.
        """
        return username if matched else refusal(WRONG_PASSWORD)

    def _matchPassword(
        self,
        credentials: PasswordCredentials,
        stored: object,
        avatarId: AvatarID | str,
        why: str = NO_SUCH_USER,
    ) -> Deferred[AvatarID]:
        """
        Ask the credentials whether they match a stored secret.

        @param credentials: what the user presents.
        @param stored: the secret; an empty one matches nothing.
        @param avatarId: the answer, if they match.
        @param why: what the log is told if nothing is stored: such a login is refused
            after the same work as others.
        """
        secret = stored or NOBODYS
        try:
            matched = credentials.checkPassword(secret)
            if matched is False and isinstance(secret, bytes):
                if isinstance(getattr(credentials, "password", None), str):
                    # FTP and IRC hand over text: present the secret in kind.
                    text = secret.decode("utf-8", "surrogateescape")
                    matched = credentials.checkPassword(text)
        except Exception:
            return fail()
        conclude: Callable[..., Answer] = self._cbPasswordMatch
        if not stored:
            conclude = partial(_refuse, why)
        if matched is True or matched is False:
            answer = conclude(matched, avatarId)
            if type(answer) is bytes or type(answer) is Failure:
                # The failure becomes one.
                return succeed(answer)  # type: ignore[arg-type]
            # A program's own may be a Deferred.
            return maybeDeferred(_itself, answer)
        # Twisted's contract: it may be a Deferred, or a coroutine.
        return maybeDeferred(_itself, matched).addCallback(conclude, avatarId)

    def _ebVerifying(self, failure: Failure) -> Failure:
        """
        Log what keeps a hash from being verified.
        """
        if failure.check(LoginFailed, CancelledError):
            return failure
        self._log.failure("A hash could not be verified", failure)
        return Failure(TemporaryFailure("Temporarily unavailable"))


def asTyped(name: bytes, credentials: Credentials) -> AvatarID:
    """
    Return a name as the store spells it, in the type, bytes or text, in which the
    credentials have it.
    """
    if isinstance(credentials.username, str) and isinstance(name, bytes):
        return name.decode("utf-8", "surrogateescape")  # type: ignore[return-value]
    avatarId: AvatarID = name
    return avatarId


def errorOf(verdict: Verdict) -> LoginFailed:
    """
    Return the error with which a verdict that isn't C{ACCEPTED} ends a login.
    """
    error: LoginFailed = UnauthorizedLogin()
    if verdict.kind is Kind.UNSURE:
        error = TemporaryFailure("Temporarily unavailable")
    elif verdict.denial is not None:
        error = AccountDenied(verdict.denial)
    account = verdict.name if verdict.denial is not None else None
    return withReason(error, verdict.why, account)


def refusal(why: str) -> Failure:
    """
    Return the failure that refuses a login.

    @param why: what the log is told, and the client isn't.
    """
    return Failure(withReason(UnauthorizedLogin(), why))


def _cbBoth(verdicts: list[Verdict]) -> Verdict:
    """
    Return the first verdict with keys; if there is none, the last one.
    """
    known = [verdict for verdict in verdicts if verdict.keys is not None]
    return [*known, verdicts[-1]][0]


def _ebOne(failure: Failure) -> Failure:
    """
    Return the failure of one of several look-ups.
    """
    error = failure.value
    return error.subFailure if isinstance(error, FirstError) else failure


def _ebUnproved(failure: Failure) -> Failure:
    """
    Refuse a client that was asked in the words in which an unknown user is refused.
    """
    isWrong = type(failure.value) is UnauthorizedLogin
    return refusal(WRONG_PASSWORD) if isWrong else failure


def _refuse(why: str, matched: object, avatarId: object) -> Failure:
    """
    Refuse a login, whatever the credentials have said.
    """
    return refusal(why)


def _itself(answer: _T) -> _T:
    """
    Return what was answered.
    """
    return answer


def _deferred(answer: _T | Deferred[_T]) -> Deferred[_T]:
    """
    Return a L{Deferred} of an answer that may be one already.
    """
    return answer if isinstance(answer, Deferred) else succeed(answer)


def arePlausible(credentials: Credentials) -> bool:
    """
    Return whether credentials are worth a look-up.
    """
    # Credentials that prove the password without sending it hold none.
    password = getattr(credentials, "password", b"")
    return isPlausible(credentials.username) and isPlausible(password)


def checkThemselves(credentials: object) -> bool:
    """
    Return whether a program has given credentials that hold a password a way of their own
    to compare it.
    """
    isPassword = isinstance(credentials, _UsernamePassword)
    return isPassword and isOverridden(credentials, "checkPassword")


__all__ = [
    "NOBODYS",
    "PLAIN_INTERFACES",
    "PasswordChecker",
    "arePlausible",
    "asTyped",
    "checkThemselves",
    "errorOf",
    "refusal",
]
