"""
C{mycred check}: try a login as a server would.
"""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import suppress
from time import perf_counter
from typing import TextIO, TypeVar

from zope.interface import implementer, provider

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater, react
from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    formatEvent,
    globalLogPublisher,
)
from twisted.python import usage
from twisted.python.failure import Failure

from .._audit import LoginEvent, authTypeOf
from .._chain import partsOf
from .._contracts import (
    AvatarID,
    ICredentials,
    ICredentialsChecker,
    InterfaceType,
    IRealm,
    IUsernameDigestHash,
    IUsernamePassword,
    Login,
)
from .._loginline import shownOf
from .._passwordfile._notes import isOfLine
from .._programs import ProgramAuthOptions
from ..credentials import (
    DigestCredentialFactory,
    DigestedCredentials,
    UsernamePassword,
    calcHA1,
    calcHA2,
    calcResponse,
)
from ..error import AccountDenied, UnauthorizedLogin
from ..portal import Portal
from ..stack import CheckerStack
from ._errors import CommandError
from ._prompt import askPassword

_T = TypeVar("_T")

#: The exit statuses; the last one is EX_TEMPFAIL of sysexits(3).
ACCEPTED, REFUSED, TEMPORARY = 0, 1, 75


class _Options(usage.Options, ProgramAuthOptions):
    """
    C{--auth}, as a program has it whose users send a name and a password.
    """

    supportedInterfaces = (IUsernamePassword, IUsernameDigestHash)


@implementer(IRealm)
class _Realm:
    """
    A realm whose avatars are the avatar IDs.
    """

    def requestAvatar(
        self, avatarId: AvatarID, mind: object, *interfaces: InterfaceType
    ) -> Login:
        """
        Return the avatar ID as the avatar.
        """
        return interfaces[0], avatarId, lambda: None


@implementer(ICredentialsChecker)
class _TimedChecker:
    """
    A checker that asks another one, and remembers the outcome.

    @ivar label: what to call the other one.
    @ivar outcome: what it decided, and how long that took, in seconds; L{None} if it
        wasn't asked.
    """

    def __init__(self, label: str, checker: ICredentialsChecker) -> None:
        self.label = label
        self.authType = authTypeOf(checker)
        self.credentialInterfaces = checker.credentialInterfaces
        self.checker = checker
        self.outcome: tuple[str, float] | None = None

    def requestAvatarId(self, credentials: ICredentials) -> Deferred[AvatarID]:
        """
        Ask the checker.
        """
        began = perf_counter()

        def remember(result: _T) -> _T:
            self.outcome = _outcomeOf(result), perf_counter() - began
            return result

        return maybeDeferred(self.checker.requestAvatarId, credentials).addBoth(remember)


def run(options: Namespace) -> int:
    """
    Try a login, and print the outcome.

    @return: the exit status.
    """
    logins: list[LogEvent] = []
    # What is odd about the settings is logged, too.
    globalLogPublisher.addObserver(_logTo(sys.stderr, logins))
    made = _makeCheckers(options.auth)
    stacks = [checker for _, checker in made if isinstance(checker, CheckerStack)]
    watched = _watch(made)
    if options.verbose:
        _watchSteps(watched)
    _leaveOut(stacks)
    name = os.fsencode(options.user)
    password = askPassword(options.stdin)
    audited: list[LoginEvent] = []
    ended: list[tuple[object, float]] = []

    async def login(reactor: IReactorTime) -> None:
        # Only once the reactor runs do checkers use threads.
        await deferLater(reactor, 0)
        _leaveAtOnce()
        began = perf_counter()
        result = await _try(watched, name, password, audited)
        ended.append((result, perf_counter() - began))

    # With this, react() ends once the reactor has stopped.
    with suppress(SystemExit):
        react(lambda reactor: Deferred.fromCoroutine(login(reactor)))
    [(result, seconds)] = ended
    if isinstance(result, Failure):
        _showLogin(logins, sys.stderr)
    status = _report(watched, result, seconds)
    if options.verbose and any(stack.audit is not None for stack in stacks):
        _showAudited(audited)
    return status


def _leaveOut(stacks: list[CheckerStack]) -> None:
    """
    Say what stands around checkers and isn't asked, and keep it from its work: a try
    costs nobody a guess, and takes no port from the server.
    """
    for stack in stacks:
        if stack.throttle is not None:
            print("throttle  not asked: a try from here isn't a guess")
        if stack.cache is not None:
            print("cache  not asked")
        close = getattr(stack.metrics, "close", None)
        if close is not None:
            close()


def _showAudited(audited: list[LoginEvent]) -> None:
    """
    Print what the audit log would be told of the login that decides.
    """
    told = [event for event in audited if event.verdict != "refused"]
    for event in [*told, *audited][:1]:
        print(f"audit  Login {event.verdict}: {shownOf(event)[0]}")


def _leaveAtOnce() -> None:
    """
    Have Ctrl-C end the process without waiting for threads that hash.
    """
    status = 128 + signal.SIGINT
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(status))


def _makeCheckers(descriptions: list[str]) -> list[tuple[str, ICredentialsChecker]]:
    """
    Return the checkers, with their auth types.

    @raise CommandError: if a description is wrong.
    """
    options = _Options()
    for description in descriptions:
        try:
            options.opt_auth(description)
        except usage.UsageError as error:
            text = str(error).replace("--help-auth-type=", "mycred types ")
            raise CommandError(text) from None
    authTypes = [description.partition(":")[0] for description in descriptions]
    return list(zip(authTypes, options["credCheckers"]))


