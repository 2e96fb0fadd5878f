"""
The mechanisms that a program brings along, as Twisted's servers take them: classes of
credentials that make challenges and take answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Union

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.mail.imap4 import (
    IllegalClientResponse,
    LOGINCredentials,
    PLAINCredentials,
)

from .._contracts import twistedCredentials
from ..credentials import CramMD5Credentials
from ..error import SASLError
from ..sasl import MECHANISMS, Mechanism

#: What makes the credentials of a mechanism.
Challenger = Union[Callable[[], Any], None]

# Those that are served better without them.
_SUPERSEDED = (
    CramMD5Credentials,
    LOGINCredentials,
    PLAINCredentials,
    twistedCredentials.CramMD5Credentials,
)


def challengersIn(
    given: Mapping[bytes, Challenger], isClearTextAllowed: bool
) -> dict[bytes, Challenger]:
    """
    Return the mechanisms that are a program's own.

    @param given: all that it has given.  Twisted's classes are left out: mycred's
        mechanisms take their place.
    @param isClearTextAllowed: whether passwords may be sent as they are.
    """
    upper = {name.upper(): made for name, made in given.items()}
    return {
        name: made
        for name, made in upper.items()
        if made not in _SUPERSEDED and _isAllowed(name, isClearTextAllowed)
    }


def usualIn(
    given: Mapping[bytes, Challenger], isClearTextAllowed: bool
) -> dict[bytes, Mechanism]:
    """
    Return the mechanisms of mycred's that take the place of Twisted's classes.

    @param given: the mechanisms that the program has given.
    @param isClearTextAllowed: whether passwords may be sent as they are.
    """
    names = [name.upper() for name, made in given.items() if made in _SUPERSEDED]
    return {
        name: MECHANISMS[name]
        for name in names
        if name in MECHANISMS and _isAllowed(name, isClearTextAllowed)
    }


def _isAllowed(name: bytes, isClearTextAllowed: bool) -> bool:
    """
    Return whether a mechanism isn't known to send what could be used again, or may.
    """
    known = MECHANISMS.get(name)
    return known is None or isClearTextAllowed or not known.isClearText


async def converse(
    challenger: Callable[[], Any],
    initial: bytes | None,
    ask: Callable[[bytes], Deferred[bytes]],
) -> Any:
    """
    Get credentials from the client.

    @param challenger: what makes the credentials.
    @param initial: the initial response, decoded; L{None} if there is none.  It stands
        for the answer to the first challenge, which isn't sent.
    @param ask: what sends a challenge, and returns the answer.

    @raise SASLError: if an answer makes no sense to the credentials.
    """
    credentials = challenger()
    while True:
        challenge = await maybeDeferred(credentials.getChallenge)
        answer, initial = initial, None
        if answer is None:
            answer = await ask(challenge)
        try:
            credentials.setResponse(answer)
        except (IllegalClientResponse, ValueError):
            raise SASLError("That is no answer to the challenge") from None
        if not credentials.moreChallenges():
            return credentials


__all__ = ["Challenger", "challengersIn", "converse", "usualIn"]
