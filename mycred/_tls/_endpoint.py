"""
The endpoint C{mtls:}, by which any Twisted server serves TLS.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, cast

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
    IStreamServerEndpointStringParser,
)
from twisted.plugin import IPlugin

from .._argstring import Option, Options, integerBetween, nonEmpty
from .._contracts import InvalidAuthArgumentString
from .._types import Clock
from ._settings import TLS_OPTIONS, TLSOptions

if TYPE_CHECKING:
    from ._contexts import ServerContexts
    from ._gate import Network


def _networks(text: str) -> tuple[Network, ...]:
    """
    Parse networks separated by commas.
    """
    try:
        return tuple(map(_network, text.split(",")))
    except ValueError as error:
        raise ValueError(
            f"{error}; write addresses and networks separated by commas, such as "
            "10.0.0.1,192.0.2.0/24"
        ) from None


def _network(text: str) -> Network:
    """
    Parse a network.
    """
    network = ip_network(text)
    first = network.network_address
    if getattr(first, "scope_id", None) or getattr(first, "ipv4_mapped", None):
        # A peer's address has neither, so that it would count for more, or for nothing.
        raise ValueError(f"{text} has an interface, or is an IPv4 address within IPv6")
    return network


_options = Options(
    Option(
        "port",
        integerBetween(0, 65535, "a port from 1 to 65535, or 0 for any that is free"),
        "PORT",
        "The port to listen at.",
        required=True,
        positional=True,
    ),
    *TLS_OPTIONS,
    Option(
        "proxies",
        _networks,
        "ADDRESS,NETWORK,...",
        "The proxies whose connections begin with the PROXY protocol's header, before "
        "TLS; what others say of their own address counts for nothing.",
        default=(),
    ),
    Option(
        "interface",
        nonEmpty,
        "ADDRESS",
        "The address to listen at; all of IPv4 without it.",
        default="",
    ),
    Option(
        "backlog",
        integerBetween(1, 65535, "a number from 1 to 65535"),
        "NUMBER",
        "How many connections may wait to be accepted.",
        default=50,
    ),
)


@implementer(IStreamServerEndpoint)
class TLSEndpoint:
    """
    Listens for TLS connections, whose files are read again when they differ.
    """

    def __init__(
        self,
        endpoint: IStreamServerEndpoint,
        contexts: ServerContexts,
        proxies: Sequence[Network],
        clock: Clock,
    ) -> None:
        """
        @param endpoint: the endpoint to listen at.
        @param contexts: what makes TLS connections.
        @param proxies: the networks of the proxies that tell where clients are.
        @param clock: the clock for time-outs.
        """
        self._endpoint = endpoint
        self._contexts = contexts
        self._proxies = proxies
        self._clock = clock

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """
        Listen.

        @return: a L{Deferred} that fires with the port.
        """
        from ._gate import GateFactory

        gates = GateFactory(protocolFactory, self._contexts, self._proxies, self._clock)
        return self._endpoint.listen(gates)


@implementer(IPlugin, IStreamServerEndpointStringParser)
class TLSEndpointParser:
    """
    Makes endpoints of descriptions such as
    C{mtls:993:privateKey=key.pem:certKey=cert.pem}.
    """

    prefix = "mtls"

    def parseStreamServer(
        self, reactor: Any, *args: object, **kwargs: object
    ) -> IStreamServerEndpoint:
        """
        Return the endpoint of a description.

        @raise ValueError: if it can't be used; the text says what would be right.
        """
        from twisted.internet.endpoints import TCP4ServerEndpoint

        try:
            given = _options.parse(_argstring(args, kwargs))
            port, interface, backlog, proxies = map(
                given.pop, ("port", "interface", "backlog", "proxies")
            )
            contexts = TLSOptions(**given).contextFactory()
        except (InvalidAuthArgumentString, ValueError) as error:
            raise ValueError(f"{self.prefix}: {error}") from None
        # In spite of its name, it listens at IPv6 addresses, too.
        endpoint = TCP4ServerEndpoint(reactor, port, backlog, interface)
        return TLSEndpoint(endpoint, contexts, proxies, cast(Clock, reactor))


def _argstring(args: Sequence[object], kwargs: dict[str, object]) -> str:
    """
    Return the arguments of a description as they are written in one.
    """
    words = [_quoted(str(word)) for word in args]
    words += [f"{_quoted(key)}={_quoted(str(value))}" for key, value in kwargs.items()]
    return ":".join(words)


def _quoted(word: str) -> str:
    """
    Return a word with a backslash before what would otherwise end it.
    """
    for special in "\\:=":
        word = word.replace(special, f"\\{special}")
    return word


__all__ = ["TLSEndpoint", "TLSEndpointParser"]
