"""
Let in everyone who asks for it without a name.
"""

from __future__ import annotations

from zope.interface import implementer

from twisted.internet.defer import Deferred, succeed

from .._contracts import (
    ANONYMOUS,
    AvatarID,
    IAnonymous,
    ICredentialsChecker,
    twistedCheckers,
)
from .._counterparts import Counterpart
from .._reporting import reportsOutcome


@implementer(ICredentialsChecker)
class AllowAnonymousAccess(Counterpart, twistedCheckers.AllowAnonymousAccess):
    """
    Grant anonymous access, always.
    """

    authType = "anonymous"

    credentialInterfaces = (IAnonymous,)

    @reportsOutcome
    def requestAvatarId(self, credentials: object) -> Deferred[AvatarID]:
        """
        Answer with L{ANONYMOUS}.
        """
        return succeed(ANONYMOUS)


__all__ = ["AllowAnonymousAccess"]
