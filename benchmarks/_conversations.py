"""
Conversations of SCRAM whose refusals are compared: the time until the client is asked,
and the whole.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail, succeed

from mycred.credentials import IScramCredentials
from mycred.error import SASLCancelled
from mycred.portal import ConnectionFacts, IRealm, Portal, SessionPortal
from mycred.sasl import MECHANISMS, Context, authenticate

MECHANISM = MECHANISMS[b"SCRAM-SHA-256"]

# What a client says before it has been asked anything, and its proof, which is wrong.
_FIRST = b"n,,n=%s,r=clientnonce"
_LAST = b"c=biws,%s,p=" + b64encode(bytes(32))


@implementer(IRealm)
class _Realm:
    """
    A realm that knows everybody.
    """

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """
        Return the avatar ID as the avatar.
        """
        return interfaces[0], avatarId, lambda: None


class Conversations:
    """
    Stands for a checker: what it is asked for is the name with which a client begins.
    """

    credentialInterfaces = (IScramCredentials,)

    def __init__(self, *checkers: Any, isWhole: bool) -> None:
        """
        @param checkers: the checkers of the server.
        @param isWhole: whether the client answers, in place of going away.
        """
        self._portal = SessionPortal(Portal(_Realm(), checkers))
        self._context = Context(ConnectionFacts(None), secret=b"benchmark" * 3)
        self._isWhole = isWhole

    def requestAvatarId(self, name: bytes) -> Deferred[Any]:
        """
        Go through a conversation, with a client that doesn't know the password.
        """

        def ask(challenge: bytes) -> Deferred[bytes]:
            if not self._isWhole:
                return fail(SASLCancelled())
            return succeed(_LAST % challenge.partition(b",")[0])

        def login(credentials: Any) -> Deferred[Any]:
            return self._portal.login(credentials, None, object)

        return authenticate(MECHANISM, self._context, _FIRST % name, ask, login)


__all__ = ["MECHANISM", "Conversations"]
