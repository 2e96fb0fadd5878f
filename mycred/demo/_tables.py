"""
The tables of the store, and what is done to them in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from sqlite3 import Cursor

#: What makes the tables.
SCHEMA = """
create table if not exists users (
    name blob primary key, uidvalidity integer not null, uidnext integer not null
);
create table if not exists messages (
    user blob not null references users (name), uid integer not null,
    flags text not null, date real not null, content blob not null,
    primary key (user, uid)
);
"""


#: How large a message may be, in octets as it is kept; how many messages a mailbox may
#: have; and how large they may be together: no user may fill the disk.
LARGEST, MOST_MESSAGES, MOST_OCTETS = 4 * 1024**2, 1000, 16 * 1024**2


class NoSuchUser(Exception):
    """
    The recipient has no mailbox.
    """


class MailboxFull(Exception):
    """
    A message doesn't fit into a mailbox.
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


def insert(
    transaction: Cursor, user: bytes, content: bytes, date: float, flags: Iterable[str]
) -> Message:
    """
    Add a message.

    @raise NoSuchUser: if the user has no mailbox.
    @raise MailboxFull: if the message doesn't fit in.
    """
    # This first, since it locks the file: another process may add a message, too.
    transaction.execute("update users set uidnext = uidnext + 1 where name = ?", (user,))
    row = transaction.execute(
        "select uidnext - 1 from users where name = ?", (user,)
    ).fetchone()
    if row is None:
        raise NoSuchUser(user)
    insistOnRoom(transaction, user, len(content))
    message = Message(row[0], wireSize(content), date, set(flags))
    transaction.execute(
        "insert into messages values (?, ?, ?, ?, ?)",
        (user, message.uid, " ".join(sorted(message.flags)), date, content),
    )
    return message


def insistOnRoom(transaction: Cursor, user: bytes, size: int) -> None:
    """
    Insist that a message fits into a mailbox.

    @param size: its size, in octets.

    @raise MailboxFull: if it doesn't.
    """
    if size > LARGEST:
        raise MailboxFull(f"a message may have {LARGEST} octets")
    count, octets = transaction.execute(
        "select count(*), total(length(content)) from messages where user = ?", (user,)
    ).fetchone()
    if count >= MOST_MESSAGES or octets + size > MOST_OCTETS:
        raise MailboxFull("the mailbox is full")


def delete(transaction: Cursor, user: bytes, uids: Iterable[int]) -> None:
    """
    Remove messages.
    """
    transaction.executemany(
        "delete from messages where user = ? and uid = ?", [(user, uid) for uid in uids]
    )


def flagsIn(transaction: Cursor, user: bytes) -> dict[int, set[str]]:
    """
    Return the flags of a user's messages, by their UIDs.
    """
    rows = transaction.execute("select uid, flags from messages where user = ?", (user,))
    return {uid: set(flags.split()) for uid, flags in rows}


def wireSize(content: bytes) -> int:
    """
    Return the size of a message on the wire, where lines end in CR LF.
    """
    return len(content) + content.count(b"\n")


__all__ = [
    "LARGEST",
    "MOST_MESSAGES",
    "MOST_OCTETS",
    "SCHEMA",
    "Mailbox",
    "MailboxFull",
    "Message",
    "NoSuchUser",
    "delete",
    "flagsIn",
    "insert",
    "insistOnRoom",
    "wireSize",
]
