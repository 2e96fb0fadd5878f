"""
The factory of IMAP4 connections.
"""

from functools import partial

from .._mailfactories import MailFactory, SessionFactory
from ._messages import IMAP4Connection


class IMAP4Factory(MailFactory):
    """
    Build IMAP4 connections.
    """

    protocol = IMAP4Connection
    service = "imap"


#: Return a factory that serves a portal over IMAP4.
makeFactory = partial(SessionFactory, IMAP4Factory)

__all__ = ["IMAP4Factory", "makeFactory"]
