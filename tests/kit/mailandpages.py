"""
A realm of mailboxes and of pages.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted.web.resource import IResource
from twisted.web.static import Data

from mycred.portal import IRealm

from .mailservers import MailRealm


@implementer(IRealm)
class MailAndPages(MailRealm):
    """
    A realm of mailboxes and pages.
    """

    def requestAvatar(self, avatarId: Any, mind: object, *interfaces: Any) -> Any:
        """
        Return what stands for a user.
        """
        if IResource not in interfaces:
            return super().requestAvatar(avatarId, mind, *interfaces)
        self.names.append(avatarId)
        page = Data(str(avatarId).encode(), "text/plain")
        page.isLeaf = True
        return IResource, page, lambda: self.logouts.append(avatarId)
