"""
Rules for accounts, made of what an administrator writes.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._accounts import NOLOGIN, SHELLS, AccountRules, FileUsers, SystemUsers
from .._files import openRegular
from .._paths import AnyPath, asPath


def accountRules(
    minuid: int = 0,
    groups: Sequence[str] = (),
    shells: bool = False,
    nologin: bool = False,
    *,
    group: AnyPath | None = None,
) -> AccountRules:
    """
    Return rules for accounts, of which each can take effect now.

    @param minuid: the lowest uid that may log in.
    @param groups: names of groups; an account must be in at least one of them.  Empty
        means no restriction.
    @param shells: whether an account's shell must be listed in C{/etc/shells}.
    @param nologin: whether only root may log in while there is C{/etc/nologin} or
        C{/run/nologin}.
    @param group: the path of the file, as group(5) has it, in which groups are looked
        up; the system's name service if L{None}.

    @raise ValueError: if there is no such group, or C{/etc/shells} can't be read.
    @raise OSError: if the groups can't be looked up.
    """
    users = SystemUsers() if group is None else FileUsers("", asPath(group))
    for name in groups:
        if users.gidOf(name) is None:
            raise ValueError(f"groups: there is no group {name!r}")
    if shells:
        try:
            openRegular(SHELLS).close()
        except OSError as error:
            raise ValueError(f"shells: {SHELLS} can't be read ({error})") from None
    return AccountRules(
        NOLOGIN if nologin else (), SHELLS if shells else None, minuid, tuple(groups)
    )


__all__ = ["accountRules"]
