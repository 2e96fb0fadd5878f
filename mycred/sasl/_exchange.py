"""
The manner of all mechanisms: a state machine without I/O, which is told what the client
sends, and answers what comes next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Union

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from .._audit import withReason
from .._contracts import ICredentials
from ..error import UnauthorizedLogin
from ._context import Context

#: Sends a challenge to the client, and returns a Deferred that fires with its answer.
Ask = Callable[[bytes], Deferred[bytes]]

#: What comes after an answer: another challenge, or the credentials of the client.
Step = Union[bytes, ICredentials]


class Exchange:
    """
    One login by a mechanism.

    @cvar prompt: the challenge to which the client's first answer is the answer.
    @ivar username: the name that the client has sent, for the log; empty until then.
    """

    prompt = b""
    username = b""

    def __init__(self, context: Context, ask: Ask) -> None:
        """
        @param context: what is known besides what the client sends.
        @param ask: what asks the client, for credentials that are a conversation.
        """
        self._context = context
        self._ask = ask

    def begin(self) -> bytes:
        """
        Return the first challenge.
        """
        return self.prompt

    def respond(self, answer: bytes) -> Step:
        """
        Return what comes after an answer of the client.

        @raise SASLError: if it makes no sense.
        @raise UnauthorizedLogin: if the client can't be let in, whatever its name.
        """
        raise NotImplementedError

    def insistOnProof(self) -> None:
        """
        Insist that a login to which a checker has agreed is one.

        @raise UnauthorizedLogin: if the client hasn't proved what it has to.
        """

    def refuse(self, failure: Failure) -> Failure | Deferred[Failure]:
        """
        Say what is still to be said to a client that isn't let in.

        @param failure: what the login has failed with.

        @return: what the client is told in the end, or a L{Deferred} that fails with it.
        """
        return failure


def refused(why: str) -> UnauthorizedLogin:
    """
    Return the error that a client can't be let in.

    @param why: the reason, for the log.
    """
    return withReason(UnauthorizedLogin(), why)


__all__ = ["Ask", "Exchange", "Step", "refused"]
