"""
Let users in: by keys and certificates, and by passwords as conch does.
"""

from __future__ import annotations

import copy
from collections import deque
from contextlib import suppress
from hashlib import sha256
from typing import Any

from twisted.conch.ssh.transport import DISCONNECT_PROTOCOL_ERROR
from twisted.conch.ssh.userauth import (
    MSG_USERAUTH_REQUEST,
    SSHUserAuthServer as ConchUserAuthServer,
)
from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from .._conchcontracts import IConchUser
from .._contracts import InterfaceType, Login
from .._sessions import SessionPortal
from .._sshkeys import SERVER_OPTIONS, Fields, UnusableKey, keyOf, parseOffer, string
from ..credentials import SSHPrivateKey
from ..error import LoginFailed, UnauthorizedLogin
from ._restricted import RestrictingRealm

# So many requests may wait for their answers, and so long may a name be, in bytes.
_MOST_REQUESTS, _LONGEST = 16, 1024


class ConnectionPortal(SessionPortal):
    """
    The portal of an SSH connection: it tells checkers what they can know of the
    connection, and holds avatars to what their keys permit.
    """

    def __init__(self, portal: Any, connection: Any) -> None:
        """
        @param portal: the portal of the server.
        @param connection: the transport of the connection.
        """
        restricting = copy.copy(portal)
        restricting.realm = RestrictingRealm(portal.realm)
        super().__init__(restricting, connection, service="ssh")
        self._connection = connection

    def login(
        self, credentials: Any, mind: object, *interfaces: InterfaceType
    ) -> Deferred[Login]:
        """
        Log in.
        """
        with suppress(AttributeError):
            credentials.honors = SERVER_OPTIONS
            credentials.connection = self._connection
        return super().login(credentials, mind, *interfaces)


class SSHUserAuthServer(ConchUserAuthServer):
    """
    The service in which users log in.

    @cvar loginTimeout: how long they may take, in seconds; as long as sshd's
        C{LoginGraceTime}.
    """

    loginTimeout = 120

    def serviceStarted(self) -> None:
        """
        Begin, with a portal for this connection.
        """
        conch: Any = super()
        conch.serviceStarted()
        self._requests: deque[bytes] = deque()
        self._isBusy = False
        self._isDone = False
        transport: Any = self.transport
        self.portal = transport.sessionPortal()

    def ssh_USERAUTH_REQUEST(self, packet: bytes) -> None:
        """
        Answer requests one after another, until one succeeds (RFC 4252, section 5.1):
        conch would mix up those that come before the answer.
        """
        if self._isDone:
            return
        transport: Any = self.transport
        if len(self._requests) >= _MOST_REQUESTS:
            transport.sendDisconnect(DISCONNECT_PROTOCOL_ERROR, b"too many requests")
            return
        self._requests.append(packet)
        if not self._isBusy:
            self._next()

    def _next(self, _: object = None) -> None:
        """
        Answer the next request.
        """
        self._isBusy = bool(self._requests) and not self._isDone
        if not self._isBusy:
            self._requests.clear()
            return
        packet = self._requests.popleft()
        fields = Fields(packet)
        user, service, method = (fields.string() for _ in range(3))
        transport: Any = self.transport
        if service != b"ssh-connection" or max(map(len, (user, method))) > _LONGEST:
            # Nobody has a reason to ask for that, and it would fill the log.
            transport.sendDisconnect(DISCONNECT_PROTOCOL_ERROR, b"no such service")
            return
        conch: Any = super()
        answering = conch.ssh_USERAUTH_REQUEST(packet)
        if answering is None:
            self._next()
        else:
            answering.addBoth(self._next)

    def _cbFinishedAuth(self, result: Any) -> None:
        """
        Go on with somebody who is logged in.
        """
        transport: Any = self.transport
        super()._cbFinishedAuth(result)
        self._isDone = True
        transport.loggedIn()

    def auth_publickey(self, packet: bytes) -> Deferred[Any]:
        """
        Log in by a key or a certificate (RFC 4252, section 7).
        """
        try:
            fields = Fields(packet)
            isSigned = fields.number(1)
            algorithm, blob = fields.string(), fields.string()
            signature = fields.string() if isSigned else None
            fields.end()
            key = keyOf(parseOffer(blob))
            data = None
            if signature is not None:
                data = self._signedData(isSigned, algorithm, blob)
                if key.application is not None:
                    data = _signedBySecurityKey(data, key.application, signature)
        except UnusableKey as error:
            self._log.info("{user!r} offers no key: {why}", user=self.user, why=error)
            return fail(UnauthorizedLogin("No key, or one that doesn't count"))
        user: Any = self.user
        credentials = SSHPrivateKey(user, algorithm, blob, data, signature)
        login: Deferred[Any] = self.portal.login(credentials, None, IConchUser)
        if signature is None:
            login.addErrback(self._ebCheckKey, packet[1:])
        return login

    def _ebBadAuth(self, reason: Failure) -> Any:
        """
        Refuse a login.  That nothing could be found out is no defect of the server, and
        needs no traceback; the checker has told the log.
        """
        if reason.check(LoginFailed):
            reason = Failure(UnauthorizedLogin(reason.getErrorMessage()))
        conch: Any = super()
        return conch._ebBadAuth(reason)

    def _signedData(self, isSigned: int, algorithm: bytes, blob: bytes) -> bytes:
        """
        Make up what the client must have signed.
        """
        transport: Any = self.transport
        user: Any = self.user
        return (
            string(transport.sessionID)
            + bytes((MSG_USERAUTH_REQUEST,))
            + string(user)
            + string(self.nextService or b"")
            + string(b"publickey")
            + bytes((isSigned,))
            + string(algorithm)
            + string(blob)
        )


def _signedBySecurityKey(data: bytes, application: bytes, signature: bytes) -> bytes:
    """
    Make up what a security key signs (PROTOCOL.u2f).
    """
    fields = Fields(signature)
    fields.string()
    fields.string()
    flagsAndCounter = fields.take(5)
    fields.end()
    return sha256(application).digest() + flagsAndCounter + sha256(data).digest()


__all__ = ["ConnectionPortal", "SSHUserAuthServer"]
