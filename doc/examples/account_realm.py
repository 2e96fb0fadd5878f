"""
A realm that shows each user of the machine their account.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted.web.resource import ForbiddenResource, IResource
from twisted.web.static import Data

from mycred.checkers import accountOf
from mycred.portal import IRealm


@implementer(IRealm)
class AccountRealm:
    """
    The connection between accounts and pages about them.
    """

    def requestAvatar(self, avatarId: object, mind: object, *interfaces: Any) -> Any:
        """
        Answer with a page, for users in the group staff.
        """
        if IResource not in interfaces:
            raise NotImplementedError("this is for web browsers")
        account = accountOf(avatarId)
        if account is None or "staff" not in account.groups:
            return IResource, ForbiddenResource("This is for the staff."), _nothing
        text = f"{account.name}, uid {account.uid}, home {account.home}\n"
        page = Data(text.encode("utf-8", "replace"), "text/plain; charset=utf-8")
        return IResource, page, _nothing


def _nothing() -> None:
    """
    Log out: there is nothing to clean up.
    """