def _watch(made: list[tuple[str, ICredentialsChecker]]) -> list[_TimedChecker]:
    """
    Return what asks checkers, and remembers what they say: those of a stack each by
    itself.
    """
    parts = [
        (str(authTypeOf(part)) if isinstance(checker, CheckerStack) else label, part)
        for label, checker in made
        for part in partsOf(checker)
    ]
    if len(parts) > 1:
        parts = [(f"{number} {label}", p) for number, (label, p) in enumerate(parts, 1)]
    return [_TimedChecker(label, part) for label, part in parts]


def _watchSteps(watched: list[_TimedChecker]) -> None:
    """
    Have the checkers whose logins take several steps report them.
    """
    for each in watched:
        store = getattr(each.checker, "store", None)
        if store is not None:
            store.isWatched = True


async def _try(
    watched: list[_TimedChecker],
    name: bytes,
    password: bytes,
    audited: list[LoginEvent],
) -> object:
    """
    Present a name and a password in each way that some of the checkers can check, until
    one is accepted.

    @param audited: a list that gets what an audit log would be told.

    @return: the avatar ID; or the failure of the first presentation that wasn't just
        refused.
    """
    failures: list[Failure] = []
    for checkers, credentials in _presentations(watched, name, password):
        try:
            stack = CheckerStack(checkers, audit=audited.append)
            login = await Portal(_Realm(), [stack]).login(credentials, None, IRealm)
            return login[1]
        except Exception:
            failures.append(Failure())
            if failures[-1].check(AccountDenied):
                break
    told = [f for f in failures if _outcomeOf(f) != "refused"]
    return [*told, *failures][0]


def _presentations(
    watched: list[_TimedChecker], name: bytes, password: bytes
) -> Iterator[tuple[list[_TimedChecker], ICredentials]]:
    """
    Yield credentials of each kind that some of the checkers can check: the name and the
    password as they are, and HTTP Digest in each realm.

    @return: the checkers, with what to present to them.
    """
    typed = [w for w in watched if IUsernamePassword in w.credentialInterfaces]
    if typed:
        yield typed, UsernamePassword(name, password)
    byRealm: dict[bytes, list[_TimedChecker]] = {}
    for checker in watched:
        # A stack may have others, such as those of keys.
        isAsked = IUsernameDigestHash in checker.credentialInterfaces
        if isAsked and checker not in typed:
            realm = getattr(checker.checker, "realm", b"")
            byRealm.setdefault(realm, []).append(checker)
    for realm, checkers in byRealm.items():
        for algorithm in (b"MD5", b"SHA-256"):
            yield checkers, _digested(algorithm, realm, name, password)


def _digested(
    algorithm: bytes, realm: bytes, name: bytes, password: bytes
) -> DigestedCredentials:
    """
    Return a browser's answer to a challenge.
    """
    challenge = DigestCredentialFactory(algorithm, realm).getChallenge(None)
    nonce, count, kind = challenge["nonce"], b"00000001", algorithm.lower()
    ha1 = calcHA1(kind, name, realm, password, None, None)
    ha2 = calcHA2(kind, b"GET", b"/", b"auth", None)
    response = calcResponse(ha1, ha2, kind, nonce, count, nonce, b"auth")
    fields = {
        **challenge,
        "uri": b"/",
        "nc": count,
        "cnonce": nonce,
        "response": response,
    }
    return DigestedCredentials(name, b"GET", realm, fields)


def _outcomeOf(result: object) -> str:
    """
    Return what came of a login, in words.
    """
    if not isinstance(result, Failure):
        return "accepted"
    if isinstance(result.value, AccountDenied):
        return f"refused: {result.value.reason.value}"
    if result.check(UnauthorizedLogin):
        return "refused"
    return "temporary failure"


def _report(watched: list[_TimedChecker], result: object, seconds: float) -> int:
    """
    Print the outcome of a login.

    @return: the exit status.
    """
    width = max(len(w.label) for w in watched)
    for checker in watched:
        decided, took = checker.outcome or ("not asked", None)
        time = "" if took is None else f"  {took:.3f} s"
        print(f"{checker.label:<{width}}  {decided}{time}")
    outcome = _outcomeOf(result)
    if not isinstance(result, Failure):
        accepting = next(w for w in watched if w.outcome and w.outcome[0] == outcome)
        print(f"accepted by {accepting.label}, avatar ID {result!r}, in {seconds:.3f} s")
        return ACCEPTED
    print(f"{outcome}, in {seconds:.3f} s")
    return TEMPORARY if outcome == "temporary failure" else REFUSED


def _logTo(stream: TextIO, logins: list[LogEvent]) -> ILogObserver:
    """
    Return a log observer that shows what a server would log.  It leaves out what is odd
    about lines of a file: if it concerns the user, the login's last line says it.

    @param stream: where to show it.
    @param logins: a list that gets the event of each presentation's end: for a server all
        of them would be one login.
    """

    @provider(ILogObserver)
    def show(event: LogEvent) -> None:
        namespace = str(event.get("log_namespace"))
        text = formatEvent(event)
        if event.get("log_level") is LogLevel.critical:
            # Twisted shows it by itself, with the traceback, where no log has begun.
            return
        if namespace == "mycred.login":
            logins.append(event)
        elif namespace.startswith("mycred.") and not isOfLine(text):
            stream.write(f"{text}\n")

    observer: ILogObserver = show
    return observer


def _showLogin(logins: list[LogEvent], stream: TextIO) -> None:
    """
    Print how the login has ended: as the first presentation that wasn't just refused.
    """
    told = [event for event in logins if event["verdict"] != "refused"]
    for event in [*told, *logins][:1]:
        stream.write(f"{formatEvent(event)}\n")


__all__ = ["ACCEPTED", "REFUSED", "TEMPORARY", "run"]
