"""
How to log in to a server that has begun to listen.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from shlex import quote

from twisted.internet.interfaces import IListeningPort

from ._strports import isEncrypted, isProxied

_PATHS = {"pop3": "/1", "imap": "/INBOX;MAILINDEX=1", "smtp": "", "http": "/"}

# By which options curl logs in by something, over HTTP and in the protocols of mail.
_OPTIONS = {
    "password": ("-u {login}", "-u {login}"),
    "digest": ("--digest -u {login}", "-u {login}"),
    "token": ("--oauth2-bearer TOKEN", "--oauth2-bearer TOKEN -u {login}:"),
    "certificate": (
        "--cert FILE --key FILE",
        "--cert FILE --key FILE --login-options AUTH=EXTERNAL -u {login}:",
    ),
}


@dataclass(frozen=True)
class Way:
    """
    A way to log in.

    @ivar protocol: the name of the protocol's option.
    @ivar host: the address to connect to; L{None} for a UNIX socket.
    @ivar place: the port, or the path of the socket.
    @ivar isEncrypted: whether TLS comes first.
    @ivar isProxied: whether a proxy is needed to connect.
    @ivar by: what curl logs in by: C{password}, C{digest} (over HTTP), C{token} or
        C{certificate}.
    """

    protocol: str
    host: str | None
    place: int | str
    isEncrypted: bool = False
    isProxied: bool = False
    by: str = "password"

    def command(
        self,
        login: str = "NAME",
        user: str = "NAME",
        client: str = "python doc/examples/demo_pb.py FILE",
    ) -> str:
        """
        Return the shell command that logs in; where there is none, the address to connect
        to, in words.

        @param login: the argument of C{curl -u}, or the user name where it takes no
            password.
        @param user: the user name for SSH.
        @param client: the command of a client of Perspective Broker, which takes a port.
        """
        if self.isProxied or (self.host is None and self.protocol not in _PATHS):
            where = self.place if self.host is None else f"{self.host}, port {self.place}"
            return f"at {where}" + ", by way of a proxy" * self.isProxied
        if self.protocol == "ssh":
            return f"ssh -p {self.place} {user}@{self.host}"
        if self.protocol == "pb":
            return f"{client} {self.place}"
        options = _sending(login, "FILE") if self.protocol == "smtp" else []
        return self._curl(login, _PATHS[self.protocol], options)

    def upload(self, login: str, message: str) -> str | None:
        """
        Return the shell command that puts a message into the mailbox; L{None} if this
        protocol can't do so.

        @param login: the argument of C{curl -u}.
        @param message: the path of a file.
        """
        if self.isProxied or self.protocol not in ("imap", "smtp"):
            return None
        if self.protocol == "smtp":
            return self._curl(login, "", _sending(login, message))
        return self._curl(login, "/INBOX", ["-T", message])

    def _curl(self, login: str, path: str, options: list[str]) -> str:
        """
        Return a command that calls C{curl}.
        """
        server = "localhost"
        if self.host is None:
            options = [*options, "--unix-socket", quote(str(self.place))]
        else:
            server = f"[{self.host}]" if ":" in self.host else self.host
            server = f"{server}:{self.place}"
        scheme = f"{self.protocol}{'s' * self.isEncrypted}"
        url = f"{scheme}://{server}{path}"
        by = _OPTIONS[self.by][self.protocol != "http"].format(login=login)
        return " ".join(["curl", *options, by, quote(url)])


def _sending(login: str, message: str) -> list[str]:
    """
    Return the options by which C{curl} sends a message to the user who logs in.
    """
    address = quote(f"{login.partition(':')[0]}@localhost")
    return ["--mail-from", address, "--mail-rcpt", address, "-T", message]


def wayTo(protocol: str, where: str, port: IListeningPort, by: str = "password") -> Way:
    """
    Return the way to log in to a protocol.

    @param protocol: the name of the protocol's option.
    @param where: the strports description.
    @param port: the port that listens there.
    @param by: what curl logs in by, see L{Way}.
    """
    address = port.getHost()
    isTLS, isBehindProxy = isEncrypted(where), isProxied(where)
    host = getattr(address, "host", None)
    if host is not None:
        place: int | str = getattr(address, "port", "")
        host = _reachable(host, isTLS)
    else:
        # A UNIX socket, or what another package's endpoint listens at.
        name = getattr(address, "name", None)
        place = str(address)
        if isinstance(name, bytes):
            place = name.decode("utf-8", "replace")
    return Way(protocol, host, place, isTLS, isBehindProxy, by)


def _reachable(host: str, isEncrypted: bool) -> str:
    """
    Return the address at which this machine reaches one that is listened at.
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
