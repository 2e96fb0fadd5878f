"""
Mechanisms by which client and server prove to each other that they know a password, or
what was derived from it.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from .._authzid import insistOnOwnName
from .._scram import ClientFirst, ScramExchange
from ..credentials import ScramCredentials
from ..error import SASLError, UnauthorizedLogin
from ._context import Context
from ._exchange import Ask, Exchange, Step, refused


class Scram(Exchange):
    """
    SCRAM (U{RFC 5802<https://www.rfc-editor.org/rfc/rfc5802>}, U{RFC 7677
    <https://www.rfc-editor.org/rfc/rfc7677>}).

    The client's first message makes the credentials, and these go on with the
    conversation when a checker has found the keys.
    """

    _credentials: ScramCredentials | None = None

    def __init__(self, hash: str, isBound: bool, context: Context, ask: Ask) -> None:
        """
        @param hash: the name of the hash in L{hashlib}.
        @param isBound: whether the mechanism binds the login to the TLS connection.
        @param context: as for L{Exchange}.
        @param ask: likewise.
        """
        super().__init__(context, ask)
        self._hash = hash
        self._isBound = isBound

    def respond(self, answer: bytes) -> Step:
        """
        Return the credentials.
        """
        first = ClientFirst.parse(answer)
        self.username = first.username
        binding = self._bindingOf(first)
        insistOnOwnName(first.authzid, first.username)
        exchange = ScramExchange(self._hash, first, binding)
        self._credentials = ScramCredentials(exchange, self._ask, self._context.secret)
        return self._credentials

    def _bindingOf(self, first: ClientFirst) -> bytes:
        """
        Return what binds the login to the connection; nothing, if the client doesn't do
        that.
        """
        if self._isBound != (first.flag == "p"):
            raise SASLError("a channel binding goes with -PLUS, and only with that")
        if first.flag == "y" and any(n.endswith(b"-PLUS") for n in self._context.offered):
            # A machine between them may have taken that out of the offer (section 6).
            raise refused("the client hasn't seen the offer of channel binding")
        if first.flag != "p":
            return b""
        binding = self._context.facts.channelBinding(first.binding)
        if binding is None:
            raise refused("the connection has no such channel binding")
        return binding

    def insistOnProof(self) -> None:
        """
        Insist that the checker has waited for the client's proof.
        """
        if self._credentials is not None and not self._credentials.isProved:
            self._credentials.abandon()
            raise UnauthorizedLogin

    def refuse(self, failure: Failure) -> Failure | Deferred[Failure]:
        """
        Lead a client whom no checker has asked through the same exchange as others.
        """
        if self._credentials is None:
            return failure
        return self._credentials.conclude(failure)


__all__ = ["Scram"]
