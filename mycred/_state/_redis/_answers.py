"""
What a Redis server says when it doesn't do what was asked.

Its own words are never repeated: they may hold what was sent, such as a password.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .._errors import StateUnavailable


class Refusal(NamedTuple):
    """
    Why a server doesn't do it.

    @ivar text: the reason.
    @ivar lasts: whether it stays so until its settings, or these, are changed.
    """

    text: str
    lasts: bool = False


class Refused(StateUnavailable):
    """
    A server that answers, and doesn't do what was asked.

    @ivar lasts: as in L{Refusal}.
    """

    def __init__(self, refusal: Refusal) -> None:
        """
        @param refusal: why.
        """
        super().__init__(refusal.text)
        self.lasts = refusal.lasts


class ScriptUnknown(StateUnavailable):
    """
    A server that doesn't know a script, as after a restart.
    """


#: What answers doesn't speak the protocol.
NO_REDIS = Refusal("it is no Redis server", True)

_CLUSTER = Refusal("it is part of a cluster, which can't be used here", True)

# By the code of the error, which stands first or, of an error in a script, later.
_REFUSALS = {
    "WRONGPASS": Refusal(
        "it knows no such user with this password; without a name in the URL the user is "
        "default",
        True,
    ),
    "NOAUTH": Refusal("it wants a password; name the file that holds it", True),
    "NOPERM": Refusal("its user may not do what is needed; see the rules of ACL", True),
    "invalid password": Refusal("its password is another one", True),
    "without any password": Refusal("it has no password; leave that out", True),
    "but no password is set": Refusal("it has no password; leave that out", True),
    "DB index": Refusal("it has no database of this number", True),
    "DENIED": Refusal("it is in protected mode, and talks to its own machine only", True),
    "MOVED": _CLUSTER,
    "CROSSSLOT": _CLUSTER,
    "CLUSTERDOWN": _CLUSTER,
    "not allowed in cluster mode": _CLUSTER,
    "WRONGTYPE": Refusal("another program uses its keys; take another database", True),
    "READONLY": Refusal("it is a replica, in which nothing can be written"),
    "MASTERDOWN": Refusal("it is a replica that has lost its master"),
    "NOREPLICAS": Refusal("it has too few replicas to write"),
    "OOM": Refusal("its memory is full (maxmemory)"),
    "MISCONF": Refusal("it can't save what is written, for instance on a full disk"),
    "LOADING": Refusal("it is still loading its data"),
    "BUSY": Refusal("a script keeps it busy"),
    "max number of clients": Refusal("it has too many clients"),
}

_known = re.compile(rf"\b(?:{'|'.join(map(re.escape, _REFUSALS))})\b")

_UNKNOWN = Refusal("it refuses a command", True)


def refusalOf(text: str) -> StateUnavailable:
    """
    Return the error for a server's reply that is one.

    @param text: its words.
    """
    if text.startswith("NOSCRIPT"):
        return ScriptUnknown("it doesn't know a script")
    # What follows was sent.
    found = _known.search(text.partition(", with args")[0][:200])
    return Refused(_REFUSALS[found[0]] if found else _UNKNOWN)


__all__ = ["NO_REDIS", "Refused", "ScriptUnknown", "refusalOf"]
