"""
Hold a user to what their key permits (sshd(8), "AUTHORIZED_KEYS FILE FORMAT").
"""

from __future__ import annotations

import os
from typing import Any

from zope.interface import implementer

from twisted.conch.ssh.connection import OPEN_ADMINISTRATIVELY_PROHIBITED

from .._conchcontracts import ConchError, IConchUser
from .._sshkeys import ANY_TUNNEL, Fields, KeyOptions, UnusableKey, isLike, splitHost
from ._logger import CutLogger
from ._names import (
    CHANNELS,
    GLOBAL_REQUESTS,
    LISTEN,
    LISTEN_LOCAL,
    OPEN,
    OPEN_LOCAL,
    TUNNEL,
)
from ._requests import ChannelRequests


@implementer(IConchUser)
class RestrictedUser:
    """
    An avatar that is held to what a key permits.  What isn't forbidden is done by the
    avatar itself.

    @ivar original: the avatar.
    @ivar options: what the key permits.
    """

    _log = CutLogger()

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
        Return the avatar's own attribute.
        """
        return getattr(self.original, name)

    def lookupChannel(
        self, channelType: bytes, windowSize: int, maxPacket: int, data: bytes
    ) -> Any:
        """
        Return a channel to open, if it is permitted.
        """
        data = self._permitChannel(channelType, data)
        channel = self.original.lookupChannel(channelType, windowSize, maxPacket, data)
        if channel is not None:
            self.restrict(channel)
        return channel

    def restrict(self, channel: Any) -> None:
        """
        Hold a channel to what the key permits.
        """
        # Whatever class it is of: conch asks it by this one method.
        requests = ChannelRequests(channel.requestReceived, self.options)
        channel.requestReceived = requests.requestReceived

    def lookupSubsystem(self, subsystem: bytes, data: bytes) -> Any:
        """
        Return a subsystem; whether it is permitted is decided when it is asked for.
        """
        return self.original.lookupSubsystem(subsystem, data)

    def gotGlobalRequest(self, requestType: bytes, data: bytes) -> Any:
        """
        Do what is asked of the whole connection, if it is permitted.
        """
        isPermitted = GLOBAL_REQUESTS.permits(requestType, self.options)
        if requestType in (LISTEN, LISTEN_LOCAL) and self.options.permitListen:
            isPermitted = isPermitted and requestType == LISTEN and self._mayListen(data)
        if not isPermitted:
            self._log.info(
                "Refused, since the key forbids it: {what!r}", what=requestType
            )
            return 0
        return self.original.gotGlobalRequest(requestType, data)

    def permits(self, channelType: bytes, data: bytes) -> bool:
        """
        Return whether a channel may be opened.
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
        isPermitted = CHANNELS.permits(channelType, options)
        if channelType in (OPEN, OPEN_LOCAL) and options.permitOpen:
            isPermitted = isPermitted and channelType == OPEN and self._mayOpen(data)
        elif channelType == TUNNEL:
            forced = self._tunnel(data)
            isPermitted, data = forced is not None, forced or b""
        if not isPermitted:
            raise ConchError("forbidden by the key", OPEN_ADMINISTRATIVELY_PROHIBITED)
        return data

    def _mayOpen(self, data: bytes) -> bool:
        """
        Return whether C{permitopen} lists where a connection is to lead.
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
        Return whether C{permitlisten} lists where to listen.
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
        Return what to open a tunnel with, which names its device; L{None} if it may not
        be opened.
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


def _split(permitted: tuple[str, ...]) -> list[tuple[str, int | None]]:
    """
    Return the hosts and ports of texts of the form C{host:port}.
    """
    return [parts for parts in map(splitHost, permitted) if parts is not None]


__all__ = ["RestrictedUser"]
