"""
What the tables of the store hold, as the protocols see it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ...error import TemporaryFailure

#: How large a message may be, in octets as it is kept; how many messages a mailbox may
#: have; and how large they may be together: no user may fill the disk.
LARGEST, MOST_MESSAGES, MOST_OCTETS = 4 * 1024**2, 1000, 16 * 1024**2

#: The flags that are kept.
FLAGS = ("\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen")


class NoSuchUser(Exception):
    """
    The recipient has no mailbox.
    """

    def __str__(self) -> str:
        """
        Return a text for clients.
        """
        return "there is no such user"


class MailboxFull(Exception):
    """
    A message doesn't fit into a mailbox.
    """


class Unavailable(TemporaryFailure):
    """
    The store can't be used now.  The log knows why.
    """


@dataclass
class Message:
    """
    A message without its content.

    @ivar uid: its UID, which never changes.
    @ivar size: its size in octets, as it goes over the wire.
    @ivar flags: its IMAP4 flags.
    @ivar date: when it came in, in seconds since the epoch.
    """

    uid: int
    size: int
    date: float
    flags: set[str] = field(default_factory=set)


@dataclass
class Mailbox:
    """
    The state of a mailbox at one moment.

    @ivar user: its owner.
    @ivar uidValidity: UIDs are good as long as this is the same.
    @ivar uidNext: the UID of the next message.
    @ivar messages: the messages, the oldest first.
    """

    user: bytes
    uidValidity: int
    uidNext: int
    messages: list[Message]


def wireSize(content: bytes) -> int:
    """
    Return the size of a message on the wire, where lines end in CR LF.
    """
    return len(content) + content.count(b"\n")


__all__ = [
    "FLAGS",
    "LARGEST",
    "MOST_MESSAGES",
    "MOST_OCTETS",
    "Mailbox",
    "MailboxFull",
    "Message",
    "NoSuchUser",
    "Unavailable",
    "wireSize",
]
