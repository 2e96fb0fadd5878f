"""
Check tokens that another server has given to the client.
"""

from __future__ import annotations

from typing import Protocol

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from .._audit import withReason
from .._authzid import insistOnOwnName
from .._contracts import AvatarID, ICredentialsChecker
from .._fairqueue import Source
from .._peers import sourceOf
from .._reporting import reportsOutcome
from .._tokens import CannotTell, Identity, TokenRefused, isToken
from ..credentials import IBearerToken
from ..error import TemporaryFailure, UnauthorizedLogin


class TokenVerifier(Protocol):
    """
    What knows which tokens are good.

    @ivar opensLater: the paths of the files that are opened for a login.
    """

    opensLater: tuple[str, ...]

    def verify(self, token: bytes, source: Source = ()) -> Deferred[Identity]:
        """
        Find out whom a token names.

        @param token: the token.
        @param source: where the login comes from.

        @return: a L{Deferred} that fires with the user, or fails with L{TokenRefused} or
            L{CannotTell}.
        """

    def close(self) -> Deferred[None]:
        """
        Close connections.
        """


@implementer(ICredentialsChecker)
class TokenChecker:
    """
    The users whom tokens name (OAuth 2.0).

    The avatar ID is what a claim of the token says, as C{TokenRules} have it.  A token
    that the client says is another user's lets nobody in.
    """

    authType = "token"

    credentialInterfaces = (IBearerToken,)

    def __init__(self, verifier: TokenVerifier) -> None:
        """
        @param verifier: what knows which tokens are good: an C{Introspection}, or
            C{SignedTokens}.
        """
        self._verifier = verifier

    @property
    def opensLater(self) -> tuple[str, ...]:
        """
        The paths of the files that are opened for a login.
        """
        return self._verifier.opensLater

    @reportsOutcome
    def requestAvatarId(self, credentials: IBearerToken) -> Deferred[AvatarID]:
        """
        Check a token.

        @param credentials: the token.

        @return: a L{Deferred} that fires with the name of the account that it is for, or
            fails with L{UnauthorizedLogin}, or with L{TemporaryFailure} where nobody can
            say whether the token is good.
        """
        token = credentials.token
        if not isToken(token):
            why = "what was sent isn't a token"
            return fail(withReason(UnauthorizedLogin(), why))
        verifying = self._verifier.verify(token, sourceOf(credentials))
        naming: Deferred[AvatarID]
        naming = verifying.addCallback(self._cbVerified, credentials)
        return naming.addErrback(_told)

    def close(self) -> Deferred[None]:
        """
        Close the connections to the servers that are asked.

        @return: a L{Deferred} that fires when they are closed.
        """
        return self._verifier.close()

    def _cbVerified(self, identity: Identity, credentials: IBearerToken) -> AvatarID:
        """
        Return the name of an account, if the client wants to be nobody else.
        """
        insistOnOwnName(credentials.authzid, identity.name, identity.claimed)
        return identity.name


def _told(failure: Failure) -> Failure:
    """
    Return the failure for the client, with the reason for the log.
    """
    if failure.check(TokenRefused):
        return Failure(withReason(UnauthorizedLogin(), str(failure.value)))
    if failure.check(CannotTell):
        error = TemporaryFailure("Temporarily unavailable")
        return Failure(withReason(error, str(failure.value)))
    return failure


__all__ = ["TokenChecker", "TokenVerifier"]
