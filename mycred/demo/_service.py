"""
Deployment: protocols, a realm and checkers are tied together.
"""

from __future__ import annotations

from twisted.application.service import MultiService
from twisted.application.strports import service as listenOn
from twisted.logger import Logger

from ..portal import Portal
from . import _http, _imap4, _pb, _pop3
from ._options import PROTOCOLS, Options
from ._realm import MailRealm
from ._store import StoreService

_log = Logger()

_factories = {
    "pop3": _pop3.makeFactory,
    "imap": _imap4.makeFactory,
    "pb": _pb.makeFactory,
    "http": _http.makeFactory,
}


def makeService(options: Options) -> MultiService:
    """
    Make the service that C{twistd myapp} runs.

    @param options: the parsed command line.
    """
    services = MultiService()
    store = StoreService(options["store"])
    store.setServiceParent(services)
    portal = Portal(MailRealm(store), options["credCheckers"])
    for name in PROTOCOLS:
        if options[name]:
            listenOn(options[name], _factories[name](portal)).setServiceParent(services)
    for name in options["notOffered"]:
        _log.warn(
            "{name} is not offered: no --auth gives a checker for the logins that it has",
            name=name.upper(),
        )
    return services


__all__ = ["makeService"]
