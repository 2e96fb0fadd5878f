"""
What the log gets when the server has begun to listen.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger

from .._contracts import IUsernamePassword
from .._conversations import IScramCredentials
from .._facts import ConnectionFacts
from ..portal import Portal
from ..sasl import mechanismsFor
from ._loginoffers import leftOut, usualLogin, withoutScram
from ._loginways import wayTo
from ._options import Options
from ._protocols import MAIL
from ._strports import TLS_EXAMPLE, isPublic

if TYPE_CHECKING:
    from twisted.conch.ssh.keys import Key

_log = Logger()

_DANGER = (
    "--{name}={where}: anyone on the network can read the passwords that are sent to "
    "{host}; write --{name}={example}, or interface=127.0.0.1"
)
_REFUSED = (
    "--{name}={where}: clients of other machines can't send passwords to {host}, which "
    "anyone on the network could read; add --tls, or write --{name}={example}"
)


def logStartup(
    options: Options,
    ports: Mapping[str, IListeningPort],
    portal: Portal,
) -> None:
    """
    Log how to log in, and what may surprise users, or endanger their passwords.

    For other programs, such as C{bin/demo}, the event has the attributes C{ways}, a list
    of L{Way<mycred.demo._loginways.Way>}, and C{hostKey}, the fingerprint or L{None}.

    @param options: the parsed command line.
    @param ports: the ports that listen there, by protocol.
    @param portal: the portal of the server.
    """
    _logLeftOut(portal)
    if IUsernamePassword in portal.listCredentialsInterfaces():
        for name, port in ports.items():
            _warnOfClearText(name, options, getattr(port.getHost(), "host", None))
    by = usualLogin(portal)
    ways = [wayTo(name, options[name], port, by) for name, port in ports.items()]
    hostKey = options.get("hostKey")
    fingerprint = None if hostKey is None else _fingerprint(hostKey)
    lines = [f"{way.protocol.upper()}: {way.command()}" for way in ways]
    if fingerprint is not None:
        lines.append(f"The SSH host key: {fingerprint}")
    told = "\n".join(["Log in with:", *lines])
    _log.info("{told}", told=told, ways=ways, hostKey=fingerprint)


def _logLeftOut(portal: Portal) -> None:
    """
    Log why a login isn't offered that some checkers could serve, and whose users can't
    use one that is.
    """
    offered = mechanismsFor(portal, ConnectionFacts(None), allowClearText=True)
    isScram = any(one.interface is IScramCredentials for one in offered.values())
    others = leftOut(portal)
    if others:
        _log.info(
            "{what} not offered, nor HTTP Digest except for htdigest: they prove a "
            "password without sending it, which --auth={others} can't check",
            what="CRAM-MD5 is" if isScram else "SCRAM and CRAM-MD5 are",
            others=_listed(others),
        )
    others = withoutScram(portal)
    if others and isScram:
        _log.info(
            "SCRAM is offered, which --auth={others} can't check: users whose passwords "
            "are there must have their clients log in by PLAIN",
            others=_listed(others),
        )


def _listed(authTypes: list[str | None]) -> str:
    """
    Return auth types as they stand on a command line.
    """
    return " and --auth=".join(map(str, authTypes))


def _warnOfClearText(name: str, options: Options, host: object) -> None:
    """
    Log a warning if others on the network can read passwords, or if users can't log in
    since they could.
    """
    where = options[name]
    if name not in (*MAIL, "http") or not isPublic(where, host):
        return
    if name == "http" or options["clear-text"]:
        warning = _DANGER
    elif options["contextFactory"] is None:
        warning = _REFUSED
    else:
        return
    _log.warn(warning, name=name, where=where, host=host, example=TLS_EXAMPLE)


def _fingerprint(key: Key) -> str:
    """
    Return the fingerprint of a key, as C{ssh} shows it.
    """
    digest = b64encode(sha256(key.public().blob()).digest()).decode("ascii")
    return f"SHA256:{digest.rstrip('=')} ({key.type()})"


__all__ = ["logStartup"]
