"""
Deployment: here protocols, the realm and the checkers are tied together.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IReactorCore
from twisted.logger import Logger

from .._contracts import InterfaceType
from .._state import ISharedState
from ..portal import Portal
from . import _http, _imap4, _pb, _pop3, _smtp
from ._listening import Listening
from ._mailfactories import MailSettings
from ._mailstore import StoreService
from ._metricspage import logMetrics, makePage, openSlots, watchLogins
from ._options import Options
from ._processes import (
    Command,
    Supervisor,
    WorkerService,
    absolutePath,
    argumentsOf,
    reactorOf,
)
from ._protocols import METRICS, ONE_PROCESS, TAKES
from ._realm import MailRealm
from ._sharing import SiteSecret, countsAlone, sharedStateIn
from ._startuplog import logStartup
from ._strports import isBehindLocalProxy

if TYPE_CHECKING:
    from ._ssh import MailUser

_log = Logger()

_mailFactories: dict[str, Callable[..., IProtocolFactory]] = {
    "pop3": _pop3.makeFactory,
    "imap": _imap4.makeFactory,
    "smtp": _smtp.makeFactory,
}


def makeService(options: Options) -> MultiService:
    """
    Return the service that C{twistd myapp} runs.

    @param options: the parsed command line.
    """
    from twisted.internet import reactor

    services = MultiService()
    store = StoreService(options["store"].url)
    realm = MailRealm(store, _moreViews(options))
    portal = served = Portal(realm, options["credCheckers"])
    if options["holding"]:
        # What serves no client keeps no checkers, and opens no store.
        served = Portal(realm)
    else:
        store.setServiceParent(services)
        watchLogins(options, served, reactor)
    started = _listen(options, served, services, reactor)
    worker = options["worker"]
    if worker is not None:
        # The process that has started it tells how to log in.
        twistd: Any = options.parent
        WorkerService(worker.parent, twistd.relay, reactor).setServiceParent(services)
        return services
    if options["holding"]:
        if countsAlone(options["credCheckers"]):
            _log.warn(
                "--processes={number}: each of them counts failed logins by itself, so "
                "that one who guesses has {number} times as many guesses; write state= "
                "into the file of the stack",
                number=options["processes"],
            )
        supervisor = _supervisor(options, reactor)
        supervisor.setServiceParent(services)
        started.addCallback(lambda ports: supervisor.begin().addCallback(lambda _: ports))
    started.addCallback(lambda ports: _started(options, ports, portal))
    started.addErrback(lambda failure: _log.failure("The start", failure=failure))
    for name in options["notOffered"]:
        _log.warn(
            "{name} is not offered: it takes {what}",
            name=name.upper(),
            what=TAKES[name],
        )
    return services


def _listen(
    options: Options, portal: Portal, services: MultiService, reactor: IReactorCore
) -> Deferred[dict[str, IListeningPort]]:
    """
    Listen for clients of each protocol when the services start.

    @param portal: where they log in.
    @param services: what gets a service for each protocol.

    @return: a L{Deferred} that fires with the ports, by protocol.
    """
    shared = _sharedBy(options, services, reactor)
    listening = {}
    for name, endpoint in options["endpoints"].items():
        factory = _makeFactory(name, portal, options, shared)
        service = Listening(f"--{name}={options[name]}", endpoint, factory, reactor)
        service.setServiceParent(services)
        listening[name] = service.listening
    return gatherResults(listening.values()).addCallback(
        lambda ports: dict(zip(listening, ports))
    )


def _supervisor(options: Options, reactor: object) -> Supervisor:
    """
    Return what runs the server in several processes.
    """
    twistd: Any = options.parent
    command = Command(
        argumentsOf(twistd, twistd.subCommand),
        options["arguments"],
        os.getcwd(),
        absolutePath(),
        reactorOf(twistd),
        ONE_PROCESS,
        options["secret"],
        options["hostKey"] and options["hostKey"].toString("openssh"),
        openSlots(options),
    )
    if not os.geteuid():
        # The workers become that user.  This process starts others with the same rights.
        twistd["uid"] = twistd["gid"] = None
    return Supervisor(options["processes"], command, options["holding"], reactor)


def _started(
    options: Options, ports: Mapping[str, IListeningPort], portal: Portal
) -> None:
    """
    Log how to log in.  Where several processes serve clients, this one needs no checkers
    from then on.
    """
    ports = dict(ports)
    logMetrics(options, ports.pop(METRICS, None))
    logStartup(options, ports, portal)
    if options["holding"]:
        dropCheckers(options)


def dropCheckers(options: MutableMapping[str, Any]) -> None:
    """
    Close the connections that checkers have, and forget the checkers, so that processes
    end that some of them have.
    """
    for checker in options["credCheckers"]:
        close = getattr(checker, "close", None)
        if close is not None:
            maybeDeferred(close).addErrback(
                lambda failure: _log.failure("Closing a checker", failure=failure)
            )
    options["credCheckers"].clear()
    options["credInterfaces"].clear()
    # With Python 3.12 the search for plugins leaves frames in a cycle, and a checker in
    # them.
    gc.collect()


def _moreViews(options: Options) -> dict[InterfaceType, type[MailUser]]:
    """
    Return the views that need optional libraries: conch's, for SSH.
    """
    if not options["ssh"]:
        return {}
    from .._conchcontracts import IConchUser
    from ._ssh import MailUser

    return {IConchUser: MailUser}


@dataclass(frozen=True)
class _Shared:
    """
    What all protocols of this server have in common, and those of other servers.

    @ivar state: the state of a stack; L{None} if there is none, or it is this process's
        own.
    @ivar siteSecret: what has the secret of the site; L{None} if none is needed.
    """

    state: ISharedState | None
    siteSecret: SiteSecret | None


def _sharedBy(options: Options, services: MultiService, reactor: Any) -> _Shared:
    """
    Return what servers have in common.

    @param services: what gets the services that this takes.
    """
    state = sharedStateIn(options["credCheckers"])
    if options["secret"] is None or options["holding"]:
        return _Shared(state, None)
    siteSecret = SiteSecret(options["secret"], state, reactor)
    siteSecret.setServiceParent(services)
    return _Shared(state, siteSecret)


def _makeFactory(
    name: str, portal: Portal, options: Options, shared: _Shared
) -> IProtocolFactory:
    """
    Return the factory that serves a portal over a protocol.
    """
    if name == METRICS:
        return makePage(options)
    if name == "ssh":
        from . import _ssh

        return _ssh.makeFactory(portal, options["hostKey"])
    if name in _mailFactories:
        settings = MailSettings(
            options["contextFactory"],
            shared.siteSecret,
            options["clear-text"] or isBehindLocalProxy(options[name]),
        )
        return _mailFactories[name](portal, settings=settings)
    if name == "http":
        return _http.makeFactory(portal, state=shared.state)
    return _pb.makeFactory(portal)


__all__ = ["dropCheckers", "makeService"]
