"""
Tell checkers, in any Twisted program, over which connection a login comes.

::

    factory = SessionFactory(FTPFactory(portal))
    endpoint.listen(factory)

A program that can't be changed is started by C{twistd mycred-session}, which does so for
each server of any other plugin of C{twistd}::

    twistd mycred-session ftp --root=/srv/ftp --auth=stack:/etc/mycred/login.ini
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, cast

from zope.interface import alsoProvides, implementer

from twisted.internet.interfaces import (
    IAddress,
    IHandshakeListener,
    IProtocolFactory,
    IProtocolNegotiationFactory,
)
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure

from ._callers import SERVICES
from ._ftpportal import FTPPortal
from .portal import SessionPortal


@implementer(IHandshakeListener)
class SessionConnection(ProtocolWrapper):
    """
    A connection whose logins end with it.

    @ivar session: the portal of the connection; L{None} if there is none.
    """

    session: SessionPortal | None = None
    wrappedProtocol: Any

    def handshakeCompleted(self) -> None:
        """
        Tell the protocol that TLS knows who the client is.
        """
        protocol = self.wrappedProtocol
        # Other wrappers claim to listen as their transport does, and hand this to it.
        while isinstance(protocol, ProtocolWrapper) and not _listens(protocol):
            protocol = protocol.wrappedProtocol
        if IHandshakeListener.providedBy(protocol):
            protocol.handshakeCompleted()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        End the logins of the connection.
        """
        try:
            super().connectionLost(reason)
        finally:
            if self.session is not None:
                self.session.close()


class SessionFactory(WrappingFactory):
    """
    Builds the protocols of another factory, each with a portal of its own: a
    L{SessionPortal}, made of the one that the protocol would have.

    It finds the portal as an attribute C{portal} of the protocol (Twisted's FTP, SMTP,
    POP3 and IMAP4) or of its factory (IRC and conch), or as that of
    L{PBServerFactory<twisted.spread.pb.PBServerFactory>}.  The web's guards have theirs
    in a resource: L{mycred.web.HTTPAuthSessionWrapper} knows the connection by itself.

    @cvar protocol: the class of the connections.
    @cvar session: the class of their portals; if L{None}, L{SessionPortal}, or one that
        knows the protocol.
    """

    noisy = False
    protocol = SessionConnection
    session: type[SessionPortal] | None = None

    _log = Logger()
    _hasWarned = False

    def __init__(
        self,
        factory: IProtocolFactory,
        *,
        service: str | None = None,
        mostRefused: int | None = None,
    ) -> None:
        """
        @param factory: the factory of the protocols.
        @param service: the name of the protocol in the log, such as C{ftp}; L{None} for
            the usual one of Twisted's protocols.
        @param mostRefused: after how many refused logins a connection ends; never if
            L{None}.
        """
        super().__init__(factory)
        self._service = service
        self._mostRefused = mostRefused
        if IProtocolNegotiationFactory.providedBy(factory):
            alsoProvides(self, IProtocolNegotiationFactory)

    def acceptableProtocols(self) -> list[bytes]:
        """
        Return the names of the protocol in TLS, if the factory has some.
        """
        names: list[bytes] = self.wrappedFactory.acceptableProtocols()
        return names

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """
        Build a protocol, and give it a portal of its own.
        """
        built = self.wrappedFactory.buildProtocol(addr)
        if built is None:
            return None
        connection = self.protocol(cast(Any, self), built)
        inner = built
        while isinstance(inner, ProtocolWrapper):
            inner = inner.wrappedProtocol
        connection.session = self.openSession(inner)
        return connection

    def openSession(self, protocol: Any) -> SessionPortal | None:
        """
        Put a portal of its own where a protocol looks for one.

        @return: the portal; L{None} if there is none, or the program has made its own.
        """
        for holderOf, give in _PLACES:
            portal = getattr(holderOf(protocol), "portal", None)
            if isinstance(portal, SessionPortal):
                return None
            if portal is not None:
                usual = _serviceOf(protocol)
                session = self.session or _PORTALS.get(usual, SessionPortal)
                opened = session(
                    portal,
                    protocol,
                    service=self._service or usual,
                    mostRefused=self._mostRefused,
                )
                give(protocol, opened)
                return opened
        self._warnOnce()
        return None

    def _warnOnce(self) -> None:
        """
        Log that nothing can be told of the connections of this factory.
        """
        if not self._hasWarned:
            self._hasWarned = True
            self._log.warn(
                "{factory} has no portal: its logins don't say where they come from",
                factory=type(self.wrappedFactory).__name__,
            )


def _listens(wrapper: ProtocolWrapper) -> bool:
    """
    Return whether a wrapper has something to do after the handshake of TLS.
    """
    implemented: bool = IHandshakeListener.implementedBy(type(wrapper))
    return implemented


class _FactoryOfOne:
    """
    A factory as one of its protocols sees it: in all but its portal it is the factory.
    """

    def __init__(self, factory: object, portal: SessionPortal) -> None:
        vars(self).update(_factory=factory, portal=portal)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._factory, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._factory, name, value)


def _factoryOf(protocol: Any) -> Any:
    """
    Return the factory of a protocol; L{None} if it doesn't know it.
    """
    return getattr(protocol, "factory", None)


def _givePortal(protocol: Any, session: SessionPortal) -> None:
    """
    Give a protocol its portal.
    """
    protocol.portal = session


def _giveFactory(protocol: Any, session: SessionPortal) -> None:
    """
    Give a protocol a factory with its portal.
    """
    protocol.factory = _FactoryOfOne(protocol.factory, session)


def _giveRoot(broker: Any, session: SessionPortal) -> None:
    """
    Give a connection of Perspective Broker a root object with its portal.
    """
    root = copy(broker.factory.root)
    root.portal = session
    broker.setNameForLocal("root", root.rootObject(broker))


# Where a protocol may find its portal: what holds it, and how another is put there.
_PLACES: tuple[tuple[Callable[[Any], Any], Callable[[Any, SessionPortal], None]], ...] = (
    (lambda protocol: protocol, _givePortal),
    (_factoryOf, _giveFactory),
    (lambda protocol: getattr(_factoryOf(protocol), "root", None), _giveRoot),
)


# The portals of protocols that don't know each of its answers.
_PORTALS: dict[str | None, type[SessionPortal]] = {"ftp": FTPPortal}


def _serviceOf(protocol: object) -> str | None:
    """
    Return the name of a protocol by its class; L{None} if it isn't one of Twisted's.
    """
    names = (SERVICES.get(each.__name__) for each in type(protocol).__mro__)
    return next(filter(None, names), None)


__all__ = ["SessionConnection", "SessionFactory"]
