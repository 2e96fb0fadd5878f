"""
What decides about keys, as it is handed to L{Authority}, also in another process.
"""

from __future__ import annotations

from dataclasses import dataclass

from .._accounts import AccountRules, AccountStatus, SystemUsers, Users
from ._authority import Authority
from ._keyfiles import KeyFiles
from ._policy import KeyPolicy
from ._strictmodes import AsUser, withOwnRights


@dataclass(frozen=True)
class KeySettings:
    """
    What decides about keys.

    @ivar files: where keys are.
    @ivar policy: which keys and signatures count.
    @ivar rules: what an account must be like; L{None} if any account may be used, also
        one that is locked.
    @ivar shadow: the path of a shadow file; L{None} if there is none.
    """

    files: KeyFiles
    policy: KeyPolicy = KeyPolicy()  # noqa: RUF009
    rules: AccountRules | None = None
    shadow: str | None = None


def makeAuthority(
    settings: KeySettings,
    *,
    users: Users | None = None,
    asUser: AsUser = withOwnRights,
) -> Authority:
    """
    Return what decides about keys.

    @param settings: the settings.
    @param users: where users are looked up; those of the system if L{None}.
    @param asUser: what lets files be opened with the rights of a user.
    """
    known = SystemUsers() if users is None else users
    denial = None
    if settings.rules is not None:
        denial = AccountStatus(known, settings.shadow, settings.rules).denial
    files, policy = settings.files, settings.policy
    return Authority(files, known, policy=policy, denial=denial, asUser=asUser)


__all__ = ["KeySettings", "makeAuthority"]
