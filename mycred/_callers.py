"""
Where a login comes from, in programs whose portal doesn't know: Twisted's own.

The reactor calls each protocol with a prefix for the log, such as
C{FTP (ProtocolWrapper),0,192.0.2.7}.  It ends in the client's address, unless something
between the protocol and the socket knows better.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from twisted.python import context
from twisted.python.log import ILogContext

from ._facts import ConnectionFacts
from ._peers import parseHost

#: The names of protocols, as a site knows them, by the classes that speak them.
SERVICES = {
    "Broker": "pb",
    "DomainESMTP": "smtp",
    "DomainSMTP": "smtp",
    "ESMTP": "smtp",
    "FTP": "ftp",
    "HTTPChannel": "http",
    "IMAP4Server": "imap",
    "IRCUser": "irc",
    "POP3": "pop3",
    "SMTP": "smtp",
    "SSHServerTransport": "ssh",
    "VirtualPOP3": "pop3",
    "_GenericHTTPChannelProtocol": "http",
}

# What may stand between a protocol and its socket, and leave the address as it is.  Of
# anything else it isn't known: a proxy's header may have told another one.
_HARMLESS = {
    "BufferingTLSTransport",
    "ProtocolWrapper",
    "SessionConnection",
    "ThrottlingProtocol",
    "TimeoutProtocol",
    "TLSMemoryBIOProtocol",
}

# What begins a login only while its own client's data is handled.  HTTP isn't among
# these: a request that came early begins when the one before is done with, and it may be
# another client that brings that about.  Nor are the protocols of others.
_PROMPT = {name: service for name, service in SERVICES.items() if service != "http"}

# What the transport of a TCP server calls itself (twisted.internet.tcp.Server).
_PREFIX = re.compile(r"([A-Za-z_]\w*)((?: \(\w+\))*),[0-9]+,([^\s,]+)", re.ASCII)


class CallerAddress(NamedTuple):
    """
    An address whose port isn't known.

    @ivar host: the host.
    """

    host: str


class Caller(NamedTuple):
    """
    Whose data is being handled.

    @ivar peer: the address of the client.
    @ivar service: the name of the protocol.
    """

    peer: CallerAddress
    service: str


class CallerFacts(ConnectionFacts):
    """
    What is known of a connection without its transport.
    """

    __slots__ = ("_peer",)

    def __init__(self, caller: Caller) -> None:
        super().__init__(None, caller.service)
        self._peer = caller.peer

    @property
    def peer(self) -> CallerAddress:
        """
        The address of the client.
        """
        return self._peer


def noteCaller(credentials: Any) -> None:
    """
    Attach to credentials where they come from, unless something nearer to the client has
    done so: a L{SessionPortal<mycred.portal.SessionPortal>}, or the program.

    It must be called while the protocol calls the portal, not later.  What a client has
    sent at once a protocol may handle later: then nothing is known.
    """
    facts = getattr(credentials, "facts", None)
    if facts is None:
        if getattr(credentials, "peer", None) is not None:
            return
    elif type(facts) is not CallerFacts:
        return
    caller = _callerIn(context.get(ILogContext)["system"])
    if caller is None and facts is None:
        return
    try:
        if caller is None:
            # The same credentials were presented before, and elsewhere.
            credentials.facts = credentials.peer = credentials.service = None
        else:
            credentials.facts = CallerFacts(caller)
            credentials.peer, credentials.service = caller
    except Exception:
        # Programs' credentials may refuse attributes in any way.
        return


# A connection's prefix is always the same.
@lru_cache(maxsize=1024)
def _callerIn(prefix: object) -> Caller | None:
    """
    Return whose data is handled under a prefix for the log; L{None} if it doesn't say, or
    can't be trusted.
    """
    parsed = _PREFIX.fullmatch(prefix) if isinstance(prefix, str) else None
    if parsed is None:
        return None
    protocol, wrappers, host = parsed.groups()
    service, ip = _PROMPT.get(protocol), parseHost(host)
    if service is None or ip is None:
        return None
    if not _HARMLESS.issuperset(re.findall(r"\w+", wrappers)):
        return None
    return Caller(CallerAddress(str(ip)), service)


__all__ = ["SERVICES", "CallerAddress", "CallerFacts", "noteCaller"]
