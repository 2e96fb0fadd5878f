"""
The realm: which view of a user's mailbox each protocol gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.mail.imap4 import IAccount
from twisted.mail.pop3 import IMailbox as IMailboxPOP3
from twisted.python.failure import Failure
from twisted.spread.pb import IPerspective
from twisted.web.resource import IResource

from .._contracts import ANONYMOUS, AvatarID, InterfaceType, IRealm, Login
from .._secrets import asBytes
from ..error import TemporaryFailure, UnauthorizedLogin
from ._imap4 import Account
from ._mailpage import MailboxPage
from ._pb import Correspondent, Visitor
from ._pop3 import MailDrop
from ._store import Mailbox, StoreService


@implementer(IRealm)
class MailRealm:
    """
    The connection between user names and mailboxes.

    @ivar store: where the mail is.
    """

    _views: dict[InterfaceType, Any] = {
        IMailboxPOP3: MailDrop,
        IAccount: Account,
        IPerspective: Correspondent,
        IResource: MailboxPage,
    }

    _log = Logger()

    def __init__(
        self, store: StoreService, views: Mapping[InterfaceType, Any] | None = None
    ) -> None:
        """
        @param store: where the mail is.
        @param views: views for other protocols.
        """
        self.store = store
        self._views = {**type(self)._views, **(views or {})}

    def requestAvatar(
        self, avatarId: AvatarID, mind: object, *interfaces: InterfaceType
    ) -> Deferred[Login] | Login:
        """
        Answer with a view of a user's mailbox.

        @param avatarId: the name of the user, who has proved it.
        @param mind: over PB, what the user's program wants to be told by.
        @param interfaces: what the protocol can talk to.
        """
        interface = next((i for i in interfaces if i in self._views), None)
        if interface is None:
            raise NotImplementedError("none of the requested interfaces is served")
        if avatarId == ANONYMOUS:
            if interface is not IPerspective:
                raise UnauthorizedLogin("mail is not for everybody")
            return interface, Visitor(), _nothing
        view = self._views[interface]

        def cbMailbox(mailbox: Mailbox) -> Login:
            avatar: Any = view(self.store, mailbox, mind)
            return interface, avatar, avatar.logout

        def ebStore(failure: Failure) -> Login:
            self._log.failure("The store failed", failure=failure)
            raise TemporaryFailure("Temporarily unavailable")

        user: Any = asBytes(avatarId)
        return self.store.mailbox(user).addCallbacks(cbMailbox, ebStore)


def _nothing() -> None:
    """
    Log out a visitor, who leaves nothing behind.
    """


__all__ = ["MailRealm"]
