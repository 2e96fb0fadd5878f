"""
The connections to an HTTP server, which can't send without end.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.web.client import HTTPConnectionPool

# How many stay open for the next request, and for how long, in seconds: less than servers
# wait before they close them.
_KEPT, _IDLE = 10, 20


class BoundedPool(HTTPConnectionPool):
    """
    A pool whose connections end when the answer to a request is too large, headers and
    all: Twisted's client keeps as many headers as a server sends.
    """

    maxPersistentPerHost = _KEPT
    cachedConnectionTimeout = _IDLE

    # That is up to who uses it, also for requests that can change something.
    retryAutomatically = False

    def __init__(self, reactor: Any, largest: int) -> None:
        """
        @param reactor: the reactor.
        @param largest: how large an answer may be, in bytes.
        """
        super().__init__(reactor)  # type: ignore[no-untyped-call]
        self._largest = largest

    def getConnection(self, key: Any, endpoint: Any) -> Deferred[Any]:
        """
        Return a connection for one request.
        """
        getting: Deferred[Any] = super().getConnection(key, _Quiet(endpoint))
        return getting.addCallback(self._bound)

    def _bound(self, connection: Any) -> Any:
        """
        Count what comes over a connection from now on, and end it after too much.

        @return: the connection.
        """
        left = self._largest
        receive = type(connection).dataReceived

        def dataReceived(data: bytes) -> None:
            nonlocal left
            left -= len(data)
            if left < 0:
                connection.transport.abortConnection()
            else:
                receive(connection, data)

        connection.dataReceived = dataReceived
        return connection


@implementer(IStreamClientEndpoint)
class _Quiet:
    """
    An endpoint whose connections aren't logged: there may be one for each login.
    """

    def __init__(self, endpoint: Any) -> None:
        self._endpoint = endpoint

    def connect(self, protocolFactory: Any) -> Any:
        """
        Connect.
        """
        protocolFactory.noisy = False
        return self._endpoint.connect(protocolFactory)


__all__ = ["BoundedPool"]
