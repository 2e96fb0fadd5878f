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
from ..portal import Portal
from ._loginoffers import leftOut, proofServesMore
from ._loginways import wayTo
from ._strports import TLS_EXAMPLE, isPublic

if TYPE_CHECKING:
    from twisted.conch.ssh.keys import Key

_log = Logger()

# The protocols in which clients can send a password as it is.
_SENDING = ("pop3", "imap", "http")


def logStartup(
    places: Mapping[str, str],
    ports: Mapping[str, IListeningPort],
    portal: Portal,
    hostKey: Key | None,
) -> None:
    """
    Log how to log in, and what may surprise users, or endanger their passwords.

    For other programs, such as C{bin/demo}, the event has the attributes C{ways}, a list
    of L{Way<mycred.demo._loginways.Way>}, and C{hostKey}, the fingerprint or L{None}.

    @param places: the descriptions of the places to listen at, by protocol.
    @param ports: the ports that listen there, by protocol.
    @param portal: the portal of the server.
    @param hostKey: conch's key, if SSH is served.
    """
    sends = IUsernamePassword in portal.listCredentialsInterfaces()
    _logLeftOut(portal)
    for name, port in ports.items():
        if sends and name in _SENDING:
            _warnOfClearText(name, places[name], getattr(port.getHost(), "host", None))
    ways = [
        wayTo(name, places[name], port, name == "http" and proofServesMore(portal))
        for name, port in ports.items()
    ]
    fingerprint = None if hostKey is None else _fingerprint(hostKey)
    lines = [f"{way.protocol.upper()}: {way.command()}" for way in ways]
    if fingerprint is not None:
        lines.append(f"The SSH host key: {fingerprint}")
    told = "\n".join(["Log in with:", *lines])
    _log.info("{told}", told=told, ways=ways, hostKey=fingerprint)


def _logLeftOut(portal: Portal) -> None:
    """
    Log why a login isn't offered that some checkers could serve.
    """
    others = leftOut(portal)
    if others:
        _log.info(
            "CRAM-MD5 is not offered, nor HTTP Digest except for htdigest: both prove a "
            "password without sending it, which --auth={others} can't check",
            others=" and --auth=".join(map(str, others)),
        )


def _warnOfClearText(name: str, where: str, host: object) -> None:
    """
    Log a warning if others on the network can read passwords.
    """
    if isPublic(where, host):
        _log.warn(
            "--{name}={where}: anyone on the network can read the passwords that are "
            "sent to {host}; write --{name}={example}, or interface=127.0.0.1",
            name=name,
            where=where,
            host=host,
            example=TLS_EXAMPLE,
        )


def _fingerprint(key: Key) -> str:
    """
    Return the fingerprint of a key, as C{ssh} shows it.
    """
    digest = b64encode(sha256(key.public().blob()).digest()).decode("ascii")
    return f"SHA256:{digest.rstrip('=')} ({key.type()})"


__all__ = ["logStartup"]
