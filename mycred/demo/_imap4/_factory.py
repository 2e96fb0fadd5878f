"""
The servers of IMAP4.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ... import mail
from .._handover import HandingOver
from .._mailfactories import LimitedMailFactory, MailFactory
from ._connection import CAPABILITIES
from ._messages import IMAP4Connection


class IMAP4Server(HandingOver, mail.IMAP4Server):
    """
    A server of IMAP4, whose commands are carried out in their order.
    """

    IDENT = b"mycred example server"

    def sendPositiveResponse(
        self, tag: bytes | None = None, message: bytes = b""
    ) -> None:
        """
        Send an answer, with the capabilities if it is the one to the login.
        """
        if self._dialogue is not None:
            message = b"[CAPABILITY %b] %b" % (b" ".join(CAPABILITIES), message)
        super().sendPositiveResponse(tag, message)

    def makeDialogue(self, avatar: Any) -> IMAP4Connection:
        """
        Return what goes on with the connection.
        """
        return IMAP4Connection(avatar)


class IMAP4Factory(MailFactory):
    """
    Build IMAP4 connections.
    """

    protocol = IMAP4Server
    service = "imap"


#: Return a factory that serves a portal over IMAP4.
makeFactory = partial(LimitedMailFactory, IMAP4Factory)

__all__ = ["IMAP4Factory", "makeFactory"]
