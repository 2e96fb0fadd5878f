"""
What a login by SASL needs to know besides what the client sends.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from twisted.python.failure import Failure

from .._facts import ConnectionFacts

#: What is told of a login that is refused: by what was presented, why, and when it began,
#: as C{time.monotonic} counts.
NoteRefused = Callable[[Any, Failure, float], object]

# The secret of a process that has no other.
_secretOfProcess = secrets.token_bytes(32)


@dataclass(frozen=True)
class Context:
    """
    What a login by SASL needs to know besides what the client sends.

    @ivar facts: what is known of the connection.
    @ivar secret: the secret of the site, from which salts for unknown names are made up.
        Without it they differ from process to process, so that a client can tell which
        names are known: see L{secretIn}.
    @ivar offered: the names of the mechanisms that the client was offered.
    @ivar host: the name of the server.
    @ivar noteRefused: what is told of a login that no checker gets to see, such as
        L{SessionPortal.noteRefused<mycred.portal.SessionPortal.noteRefused>}; the log
        alone, if L{None}.
    """

    facts: ConnectionFacts
    secret: bytes = field(default=_secretOfProcess, repr=False)
    offered: Collection[bytes] = ()
    host: bytes = b"localhost"
    noteRefused: NoteRefused | None = field(default=None, repr=False)


__all__ = ["Context"]
