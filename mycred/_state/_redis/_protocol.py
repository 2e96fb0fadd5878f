"""
txredisapi's protocol, and how a server is connected to.  Importing txredisapi installs
the reactor, so that it is imported where it is used.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from twisted.internet.endpoints import (
    HostnameEndpoint,
    UNIXClientEndpoint,
    wrapClientTLS,
)
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from ..._secrets import printable
from ._answers import NO_REDIS
from ._greeting import encoded
from ._url import RedisURL

# No reply is longer, in bytes.
_LONGEST_REPLY = 2**14


def endpointOf(url: RedisURL, reactor: Any) -> IStreamClientEndpoint:
    """
    Return where a server is.

    @raise OSError: if the file of the authorities to trust can't be read.
    @raise ValueError: if it holds no certificate.
    """
    if not url.host:
        return UNIXClientEndpoint(reactor, url.path)
    endpoint = HostnameEndpoint(reactor, url.host, url.port)
    if not url.isSecure:
        return endpoint
    from ..._tokens._policy import ServerPolicy

    # Read again at each connection: a certificate that is renewed counts.
    policy = ServerPolicy(url.ca)
    creator = policy.creatorForNetloc(url.host.encode("ascii"), url.port)
    return wrapClientTLS(creator, endpoint)


def makeFactory() -> Factory:
    """
    Return what makes protocols.
    """
    factory = Factory.forProtocol(_protocolClass())
    # The log is told once that a server is down, and not of each look at it.
    factory.noisy = False
    return factory


@cache
def _protocolClass() -> Any:
    """
    Return the class of the protocols.
    """
    # The one in Python, even where hiredis is installed.
    from txredisapi import BaseRedisProtocol

    class Protocol(BaseRedisProtocol):  # type: ignore[misc]
        """
        A protocol that gives up a server which doesn't speak it.

        @ivar reason: why the connection was lost.
        """

        reason = "the connection was lost"
        _isNoted = False

        def __init__(self) -> None:
            super().__init__(charset=None, convertNumbers=False)

        def _build_command(self, *command: bytes, **_: object) -> bytes:
            """
            Return a command as it is sent.  Its own takes a fifth of a login's time, for
            what may be something else than bytes.
            """
            return encoded(command)

        def dataReceived(self, data: bytes, unpause: bool = False) -> None:
            """
            Parse replies.
            """
            try:
                super().dataReceived(data, unpause)
                isSound = len(self.bulk_buffer) <= _LONGEST_REPLY
            # Whatever it is that can't be parsed.
            except Exception:
                isSound = False
            # A reply that nobody has asked for would be taken for the next one.
            if not isSound or self.replyQueue.pending:
                self.noteWhy(NO_REDIS.text)
                self.transport.abortConnection()

        def connectionLost(self, why: Failure) -> None:
            """
            Fail those who wait.
            """
            if not why.check(ConnectionDone, ConnectionLost):
                self.noteWhy(printable(why.getErrorMessage()))
            super().connectionLost(why)

        def noteWhy(self, why: str) -> None:
            """
            Note why the connection is lost, for those who wait.  The first reason counts.
            """
            if not self._isNoted:
                self.reason, self._isNoted = why, True

    return Protocol


__all__ = ["endpointOf", "makeFactory"]
