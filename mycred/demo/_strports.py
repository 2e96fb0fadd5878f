"""
The descriptions of endpoints that users write (strports), and what is wrong with one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint

from .._argstring import nonEmpty, parseArgString
from .._peers import parseHost
from ._tlsfiles import checkTLSFiles

#: A description for TLS, as an example.
TLS_EXAMPLE = "mtls:PORT:privateKey=/path/privkey.pem:certKey=/path/cert.pem"

# The endpoint types whose connections are not encrypted.
_CLEAR = ("tcp", "tcp6", "systemd")

# Those whose connections are.
_TLS = ("mtls", "ssl")


def _portNumber(text: str) -> int:
    """
    Parse a port.
    """
    if not (text.isascii() and text.isdigit() and int(text) < 2**16):
        raise ValueError("write a number from 0 to 65535; 0 is for any that is free")
    return int(text)


def _count(text: str) -> int:
    """
    Parse a number.
    """
    if not (text.isascii() and text.isdigit()):
        raise ValueError("write a number")
    return int(text)


def _mode(text: str) -> int:
    """
    Parse the mode of a socket.
    """
    if not (text.isascii() and text.isdigit() and set(text) <= set("01234567")):
        raise ValueError("write it in octal, such as 660")
    return int(text, 8)


def _domain(text: str) -> str:
    """
    Parse the address family of a socket.
    """
    if text not in ("INET", "INET6", "UNIX"):
        raise ValueError("write one of INET, INET6, UNIX")
    return text


_tcp: dict[str, Callable[[str], object]] = {
    "port": _portNumber,
    "interface": str,
    "backlog": _count,
}

# The arguments of Twisted's own endpoints, in their order; the first must be given.
_ARGUMENTS: Mapping[str, Mapping[str, Callable[[str], object]]] = {
    "tcp": _tcp,
    "tcp6": {"port": _portNumber, "backlog": _count, "interface": str},
    "ssl": {
        "port": _portNumber,
        "privateKey": nonEmpty,
        "certKey": nonEmpty,
        "sslmethod": nonEmpty,
        "interface": str,
        "backlog": _count,
        "extraCertChain": nonEmpty,
        "dhParameters": nonEmpty,
    },
    "unix": {"address": nonEmpty, "mode": _mode, "backlog": _count, "lockfile": _count},
    "systemd": {"domain": _domain, "index": _count, "name": nonEmpty},
}


def endpointAt(reactor: object, where: str, example: str) -> IStreamServerEndpoint:
    """
    Return the endpoint of a description.

    @param where: the description.
    @param example: a description that would be right, for the message.

    @raise ValueError: if it can't be used; the message says what would be right.
    """
    kind, arguments = _kindOf(where)
    example = TLS_EXAMPLE if kind in _TLS else example
    try:
        if kind == "stdio":
            raise ValueError("no client can connect to standard input and output")
        if kind in _ARGUMENTS:
            known = _ARGUMENTS[kind]
            given = parseArgString(arguments, known, known, [next(iter(known))])
            if kind == "ssl":
                checkTLSFiles(given)
        endpoint: IStreamServerEndpoint = serverFromString(reactor, where)
        return endpoint
    except (IndexError, KeyError) as error:
        if kind != "systemd":
            raise ValueError(_wrong(error, example)) from None
        raise ValueError(
            "systemd has handed over no such socket; that takes a .socket unit beside "
            "the .service unit"
        ) from None
    except Exception as error:
        raise ValueError(_wrong(error, example)) from None


def _kindOf(where: str) -> tuple[str, str]:
    """
    Return the type of the endpoint, behind any C{haproxy:}, and its arguments.
    """
    kind, _, arguments = where.partition(":")
    while kind.lower() == "haproxy":
        kind, _, arguments = arguments.partition(":")
    return kind.lower(), arguments


def adoptable(where: str) -> str:
    """
    Return a description for a process that adopts the socket of another one, in which the
    descriptors that systemd has handed over aren't found.
    """
    wrappers, found, _ = where.lower().partition("systemd:")
    isWrapped = all(word == "haproxy" for word in wrappers.split(":")[:-1])
    return f"{wrappers}tcp:0" if found and isWrapped else where


def _wrong(error: Exception, example: str) -> str:
    """
    Return what is wrong with a description, and what would be right.
    """
    return f"{str(error).rstrip('.')}; right would be, for example, {example}"


def isEncrypted(where: str) -> bool:
    """
    Return whether a description is for TLS.
    """
    return _kindOf(where)[0] in _TLS


def asksForCertificates(where: str) -> bool:
    """
    Return whether clients are asked for certificates.
    """
    return _valueIn(where, "clientCert") not in (None, "no")


def _valueIn(where: str, key: str) -> str | None:
    """
    Return a value in a description of C{mtls:}, as it is written; L{None} if there is
    none.
    """
    kind, arguments = _kindOf(where)
    words = arguments.split(":") if kind == "mtls" else []
    values = [word.partition("=")[2] for word in words if word.startswith(f"{key}=")]
    return values[-1] if values else None


def isProxied(where: str) -> bool:
    """
    Return whether connections come by way of a proxy.
    """
    isWrapped = where.partition(":")[0].lower() == "haproxy"
    return isWrapped or _valueIn(where, "proxies") is not None


def isBehindLocalProxy(where: str) -> bool:
    """
    Return whether connections have to come by way of a proxy on this machine.  How a
    client's own connection is protected is then the proxy's affair.
    """
    kind, arguments = _kindOf(where)
    if not isProxied(where) or kind not in ("tcp", "tcp6", "unix"):
        return False
    known = _ARGUMENTS[kind]
    given = parseArgString(arguments, known, known, [next(iter(known))])
    address = parseHost(given.get("interface", ""))
    return kind == "unix" or (address is not None and address.is_loopback)


def isPublic(where: str, host: object) -> bool:
    """
    Return whether others on the network can read what is sent.  Endpoints of other
    packages are taken to be private.

    @param where: the description of the place.
    @param host: the address that is listened at; L{None} for a UNIX socket.
    """
    if _kindOf(where)[0] not in _CLEAR or not isinstance(host, str):
        return False
    address = parseHost(host)
    return address is None or not address.is_loopback


__all__ = [
    "TLS_EXAMPLE",
    "adoptable",
    "asksForCertificates",
    "endpointAt",
    "isBehindLocalProxy",
    "isEncrypted",
    "isProxied",
    "isPublic",
]
