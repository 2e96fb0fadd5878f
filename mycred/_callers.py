"""
Where a login comes from, in programs whose portal doesn't know: Twisted's own.

The reactor calls each protocol by the log, which gets to know whose data it is.  So the
transport is known as long as a protocol calls the portal.  It has the client's address,
unless something between the protocol and the socket knows better.  That shows in the
prefix for the log, such as C{FTP (ProtocolWrapper),0,192.0.2.7}.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from types import FrameType
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.python import context
from twisted.python.log import ILogContext, callWithLogger

from ._facts import ConnectionFacts

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
# Within the data of one conch calls services, which put their name before.
_PREFIX = re.compile(
    r"(?:SSHService b'[\w-]+' on )?([A-Za-z_]\w*)((?: \(\w+\))*),[0-9]+,\S+", re.ASCII
)


class _CallerFacts(ConnectionFacts):
    """
    What is known of a connection by its socket alone.
    """

    __slots__ = ()


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
    elif type(facts) is not _CallerFacts:
        return
    caller = _caller()
    if caller is None and facts is None:
        return
    try:
        credentials.facts = caller
        if caller is None:
            # The same credentials were presented before, and elsewhere.
            credentials.peer = credentials.service = None
        else:
            credentials.peer, credentials.service = caller.peer, caller.service
    except Exception:
        # Programs' credentials may refuse attributes in any way.
        return


def _caller() -> _CallerFacts | None:
    """
    Return what is known of the connection whose data is being handled; L{None} if there
    is none, or what it says can't be trusted.
    """
    prefix = context.get(ILogContext)["system"]
    service = _serviceIn(prefix)
    transport = None if service is None else _transport()
    if transport is None or not prefix.endswith(transport.logPrefix()):
        return None
    # The client of a UNIX socket may have the text of any address as its path.
    if not isinstance(transport.getPeer(), (IPv4Address, IPv6Address)):
        return None
    return _CallerFacts(transport, service)


def _transport() -> Any:
    """
    Return the transport whose data is being handled; L{None} if there is none.

    The log's context holds no more than the prefix, in which the path of a UNIX socket
    can't be told from an address.  Who has made the context knows the transport.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code is callWithLogger.__code__:
            logger = frame.f_locals.get("logger")
            # Conch's services are called so, too.
            if hasattr(logger, "getPeer"):
                return logger
        frame = frame.f_back
    return None


# A connection's prefix is always the same.
@lru_cache(maxsize=1024)
def _serviceIn(prefix: object) -> str | None:
    """
    Return the name of the protocol that has a prefix for the log; L{None} if it isn't
    known, or not to be trusted.
    """
    parsed = _PREFIX.fullmatch(prefix) if isinstance(prefix, str) else None
    if parsed is None:
        return None
    protocol, wrappers = parsed.groups()
    if not _HARMLESS.issuperset(re.findall(r"\w+", wrappers)):
        return None
    return _PROMPT.get(protocol)


__all__ = ["SERVICES", "noteCaller"]
