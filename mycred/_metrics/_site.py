"""
A site that has nothing but the page that Prometheus reads.

Its clients take no more of the program's memory and descriptors than is set here: logins
need these.
"""

from __future__ import annotations

from io import BytesIO

from zope.interface import implementer

from twisted.internet.interfaces import IProtocolNegotiationFactory
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from ._encoding import Collector
from ._page import MetricsResource

# How long a reader isn't waited for that says nothing, in seconds.
_LONGEST_SILENCE = 30


@implementer(IProtocolNegotiationFactory)
class MetricsSite(WrappingFactory):
    """
    Serve the page at C{/metrics}.

    @cvar MOST: how many connections there may be.  With one more the oldest ends: one
        that is new is more likely to be one that reads the page.
    """

    MOST = 50

    noisy = False

    def __init__(self, metrics: Collector) -> None:
        """
        @param metrics: what has the metrics.

        @raise MissingLibrary: if C{prometheus_client} isn't installed.
        """
        root = Resource()
        root.putChild(b"metrics", MetricsResource(metrics))
        super().__init__(_Site(root, _Request, timeout=_LONGEST_SILENCE))

    def acceptableProtocols(self) -> list[bytes]:
        """
        Return the names of the protocol in TLS: Twisted refuses readers that send some,
        as Prometheus does, if none of them is known here.
        """
        return [b"http/1.1"]

    def logPrefix(self) -> str:
        """
        Return what Twisted calls it in the log.
        """
        return type(self).__name__

    def registerProtocol(self, p: ProtocolWrapper) -> None:
        """
        Note a connection, and end the oldest one if there are too many.
        """
        super().registerProtocol(p)
        if len(self.protocols) > self.MOST:
            oldest = next(iter(self.protocols))
            # At once: more may come before it has ended.
            self.unregisterProtocol(oldest)
            oldest.abortConnection()

    def unregisterProtocol(self, p: ProtocolWrapper) -> None:
        """
        Forget a connection.
        """
        self.protocols.pop(p, None)


class _Site(Site):
    """
    A site that logs no request: Prometheus sends one each few seconds.
    """

    noisy = False

    def log(self, request: object) -> None:
        """
        Do nothing.
        """


class _Request(Request):
    """
    A request of which no body is kept, since none says anything here: one of many
    gigabytes would fill the disk.
    """

    def gotLength(self, length: int | None) -> None:
        """
        Make no file.
        """
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """
        Drop data.
        """


__all__ = ["MetricsSite"]
