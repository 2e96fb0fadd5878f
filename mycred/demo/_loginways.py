"""
How to log in to a server that has begun to listen.
"""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote

from twisted.internet.interfaces import IListeningPort

from .._peers import parseHost
from ._strports import isEncrypted, isProxied

_PATHS = {"pop3": "/1", "imap": "/INBOX;MAILINDEX=1", "smtp": "", "http": "/"}

# The options of curl by what a user logs in with, besides a name over the protocols of
# mail.
_PROOFS = {
    "password": [],
    "token": ["--oauth2-bearer", "TOKEN"],
    "certificate": ["--cert", "FILE", "--key", "FILE"],
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
    @ivar isDigest: whether HTTP Digest serves more users than a password that is sent.
    @ivar proof: what users log in with: a C{password}, a C{token} or a C{certificate}.
    @ivar beginsTLS: whether the client must begin with TLS.
    """

    protocol: str
    host: str | None
    place: int | str
    isEncrypted: bool = False
    isProxied: bool = False
    isDigest: bool = False
    proof: str = "password"
    beginsTLS: bool = False

    def command(
        self,
        login: str = "NAME",
        user: str = "NAME",
        client: str = "python doc/examples/demo_pb.py FILE",
    ) -> str:
        """
        Return the shell command that logs in; where there is none, the address to connect
        to, in words.

        @param login: the argument of C{curl -u}.
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
        options = ["--digest"] if self.isDigest else []
        if self.protocol == "smtp":
            options = _sending(login, "FILE")
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
        begin = ["--ssl-reqd"] * self.beginsTLS
        proof = proofOptions(self.proof, login, self.protocol != "http")
        return " ".join(["curl", *options, *begin, *proof, quote(url)])


def proofOptions(proof: str, login: str, isMail: bool) -> list[str]:
    """
    Return the options by which C{curl} logs in.

    @param proof: what the user logs in with: a C{password}, a C{token} or a
        C{certificate}.
    @param login: the argument of C{curl -u} for a password, as curl gets it.
    @param isMail: whether that is over a protocol of mail.
    """
    options = _PROOFS[proof]
    if proof == "password":
        return ["-u", quote(login)]
    if not isMail:
        return options
    if proof == "certificate":
        options = [*options, "--login-options", "AUTH=EXTERNAL"]
    # Without the colon curl would ask for a password.
    return [*options, "-u", quote(f"{login.partition(':')[0]}:")]


def _sending(login: str, message: str) -> list[str]:
    """
    Return the options by which C{curl} sends a message to the user who logs in.
    """
    address = quote(f"{login.partition(':')[0]}@localhost")
    return ["--mail-from", address, "--mail-rcpt", address, "-T", message]


def wayTo(
    protocol: str,
    where: str,
    port: IListeningPort,
    isDigest: bool = False,
    proof: str = "password",
    beginsTLS: bool = False,
) -> Way:
    """
    Return the way to log in to a protocol.

    @param protocol: the name of the protocol's option.
    @param where: the strports description.
    @param port: the port that listens there.
    @param isDigest: whether HTTP Digest serves more users than a password that is sent.
    @param proof: what users log in with: a C{password}, a C{token} or a C{certificate}.
    @param beginsTLS: whether clients of other machines must begin with TLS, and all who
        log in by a certificate.
    """
    address = port.getHost()
    isTLS, isBehindProxy = isEncrypted(where), isProxied(where)
    host = getattr(address, "host", None)
    # UNIX sockets are near, too.
    isNear = True
    if host is not None:
        place: int | str = getattr(address, "port", "")
        host = _reachable(host)
        parsed = parseHost(host)
        isNear = parsed is not None and parsed.is_loopback
    beginsTLS = beginsTLS and (proof == "certificate" or not isNear)
    if host is None:
        # A UNIX socket, or what another package's endpoint listens at.
        name = getattr(address, "name", None)
        place = str(address)
        if isinstance(name, bytes):
            place = name.decode("utf-8", "replace")
    elif isNear and (isTLS or beginsTLS):
        # Certificates are for names.
        host = "localhost"
    return Way(protocol, host, place, isTLS, isBehindProxy, isDigest, proof, beginsTLS)


def _reachable(host: str) -> str:
    """
    Return the address at which this machine reaches one that is listened at.
    """
    address = parseHost(host)
    if address is None or not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


__all__ = ["Way", "proofOptions", "wayTo"]
