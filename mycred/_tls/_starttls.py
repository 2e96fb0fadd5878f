"""
TLS that begins in the middle of a connection.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed


def upToDate(contextFactory: Any) -> Deferred[Any]:
    """
    Return what a transport's C{startTLS} takes, after a look at the files that the
    reactor doesn't wait for.

    A protocol calls this before it tells the client to go ahead, and takes nothing from
    it meanwhile.

    @param contextFactory: any context factory: those that
        L{TLSOptions<mycred.tls.TLSOptions>} makes look at their files.

    @return: a L{Deferred} that fires with a context factory.  It fails with
        L{TemporaryFailure<mycred.error.TemporaryFailure>} if the disk doesn't answer.
    """
    latest = getattr(contextFactory, "latest", None)
    return succeed(contextFactory) if latest is None else latest()


__all__ = ["upToDate"]
