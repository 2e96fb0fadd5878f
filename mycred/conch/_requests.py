"""
What is asked of a channel, held to what a key permits.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from twisted.python.failure import Failure

from .._sshkeys import Fields, KeyOptions, string
from ._logger import CutLogger
from ._malformed import MALFORMED, failureText
from ._names import REQUESTS


class ChannelRequests:
    """
    What is asked of a channel, as far as it is permitted.
    """

    _log = CutLogger()

    def __init__(
        self, ask: Callable[[bytes, bytes], object], options: KeyOptions
    ) -> None:
        """
        @param ask: asks the channel itself.
        @param options: what the key permits.
        """
        self._ask = ask
        self._options = options
        self._isStarted = False

    def requestReceived(self, requestType: bytes, data: bytes) -> object:
        """
        Do what is asked, or what the key has in its place.
        """
        try:
            return self._do(requestType, data)
        except (*MALFORMED, ValueError):
            self._log.info(
                "A request {what!r} makes no sense: {error}",
                what=requestType,
                error=failureText(Failure()),
            )
            return 0

    def _do(self, requestType: bytes, data: bytes) -> object:
        """
        Do what is asked, if the request is well-formed.
        """
        isPermitted = REQUESTS.permits(requestType, self._options)
        if requestType == b"env":
            isPermitted = isPermitted and self._mayBeSet(data)
        if not isPermitted:
            self._log.info(
                "Refused, since the key forbids it: {what!r}", what=requestType
            )
            return 0
        if requestType in (b"exec", b"shell", b"subsystem"):
            return self._start(requestType, data)
        return self._ask(requestType, data)

    def _mayBeSet(self, data: bytes) -> bool:
        """
        Return whether a client may set a variable: none that the key sets, and none once
        something runs; and where a command is forced, none that could change what it
        does.
        """
        options = self._options
        name = os.fsdecode(Fields(data).string())
        if self._isStarted or name in dict(options.environment):
            return False
        isHarmless = name == "LANG" or name.startswith("LC_")
        return isHarmless or not (options.command is not None or options.isRestricted)

    def _start(self, requestType: bytes, data: bytes) -> object:
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

    def _set(self, name: str, value: str) -> object:
        """
        Set a variable.
        """
        both = string(os.fsencode(name)) + string(os.fsencode(value))
        return self._ask(b"env", both)


def _forced(command: str) -> tuple[bytes, bytes] | None:
    """
    Return the request that a forced command stands for; L{None} if there is none.
    """
    name, _, arguments = command.partition(" ")
    if name != "internal-sftp":
        return b"exec", string(os.fsencode(command))
    return None if arguments.strip() else (b"subsystem", string(b"sftp"))


__all__ = ["ChannelRequests"]
