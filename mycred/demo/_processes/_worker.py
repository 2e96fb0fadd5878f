"""
A worker: what C{twistd} does, with the sockets and the log of another process.
"""

from __future__ import annotations

import os
import sys

from twisted.python import usage
from twisted.scripts._twistd_unix import ServerOptions
from twisted.scripts.twistd import runApp

from ..._processtree import endWith
from ._relay import Relay
from ._start import LOG, Start, decodeStart


class WorkerOptions(ServerOptions):
    """
    The options of C{twistd} in a worker.

    @ivar start: what it was told.
    @ivar relay: what sends its log.
    """

    def __init__(self, start: Start, relay: Relay) -> None:
        super().__init__()
        self.start = start
        self.relay = relay


def run(told: object) -> None:
    """
    Be a worker, until its end.

    @param told: what it was told.
    """
    # Programs that this one starts don't inherit it.
    os.set_inheritable(LOG, False)
    start = decodeStart(told)
    endWith(start.parent)
    relay = Relay(LOG)
    options = WorkerOptions(start, relay)
    try:
        options.parseOptions([*start.twistd, *start.arguments])
    except usage.UsageError as error:
        sys.exit(str(error))
    options["logger"] = lambda: relay
    runApp(options)


__all__ = ["WorkerOptions", "run"]
