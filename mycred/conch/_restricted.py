"""
Hold a user to what his key permits (sshd(8), "AUTHORIZED_KEYS FILE FORMAT").
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from twisted.conch.ssh.connection import OPEN_ADMINISTRATIVELY_PROHIBITED
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger

from .._conchcontracts import ConchError, IConchUser
from .._contracts import AvatarID, InterfaceType, IRealm, Login
from .._sshkeys import (
    ANY_TUNNEL,
    Fields,
    KeyOptions,
    UnusableKey,
    isLike,
    splitHost,
    string,
)
from ..checkers.sshkeys import keyOf

# What may be asked of a session that is restricted, if it isn't forbidden by name.
_REQUESTS = {
    b"break",
    b"env",
    b"eow@openssh.com",
    b"exec",
    b"pty-req",
    b"shell",
    b"signal",
    b"subsystem",
    b"window-change",
    b"xon-xoff",
}

# Where connections are forwarded to or from; with sockets that have no ports.
_OPEN, _OPEN_LOCAL = b"direct-tcpip", b"direct-streamlocal@openssh.com"
_LISTEN, _LISTEN_LOCAL = b"tcpip-forward", b"streamlocal-forward@openssh.com"
_TUNNEL = b"tun@openssh.com"

# Global requests that do no harm.
_HARMLESS = {
    b"cancel-tcpip-forward",
    b"cancel-streamlocal-forward@openssh.com",
    b"keepalive@openssh.com",
    b"no-more-sessions@openssh.com",
}


@implementer(IRealm)
class RestrictingRealm:
    """
    A realm whose SSH users can do what their keys permit, and nothing else.
    """

    def __init__(self, realm: Any) -> None:
        """
        @param realm: who makes the avatars.
        """
        self._realm = realm

    def requestAvatar(
        self, avatarId: AvatarID, mind: object, *interfaces: InterfaceType
    ) -> Deferred[Login]:
        """
        Have an avatar made, and hold it to the options of the key by which the user
        has logged in.
        """
        making: Deferred[Login] = maybeDeferred(
            self._realm.requestAvatar, avatarId, mind, *interfaces
        )
        evidence = keyOf(avatarId)
        if evidence is None:
            return making
        options = evidence.options

        def cbAvatar(login: Login) -> Login:
            interface, avatar, logout = login
            if interface is not IConchUser:
                return login
            return interface, RestrictedUser(avatar, options), logout

        return making.addCallback(cbAvatar)


@implementer(IConchUser)
class RestrictedUser:
    """
    An avatar that is held to what a key permits.  What isn't forbidden is done by the
    avatar itself.

    @ivar original: the avatar.
    @ivar options: what the key permits.
    """

    _log = Logger()

    def __init__(self, original: Any, options: KeyOptions) -> None:
        self.original = original
        self.options = options

    @property
    def conn(self) -> Any:
        """
        The connection, which conch sets.
        """
        return self.original.conn

    @conn.setter
    def conn(self, connection: Any) -> None:
        self.original.conn = connection

    def __getattr__(self, name: str) -> Any:
        """
        Be like the avatar in all else.
        """
        return getattr(self.original, name)

    def lookupChannel(
        self, channelType: bytes, windowSize: int, maxPacket: int, data: bytes
    ) -> Any:
        """
        Open a channel, if it is permitted.
        """
        data = self._permitChannel(channelType, data)
        channel = self.original.lookupChannel(channelType, windowSize, maxPacket, data)
        if channelType == b"session" and channel is not None:
            # Whatever class it is of: conch asks it by this one method.
            session = _Session(channel.requestReceived, self.options)
            channel.requestReceived = session.requestReceived
        return channel

    def lookupSubsystem(self, subsystem: bytes, data: bytes) -> Any:
        """
        Find a subsystem; who may ask for it is decided when it is asked for.
        """
        return self.original.lookupSubsystem(subsystem, data)

    def gotGlobalRequest(self, requestType: bytes, data: bytes) -> Any:
        """
        Do what is asked of the whole connection, if it is permitted.
        """
        if requestType in (_LISTEN, _LISTEN_LOCAL):
            isPermitted = self.options.portForwarding and (
                not self.options.permitListen
                or (requestType == _LISTEN and self._mayListen(data))
            )
        else:
            isPermitted = requestType in _HARMLESS or not self.options.isRestricted
        if not isPermitted:
            self._log.info("Refused, since the key forbids it: {what}", what=requestType)
            return 0
        return self.original.gotGlobalRequest(requestType, data)

    def permits(self, channelType: bytes, data: bytes) -> bool:
        """
        Tell whether a channel may be opened.
        """
        try:
            self._permitChannel(channelType, data)
        except ConchError:
            return False
        return True

    def _permitChannel(self, channelType: bytes, data: bytes) -> bytes:
        """
        Insist that a channel may be opened.

        @return: what to open it with.

        @raise ConchError: if it may not.
        """
        options = self.options
        if channelType == b"session":
            return data
        if channelType in (_OPEN, _OPEN_LOCAL):
            isPermitted = options.portForwarding and (
                not options.permitOpen or (channelType == _OPEN and self._mayOpen(data))
            )
        elif channelType == _TUNNEL:
            forced = self._tunnel(data)
            isPermitted, data = forced is not None, forced or b""
        else:
            isPermitted = {
                b"auth-agent@openssh.com": options.agentForwarding,
                b"x11": options.x11Forwarding,
            }.get(channelType, True) and not options.isRestricted
        if not isPermitted:
            raise ConchError("forbidden by the key", OPEN_ADMINISTRATIVELY_PROHIBITED)
        return data

    def _mayOpen(self, data: bytes) -> bool:
        """
        Tell whether C{permitopen} lists where a connection is to lead.
        """
        try:
            fields = Fields(data)
            host, port = os.fsdecode(fields.string()), fields.number(4)
        except UnusableKey:
            return False
        return any(
            named in ("*", host) and number in (None, port)
            for named, number in _split(self.options.permitOpen)
        )

    def _mayListen(self, data: bytes) -> bool:
        """
        Tell whether C{permitlisten} lists where to listen.
        """
        try:
            fields = Fields(data)
            host, port = os.fsdecode(fields.string()).lower(), fields.number(4)
        except UnusableKey:
            return False
        return any(
            isLike(host, pattern.lower()) and number in (None, port)
            for pattern, number in _split(self.options.permitListen)
        )

    def _tunnel(self, data: bytes) -> bytes | None:
        """
        Choose the device of a tunnel.

        @return: what to open it with; L{None} if it may not be opened.
        """
        options = self.options
        try:
            fields = Fields(data)
            mode, unit = fields.take(4), fields.number(4)
        except UnusableKey:
            return None
        if options.tunnel is None:
            isForbidden = options.isRestricted or not options.portForwarding
            return None if isForbidden else data
        if unit not in (ANY_TUNNEL, options.tunnel):
            return None
        return mode + options.tunnel.to_bytes(4, "big")


class _Session:
    """
    What is asked of a session, as far as it is permitted.
    """

    _log = Logger()

    def __init__(self, ask: Callable[[bytes, bytes], Any], options: KeyOptions) -> None:
        """
        @param ask: ask the session itself.
        @param options: what the key permits.
        """
        self._ask = ask
        self._options = options
        self._isStarted = False

    def requestReceived(self, requestType: bytes, data: bytes) -> Any:
        """
        Do what is asked, or what the key has in its place.
        """
        try:
            return self._do(requestType, data)
        except (UnusableKey, IndexError, TypeError, ValueError, struct.error) as error:
            # What conch raises where a request isn't what it should be.
            self._log.info(
                "A request {what!r} makes no sense: {error}",
                what=requestType[:64],
                error=type(error).__name__,
            )
            return 0

    def _do(self, requestType: bytes, data: bytes) -> Any:
        """
        Do so, if the request is what it should be.
        """
        options = self._options
        if requestType in (b"exec", b"shell", b"subsystem"):
            return self._start(requestType, data)
        permitted = {
            b"pty-req": options.pty,
            b"auth-agent-req@openssh.com": options.agentForwarding,
            b"x11-req": options.x11Forwarding,
            b"env": self._mayBeSet(data) if requestType == b"env" else False,
        }
        if not permitted.get(
            requestType, not options.isRestricted or requestType in _REQUESTS
        ):
            self._log.info("Refused, since the key forbids it: {what}", what=requestType)
            return 0
        return self._ask(requestType, data)

    def _mayBeSet(self, data: bytes) -> bool:
        """
        Tell whether a client may set a variable: none that the key sets, none once
        something runs; and where a command is forced, none by which it could be led
        astray.
        """
        options = self._options
        name = os.fsdecode(Fields(data).string())
        if self._isStarted or name in dict(options.environment):
            return False
        isHarmless = name == "LANG" or name.startswith("LC_")
        return isHarmless or not (options.command is not None or options.isRestricted)

    def _start(self, requestType: bytes, data: bytes) -> Any:
        """
        Start what is asked for, or the command of the key; once (RFC 4254, section
        6.5).
        """
        if self._isStarted:
            return 0
        asked = None if requestType == b"shell" else Fields(data).string()
        for name, value in self._options.environment:
            if not self._set(name, value):
                self._log.error(
                    "Refused: the server can't set {name}, as the key demands", name=name
                )
                return 0
        if self._options.command is not None:
            if asked is not None:
                self._set("SSH_ORIGINAL_COMMAND", os.fsdecode(asked))
            forced = _forced(self._options.command)
            if forced is None:
                self._log.error("Refused: internal-sftp takes no arguments here")
                return 0
            requestType, data = forced
        started = self._ask(requestType, data)
        self._isStarted = bool(started)
        return started

    def _set(self, name: str, value: str) -> Any:
        """
        Set a variable.
        """
        both = string(os.fsencode(name)) + string(os.fsencode(value))
        return self._ask(b"env", both)


def _forced(command: str) -> tuple[bytes, bytes] | None:
    """
    Make the request that a forced command stands for.

    @return: L{None} if there is none.
    """
    name, _, arguments = command.partition(" ")
    if name != "internal-sftp":
        return b"exec", string(os.fsencode(command))
    return None if arguments.strip() else (b"subsystem", string(b"sftp"))


def _split(permitted: tuple[str, ...]) -> list[tuple[str, int | None]]:
    """
    Take C{host:port} apart.
    """
    return [parts for parts in map(splitHost, permitted) if parts is not None]


__all__ = ["RestrictedUser", "RestrictingRealm"]
