"""
Checkers whose logins are remembered: how a login is recognized, and accepted again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, Union

from zope.interface import implementedBy, providedBy

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._audit import NOT_ENOUGH, UNFINISHED, sameFailure
from .._chain import acceptsAtOnce, interfacesOf
from .._contracts import AvatarID, ICredentialsChecker, IUsernamePassword
from .._counterparts import isOverridden
from .._gauged import TABLES
from .._reporting import Asked
from .._secrets import LONGEST
from ._places import placeOf, prefixOf
from ._throttle import Ask
from ._verification import States, Verification, deferredState, stateReader

#: What a login is recognized by.
Key = tuple[int, bytes]

# A login: what it is recognized by, what is presented, and who is told of it.
_Login = tuple[Key, Any, Union[Asked, None]]

# Names and passwords that no checker takes are left to the checkers, and so is what would
# take long to digest.
_LONGEST = 4 * LONGEST

# Whose credentials hold a name and a password and nothing else.  A program's own may hold
# a code besides that a checker asks for.
_KNOWN_PACKAGES = ("mycred", "twisted")

# Where programs put plugins of their own.
_PLUGINS = ["plugins"]


class _Entry:
    """
    A login that was accepted.

    @ivar began: when its verification began, in seconds.
    @ivar avatarId: what it was accepted as.
    @ivar checker: the checker that has accepted it.
    @ivar states: what the stores held before that.
    """

    __slots__ = ("avatarId", "began", "checker", "states")

    def __init__(
        self,
        began: float,
        avatarId: AvatarID,
        checker: ICredentialsChecker | None,
        states: States,
    ) -> None:
        self.began, self.avatarId = began, avatarId
        self.checker, self.states = checker, states


class CachedLogins:
    """
    The checkers of a stack, with what is remembered of their logins.

    @ivar tableName: what is remembered, for metrics.
    """

    tableName = "cached logins"

    _log = Logger()

    def __init__(
        self,
        parts: Sequence[ICredentialsChecker],
        ask: Ask,
        *,
        seconds: float,
        most: int,
        isBySource: bool,
        now: Callable[[], float],
    ) -> None:
        """
        @param parts: the checkers of passwords.
        @param ask: what asks all of the stack.
        @param seconds: for how long a login is remembered, in seconds.
        @param most: how many are.
        @param isBySource: whether they are for where they came from only.
        @param now: return the time, in seconds.
        """
        self._parts, self._ask = parts, ask
        self._seconds, self._most, self._now = seconds, most, now
        # The oldest first.
        self._entries: dict[Key, _Entry] = {}
        self._isOff = False
        self._others = {i for part in parts for i in interfacesOf(part)}
        self._others.discard(IUsernamePassword)
        # What credentials provide that can be remembered, by its identity: others may
        # be equal to it.
        self._kinds: dict[int, object] = {}
        self._underWay: dict[Key, Verification] = {}
        # A key of the digest's own would take a block by itself, at each login.
        digest = partial(blake2b, secrets.token_bytes(32), digest_size=16)
        self._bytes, self._text = digest(person=b"bytes"), digest(person=b"text")
        self._scopeOf: Callable[[Any], bytes] | None = None
        if not all(map(stateReader, parts)):
            self._scopeOf = placeOf
        elif isBySource:
            self._scopeOf = prefixOf
        TABLES.add(self)

    def __len__(self) -> int:
        """
        Return how many logins are remembered.
        """
        return len(self._entries)

    @property
    def limit(self) -> int:
        """
        How many may be.
        """
        return self._most

    def ask(self, credentials: Any, asked: Asked | None) -> Deferred[AvatarID]:
        """
        Check credentials, unless they are remembered.

        @param asked: who is told which checker has accepted them.
        """
        # The whole way of most logins is here, since calls take time.
        kind = providedBy(credentials)
        if id(kind) not in self._kinds and not self._isKnownKind(kind, credentials):
            return self._pass(credentials, asked)
        if "checkPassword" in getattr(credentials, "__dict__", ()):
            # A program has given them a way of their own to compare passwords.
            return self._pass(credentials, asked)
        name, password = credentials.username, credentials.password
        if type(name) is bytes is type(password):
            if len(name) + len(password) > _LONGEST:
                return self._pass(credentials, asked)
            digest = self._bytes.copy()
        elif type(name) is str is type(password):
            if len(name) + len(password) > _LONGEST:
                return self._pass(credentials, asked)
            digest = self._text.copy()
            # A lone surrogate is in hardly any name, and may be in one.
            name = name.encode("utf-8", "surrogatepass")
            password = password.encode("utf-8", "surrogatepass")
        else:
            return self._pass(credentials, asked)
        length, text = len(name), name + password
        if self._scopeOf is not None:
            digest.update(self._scopeOf(credentials))
        digest.update(text)
        # With where the name ends.
        key = length, digest.digest()
        login = key, credentials, asked
        entry = self._entries.get(key)
        if entry is None:
            return self._verify(login)
        if 0 <= self._now() - entry.began < self._seconds:
            return self._compare(login, entry)
        del self._entries[key]
        return self._verify(login)

    def _pass(self, credentials: Any, asked: Asked | None) -> Deferred[AvatarID]:
        """
        Ask the checkers about a login that can't be remembered.
        """
        asking = self._ask(credentials, asked)
        if acceptsAtOnce(asking):
            return asking
        return asking.addErrback(self._ebPassed)

    def _ebPassed(self, failure: Failure) -> Failure:
        """
        Note a login that isn't finished by one factor.
        """
        if failure.check(NOT_ENOUGH):
            self._turnOff()
        return failure

    def _isKnownKind(self, kind: Any, credentials: object) -> bool:
        """
        Return whether credentials are a name and a password, and nothing else.
        """
        cls = type(credentials)
        package, *modules = cls.__module__.split(".")
        isKnown = (
            not self._isOff
            and kind is implementedBy(cls)  # type: ignore[no-untyped-call]
            and kind.isOrExtends(IUsernamePassword)
            and not any(map(kind.isOrExtends, self._others))
            and package in _KNOWN_PACKAGES
            and modules[:1] != _PLUGINS
            and not isOverridden(credentials, "checkPassword")
        )
        if isKnown:
            self._kinds[id(kind)] = kind
        return isKnown

    def _compare(
        self, login: _Login, entry: _Entry, place: int = 0
    ) -> Deferred[AvatarID]:
        """
        Accept a login that is remembered, if the stores hold what they held.

        @param place: of how many checkers that is known already.
        """
        _, credentials, asked = login
        for read, state, avatarId in entry.states[place:]:
            place += 1
            try:
                now = read(credentials, avatarId)
            except Exception:
                return self._verify(login)
            if now == state:
                continue
            if type(now) is bytes:
                return self._differs(login, entry)
            return deferredState(now).addCallbacks(
                self._cbState,
                self._ebState,
                callbackArgs=(state, login, entry, place),
                errbackArgs=(login,),
            )
        if asked is not None:
            asked.checker, asked.cached = entry.checker, True
        return succeed(entry.avatarId)

    def _cbState(
        self, now: bytes, state: bytes, login: _Login, entry: _Entry, place: int
    ) -> Deferred[AvatarID]:
        """
        Go on to compare states, when another one is known.
        """
        if now != state:
            return self._differs(login, entry)
        return self._compare(login, entry, place)

    def _ebState(self, failure: Failure, login: _Login) -> Failure | Deferred[AvatarID]:
        """
        Ask the checkers, since a store can't tell.
        """
        return failure if failure.check(CancelledError) else self._verify(login)

    def _differs(self, login: _Login, entry: _Entry) -> Deferred[AvatarID]:
        """
        Forget a login, since a store holds something else now, and ask the checkers.
        """
        key, _, _ = login
        if self._entries.get(key) is entry:
            del self._entries[key]
        return self._verify(login)

    def _verify(self, login: _Login, isAlone: bool = False) -> Deferred[AvatarID]:
        """
        Ask the checkers.  Logins by the same name and password at the same time share a
        verification.

        @param isAlone: whether this one mustn't.
        """
        key, credentials, asked = login
        if asked is not None:
            asked.cached = False
        verification = None if isAlone else self._underWay.get(key)
        if verification is not None:
            return verification.join(partial(self._share, login, verification))
        verification = Verification(self._parts, credentials, asked, self._now())
        answer = verification.join(partial(self._share, login, verification))
        if not isAlone:
            self._underWay[key] = verification

        def cbRemembered(entry: _Entry | None) -> None:
            if self._underWay.get(key) is verification:
                del self._underWay[key]
            verification.finish(entry)

        remember = partial(self._remember, key, verification)
        remembering = verification.start()
        remembering.addCallback(lambda _: Deferred.fromCoroutine(remember()))
        remembering.addErrback(self._ebDefect).addCallback(cbRemembered)
        return answer

    async def _remember(self, key: Key, verification: Verification) -> _Entry | None:
        """
        Remember a login, if it was accepted and may be.

        @return: what is remembered.
        """
        result = verification.result
        if isinstance(result, Failure) and result.check(NOT_ENOUGH):
            # What is right so far isn't right for another connection.
            self._turnOff()
        states = verification.states()
        for read, state, avatarId in states or ():
            try:
                now = await deferredState(read(verification.credentials, avatarId))
            except Exception:
                return None
            if now != state:
                # It may have been verified by what the store held between the two, and
                # this state may come back.
                return None
        if states is None or self._isOff:
            return None
        entry = _Entry(verification.began, result, verification.checker, states)
        self._entries[key] = entry
        if len(self._entries) > self._most:
            del self._entries[next(iter(self._entries))]
        return entry

    def _ebDefect(self, failure: Failure) -> None:
        """
        Log a defect.
        """
        self._log.failure("A login couldn't be remembered", failure)

    def _share(
        self, login: _Login, verification: Verification, entry: _Entry | None
    ) -> Any:
        """
        Return the outcome for a login that has waited for the verification of another.

        @param entry: what is remembered of that one.

        @return: an avatar ID, a L{Failure} or a L{Deferred}.
        """
        result = verification.result
        if entry is not None:
            # The stores may have changed since the verification began.
            return self._compare(login, entry)
        if isinstance(result, Failure) and not result.check(*UNFINISHED):
            return sameFailure(result)
        return self._verify(login, isAlone=True)

    def _turnOff(self) -> None:
        """
        Forget all logins, and remember none any more.
        """
        if not self._isOff:
            self._log.warn("A checker asks for a second factor: no logins are remembered")
        self._isOff = True
        self._kinds.clear()
        self._entries.clear()


__all__ = ["CachedLogins"]
