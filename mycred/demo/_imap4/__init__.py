"""
The mailbox over IMAP4.
"""

from ._account import Account
from ._factory import IMAP4Factory, makeFactory

__all__ = ["Account", "IMAP4Factory", "makeFactory"]
