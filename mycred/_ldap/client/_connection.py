"""
A connection to one server.

ldap3 opens it and begins TLS.  What is said over it is said here: a deadline that
holds whatever the server does, and limits to what it may say, are nothing that ldap3
has.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum
from typing import Any

from ._address import Address, isLoopback
from ._ber import SEQUENCE, Malformed, end
from ._bindresult import describe
from ._errors import Fault, Lost, Slow, Unsure
from ._messages import (
    BOUND,
    DISCONNECTION,
    EXTENDED,
    PASSWORD_POLICY,
    SEARCHED,
    SIZE_LIMIT_EXCEEDED,
    START_TLS,
    UNSOLICITED,
    Answer,
    Entry,
    Result,
    bindRequest,
    extendedRequest,
    message,
    readMessage,
    searchRequest,
    unbindRequest,
)
from ._tls import VerifiedTLS

# A message may be as long as the names of ten thousand groups, an answer as a few of
# these, in bytes.
_LONGEST_MESSAGE, _LONGEST_ANSWER = 2**21, 2**23

_AT_A_TIME = 2**16

# Whoever has waited for an answer for so long wants to know whether one will come, in
# seconds; and again, each time.
_PATIENCE = 2.0

# So many references, which aren't followed, may come with entries.
_MOST_REFERENCES = 100


class Role(Enum):
    """
    What a connection is for.
    """

    #: To look for entries, as the service account.
    SEARCH = "search"
    #: To find out whether somebody can bind; nothing is looked for on it.
    USER = "user"


class Link:
    """
    A connection.

    @ivar peer: who is at its other end, for whoever wants to know.
    @ivar isClear: whether what is said on it can be read on its way.
    @ivar usedAt: when it was used last, by L{time.monotonic}.
    @ivar isHopeless: what tells, while an answer is waited for, whether to give up
        before it is time.
    @ivar asksPolicy: whether binds ask what the password policy says.
    @ivar isReused: whether it has been idle since it was opened.
    """

    def __init__(
        self, address: Address, connection: Any, isHopeless: Callable[[], bool]
    ) -> None:
        """
        @param address: where it leads.
        @param connection: the connection, as ldap3 has opened it.
        @param isHopeless: what tells whether to give up.
        """
        self.address = address
        self.peer = ""
        self.isClear = False
        self.usedAt = time.monotonic()
        self.isHopeless = isHopeless
        self.asksPolicy = self.isReused = False
        self._connection = connection
        self._received = bytearray()
        self._identity = 0
        self._isSpent = False

    @property
    def isClean(self) -> bool:
        """
        Whether nothing waits on it that would be taken for a later answer.
        """
        return not (self._isSpent or self._received)

    def bind(self, dn: str, password: bytes, until: float) -> Result:
        """
        Become somebody.

        @param dn: his name; empty for nobody.
        @param password: his password, which mustn't be empty if the name isn't: a
            server takes that for nobody, and is content (RFC 4513, section 5.1.2).
        @param until: when to give up, by L{time.monotonic}.
        """
        if dn and not password:
            raise ValueError("an empty password is never sent")
        request = bindRequest(dn.encode("utf-8", "surrogateescape"), password)
        controls = (PASSWORD_POLICY,) if self.asksPolicy else ()
        return self._end(request, BOUND, until, controls)

    def knock(self, dn: str, password: bytes, until: float) -> Result | None:
        """
        Bind with a name that is made up, and known to nobody, or with none.

        @return: the answer; L{None} if the server hangs up on those whom it doesn't know.

        @raise Lost: if it may be for another reason that the connection is gone, since
            that has been idle.
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
        Have an extended operation done.
        """
        return self._end(extendedRequest(name), EXTENDED, until)

    def search(
        self,
        base: str,
        scope: int,
        where: bytes,
        attributes: tuple[str, ...],
        mostEntries: int,
        until: float,
    ) -> tuple[list[Entry], Result]:
        """
        Look for entries.

        @return: those that were found, and how it ended.
        """
        request = searchRequest(
            base.encode("utf-8", "surrogateescape"),
            scope,
            where,
            [name.encode("ascii") for name in attributes],
            mostEntries,
            max(1, round(until - time.monotonic())),
        )
        entries: list[Entry] = []
        references = 0
        for answer in self._ask(request, SEARCHED, until):
            if isinstance(answer, Result):
                return entries, answer
            if isinstance(answer, Entry):
                entries.append(answer)
            else:
                references += 1
            if len(entries) > mostEntries or references > _MOST_REFERENCES:
                break
        # Samba, for one, knows no limit; nobody waits for all that it has.
        self.spoil()
        if len(entries) <= mostEntries:
            raise Unsure(f"{self.address} refers to too many others")
        return entries[:mostEntries], Result(SIZE_LIMIT_EXCEEDED)

    def startTLS(self, context: ssl.SSLContext, until: float, mayFail: bool) -> bool:
        """
        Go on with TLS.

        @param mayFail: whether the server may have none.

        @return: whether it has.
        """
        result = self.extended(START_TLS, until)
        if result.code == 0:
            if self._received:
                raise Fault(f"{self.address} says more than it should before TLS begins")
            tls = VerifiedTLS(context, self.address.certified, until)
            try:
                tls.wrap_socket(self._connection)
            except OSError as error:
                kind = Slow if time.monotonic() >= until else Fault
                raise kind(f"{self.address}: TLS can't begin: {error}") from None
            return True
        if mayFail:
            # Each server has a code of its own for what it doesn't know.
            return False
        raise Fault(f"{self.address} doesn't begin TLS: {describe(result)}")

    def describe(self) -> None:
        """
        Tell in L{peer} who is at the other end.
        """
        used: Any = self._connection.socket
        if not isinstance(used, ssl.SSLSocket):
            self.peer = f"{self.address}, without TLS"
            return
        certificate: Any = used.getpeercert()
        subject, issuer = (
            ", ".join(f"{key}={value}" for rdn in certificate[part] for key, value in rdn)
            for part in ("subject", "issuer")
        )
        self.peer = (
            f"{self.address}, {used.version()}, certificate of {subject or 'nobody'} "
            f"by {issuer}, verified for {self.address.certified}"
        )

    def isOnThisMachine(self) -> bool:
        """
        Tell whether what is said here stays on this machine.
        """
        used: Any = self._connection.socket
        if used.family == socket.AF_UNIX:
            return True
        return isLoopback(str(used.getpeername()[0]))

    def spoil(self) -> None:
        """
        Never be idle again.
        """
        self._isSpent = True

    def close(self) -> None:
        """
        Say goodbye, if that can be done without waiting, and close the connection.
        """
        used: Any = self._connection.socket
        with suppress(OSError, ValueError):
            used.settimeout(0)
            used.send(unbindRequest(self._identity + 1))
        with suppress(OSError):
            used.close()

    def _end(
        self, request: bytes, kind: int, until: float, controls: tuple[bytes, ...] = ()
    ) -> Result:
        """
        Have something done that is answered by a result and nothing else.
        """
        answer = next(self._ask(request, kind, until, controls))
        if not isinstance(answer, Result):
            raise Fault(f"{self.address} answers something else than was asked")
        return answer

    def _ask(
        self, request: bytes, kind: int, until: float, controls: tuple[bytes, ...] = ()
    ) -> Iterator[Answer]:
        """
        Ask something, and wait for the answers, of which a result is the last.

        @param kind: of what kind the result is.

        @raise Lost: if the connection is gone.
        @raise Slow: if there is no answer in time.
        @raise Fault: if there is none that can be understood.
        @raise Unsure: if it is too long.
        """
        self._identity += 1
        used: Any = self._connection.socket
        answer: Answer | None = None
        size = 0
        try:
            used.settimeout(self._left(until))
            used.sendall(message(self._identity, request, controls))
            while not isinstance(answer, Result):
                data = self._receive(used, until)
                size += len(data)
                if size > _LONGEST_ANSWER:
                    raise Unsure(f"{self.address} says too much")
                identity, found, answer = readMessage(data)
                if identity == UNSOLICITED:
                    self._takeNotice(answer)
                    answer = None
                    continue
                isResult = isinstance(answer, Result)
                if identity != self._identity or (isResult and found != kind):
                    raise Fault(f"{self.address} answers what wasn't asked")
                if isResult:
                    self.usedAt = time.monotonic()
                yield answer
        except Malformed as error:
            raise Fault(f"{self.address} doesn't speak LDAP: {error}") from None
        except OSError as error:
            # With a number it is the system's, about a connection that is gone.
            if isinstance(error, TimeoutError) and error.errno is None:
                raise Slow(f"{self.address} doesn't answer in time") from None
            raise Lost(f"{self.address}: the connection is lost: {error}") from None

    def _takeNotice(self, answer: Answer) -> None:
        """
        Take what the server says unasked, of which whatever isn't known doesn't count
        (RFC 4511, section 4.4).
        """
        name = answer.name if isinstance(answer, Result) else b""
        if not name or name == DISCONNECTION:
            raise Lost(f"{self.address} is about to close the connection")

    def _receive(self, used: Any, until: float) -> bytes:
        """
        Receive a message.
        """
        received = self._received
        while True:
            if received and received[0] != SEQUENCE:
                # The greeting of another service may never be as long as it says.
                raise Malformed("that is no message")
            stop = end(received)
            if stop is not None:
                if stop > _LONGEST_MESSAGE:
                    # The entry of one user: he doesn't take the server down for all.
                    raise Unsure(f"{self.address} has too long an answer")
                if len(received) >= stop:
                    data = bytes(received[:stop])
                    del received[:stop]
                    return data
            # For the whole answer, not for each piece of it.
            used.settimeout(min(self._left(until), _PATIENCE))
            try:
                data = used.recv(_AT_A_TIME)
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
        Tell how much time is left, in seconds.
        """
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


__all__ = ["Link", "Role"]
