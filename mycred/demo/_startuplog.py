"""
What a server tells its log when it has begun to listen.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from twisted.logger import Logger

from .._contracts import IUsernamePassword
from ..portal import Portal
from ._loginoffers import leftOut, proofServesMore
from ._loginways import wayTo
from ._strports import TLS_EXAMPLE, isPublic

_log = Logger()

# The protocols by which clients can send a password as it is.
_SENDING = ("pop3", "imap", "http")


def logStartup(
    places: Mapping[str, str], ports: Mapping[str, Any], portal: Portal, hostKey: Any
) -> None:
    """
    Tell how to log in, and what may surprise users, or endanger their passwords.

    The event has the attributes C{ways}, a list of L{Way<mycred.demo._loginways.Way>}, and
    C{hostKey}, the fingerprint or L{None}, for who has something to add.

    @param places: the descriptions of the places to listen at, by protocol.
    @param ports: what listens there.
    @param portal: the portal of the server.
    @param hostKey: conch's key, if SSH is served.
    """
    sends = IUsernamePassword in portal.listCredentialsInterfaces()
    _tellWhoIsLeftOut(portal)
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


def _tellWhoIsLeftOut(portal: Portal) -> None:
    """
    Tell why a login isn't offered that some checkers could serve.
    """
    others = leftOut(portal)
    if others:
        _log.info(
            "CRAM-MD5 is not offered, nor HTTP Digest except for htdigest: both prove a "
            "password without sending it, which --auth={others} can't check",
            others=" and --auth=".join(map(str, others)),
        )


def _warnOfClearText(name: str, where: str, host: Any) -> None:
    """
    Warn of passwords that others on the network can read.
    """
    if isPublic(where, host):
        _log.warn(
            "--{name}={where}: whoever is on the network can read the passwords that are "
            "sent to {host}; write --{name}={example}, or interface=127.0.0.1",
            name=name,
            where=where,
            host=host,
            example=TLS_EXAMPLE,
        )


def _fingerprint(key: Any) -> str:
    """
    Return the fingerprint of a key, as C{ssh} shows it.
    """
    digest = b64encode(sha256(key.public().blob()).digest()).decode("ascii")
    return f"SHA256:{digest.rstrip('=')} ({key.type()})"


__all__ = ["logStartup"]
