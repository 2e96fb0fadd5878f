"""
What can be seen of accounts without reading them: that a file with them differs.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable

from .._files import Watch
from .._storedstate import stateDigest
from .._verdict import Kind, Verdict
from ._passwords import AccountFiles
from ._rules import AccountRules

# Where the name service of most systems has its users and groups.
_PASSWD, _GROUP = "/etc/passwd", "/etc/group"

_DAY = 86_400


class SeenFiles:
    """
    The files by which accounts are judged that only other processes can read.
    """

    def __init__(
        self,
        files: AccountFiles,
        rules: AccountRules,
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        @param files: where accounts are.
        @param rules: what they must be like.
        @param now: return the time, in seconds since 1970.
        """
        group = _GROUP if files.passwd is None else files.group
        paths = files.passwd or _PASSWD, files.shadow, group, rules.shells, *rules.nologin
        self._watches = {path: Watch() for path in paths if path is not None}
        self._now = now
        # From now on it is known for how long they have been what they are.
        self.lookUp()

    def lookUp(self) -> Verdict:
        """
        Look at the files.

        @return: a verdict whose secret is a digest that differs when one of them does, or
            when it is another day: accounts expire.
        """
        seen = [self._seen(path) for path in self._watches]
        state = stateDigest(int(self._now() // _DAY), seen)
        return Verdict(Kind.REFUSED, b"", secret=state)

    def _seen(self, path: str) -> object:
        """
        Return what can be seen of a file: L{None} if that is nothing.
        """
        try:
            state = self._watches[path].stateOf(os.stat(path))
        except OSError:
            return None
        # One that has just changed may change again without its times telling.
        return secrets.token_bytes(16) if state.isProvisional else state.signature


__all__ = ["SeenFiles"]
