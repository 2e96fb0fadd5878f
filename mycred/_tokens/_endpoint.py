"""
An HTTP server that is asked about tokens: whatever goes wrong ends as L{CannotTell}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from .._paths import AnyPath
from .._secrets import printable
from ._errors import CannotTell

# How large the headers of an answer may be, all of them together, in bytes.
_MOST_HEADERS = 2**16

_CANCELLED = "cancelled"


@dataclass(frozen=True)
class Answer:
    """
    What a server has answered.

    @ivar status: the code, such as 200.
    @ivar mediaType: the type of the body, without parameters; empty if it isn't said.
    @ivar body: the body.
    """

    status: int
    mediaType: str
    body: bytes


class Endpoint:
    """
    A URL.  Its server must have a certificate that is valid now and for the name in the
    URL.  Redirects aren't followed: a token, or the keys that everything depends on,
    would go to or come from somewhere that nobody has named.

    @ivar url: the URL.
    """

    def __init__(
        self,
        url: str,
        *,
        ca: AnyPath | None,
        largest: int,
        deadline: float,
        reactor: Any = None,
    ) -> None:
        """
        @param url: the URL, as L{serverURL<mycred._tokens._url.serverURL>} takes it.
        @param ca: the path of the certificates of the authorities to trust, in PEM; those
            of the system if L{None}.
        @param largest: how large an answer may be, in bytes.
        @param deadline: how long it may take, in seconds.
        @param reactor: the reactor; the one that is installed if L{None}.

        @raise ValueError: if there is no certificate in the file.
        @raise OSError: if it can't be read.
        @raise ImportError: if what TLS takes isn't installed.
        """
        self.url = url
        self._largest = largest
        self._deadline = deadline
        self._givenReactor = reactor
        self._agent: Any = None
        self._pool: Any = None
        self._policy = _policyOf(url, ca)

    def ask(
        self,
        method: bytes = b"GET",
        headers: Mapping[bytes, bytes] | None = None,
        body: bytes | None = None,
    ) -> Deferred[Answer]:
        """
        Send a request.

        @param method: its method.
        @param headers: its headers.
        @param body: its body; L{None} if it has none.

        @return: a L{Deferred} that fires with the answer, whatever its code.  It fails
            with L{CannotTell} if there is none in time.
        """
        request = method, headers or {}, body
        # Why there will be no answer, once that is decided.
        end: str | None = None

        def give(up: str) -> None:
            nonlocal end
            end = up
            answering.cancel()

        def ended(result: Answer | Failure) -> None:
            if timer.active():
                timer.cancel()
            if not isinstance(result, Failure):
                answer.callback(result)
            elif end != _CANCELLED:
                why = printable(f"{self.url}: {end or _said(result)}")
                answer.errback(CannotTell(why))

        def ebFailed(failure: Failure) -> Any:
            # A connection that was kept open may have been closed meanwhile.
            if end is None and _wasLost(failure):
                return self._send(*request)
            return failure

        answer: Deferred[Answer] = Deferred(lambda _: give(_CANCELLED))
        late = f"no answer within {self._deadline:g} s"
        timer = self._reactor.callLater(self._deadline, give, late)
        answering = maybeDeferred(self._send, *request).addErrback(ebFailed)
        answering.addCallback(self._receive).addBoth(ended)
        return answer

    def close(self) -> Deferred[None]:
        """
        Close the connections that wait for the next question.

        @return: a L{Deferred} that fires when they are closed.
        """
        if self._pool is None:
            return succeed(None)
        closing: Deferred[None] = self._pool.closeCachedConnections()
        return closing

    @property
    def _reactor(self) -> Any:
        """
        The reactor.
        """
        if self._givenReactor is None:
            from twisted.internet import reactor

            self._givenReactor = reactor
        return self._givenReactor

    def _send(
        self, method: bytes, headers: Mapping[bytes, bytes], body: bytes | None
    ) -> Deferred[Any]:
        """
        Send a request.

        @return: a L{Deferred} that fires with the response when its headers have come.
        """
        from twisted.web.client import Agent, FileBodyProducer
        from twisted.web.http_headers import Headers

        from ._pool import BoundedPool

        if self._agent is None:
            self._pool = pool = BoundedPool(self._reactor, self._largest + _MOST_HEADERS)
            self._agent = Agent(self._reactor, self._policy, self._deadline, pool=pool)
        sent = Headers({b"Accept": [b"application/json"], b"User-Agent": [b"mycred"]})
        for name, value in headers.items():
            sent.setRawHeaders(name, [value])
        producer = None if body is None else FileBodyProducer(BytesIO(body))
        url = self.url.encode("ascii")
        sending: Deferred[Any] = self._agent.request(method, url, sent, producer)
        return sending

    def _receive(self, response: Any) -> Deferred[Answer]:
        """
        Receive the body.
        """
        types = response.headers.getRawHeaders(b"content-type", [b""])
        mediaType = types[-1].partition(b";")[0].strip().lower()
        body = _Body(self._largest)
        response.deliverBody(body)
        return body.whole.addCallback(
            lambda whole: Answer(
                response.code, mediaType.decode("ascii", "replace"), whole
            )
        )


class _Body(Protocol):
    """
    The body of an answer.

    @ivar whole: fires with it.
    """

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._parts: list[bytes] = []
        self._size = 0
        self.whole: Deferred[bytes] = Deferred(lambda _: self._abort())

    def dataReceived(self, data: bytes) -> None:
        """
        Keep a part, unless it is too much.
        """
        if self.whole.called:
            return
        self._parts.append(data)
        self._size += len(data)
        if self._size > self._largest:
            self._parts.clear()
            self._abort()
            self.whole.errback(CannotTell(f"the answer is over {self._largest} bytes"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Hand the body over, if it is complete.
        """
        from twisted.web.client import ResponseDone
        from twisted.web.http import PotentialDataLoss

        if self.whole.called:
            return
        # The end of JSON shows even where that of the answer doesn't (HTTP/1.0).
        if reason.check(ResponseDone, PotentialDataLoss):
            self.whole.callback(b"".join(self._parts))
        else:
            self.whole.errback(reason)

    def _abort(self) -> None:
        """
        End the connection.
        """
        abort = getattr(self.transport, "abortConnection", None)
        if abort is not None:
            abort()


def _wasLost(failure: Failure) -> bool:
    """
    Return whether the connection ended without a word from the server.
    """
    from twisted.web.client import RequestTransmissionFailed, ResponseNeverReceived

    error: Any = failure.value
    if not isinstance(error, (RequestTransmissionFailed, ResponseNeverReceived)):
        return False
    reason = error.reasons[-1]
    isOurs = reason.check(ConnectionAborted)
    return not isOurs and bool(reason.check(ConnectionDone, ConnectionLost))


def _said(failure: Failure) -> str:
    """
    Return what has gone wrong.  What TLS and HTTP have to say stands within their errors.
    """
    if failure.check(CannotTell):
        return str(failure.value)
    reasons = getattr(failure.value, "reasons", None) or [failure]
    if reasons[-1].check(ConnectionAborted):
        # What else ends a connection says so by itself.
        return "the answer's headers are too long"
    return "; ".join(f"{r.type.__name__}: {r.value}" for r in reasons)[:1000]


def _policyOf(url: str, ca: AnyPath | None) -> Any:
    """
    Return what verifies the certificate of a server.
    """
    if not url.startswith("https:"):
        from twisted.web.client import BrowserLikePolicyForHTTPS

        return BrowserLikePolicyForHTTPS()
    from ._policy import ServerPolicy

    return ServerPolicy(ca)


__all__ = ["Answer", "Endpoint"]
