"""
The store: the mail of all users, in a database that several processes may share.

    - L{StoreService} is what protocols ask, each thing in one transaction, in a thread.
    - L{Mailbox} and L{Message} are what they are told.
    - L{checkStore} insists on a database that can be the store before the server starts.
"""

from ._mailbox import (
    FLAGS,
    LARGEST,
    MOST_MESSAGES,
    MOST_OCTETS,
    Mailbox,
    MailboxFull,
    Message,
    NoSuchUser,
    Unavailable,
)
from ._place import StorePlace, checkStore, insistOnStore
from ._store import StoreService

__all__ = [
    "FLAGS",
    "LARGEST",
    "MOST_MESSAGES",
    "MOST_OCTETS",
    "Mailbox",
    "MailboxFull",
    "Message",
    "NoSuchUser",
    "StorePlace",
    "StoreService",
    "Unavailable",
    "checkStore",
    "insistOnStore",
]
