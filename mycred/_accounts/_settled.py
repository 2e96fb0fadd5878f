"""
Look again, as long as a file may have been half-written.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from .._files import SETTLING
from .._verdict import Kind, Verdict

# How often a file that goes on changing is read, as by L{mycred.checkers} in a server.
_TRIES = 20


def settled(look: Callable[[], Verdict], name: bytes) -> Verdict:
    """
    Look, and look again until the verdict is no longer in doubt, or the state of the
    files that it is in doubt for hasn't changed for a while.

    @param look: what finds a verdict.
    @param name: the name that is looked up.

    @raise OSError: from C{look}.
    """
    doubt: object = None
    for _ in range(_TRIES):
        verdict = look()
        if verdict.doubt in (None, doubt):
            return verdict
        doubt = verdict.doubt
        time.sleep(SETTLING)
    return Verdict(Kind.UNSURE, name, "the file goes on changing")


__all__ = ["settled"]
