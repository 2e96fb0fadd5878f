"""
The realm: each protocol gets a view of the user's mailbox.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, cast

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.mail.imap4 import IAccount
from twisted.mail.pop3 import IMailbox as IMailboxPOP3
from twisted.spread.pb import IPerspective
from twisted.web.resource import IResource

from .._contracts import ANONYMOUS, AvatarID, InterfaceType, IRealm, Login
from .._secrets import asBytes
from ..error import UnauthorizedLogin
from ._imap4 import Account
from ._mailpage import MailboxPage
from ._mailstore import Mailbox, StoreService
from ._pb import Correspondent, Visitor
from ._pop3 import MailDrop
from ._smtp import IOutbox, Outbox


class _View(Protocol):
    """
    A view of a mailbox, which is the avatar of one protocol.
    """

    @property
    def logout(self) -> Callable[[], None]: ...


@implementer(IRealm)
class MailRealm:
    """
    The realm of mailboxes, one for each user name.

    @ivar store: the store of the mail.
    """

    _views: dict[InterfaceType, Callable[..., _View]] = {
        IMailboxPOP3: MailDrop,
        IAccount: Account,
        IOutbox: Outbox,
        IPerspective: Correspondent,
        IResource: MailboxPage,
    }

    _log = Logger()

    def __init__(
        self,
        store: StoreService,
        views: Mapping[InterfaceType, Callable[..., _View]] | None = None,
    ) -> None:
        """
        @param store: the store of the mail.
        @param views: the views for other interfaces, such as SSH's.
        """
        self.store = store
        self._views = {**type(self)._views, **(views or {})}

    def requestAvatar(
        self, avatarId: AvatarID, mind: object, *interfaces: InterfaceType
    ) -> Deferred[Login] | Login:
        """
        Return a view of a user's mailbox.

        @param avatarId: the name of the user, as the checker spells it.
        @param mind: over PB, the object of the client's that is told of new messages;
            over HTTP, how the user has logged in.
        @param interfaces: the interfaces that the protocol can use.
        """
        interface = next((i for i in interfaces if i in self._views), None)
        if interface is None:
            raise NotImplementedError("none of the requested interfaces is served")
        if avatarId == ANONYMOUS:
            if interface is not IPerspective:
                raise UnauthorizedLogin("anonymous users have no mail")
            return interface, Visitor(), _nothing
        view = self._views[interface]

        def cbMailbox(mailbox: Mailbox) -> Login:
            avatar = view(self.store, mailbox, mind)
            return interface, avatar, avatar.logout

        user = cast(bytes, asBytes(avatarId))
        return self.store.mailbox(user).addCallback(cbMailbox)


def _nothing() -> None:
    """
    Log out an anonymous user.
    """


__all__ = ["MailRealm"]
