"""
C{mycred check}: try a login just as a server would.
"""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Generator, Iterator
from contextlib import suppress
from time import perf_counter
from typing import Any, TextIO

from zope.interface import implementer

from twisted.internet.defer import Deferred, inlineCallbacks, maybeDeferred
from twisted.internet.task import deferLater, react
from twisted.logger import formatEvent, globalLogPublisher
from twisted.python import usage
from twisted.python.failure import Failure

from .._audit import authTypeOf
from .._contracts import (
    AvatarID,
    ICredentialsChecker,
    InterfaceType,
    IRealm,
    IUsernameDigestHash,
    IUsernamePassword,
    Login,
)
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
from ._errors import Trouble
from ._prompt import askPassword

#: The exit statuses; the last one is EX_TEMPFAIL of sysexits(3).
ACCEPTED, REFUSED, TEMPORARY = 0, 1, 75


class _Options(usage.Options, ProgramAuthOptions):
    """
    C{--auth}, as any program has it that knows a name and a password.
    """

    supportedInterfaces = (IUsernamePassword, IUsernameDigestHash)


@implementer(IRealm)
class _Realm:
    """
    A realm in which the avatar ID is all.
    """

    def requestAvatar(
        self, avatarId: AvatarID, mind: object, *interfaces: InterfaceType
    ) -> Login:
        """
        Answer with the avatar ID.
        """
        return interfaces[0], avatarId, lambda: None


@implementer(ICredentialsChecker)
class _Watched:
    """
    A checker that is asked as it would be without this one, which remembers what it
    said.

    @ivar label: what to call it.
    @ivar said: what it said, and how long that took, in seconds; L{None} if it
        wasn't asked.
    """

    def __init__(self, label: str, checker: Any) -> None:
        self.label = label
        self.authType = authTypeOf(checker)
        self.credentialInterfaces = checker.credentialInterfaces
        self.checker = checker
        self.said: tuple[str, float] | None = None

    def requestAvatarId(self, credentials: Any) -> Deferred[AvatarID]:
        """
        Ask the checker.
        """
        began = perf_counter()

        def remember(result: Any) -> Any:
            self.said = _verdict(result), perf_counter() - began
            return result

        asking: Deferred[Any]
        asking = maybeDeferred(self.checker.requestAvatarId, credentials)
        return asking.addBoth(remember)


def run(options: Namespace) -> int:
    """
    Try a login, and print what came of it.

    @return: the exit status.
    """
    watched = _makeCheckers(options.auth)
    if options.verbose:
        _watchSteps(watched)
    name = os.fsencode(options.user)
    password = askPassword(options.stdin)
    logins: list[Any] = []
    globalLogPublisher.addObserver(_logTo(sys.stderr, logins))
    ended: list[Any] = []

    def tried(reactor: Any) -> Deferred[None]:
        # Once it runs: before that, a checker does its work at once.
        trying: Deferred[Any] = deferLater(reactor, 0, begin)
        return trying.addBoth(end)

    def begin() -> Deferred[Any]:
        _leaveAtOnce()
        ended.append(perf_counter())
        return _try(watched, name, password)

    def end(result: Any) -> None:
        ended.extend((perf_counter(), result))

    # It ends by this when the reactor has stopped.
    with suppress(SystemExit):
        react(tried)
    began, now, result = ended
    if isinstance(result, Failure):
        _showLogin(logins, sys.stderr)
    return _report(watched, result, now - began)


def _leaveAtOnce() -> None:
    """
    Have Ctrl-C end the process, and wait for no thread that hashes.
    """
    status = 128 + signal.SIGINT
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(status))


def _makeCheckers(descriptions: list[str]) -> list[_Watched]:
    """
    Make the checkers.

    @raise Trouble: if a description is wrong.
    """
    options = _Options()
    for description in descriptions:
        try:
            options.opt_auth(description)
        except usage.UsageError as error:
            text = str(error).replace("--help-auth-type=", "mycred types ")
            raise Trouble(text) from None
    labels = [description.partition(":")[0] for description in descriptions]
    if len(labels) > 1:
        labels = [f"{number} {label}" for number, label in enumerate(labels, 1)]
    return [_Watched(*pair) for pair in zip(labels, options["credCheckers"])]


