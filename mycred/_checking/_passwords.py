"""
What all checkers of passwords have in common.

A checker asks its store for a verdict on a name and a password, off the reactor's thread
where that takes time, and concludes from it.  An unknown user is refused after the same
work as a known one, in the same words.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any, TypeVar, Union

from zope.interface import implementer
from zope.interface.interface import InterfaceClass

from twisted.internet.defer import (
    CancelledError,
    Deferred,
    fail,
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
from .._counterparts import isOverridden
from .._encodings import triesDecodings
from .._fairqueue import Source
from .._hashes import Hash, UnusableHash, isMeantAsHash, recognize
from .._passwordfile import Notes, StoredSecret, verdictOn
from .._peers import sourceOf
from .._reporting import reportsOutcome
from .._secrets import asBytes, isPlausible, shortened
from .._verdict import NO_SUCH_USER, WRONG_PASSWORD, Kind, Note, Verdict
from ..error import (
    AccountDenied,
    DenialReason,
    LoginFailed,
    TemporaryFailure,
    UnauthorizedLogin,
)
from ..workers import Workers
from ._stores import AsyncStore, ThreadedStore, unavailable

#: What a store knows of a user: the name, what is stored, and perhaps why the account
#: may not be used.
Known = Union[
    "tuple[bytes | str, bytes | str]",
    "tuple[bytes | str, bytes | str, DenialReason | None]",
]

_T = TypeVar("_T")

# Asked of its module at each login, it would take as long as the login: there are names
# in that one which are deprecated.
_UsernamePassword = twistedCredentials.UsernamePassword

#: What stands in for the secret of a user who is unknown, or has none.
NOBODYS = secrets.token_hex(16).encode("ascii")

# What an unknown user's password is verified against before any hash has been seen: of
# nobody's password, as "mycred passwd" makes it.
_DECOY = b"$2y$12$gfYkH/U/qdhQyYKztkHfn.AM3dWWzhMIfAsTYY3hSNJ/BLM.bNzja"

# Of so many users it is remembered what kind of hash they have.
_MOST_REMEMBERED = 64


@implementer(ICredentialsChecker)
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
                name = username.decode()
                return (name, hashes[name]) if name in hashes else None

    All else is done here.  Names and passwords that are too long or hold a NUL are
    refused before any work.  Text is decoded as the client meant it.  A hash, of any
    scheme that L{mycred.hashes} knows, is verified in a worker thread.  An unknown user
    is refused after the same work as most others.  A hash that can't be used matches
    nothing and is logged.  If C{lookUp} fails, the login is a temporary failure, and the
    log says why.  The log is told how each login ends.

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
    credentialInterfaces: Iterable[InterfaceClass] = (IUsernamePassword,)
    inThread = False
    longestPassword = 1024
    plain = False
    workers: Workers | None = None

    _log = Logger()

    # What the log is told of a name or a password that isn't worth any work.
    _implausible = NO_SUCH_USER

    # Where verdicts are found.  mycred's own checkers have stores that look a user up and
    # verify the password at once.
    _store: ThreadedStore[Any] | LookUps | None = None

    def __init_subclass__(cls, **more: Any) -> None:
        """
        Have a subclass whose store holds passwords as they are check credentials that
        prove a password without sending it, too, unless it says what it checks.
        """
        super().__init_subclass__(**more)
        if cls.plain and "credentialInterfaces" not in vars(cls):
            cls.credentialInterfaces = (IUsernamePassword, IUsernameHashedPassword)

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

    @reportsOutcome
    def requestAvatarId(self, credentials: Any) -> Deferred[AvatarID]:
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

    def _check(self, credentials: Any) -> Deferred[AvatarID]:
        """
        Check a password, which may be text that can be decoded in several ways.
        """
        if isinstance(credentials.username, str):
            return self._checkText(credentials)
        return self._checkDecoded(credentials)

    @triesDecodings
    def _checkText(self, credentials: Any) -> Deferred[AvatarID]:
        """
        Check a password that is text.
        """
        return self._checkDecoded(credentials)

    def _checkDecoded(self, credentials: Any) -> Deferred[AvatarID]:
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

    def _typedIn(self, credentials: Any) -> Any:
        """
        Return the credentials that hold the password to verify, or L{None} if they prove
        it without sending it.
        """
        return IUsernamePassword(credentials, None)

    def _isPlausible(self, name: Any, password: Any) -> bool:
        """
        Return whether a name and a password are worth any work.
        """
        isShort = isPlausible(password) and len(password) <= self.longestPassword
        return isShort and isPlausible(name)

    def _findVerdict(
        self, name: bytes, password: bytes | None, credentials: Any
    ) -> Deferred[Verdict]:
        """
        Have a verdict found.

        @param password: the password; L{None} if the credentials prove it otherwise.
        """
        if self._store is None:
            # Here, since subclasses needn't call a constructor.
            self._store = LookUps(self)
        return self._store.lookUp(name, password, sourceOf(credentials))

    def _cbVerdict(self, verdict: Verdict, credentials: Any) -> Any:
        """
        Conclude from a verdict.

        @return: the avatar ID, a L{Deferred} or a L{Failure}.
        """
        if verdict.kind is Kind.UNSURE:
            return Failure(errorOf(verdict))
        avatarId = asTyped(verdict.name, credentials)
        answer: Any
        if verdict.isVerified:
            isRight = verdict.kind is Kind.ACCEPTED
            answer = self._cbPasswordMatch(isRight, avatarId)
        else:
            secret, why = verdict.secret, verdict.why
            answer = self._matchPassword(credentials, secret, avatarId, why)
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
        credentials: Any,
        stored: Any,
        avatarId: AvatarID,
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
        conclude: Callable[[bool, AvatarID], Any] = self._cbPasswordMatch
        if not stored:
            conclude = partial(_refuse, why)
        if matched is True or matched is False:
            answer: Any = conclude(matched, avatarId)
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


class LookUps(AsyncStore):
    """
    The look-ups of a checker whose C{lookUp} is a program's own, and what is remembered
    of them: the kinds of hashes that users have, and what is odd.
    """

    def __init__(self, checker: PasswordChecker) -> None:
        """
        @param checker: the checker.
        """
        name = getattr(checker, "authType", type(checker).__name__)
        super().__init__(name, checker.workers)
        self._checker = checker
        self._notes = Notes(name, more="")
        self._underWay = 0
        self._lock = Lock()
        # By the name of their user, those that were verified last.
        self._hashes: dict[bytes, Hash] = {}

    def lookUp(
        self, name: bytes, password: bytes | None, source: Source
    ) -> Deferred[Verdict]:
        """
        Look a user up and verify the password.
        """
        if self._checker.inThread:
            return self.ask(self._find, name, password, source=source)

        def cbFound(known: Known | None) -> Any:
            verify = partial(self._verify, known, name, password)
            if password is None or not self._takesTime(known):
                return self.now(verify)
            return self.ask(verify, source=source)

        if self._underWay >= self.workers.queueLimit:
            return fail(unavailable("too many look-ups are under way"))
        self._underWay += 1
        finding = self._inTime(maybeDeferred(self._checker.lookUp, name))
        return finding.addCallback(cbFound).addErrback(self.ebFailed)

    def _inTime(self, finding: Deferred[Any]) -> Deferred[Any]:
        """
        Have a look-up of a program's own end by the deadline of the workers.
        """
        if not self.workers.isRunning:
            # Without a reactor no time passes.
            return finding.addBoth(self._cbEnded)
        late = []

        def giveUp(_: object) -> None:
            late.append(unavailable("it takes too long"))
            finding.cancel()

        # It is cancelled when the look-up ends before.
        timer = self.workers.pause(self.workers.deadline)
        timer.addCallbacks(giveUp, lambda _: None)

        def cbEnded(result: Any) -> Any:
            timer.cancel()
            self._cbEnded(result)
            return Failure(late[0]) if late else result

        return finding.addBoth(cbEnded)

    def _cbEnded(self, result: _T) -> _T:
        """
        Make room for another look-up.
        """
        self._underWay -= 1
        return result

    def _find(self, name: bytes, password: bytes | None) -> Verdict:
        """
        Look a user up and verify the password, in a thread.
        """
        known: Any = self._checker.lookUp(name)
        return self._verify(known, name, password)

    def _takesTime(self, known: Known | None) -> bool:
        """
        Return whether a password is verified against a hash.
        """
        isPlain = self._checker.plain
        return (
            bool(self._hashes) or not isPlain or _parse(known, isPlain).hash is not None
        )

    def _verify(
        self, known: Known | None, name: bytes, password: bytes | None
    ) -> Verdict:
        """
        Verify a password against what is known of a user, or against another user's hash
        if that is nothing.
        """
        stored, decoys = _parse(known, self._checker.plain), self._decoys()
        if stored.flaw:
            self._note(stored)
        if password is not None:
            flaw, stored = stored.flaw, stored.verified(password, decoys)
            if stored.flaw and not flaw:
                self._note(stored)
        if stored.hash is not None:
            self._remember(stored.name, stored.hash)
        if known is None:
            return Verdict(Kind.REFUSED, name, NO_SUCH_USER)
        verdict = verdictOn(stored, isVerified=password is not None)
        return replace(verdict, denial=known[2] if len(known) > 2 else None)

    def _remember(self, name: bytes, found: Hash) -> None:
        """
        Remember the hash of a user.
        """
        with self._lock:
            self._hashes.pop(name, None)
            self._hashes[name] = found
            if len(self._hashes) > _MOST_REMEMBERED:
                del self._hashes[next(iter(self._hashes))]

    def _decoys(self) -> list[Hash]:
        """
        Return the hash to verify an unknown user's password against: of the kind that
        most users have who were asked for lately.
        """
        with self._lock:
            hashes = list(self._hashes.values())
        if not hashes:
            return [] if self._checker.plain else [recognize(_DECOY)]
        [(common, _)] = Counter(found.kind for found in hashes).most_common(1)
        return [found for found in hashes if found.kind == common]

    def _note(self, stored: StoredSecret) -> None:
        """
        Note that nothing can match what is stored for a user.
        """
        self._notes.add(
            stored.name,
            "{file}: {name!r}: {reason}; it matches nothing",
            name=shortened(stored.name),
            reason=stored.flaw,
        )

    def _takeNotes(self) -> Iterable[Note]:
        """
        Take what the log should be told.
        """
        return self._notes.take()


def _parse(known: Known | None, isPlain: bool) -> StoredSecret:
    """
    Parse what is known of a user.
    """
    if known is None:
        return StoredSecret(None)
    return parseStored(asBytes(known[0]), asBytes(known[1]), isPlain)


def parseStored(name: Any, stored: Any, isPlain: bool) -> StoredSecret:
    """
    Parse what a program has stored for a user.

    @param isPlain: whether what doesn't begin like a hash is a password.
    """
    secret: Any = asBytes(stored)
    isBytes = isinstance(secret, bytes)
    if isPlain and not (isBytes and isMeantAsHash(secret)):
        return StoredSecret(name, stored)
    try:
        found = recognize(secret if isBytes else b"")
    except UnusableHash as error:
        return StoredSecret(name, flaw=str(error))
    if found.isPlain:
        return StoredSecret(name, found.text)
    return StoredSecret(name, hash=found)


def asTyped(name: Any, credentials: Any) -> AvatarID:
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


def _refuse(why: str, matched: object, avatarId: object) -> Failure:
    """
    Refuse a login, whatever the credentials have said.
    """
    return refusal(why)


def _itself(answer: Any) -> Any:
    """
    Return what was answered.
    """
    return answer


def arePlausible(credentials: Any) -> bool:
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
    "PasswordChecker",
    "arePlausible",
    "asTyped",
    "checkThemselves",
    "errorOf",
    "parseStored",
    "refusal",
]
