"""
The portal of an SSH connection.
"""

from __future__ import annotations

from contextlib import suppress
from functools import reduce
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from .._audit import withReason
from .._conchcontracts import IConchUser, NotEnoughAuthentication
from .._contracts import InterfaceType, Login
from .._sshkeys import SERVER_OPTIONS, BadOption, Honors, KeyEvidence, merge
from ..error import UnauthorizedLogin
from ..portal import Portal, SessionPortal
from ._bounded import BoundedTransport
from ._restricted import RestrictedUser


class ConnectionPortal(SessionPortal):
    """
    The portal of an SSH connection: it tells checkers what they can know of the
    connection, and holds avatars to what their keys permit, whatever a program's own
    portal and checkers do in between.
    """

    def __init__(self, portal: Portal, connection: BoundedTransport) -> None:
        """
        @param portal: the portal of the server.
        @param connection: the transport of the connection.
        """
        super().__init__(portal, connection, service="ssh")
        self._connection = connection
        # The keys that were not enough: a program's own checker of several factors may
        # not hand on what they permit.
        self._proved: list[KeyEvidence] = []

    def _ask(
        self, credentials: Any, mind: object, interfaces: tuple[InterfaceType, ...]
    ) -> Deferred[Login]:
        """
        Ask the server's portal, and hold the avatar to the keys.
        """
        honors = Honors(SERVER_OPTIONS)
        with suppress(AttributeError):
            credentials.honors = honors
            credentials.connection = self._connection
        login = super()._ask(credentials, mind, interfaces)
        login.addErrback(self._ebLogin, honors)
        return login.addCallback(self._cbLogin, honors)

    def _cbLogin(self, login: Login, honors: Honors) -> Login:
        """
        Return an avatar that is held to the options of all keys by which the user has
        logged in.

        @raise UnauthorizedLogin: if they have different commands.
        """
        interface, avatar, logout = login
        keys = [*self._proved, *([] if honors.key is None else [honors.key])]
        if not keys or interface is not IConchUser:
            return login
        try:
            options = reduce(merge, (key.options for key in keys))
        except BadOption as error:
            logout()
            raise UnauthorizedLogin("The keys contradict each other") from error
        return interface, RestrictedUser(avatar, options), logout

    def _ebLogin(self, failure: Failure, honors: Honors) -> Failure:
        """
        Remember a key that was right, and not enough.
        """
        if failure.check(NotEnoughAuthentication) and honors.key is not None:
            if honors.key not in self._proved:
                self._proved.append(honors.key)
        return failure

    def refuse(self, credentials: Any, error: Exception) -> Deferred[Login]:
        """
        Refuse a login without asking a checker, and tell the log so.

        @param error: what is wrong with it; the client isn't told.

        @return: a L{Deferred} that has failed.
        """
        message = "Nothing that counts"
        failure = Failure(withReason(UnauthorizedLogin(message), str(error)))
        self.noteRefused(credentials, failure)
        return fail(failure)


__all__ = ["ConnectionPortal"]
