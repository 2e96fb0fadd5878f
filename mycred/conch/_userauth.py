"""
Let users in by keys and certificates, and by passwords as conch does.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from twisted.conch.ssh.transport import (
    DISCONNECT_BY_APPLICATION,
    DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE,
    DISCONNECT_PROTOCOL_ERROR,
)
from twisted.conch.ssh.userauth import (
    MSG_USERAUTH_FAILURE,
    MSG_USERAUTH_REQUEST,
    SSHUserAuthServer as ConchUserAuthServer,
)
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from .._conchcontracts import IConchUser, NotEnoughAuthentication
from .._sshkeys import (
    Fields,
    UnusableKey,
    parseOffer,
    signingKeyOf,
    string,
)
from ..checkers.sshkeys import ProvedBefore
from ..credentials import SSHPrivateKey, UsernamePassword
from ..error import LoginFailed, Throttled, UnauthorizedLogin
from ._connectionportal import ConnectionPortal
from ._malformed import MALFORMED, Malformed
from ._names import isName
from ._service import CutService
from ._transport import SSHServerTransport

# So many requests may wait for their answers, as many bytes together, and so long may
# the name of a user be.
_MOST_REQUESTS, _MOST_WAITING, _LONGEST = 16, 2**14, 1024


class SSHUserAuthServer(CutService, ConchUserAuthServer):
    """
    The service in which users log in.

    @cvar loginTimeout: how long they may take from the beginning of this service, in
        seconds, if that is less than what the connection gives them
        (L{SSHServerTransport.loginTimeout<mycred.conch.SSHServerTransport>}).
    @cvar tellsConnections: whether credentials say to which connection they belong; one
        of a program's own that sets their attribute C{connection} says so, too.
    """

    tellsConnections = True
    user: bytes
    portal: ConnectionPortal
    transport: SSHServerTransport
    supportedAuthentications: list[bytes]

    def serviceStarted(self) -> None:
        """
        Begin, with a portal for this connection.
        """
        super().serviceStarted()
        # The connection's timer is the only one: conch's ends here.
        self.serviceStopped()
        self.transport.limitLogin(self.loginTimeout)
        self._requests: deque[bytes] = deque()
        self._isBusy = False
        self._isDone = False
        self.portal = self.transport.sessionPortal()

    def ssh_USERAUTH_REQUEST(self, packet: bytes) -> None:
        """
        Answer requests one after another, until one succeeds (RFC 4252, section 5.1):
        conch would mix up those that come before the answer.
        """
        if self._isDone:
            return
        if not self._isBusy:
            self._answer(packet)
            return
        self._requests.append(packet)
        waiting = sum(map(len, self._requests))
        if len(self._requests) > _MOST_REQUESTS or waiting > _MOST_WAITING:
            self.transport.sendDisconnect(DISCONNECT_PROTOCOL_ERROR, b"too many requests")

    def _answer(self, packet: bytes) -> None:
        """
        Answer a request, and then those that have come meanwhile.
        """
        self._isBusy = True
        try:
            _insistOnRequest(packet)
            answering = super().ssh_USERAUTH_REQUEST(packet)
        except MALFORMED:
            self.transport.endMalformed(MSG_USERAUTH_REQUEST, Failure())
        except Exception:
            self._ebAnswer(Failure())
        else:
            waiting: Deferred[Any] = answering or succeed(None)
            waiting.addCallback(self._cbAnswer).addErrback(self._ebAnswer)

    def _cbAnswer(self, _: object) -> None:
        """
        Go on with the next request.
        """
        self._isBusy = False
        if self._requests and not self.transport.isEnding:
            self._answer(self._requests.popleft())

    def _ebAnswer(self, failure: Failure) -> None:
        """
        End the connection, since a login can't be answered by a defect.
        """
        self._log.failure("A login can't be answered", failure=failure)
        self.transport.sendDisconnect(
            DISCONNECT_BY_APPLICATION, b"a defect of the server"
        )

    def _cbFinishedAuth(self, result: Any) -> None:
        """
        Go on with a user who is logged in.
        """
        self.transport.loggedIn()
        self._isDone = True
        self._requests.clear()
        try:
            super()._cbFinishedAuth(result)
        except Exception:
            # conch would tell the client that the login was wrong.
            self._ebAnswer(Failure())

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
            key = signingKeyOf(parseOffer(blob))
            data = None
            if signature is not None:
                data = self._signedData(isSigned, algorithm, blob)
                data = key.signedBy(signature, data)
        except UnusableKey as error:
            nothing = SSHPrivateKey(self.user, b"", b"", None, None)
            return self.portal.refuse(nothing, error)
        credentials = SSHPrivateKey(self.user, algorithm, blob, data, signature)
        login = self.portal.login(credentials, None, IConchUser)
        if signature is None:
            login.addErrback(self._ebCheckKey, packet[1:])
        return login

    def auth_password(self, packet: bytes) -> Deferred[Any]:
        """
        Log in by a password; a client that wants to change it (RFC 4252, section 8)
        isn't let in by the old one.
        """
        fields = Fields(packet)
        isChange, password = fields.number(1), fields.string()
        if isChange:
            fields.string()
        fields.end()
        if isChange:
            credentials = UsernamePassword(self.user, password)
            error = ValueError("the client wants to change the password")
            refused: Deferred[Any] = self.portal.refuse(credentials, error)
            return refused.addErrback(self._ebPassword)
        login: Deferred[Any] = super().auth_password(packet)
        return login

    def _ebMaybeBadAuth(self, reason: Failure) -> Failure | None:
        """
        Ask for another factor.  Clients try what a server lists, in an order of their
        own: a method that can't prove anything new isn't listed (RFC 4252, section 5.1);
        of keys there may be another.

        @return: what was proved before, to be answered as a login that is wrong.
        """
        if reason.check(ProvedBefore):
            return Failure(UnauthorizedLogin("proved before"))
        reason.trap(NotEnoughAuthentication)
        every = self.supportedAuthentications
        done = {self.method} - {b"publickey"}
        left = [method for method in every if method not in done] or every
        self.transport.sendPacket(MSG_USERAUTH_FAILURE, string(b",".join(left)) + b"\1")
        return None

    def _ebBadAuth(self, reason: Failure) -> Any:
        """
        Refuse a login.  That nothing could be found out is no defect of the server, and
        needs no traceback: the log has been told.  SSH has no words for "later", except
        for the end of the connection.
        """
        if reason.check(Throttled):
            text = str(reason.value).encode("ascii", "replace")
            self.transport.sendDisconnect(DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE, text)
            return None
        if reason.check(LoginFailed):
            reason = Failure(UnauthorizedLogin(reason.getErrorMessage()))
        return super()._ebBadAuth(reason)

    def _signedData(self, isSigned: int, algorithm: bytes, blob: bytes) -> bytes:
        """
        Return what the client must have signed.
        """
        return (
            string(self.transport.sessionID)
            + bytes((MSG_USERAUTH_REQUEST,))
            + string(self.user)
            + string(self.nextService or b"")
            + string(b"publickey")
            + bytes((isSigned,))
            + string(algorithm)
            + string(blob)
        )


def _insistOnRequest(packet: bytes) -> None:
    """
    Insist that a request to log in has a name, asks for the one service that there is,
    and has a method.

    @raise Malformed: if it doesn't.
    """
    fields = Fields(packet)
    user, service, method = (fields.string() for _ in range(3))
    if len(user) > _LONGEST or service != b"ssh-connection" or not isName(method):
        raise Malformed("no such request")


__all__ = ["SSHUserAuthServer"]
