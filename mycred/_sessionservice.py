"""
C{twistd mycred-session}: any other plugin of C{twistd}, with sessions for its servers.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from twisted.application.internet import (
    SSLServer,
    StreamServerEndpointService,
    TCPServer,
    UNIXServer,
)
from twisted.application.service import IService, IServiceCollection, IServiceMaker
from twisted.plugin import getPlugins
from twisted.python import usage

from .sessions import SessionFactory

#: How C{twistd} calls it.
NAME = "mycred-session"

#: After how many refused logins a connection ends: as in conch, since clients of SSH
#: offer all their keys.
MOST_REFUSED = 20


class Options(usage.Options):
    """
    The plugin to run, and its own options.
    """

    synopsis = "PLUGIN [options of the plugin]"
    longdesc = (
        "Runs another plugin of twistd, such as ftp, so that the checkers of --auth and "
        "the log know the address of each client, logins end with their connection, and "
        f"a connection ends after {MOST_REFUSED} refused logins."
    )

    @property
    def subCommands(self) -> Iterator[tuple[str, None, Any, str]]:
        """
        The other plugins.
        """
        found = {plugin.tapname: plugin for plugin in getPlugins(IServiceMaker)}
        found.pop(NAME, None)
        self.plugins: dict[str, Any] = found
        for name in sorted(found):
            # Only the options of the one that is run are imported.
            make = partial(getattr, found[name], "options")
            yield name, None, (lambda make=make: make()()), found[name].description

    def postOptions(self) -> None:
        """
        Insist on a plugin.
        """
        if self.subCommand is None:
            raise usage.UsageError("Say which plugin of twistd to run, such as ftp.")


def makeService(options: Options) -> IService:
    """
    Return the service of the plugin.

    @raise SystemExit: if it has no servers for which sessions can be made.
    """
    name: Any = options.subCommand
    plugin = options.plugins[name]
    service: IService = plugin.makeService(options.subOptions)
    if not _giveSessions(service):
        raise SystemExit(f"{NAME}: {name} has no servers to give sessions to")
    return service


def _giveSessions(service: Any) -> int:
    """
    Give sessions to the servers among services.

    @return: how many these are.
    """
    if isinstance(service, StreamServerEndpointService):
        service.factory = _withSessions(service.factory)
        return 1
    if isinstance(service, (TCPServer, SSLServer, UNIXServer)):
        # As of the reactor's listenTCP and its like.
        where, factory, *more = service.args
        service.args = where, _withSessions(factory), *more
        return 1
    return sum(map(_giveSessions, IServiceCollection(service, ())))


def _withSessions(factory: Any) -> SessionFactory:
    """
    Return a factory that gives sessions to the protocols of another one.
    """
    return SessionFactory(factory, mostRefused=MOST_REFUSED)


__all__ = ["MOST_REFUSED", "NAME", "Options", "makeService"]
