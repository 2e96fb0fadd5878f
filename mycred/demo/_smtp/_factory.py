"""
The servers of SMTP.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NoReturn

from twisted.mail.smtp import SMTPServerError

from ... import mail
from .._handover import HandingOver
from .._mailfactories import LimitedMailFactory, MailFactory
from ._connection import EXTENSIONS
from ._outbox import IOutbox
from ._submission import Submission


class ESMTP(HandingOver, mail.ESMTP):
    """
    A server of SMTP, whose commands are carried out in their order.
    """

    avatarInterfaces = (IOutbox,)  # type: ignore[assignment]

    def greeting(self) -> bytes:
        """
        Return what the greeting says.
        """
        return self.serverName() + b" ESMTP mycred example server"

    def extensions(self) -> dict[bytes, list[bytes] | None]:
        """
        Return the extensions, those of submission included: after the login a client
        doesn't ask again.
        """
        more = {name: value.split() or None for name, value in EXTENSIONS.items()}
        return {**super().extensions(), **more}

    def validateFrom(self, helo: object, origin: object) -> NoReturn:
        """
        Refuse a sender: nobody sends mail who isn't logged in.
        """
        raise SMTPServerError(530, "5.7.0 Log in first")

    def makeDialogue(self, avatar: Any) -> Submission:
        """
        Return what goes on with the connection.
        """
        helo, _ = self._helo or (None, None)
        return Submission(avatar, self.host, helo or b"")


class SMTPFactory(MailFactory):
    """
    Build SMTP connections.
    """

    protocol = ESMTP
    service = "smtp"


#: Return a factory that serves a portal over SMTP.
makeFactory = partial(LimitedMailFactory, SMTPFactory)

__all__ = ["SMTPFactory", "makeFactory"]
