"""
C{mycred check}: try a login just as a server would.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError, Namespace
from contextlib import suppress
from time import perf_counter
from typing import Any, TextIO

from zope.interface import implementer

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import react
from twisted.logger import formatEvent, globalLogPublisher
from twisted.python import usage
from twisted.python.failure import Failure

from .._contracts import (
    AvatarID,
    ICredentialsChecker,
    InterfaceType,
    IRealm,
    IUsernameDigestHash,
    IUsernamePassword,
    Login,
)
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
from ..strcred import AuthOptionMixin
from ._asking import askPassword

#: The exit statuses; the last one is EX_TEMPFAIL of sysexits(3).
ACCEPTED, REFUSED, TEMPORARY = 0, 1, 75


class _Options(usage.Options, AuthOptionMixin):
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
    name = os.fsencode(options.user)
    password = askPassword(options.stdin)
    globalLogPublisher.addObserver(_logTo(sys.stderr))
    status = TEMPORARY

    def tried(reactor: Any) -> Deferred[None]:
        credentials = _credentialsFor(watched, name, password)
        portal = Portal(_Realm(), watched)
        began = perf_counter()
        login: Deferred[Any] = portal.login(credentials, None, IRealm)

        def conclude(result: Any) -> None:
            nonlocal status
            status = _report(watched, result, perf_counter() - began)

        return login.addBoth(conclude)

    # It ends by this when the reactor has stopped; what came of the login is known.
    with suppress(SystemExit):
        react(tried)
    return status


def _makeCheckers(descriptions: list[str]) -> list[_Watched]:
    """
    Make the checkers.

    @raise ArgumentTypeError: if a description is wrong.
    """
    options = _Options()
    for description in descriptions:
        try:
            options.opt_auth(description)
        except usage.UsageError as error:
            raise ArgumentTypeError(str(error)) from None
    labels = [description.partition(":")[0] for description in descriptions]
    if len(labels) > 1:
        labels = [f"{number} {label}" for number, label in enumerate(labels, 1)]
    return [_Watched(*pair) for pair in zip(labels, options["credCheckers"])]


def _credentialsFor(watched: list[_Watched], name: bytes, password: bytes) -> Any:
    """
    Present a name and a password in a way that the checkers can check.
    """
    if any(IUsernamePassword in w.credentialInterfaces for w in watched):
        return UsernamePassword(name, password)
    # As a browser does, in the realm that the file has.
    realm = getattr(watched[0].checker, "realm", b"")
    challenge = DigestCredentialFactory(b"MD5", realm).getChallenge(None)
    nonce, count = challenge["nonce"], b"00000001"
    ha1 = calcHA1(b"md5", name, realm, password, None, None)
    ha2 = calcHA2(b"md5", b"GET", b"/", b"auth", None)
    response = calcResponse(ha1, ha2, b"md5", nonce, count, nonce, b"auth")
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


def _logTo(stream: TextIO) -> Any:
    """
    Make what shows whoever tries a login the server's log of it.
    """

    def show(event: Any) -> None:
        if str(event.get("log_namespace")).startswith("mycred."):
            stream.write(f"{formatEvent(event)}\n")

    return show


__all__ = ["ACCEPTED", "REFUSED", "TEMPORARY", "run"]
