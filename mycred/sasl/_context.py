"""
What a login by SASL needs to know besides what the client sends.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field

from .._facts import ConnectionFacts

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
    """

    facts: ConnectionFacts
    secret: bytes = field(default=_secretOfProcess, repr=False)
    offered: Collection[bytes] = ()
    host: bytes = b"localhost"


__all__ = ["Context"]
