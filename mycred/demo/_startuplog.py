"""
What the log gets when the server has begun to listen.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger

from .._audit import authTypeOf
from .._chain import interfacesOf
from .._contracts import ICredentialsChecker, IUsernamePassword
from .._conversations import IBearerToken, IScramCredentials
from .._facts import ConnectionFacts
from .._stack import GUESSABLE
from ..portal import Portal
from ..sasl import mechanismsFor
from ._loginoffers import leftOut, proofServesMore, withoutScram
from ._loginways import wayTo
from ._options import Options
from ._protocols import MAIL, proofFor
from ._strports import TLS_EXAMPLE, isEncrypted, isPublic

if TYPE_CHECKING:
    from twisted.conch.ssh.keys import Key

_log = Logger()

# What users log in with that a reader of the line could use, too.
_READABLE = {IUsernamePassword: "passwords", IBearerToken: "tokens"}

_DANGER = (
    "--{name}={where}: anyone on the network can read the {what} that are sent to "
    "{host}; write --{name}={example}, or interface=127.0.0.1"
)
_REFUSED = (
    "--{name}={where}: clients of other machines can't send {what} to {host}, which "
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
    _warnOfGuesses(options["credCheckers"])
    served = portal.listCredentialsInterfaces()
    what = " or ".join(word for one, word in _READABLE.items() if one in served)
    if what:
        for name, port in ports.items():
            _warnOfClearText(name, options, getattr(port.getHost(), "host", None), what)
    isStarted = options["contextFactory"] is not None and not options["clear-text"]
    ways = [
        wayTo(
            name,
            where := options[name],
            port,
            name == "http" and proofServesMore(portal),
            proofFor(name, served),
            isStarted and name in MAIL and not isEncrypted(where),
        )
        for name, port in ports.items()
    ]
    hostKey = options["hostKey"]
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


def _warnOfGuesses(checkers: Sequence[ICredentialsChecker]) -> None:
    """
    Log a warning if nobody has to wait who guesses at some of the checkers, though there
    is a throttle.
    """
    outside = [c for c in checkers if getattr(c, "throttle", None) is None]
    guessed = [c for c in outside if not set(GUESSABLE).isdisjoint(interfacesOf(c))]
    if guessed and len(outside) < len(checkers):
        _log.warn(
            "--auth={others} stands beside a stack, whose throttle doesn't count guesses "
            "there; write it into the file of the stack",
            others=_listed([authTypeOf(checker) for checker in guessed]),
        )


def _listed(authTypes: list[str | None]) -> str:
    """
    Return auth types as they stand on a command line.
    """
    return " and --auth=".join(map(str, authTypes))


def _warnOfClearText(name: str, options: Options, host: object, what: str) -> None:
    """
    Log a warning if others on the network can read what users log in with, or if users
    can't log in since they could.

    @param host: the address that is listened at; L{None} for a UNIX socket.
    @param what: what is sent as it is, in words.
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
    example = TLS_EXAMPLE
    _log.warn(warning, name=name, where=where, host=host, what=what, example=example)


def _fingerprint(key: Key) -> str:
    """
    Return the fingerprint of a key, as C{ssh} shows it.
    """
    digest = b64encode(sha256(key.public().blob()).digest()).decode("ascii")
    return f"SHA256:{digest.rstrip('=')} ({key.type()})"


__all__ = ["logStartup"]
