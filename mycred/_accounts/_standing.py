"""
Whether an account may be used by who needs no password for it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from .._passwordfile import UserFile
from .._verdict import Account, Doubt
from ..error import DenialReason
from ._layout import ACCOUNTS
from ._rules import Rules
from ._shadow import Shadow, shadowIn
from ._users import Users

_DAY = 86_400


class Standing:
    """
    What tells whether an account may be used, though no password is asked for.
    """

    def __init__(
        self,
        users: Users,
        shadow: str | None,
        rules: Rules,
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        @param users: who the users are.
        @param shadow: the name of a shadow file; L{None} if there is none.
        @param rules: what an account must be like.
        @param now: what tells the time, in seconds since 1970.
        """
        self._users = users
        self._shadow = shadow and UserFile(shadow, ACCOUNTS)
        self._rules = rules
        self._now = now

    def denial(
        self, account: Account, doubts: list[Doubt]
    ) -> tuple[DenialReason, str] | None:
        """
        Tell why an account may not be used.

        @param doubts: the state of a file is added to it that may have been half-written
            where it matters.

        @return: why, for the peer and for the log; L{None} if it may be used.

        @raise OSError: if it can't be found out.
        """
        shadow = self._shadowOf(account, doubts)
        if shadow is not None:
            denied = shadow.denialOfKeys(int(self._now() // _DAY))
            if denied is not None:
                return denied
        refusal = self._rules.denial(account, self._users.gidOf)
        return None if refusal is None else (DenialReason.POLICY, refusal)

    def _shadowOf(self, account: Account, doubts: list[Doubt]) -> Shadow | None:
        """
        Return what shadow(5) says of an account; L{None} if its file has no line for it.
        """
        user = self._users.find(os.fsencode(account.name)).user
        if user is not None and user.own is not None:
            return user.own
        if not self._shadow:
            return None
        snapshot = self._shadow.snapshot()
        entry = snapshot.find(os.fsencode(account.name))
        if snapshot.state.isYoung and (entry is None or entry.isCut):
            # The line that locks it may be on its way.
            doubts.append(snapshot.state.signature)
        if entry is not None:
            try:
                return shadowIn(entry)
            except ValueError as error:
                why = f"the line of {account.name} says nothing: {error}"
                raise OSError(why) from None
        if next(iter(snapshot), None) is None:
            # No machine has such a file, but one that was just opened for writing.
            raise OSError(f"{self._shadow.path} holds nobody")
        return None


__all__ = ["Standing"]
