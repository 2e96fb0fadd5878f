"""
A password that a client proves without sending it, while a checker checks it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Union

from zope.interface import implementer

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.python.failure import Failure

from ._audit import reasonOf, withReason
from ._conversations import IScramCredentials
from ._scram import NotProved, ScramExchange, ScramKeys, madeUpKeys, madeUpSalt
from .error import AccountDenied, SASLError, TemporaryFailure, UnauthorizedLogin

# What a client gets to see for an unknown name if no checker says what is usual: how
# often the password is hashed, and the size of the salt.
_USUAL = 4096, 16


@implementer(IScramCredentials)
class ScramCredentials:
    """
    A name, and a conversation by which the client proves that it knows the password.

    L{mycred.sasl.authenticate} makes them.

    @ivar username: the name that the client sent.
    @ivar authzid: the name of the user to act as; empty if that is the one who logs in.
    @ivar hash: the name of the hash of the mechanism in L{hashlib}.
    """

    def __init__(
        self,
        exchange: ScramExchange,
        ask: Callable[[bytes], Deferred[bytes]],
        secret: bytes,
    ) -> None:
        """
        @param exchange: the exchange, which the client has begun.
        @param ask: sends a challenge, and returns a L{Deferred} that fires with the
            client's answer.
        @param secret: the secret of the site, from which salts are made up.
        """
        self.username = exchange.first.username
        self.authzid = exchange.first.authzid
        self.hash = exchange.hash
        self._conversation = _Conversation(exchange, ask, secret)

    @property
    def isProved(self) -> bool:
        """
        Whether the client has proved that it knows the password, and has got the server's
        proof.
        """
        return self._conversation.isProved

    @property
    def salt(self) -> bytes:
        """
        A salt for keys that are derived at a login, always the same for the same name.
        """
        return madeUpSalt(self._conversation.secret, self.hash, self.username)

    def prove(self, keys: ScramKeys) -> Deferred[None]:
        """
        Have the client prove that it knows the password behind the keys.

        @raise ValueError: if the keys are for another hash.
        """
        return self._conversation.prove(keys)

    def expect(self, iterations: int, saltSize: int, name: bytes | None = None) -> None:
        """
        Say what the keys of most users are like, before refusing one who is unknown.
        What is said first counts.
        """
        self._conversation.expect(iterations, saltSize, name or self.username)

    def conclude(self, failure: Failure) -> Union[Failure, Deferred[Failure]]:
        """
        Lead a client whom no checker has asked through the same conversation as with a
        name that is known.

        @param failure: what the login has failed with.

        @return: what to tell the client, or a L{Deferred} that fails with it.  It is what
            the login has failed with, unless the client has said something that makes no
            sense; and nobody who hasn't proved a password gets to know that there is such
            an account.
        """
        return self._conversation.conclude(failure)

    def abandon(self) -> None:
        """
        Leave a conversation that isn't over though the checker has answered.
        """
        self._conversation.abandon()


class _Conversation:
    """
    What all copies of the credentials share, as programs make them to present another
    name: there is one client, which is asked once.
    """

    def __init__(
        self,
        exchange: ScramExchange,
        ask: Callable[[bytes], Deferred[bytes]],
        secret: bytes,
    ) -> None:
        self.isProved = self._isOver = False
        self.secret = secret
        self._exchange = exchange
        self._ask = ask
        self._expected: tuple[int, int, bytes] | None = None
        self._asked: Deferred[bytes] | None = None
        self._broken: Failure | None = None

    def __deepcopy__(self, memo: object) -> _Conversation:
        """
        Return the same one.
        """
        return self

    def prove(self, keys: ScramKeys) -> Deferred[None]:
        """
        Have the client prove that it knows the password behind the keys.
        """
        hash = self._exchange.hash
        if keys.hash != hash:
            raise ValueError(f"keys for {keys.hash}, where {hash} is asked for")
        if self._asked is not None or self._isOver:
            return fail(withReason(UnauthorizedLogin(), "the client can't be asked now"))
        # For a name that nobody has it takes this, too.
        self._makeUpKeys()
        return self._converse(keys)

    def expect(self, iterations: int, saltSize: int, name: bytes) -> None:
        """
        Take what is said first of the keys of most users.
        """
        if self._expected is None:
            self._expected = iterations, saltSize, name

    def conclude(self, failure: Failure) -> Union[Failure, Deferred[Failure]]:
        """
        Lead a client whom no checker has asked through the same conversation.
        """
        if failure.check(CancelledError):
            # Nobody listens any more, and a checker that goes on mustn't ask.
            self._isOver = True
        if self._asked is None:
            if self._isOver:
                return failure
            asked = self._converse(self._makeUpKeys(failure))
            return asked.addBoth(self._cbPretended, failure)
        self.abandon()
        return self._verdict(failure)

    def abandon(self) -> None:
        """
        Leave the conversation.
        """
        self._isOver = True
        if self._asked is not None:
            self._asked.cancel()

    def _makeUpKeys(self, failure: Failure | None = None) -> ScramKeys:
        """
        Return keys that nobody has, and that look like others.

        @param failure: what the login has failed with, if it has.
        """
        first, hash = self._exchange.first, self._exchange.hash
        iterations, size, name = self._expected or (*_USUAL, first.username)
        secret = self.secret
        isDown = failure is not None and failure.check(TemporaryFailure)
        if isDown and self._expected is None:
            # No store can be asked, so that the names that they know can't have their own
            # salts.  Unknown ones mustn't be told from these by keeping theirs.
            secret += b"down"
        salt = madeUpSalt(secret, hash, name, size)
        return madeUpKeys(hash, iterations, salt)

    def _converse(self, keys: ScramKeys) -> Deferred[None]:
        """
        Have the client prove that it knows the password behind the keys.
        """
        asked = self._ask(self._exchange.challenge(keys))
        self._asked = asked
        # A Deferred apart: what is done to the conversation mustn't be done to the login.
        proved: Deferred[None] = Deferred(lambda _: asked.cancel())
        ended = asked.addCallback(self._cbFinal).addCallback(self._cbEnd)
        ended.addCallbacks(proved.callback, self._ebEnded, errbackArgs=(proved,))
        return proved

    def _cbPretended(self, said: object, failure: Failure) -> Failure:
        """
        Return what to tell a client that has taken part in the pretence.
        """
        if isinstance(said, Failure) and said.check(CancelledError):
            return said
        return self._verdict(failure)

    def _verdict(self, failure: Failure) -> Failure:
        """
        Return what to tell the client.
        """
        if self._broken is not None:
            return self._broken
        if failure.check(AccountDenied) and not self.isProved:
            return Failure(withReason(UnauthorizedLogin(), reasonOf(failure)))
        return failure

    def _cbFinal(self, answer: bytes) -> Deferred[bytes]:
        """
        Verify the client's proof, and send the server's.
        """
        try:
            verifier = self._exchange.finish(answer)
        except NotProved as error:
            raise withReason(UnauthorizedLogin(), str(error)) from None
        return self._ask(verifier)

    def _cbEnd(self, answer: bytes) -> None:
        """
        Take the client's word that it has verified the server's proof: nothing.
        """
        if answer:
            raise SASLError("nothing more was asked")
        self.isProved = True

    def _ebEnded(self, failure: Failure, proved: Deferred[None]) -> None:
        """
        Tell the checker that the client has proved nothing, and remember why, unless it
        is a wrong password, or that nobody waits any more.
        """
        isVerdict = failure.check(UnauthorizedLogin) and not failure.check(SASLError)
        if not (isVerdict or failure.check(CancelledError)):
            self._broken = failure
        if not self._isOver:
            proved.errback(failure)


__all__ = ["ScramCredentials"]
