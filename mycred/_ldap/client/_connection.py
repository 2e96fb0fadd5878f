"""
A connection to one server.

ldap3 opens it and begins TLS.  What goes over it is encoded and decoded here: ldap3 has
neither a deadline that holds whatever the server does, nor limits to what a server sends.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from enum import Enum
from typing import Any

from ._address import Address, isLoopback
from ._bindresult import describeResult
from ._errors import Fault, Lost, Slow, Unsure
from ._messages import (
    BOUND,
    DISCONNECTION,
    EXTENDED,
    PASSWORD_POLICY,
    SEARCHED,
    SEQUENCE,
    SIZE_LIMIT_EXCEEDED,
    START_TLS,
    UNSOLICITED,
    Malformed,
    Response,
    Result,
    SearchEntry,
    bindRequest,
    decodeMessage,
    encodeMessage,
    endOfElement,
    extendedRequest,
    searchRequest,
    unbindRequest,
)
from ._tls import VerifiedTLS

# A message may be as long as the names of ten thousand groups, in bytes.
_LONGEST_MESSAGE = 2**21

# How many bytes are received at once.
_CHUNK = 2**16

# How many references, which aren't followed, may come with entries.
_MOST_REFERENCES = 100


class Role(Enum):
    """
    What a connection is for.
    """

    #: To search for entries, as the service account.
    SEARCH = "search"
    #: To find out whether a user can bind; nothing is searched for on it.
    USER = "user"


class Connection:
    """
    A connection.

    @cvar patience: how long a response is waited for until L{isHopeless} is asked for the
        first time, and between that and each next time, in seconds.
    @cvar longestAnswer: how long all messages that answer a request may be together, in
        bytes: a few of the longest messages.
    @ivar address: the address of the server.
    @ivar isClear: whether what is sent can be read on the way.
    @ivar usedAt: when it was last used, by L{time.monotonic}.
    @ivar isHopeless: a function that returns whether to give up before the deadline,
        which is called while a response is waited for.
    @ivar asksPolicy: whether binds send the password policy control.
    @ivar isReused: whether it has been idle since it was opened.
    """

    patience = 2.0
    longestAnswer = 2**23

    def __init__(
        self, address: Address, connected: socket.socket, isHopeless: Callable[[], bool]
    ) -> None:
        """
        @param address: the address of the server.
        @param connected: the socket, as ldap3 has connected it.
        @param isHopeless: a function that returns whether to give up.
        """
        self.address = address
        self.isClear = False
        self.usedAt = time.monotonic()
        self.isHopeless = isHopeless
        self.asksPolicy = self.isReused = False
        self._socket = connected
        self._received = bytearray()
        self._messageID = 0
        self._isSpoiled = False

    @property
    def isClean(self) -> bool:
        """
        Whether nothing waits on it that would be taken for a later response.
        """
        return not (self._isSpoiled or self._received)

    @property
    def peer(self) -> str:
        """
        The server, its TLS version and its certificate, for people to read.
        """
        used = self._socket
        if not isinstance(used, ssl.SSLSocket):
            return f"{self.address}, without TLS"
        certificate: Mapping[str, Any] = used.getpeercert() or {}
        subject, issuer = (
            ", ".join(f"{key}={value}" for rdn in certificate[part] for key, value in rdn)
            for part in ("subject", "issuer")
        )
        return (
            f"{self.address}, {used.version()}, certificate of {subject or 'no subject'} "
            f"by {issuer}, verified for {self.address.certified}"
        )

    def bind(self, dn: str, password: bytes, until: float) -> Result:
        """
        Bind, and return the result.

        @param dn: the name to bind with; empty for an anonymous bind.
        @param password: the password, which mustn't be empty if the name isn't: a server
            takes that for an anonymous bind, and accepts it (RFC 4513, section 5.1.2).
        @param until: the deadline, by L{time.monotonic}.
        """
        if dn and not password:
            raise ValueError("an empty password is never sent")
        request = bindRequest(dn.encode("utf-8", "surrogateescape"), password)
        controls = (PASSWORD_POLICY,) if self.asksPolicy else ()
        return self._askOnce(request, BOUND, until, controls)

    def bindUnknown(self, dn: str, password: bytes, until: float) -> Result | None:
        """
        Bind with a made-up name that no account has, or anonymously.

        @return: the result; L{None} if the server closes the connection on names that it
            doesn't know.

        @raise Lost: if the connection may be gone for another reason, since it had been
            idle.
        """
        try:
            return self.bind(dn, password, until)
        except Lost:
            if self.isReused:
                raise
            self.spoil()
            return None

    def extended(self, name: bytes, until: float) -> Result:
        """
        Request an extended operation, and return its result.
        """
        return self._askOnce(extendedRequest(name), EXTENDED, until)

    def search(
        self,
        base: str,
        scope: int,
        where: bytes,
        attributes: tuple[str, ...],
        mostEntries: int,
        until: float,
    ) -> tuple[list[SearchEntry], Result]:
        """
        Search, and return the entries and the result.

        @param base: the DN of the entry at or below which to search.
        @param scope: the scope.
        @param where: the filter, encoded.
        @param attributes: the attributes to return.
        @param mostEntries: the size limit.
        @param until: the deadline, by L{time.monotonic}.
        """
        request = searchRequest(
            base.encode("utf-8", "surrogateescape"),
            scope,
            where,
            [name.encode("ascii") for name in attributes],
            mostEntries,
            max(1, round(until - time.monotonic())),
        )
        entries: list[SearchEntry] = []
        references = 0
        for response in self._ask(request, SEARCHED, until):
            if isinstance(response, Result):
                return entries, response
            if isinstance(response, SearchEntry):
                entries.append(response)
            else:
                references += 1
            if len(entries) > mostEntries or references > _MOST_REFERENCES:
                break
        # Samba, for one, ignores the size limit; the rest isn't waited for.
        self.spoil()
        if len(entries) <= mostEntries:
            raise Unsure(f"{self.address} refers to too many others")
        return entries[:mostEntries], Result(SIZE_LIMIT_EXCEEDED)

    def startTLS(self, context: ssl.SSLContext, until: float, mayFail: bool) -> bool:
        """
        Begin TLS.

        @param context: what verifies the server.
        @param until: the deadline, by L{time.monotonic}.
        @param mayFail: whether the server may refuse.

        @return: whether TLS has begun.
        """
        result = self.extended(START_TLS, until)
        if result.code == 0:
            if self._received:
                raise Fault(f"{self.address} says more than it should before TLS begins")
            tls = VerifiedTLS(context, self.address.certified, until)
            self._socket = secured = tls.wrap(self._socket)
            try:
                tls.handshake(secured)
            except OSError as error:
                kind = Slow if time.monotonic() >= until else Fault
                raise kind(f"{self.address}: TLS can't begin: {error}") from None
            return True
        if mayFail:
            # Each server has its own code for operations that it doesn't know.
            return False
        raise Fault(f"{self.address} doesn't begin TLS: {describeResult(result)}")

    def isOnThisMachine(self) -> bool:
        """
        Return whether what is sent stays on this machine.
        """
        if self._socket.family == socket.AF_UNIX:
            return True
        return isLoopback(str(self._socket.getpeername()[0]))

    def spoil(self) -> None:
        """
        Keep the connection from ever being used again.
        """
        self._isSpoiled = True

    def close(self) -> None:
        """
        Unbind, if that can be done without waiting, and close the connection.
        """
        with suppress(OSError, ValueError):
            self._socket.settimeout(0)
            self._socket.send(unbindRequest(self._messageID + 1))
        with suppress(OSError):
            self._socket.close()

    def _askOnce(
        self, request: bytes, kind: int, until: float, controls: tuple[bytes, ...] = ()
    ) -> Result:
        """
        Send a request that is answered by a result and nothing else, and return that.
        """
        response = next(self._ask(request, kind, until, controls))
        if not isinstance(response, Result):
            raise Fault(f"{self.address} answers something else than was asked")
        return response

    def _ask(
        self, request: bytes, kind: int, until: float, controls: tuple[bytes, ...] = ()
    ) -> Iterator[Response]:
        """
        Send a request, and yield the responses as they come; the last one is a result.

        @param kind: the tag of the result.

        @raise Lost: if the connection is gone.
        @raise Slow: if the result doesn't come in time.
        @raise Fault: if a response can't be understood.
        @raise Unsure: if the answer is too long.
        """
        self._messageID += 1
        response: Response | None = None
        size = 0
        try:
            self._socket.settimeout(self._left(until))
            self._socket.sendall(encodeMessage(self._messageID, request, controls))
            while not isinstance(response, Result):
                data = self._receive(until)
                size += len(data)
                if size > self.longestAnswer:
                    raise Unsure(f"{self.address} says too much")
                messageID, found, response = decodeMessage(data)
                if messageID == UNSOLICITED:
                    self._refuseDisconnection(response)
                    response = None
                    continue
                isResult = isinstance(response, Result)
                if messageID != self._messageID or (isResult and found != kind):
                    raise Fault(f"{self.address} answers what wasn't asked")
                if isResult:
                    self.usedAt = time.monotonic()
                yield response
        except Malformed as error:
            raise Fault(f"{self.address} doesn't speak LDAP: {error}") from None
        except OSError as error:
            # A TimeoutError with an errno is the system's: the connection is gone.
            if isinstance(error, TimeoutError) and error.errno is None:
                raise Slow(f"{self.address} doesn't answer in time") from None
            raise Lost(f"{self.address}: the connection is lost: {error}") from None

    def _refuseDisconnection(self, notification: Response) -> None:
        """
        Ignore an unsolicited notification, as unknown ones must be (RFC 4511, section
        4.4).

        @raise Lost: if it is the notice of disconnection.
        """
        name = notification.name if isinstance(notification, Result) else b""
        if not name or name == DISCONNECTION:
            raise Lost(f"{self.address} is about to close the connection")

    def _receive(self, until: float) -> bytes:
        """
        Receive one message.

        @raise OSError: if it doesn't come in time, or the connection is gone.
        """
        received = self._received
        while True:
            if received and received[0] != SEQUENCE:
                # The greeting of another service may never be as long as it says.
                raise Malformed("that is no message")
            stop = endOfElement(received)
            if stop is not None:
                if stop > _LONGEST_MESSAGE:
                    # That is the entry of one user, and no fault of the server's.
                    raise Unsure(f"{self.address} has too long an answer")
                if len(received) >= stop:
                    data = bytes(received[:stop])
                    del received[:stop]
                    return data
            # The deadline is for the whole message, not for each piece of it.
            self._socket.settimeout(min(self._left(until), self.patience))
            try:
                data = self._socket.recv(_CHUNK)
            except TimeoutError as error:
                isOver = error.errno is not None or time.monotonic() >= until
                if isOver or self.isHopeless():
                    raise
                continue
            if not data:
                raise Lost(f"{self.address} has closed the connection")
            received += data

    def _left(self, until: float) -> float:
        """
        Return how many seconds are left.

        @raise TimeoutError: if none are.
        """
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


__all__ = ["Connection", "Role"]
