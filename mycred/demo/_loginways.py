"""
How to log in to a server that has begun to listen.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from shlex import quote
from typing import Any

from ._strports import isEncrypted, isProxied

_PATHS = {"pop3": "/1", "imap": "/INBOX;MAILINDEX=1", "http": "/"}


@dataclass(frozen=True)
class Way:
    """
    A way to log in.

    @ivar protocol: the protocol, as its option is called.
    @ivar host: the address to connect to; L{None} for a UNIX socket.
    @ivar place: the number of the port, or the path of the socket.
    @ivar isEncrypted: whether TLS comes first.
    @ivar isProxied: whether a proxy is needed to connect.
    @ivar isDigest: whether HTTP Digest serves more users than a password that is sent.
    """

    protocol: str
    host: str | None
    place: Any
    isEncrypted: bool = False
    isProxied: bool = False
    isDigest: bool = False

    def command(
        self,
        login: str = "NAME",
        user: str = "NAME",
        client: str = "python doc/examples/demo_pb.py FILE",
    ) -> str:
        """
        Return the command for a shell; where there is none, say where to connect.

        @param login: what C{curl -u} takes.
        @param user: who logs in by SSH.
        @param client: a client of Perspective Broker, which takes a port.
        """
        if self.isProxied or (self.host is None and self.protocol not in _PATHS):
            where = self.place if self.host is None else f"{self.host}, port {self.place}"
            return f"at {where}" + ", by way of a proxy" * self.isProxied
        if self.protocol == "ssh":
            return f"ssh -p {self.place} {user}@{self.host}"
        if self.protocol == "pb":
            return f"{client} {self.place}"
        options = ["--digest"] if self.isDigest else []
        return self._curl(login, _PATHS[self.protocol], options)

    def upload(self, login: str, message: str) -> str | None:
        """
        Return the command that puts a message into the mailbox; L{None} if this is no way
        to do so.

        @param login: what C{curl -u} takes.
        @param message: the path of a file.
        """
        if self.protocol != "imap" or self.isProxied:
            return None
        return self._curl(login, "/INBOX", ["-T", message])

    def _curl(self, login: str, path: str, options: list[str]) -> str:
        """
        Return a command of C{curl}.
        """
        server = "localhost"
        if self.host is None:
            options = [*options, "--unix-socket", quote(self.place)]
        else:
            server = f"[{self.host}]" if ":" in self.host else self.host
            server = f"{server}:{self.place}"
        scheme = f"{self.protocol}{'s' * self.isEncrypted}"
        url = f"{scheme}://{server}{path}"
        return " ".join(["curl", *options, "-u", login, quote(url)])


def wayTo(protocol: str, where: str, port: Any, isDigest: bool = False) -> Way:
    """
    Return the way to log in to a protocol.

    @param protocol: the protocol, as its option is called.
    @param where: the description of the place.
    @param port: what listens there.
    @param isDigest: whether HTTP Digest serves more users than a password that is sent.
    """
    address = port.getHost()
    host = getattr(address, "host", None)
    place = getattr(address, "port", None)
    if host is None:
        # A UNIX socket; of other things nobody knows what they are.
        name = getattr(address, "name", None)
        place = (
            name.decode("utf-8", "replace") if isinstance(name, bytes) else str(address)
        )
    else:
        host = _reachable(host, isEncrypted(where))
    return Way(protocol, host, place, isEncrypted(where), isProxied(where), isDigest)


def _reachable(host: str, isEncrypted: bool) -> str:
    """
    Return the address to connect to, from this machine, for one that is listened at.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isEncrypted and (address.is_unspecified or address.is_loopback):
        # Certificates are for names.
        return "localhost"
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    return host


__all__ = ["Way", "wayTo"]