def _watchSteps(watched: list[_Watched]) -> None:
    """
    Have those checkers tell their steps that have several.
    """
    for each in watched:
        store = getattr(each.checker, "store", None)
        if store is not None:
            store.isWatched = True


@inlineCallbacks
def _try(
    watched: list[_Watched], name: bytes, password: bytes
) -> Generator[Deferred[Any], Any, Any]:
    """
    Log in, in each way that some of the checkers can check, until one is accepted.

    @return: a L{Deferred} that fires with the answer of the realm, or fails as the
        first login did that wasn't just refused.
    """
    failures: list[Failure] = []
    for checkers, credentials in _presentations(watched, name, password):
        try:
            return (yield Portal(_Realm(), checkers).login(credentials, None, IRealm))
        except Exception:
            failures.append(Failure())
            if failures[-1].check(AccountDenied):
                break
    told = [f for f in failures if _verdict(f) != "refused"]
    return [*told, *failures][0]


def _presentations(
    watched: list[_Watched], name: bytes, password: bytes
) -> Iterator[tuple[list[_Watched], Any]]:
    """
    Present a name and a password in each way that some of the checkers can check:
    as they are, and by HTTP Digest in each realm.

    @return: the checkers, and what to present to them.
    """
    typed = [w for w in watched if IUsernamePassword in w.credentialInterfaces]
    if typed:
        yield typed, UsernamePassword(name, password)
    byRealm: dict[bytes, list[_Watched]] = {}
    for checker in watched:
        if checker not in typed:
            realm = getattr(checker.checker, "realm", b"")
            byRealm.setdefault(realm, []).append(checker)
    for realm, checkers in byRealm.items():
        for algorithm in (b"MD5", b"SHA-256"):
            yield checkers, _digested(algorithm, realm, name, password)


def _digested(
    algorithm: bytes, realm: bytes, name: bytes, password: bytes
) -> DigestedCredentials:
    """
    Answer a challenge as a browser does.
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


def _verdict(result: Any) -> str:
    """
    Put into words what came of a login.
    """
    if not isinstance(result, Failure):
        return "accepted"
    if result.check(AccountDenied):
        denied: Any = result.value
        return f"refused: {denied.reason.value}"
    if result.check(UnauthorizedLogin):
        return "refused"
    return "temporary failure"


def _report(watched: list[_Watched], result: Any, seconds: float) -> int:
    """
    Print what came of a login.

    @return: the exit status.
    """
    width = max(len(w.label) for w in watched)
    for checker in watched:
        said, took = checker.said or ("not asked", None)
        time = "" if took is None else f"  {took:.3f} s"
        print(f"{checker.label:<{width}}  {said}{time}")
    verdict = _verdict(result)
    if not isinstance(result, Failure):
        decided = next(w for w in watched if w.said and w.said[0] == verdict)
        print(f"accepted by {decided.label}, avatar ID {result[1]!r}, in {seconds:.3f} s")
        return ACCEPTED
    print(f"{verdict}, in {seconds:.3f} s")
    return TEMPORARY if verdict == "temporary failure" else REFUSED


def _logTo(stream: TextIO, logins: list[Any]) -> Any:
    """
    Make what shows the server's log to whoever tries a login.  What is odd about the
    lines of a file isn't shown: of the user's own, the login's end tells it.

    @param logins: what is added to of how each presentation has ended: to a server it
        would be one login.
    """

    def show(event: Any) -> None:
        namespace = str(event.get("log_namespace"))
        text = formatEvent(event)
        if namespace == "mycred.login":
            logins.append(event)
        elif namespace.startswith("mycred.") and not isOfLine(text):
            stream.write(f"{text}\n")

    return show


def _showLogin(logins: list[Any], stream: TextIO) -> None:
    """
    Show how the login has ended: as the first presentation did that wasn't just refused.
    """
    told = [event for event in logins if event["verdict"] != "refused"]
    for event in [*told, *logins][:1]:
        stream.write(f"{formatEvent(event)}\n")


__all__ = ["ACCEPTED", "REFUSED", "TEMPORARY", "run"]
