"""
A realm that gives each user of the machine his home directory, to read.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted.web.resource import ForbiddenResource, IResource
from twisted.web.static import File

from mycred.checkers import accountOf
from mycred.portal import IRealm


@implementer(IRealm)
class HomeRealm:
    """
    The connection between accounts and their home directories.
    """

    def requestAvatar(self, avatarId: object, mind: object, *interfaces: Any) -> Any:
        """
        Answer with a view of a home directory, to those who are in the group staff.
        """
        if IResource not in interfaces:
            raise NotImplementedError("this is for web browsers")
        account = accountOf(avatarId)
        if account is None or "staff" not in account.groups:
            return IResource, ForbiddenResource("This is for the staff."), _nothing
        return IResource, File(account.home), _nothing


def _nothing() -> None:
    """
    Log somebody out who leaves nothing behind.
    """
