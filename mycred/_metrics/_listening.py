"""
Metrics that are served at a port of their own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._argstring import Option, Options, nonEmpty
from .._peers import isThisMachine
from ._metrics import LoginMetrics
from ._running import WhenRunning
from ._site import MetricsSite

_log = Logger()

#: A place to listen at, as an example.
EXAMPLE = "tcp:9100:interface=127.0.0.1"


class ListeningMetrics(LoginMetrics):
    """
    Metrics with a page of their own, for programs that have no option for that.

    They are served from when the reactor runs, until L{close}.  Where they can't be,
    logins go on, and the log says so.
    """

    def __init__(self, where: str) -> None:
        """
        @param where: the place to listen at, the description of an endpoint.

        @raise MissingLibrary: if C{prometheus_client} isn't installed.
        """
        super().__init__()
        self._where = where
        self._port: Deferred[IListeningPort | None] | None = None
        self._starting = WhenRunning(self.listen)

    def listen(self, reactor: object) -> None:
        """
        Listen.
        """
        listening: Deferred[IListeningPort]
        listening = maybeDeferred(
            lambda: serverFromString(reactor, self._where).listen(MetricsSite(self))
        )
        self._port = listening.addCallbacks(self._cbListening, self._ebListening)

    def close(self) -> Deferred[None] | None:
        """
        Listen no more.

        @return: a L{Deferred} that fires with L{None} when that is done; L{None} if there
            is nothing to do.
        """
        self._starting.cancel()
        port, self._port = self._port, None
        if port is None:
            return None
        port.cancel()
        return port.addCallback(_stop)

    def _cbListening(self, port: IListeningPort) -> IListeningPort:
        """
        Log where the metrics are.
        """
        logPlace(port, f"listen = {self._where}")
        return port

    def _ebListening(self, failure: Failure) -> None:
        """
        Log why there are none.
        """
        if not failure.check(CancelledError):
            _log.error(
                "listen = {where}: metrics can't be served: {why}",
                where=self._where,
                why=failure.getErrorMessage(),
            )


def logPlace(port: IListeningPort, option: str) -> None:
    """
    Log that metrics are served, and warn if others on the network can read them.

    @param port: where they are.
    @param option: what was configured.
    """
    address = port.getHost()
    host = getattr(address, "host", None)
    place = str(address)
    if host is not None:
        place = f"{host}, port {getattr(address, 'port', None)}"
    elif isinstance(address, UNIXAddress) and address.name is not None:
        place = os.fsdecode(address.name)
    _log.info("Metrics are served at {place}, as /metrics", place=place, address=address)
    isOpen = host is not None and not isThisMachine(host)
    if isOpen and "clientCert=required" not in option:
        _log.warn(
            "{option}: anyone on the network can read how many log in, and when; write "
            "interface=127.0.0.1, or have a firewall let in Prometheus alone",
            option=option,
        )


def listenAt(text: str) -> str:
    """
    Return the description of an endpoint, if it could be one.

    @raise ValueError: if it can't.
    """
    kind = nonEmpty(text).partition(":")[0].lower()
    try:
        if kind == "stdio":
            raise ValueError("no client can connect to standard input and output")
        # There may be no reactor yet, and endpoints don't use it before they listen.
        serverFromString(_NoReactor(), text)
    except Exception as error:
        why = str(error).rstrip(".") or type(error).__name__
        if "int()" in why:
            why = "a port is a number"
        raise ValueError(f"{why}; right would be, for example, {EXAMPLE}") from None
    return text


class _NoReactor:
    """
    What stands for the reactor while there is none.
    """


def _stop(port: IListeningPort | None) -> Any:
    """
    Close a port, if there is one.
    """
    return None if port is None else port.stopListening()


#: The options of the metrics.
metricsOptions = Options(
    Option(
        "listen",
        listenAt,
        "ENDPOINT",
        f"Where Prometheus reads the metrics, such as {EXAMPLE}, at /metrics.",
        required=True,
    ),
)


def makeMetrics(given: Mapping[str, Any]) -> ListeningMetrics:
    """
    Return metrics of what L{metricsOptions} has parsed.

    @raise ValueError: if there can be none; the text says what would help.
    """
    try:
        return ListeningMetrics(given["listen"])
    except ImportError as error:
        raise ValueError(str(error)) from None


__all__ = [
    "EXAMPLE",
    "ListeningMetrics",
    "listenAt",
    "logPlace",
    "makeMetrics",
    "metricsOptions",
]
