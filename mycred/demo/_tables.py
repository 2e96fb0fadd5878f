"""
The mail in the tables of the store, and what is done to it in one transaction.

Who changes a mailbox locks its row first: so UIDs become visible in their order, and what
is found out about the mailbox is true until the change is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from .._sql import Transaction
from ..error import TemporaryFailure

#: How large a message may be, in octets as it is kept; how many messages a mailbox may
#: have; and how large they may be together: no user may fill the disk.
LARGEST, MOST_MESSAGES, MOST_OCTETS = 4 * 1024**2, 1000, 16 * 1024**2

# How many messages, or mailboxes, one statement names: where there are fewer one of them
# is named several times, so that it is the same statement.
_MOST_NAMED = 50


class NoSuchUser(Exception):
    """
    The recipient has no mailbox.
    """


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


# A mailbox and its messages: in one statement, since some databases see each one at
# another moment.
_LOAD = """
select mailbox.uidvalidity, mailbox.uidnext,
    message.uid, message.size, message.received, message.flags
from mail_users mailbox left join mail_messages message
    on message.name = mailbox.name and message.uid >= :first
where mailbox.name = :name
order by message.uid
"""


def load(transaction: Transaction, user: bytes, first: int = 0) -> Mailbox | None:
    """
    Return a mailbox; L{None} if the user has none.

    @param first: the UID of the first message that is wanted.
    """
    rows = transaction.execute(_LOAD, name=user, first=first).rows
    if not rows:
        return None
    messages = [
        Message(uid, size, received, set(flags.split()))
        for _, _, uid, size, received, flags in rows
        # A mailbox without messages is a row, too.
        if uid is not None
    ]
    return Mailbox(user, rows[0][0], rows[0][1], messages)


_MAKE = {
    "sqlite": "insert or ignore into mail_users values (:name, :uidvalidity, 1)",
    "mysql": "insert ignore into mail_users values (:name, :uidvalidity, 1)",
    "postgresql": (
        "insert into mail_users values (:name, :uidvalidity, 1) on conflict do nothing"
    ),
}


def make(transaction: Transaction, user: bytes, uidValidity: int) -> bool:
    """
    Make a mailbox, and return whether there was none.
    """
    statement = _MAKE[transaction.dialect]
    return transaction.execute(statement, name=user, uidvalidity=uidValidity).count == 1


_LOCK = "select uidnext from mail_users where name = :name"


def lock(transaction: Transaction, user: bytes) -> int:
    """
    Keep other transactions from changing a mailbox, and return its next UID.

    @raise NoSuchUser: if the user has no mailbox.
    """
    # SQLite has locked the whole file.
    how = "" if transaction.dialect == "sqlite" else " for update"
    rows = transaction.execute(_LOCK + how, name=user).rows
    if not rows:
        raise NoSuchUser(user)
    uidNext: int = rows[0][0]
    return uidNext


_INSERT = """
insert into mail_messages (name, uid, flags, received, size, content)
values (:name, :uid, :flags, :received, :size, :content)
"""


def insert(
    transaction: Transaction,
    users: Iterable[bytes],
    content: bytes,
    date: float,
    flags: Iterable[str],
) -> dict[bytes, Message]:
    """
    Add a message to the mailboxes of users.

    @return: the message in each mailbox.

    @raise NoSuchUser: if one has no mailbox.
    @raise MailboxFull: if it doesn't fit into one.
    """
    if len(content) > LARGEST:
        raise MailboxFull(f"a message may have {LARGEST} octets")
    size, kept = wireSize(content), set(flags)
    # In the same order everywhere: two transactions mustn't wait for each other.
    uids = {user: lock(transaction, user) for user in sorted(users)}
    messages = {user: Message(uid, size, date, kept) for user, uid in uids.items()}
    first: bytes | None = None
    for user, message in messages.items():
        insistOnRoom(transaction, user, [size])
        _advance(transaction, user, message.uid + 1)
        if first is None:
            first = user
            transaction.execute(
                _INSERT,
                name=user,
                uid=message.uid,
                flags=_joined(kept),
                received=date,
                size=size,
                content=content,
            )
        else:
            # The content goes to the database once.
            _duplicate(transaction, first, uids[first], user, message.uid)
    return messages


_DUPLICATE = """
insert into mail_messages (name, uid, flags, received, size, content)
select :name, :uid, flags, received, size, content
from mail_messages where name = :old_name and uid = :old_uid
"""


def _duplicate(
    transaction: Transaction, oldUser: bytes, oldUID: int, user: bytes, uid: int
) -> None:
    """
    Add a message that is in a mailbox already.
    """
    transaction.execute(_DUPLICATE, old_name=oldUser, old_uid=oldUID, name=user, uid=uid)


def _advance(transaction: Transaction, user: bytes, uidNext: int) -> None:
    """
    Set the UID of the next message in a mailbox.
    """
    statement = "update mail_users set uidnext = :uidnext where name = :name"
    transaction.execute(statement, name=user, uidnext=uidNext)


def copy(
    transaction: Transaction, user: bytes, uids: Iterable[int]
) -> list[tuple[int, Message]]:
    """
    Copy messages within a mailbox.

    @return: the UID of each message that exists, and its copy.

    @raise NoSuchUser: if the user has no mailbox.
    @raise MailboxFull: if they don't all fit in.
    """
    uidNext = lock(transaction, user)
    mailbox = load(transaction, user)
    known = {message.uid: message for message in mailbox.messages} if mailbox else {}
    originals = [known[uid] for uid in uids if uid in known]
    insistOnRoom(transaction, user, [message.size for message in originals])
    copied = []
    for uid, old in enumerate(originals, uidNext):
        _duplicate(transaction, user, old.uid, user, uid)
        copied.append((old.uid, Message(uid, old.size, old.date, set(old.flags))))
    _advance(transaction, user, uidNext + len(copied))
    return copied


def insistOnRoom(transaction: Transaction, user: bytes, sizes: list[int]) -> None:
    """
    Insist that messages fit into a mailbox.

    @param sizes: their sizes on the wire, in octets.

    @raise MailboxFull: if they don't.
    """
    statement = "select count(*), sum(size) from mail_messages where name = :name"
    [(count, octets)] = transaction.execute(statement, name=user).rows
    isMuch = (octets or 0) + sum(sizes) > MOST_OCTETS
    if sizes and (count + len(sizes) > MOST_MESSAGES or isMuch):
        raise MailboxFull("the mailbox is full")


def _naming(statement: str) -> str:
    """
    Return a statement with C{:named} in place of many names.
    """
    names = ", ".join(f":n{number}" for number in range(_MOST_NAMED))
    return statement.replace(":named", names)


_DELETE = _naming("delete from mail_messages where name = :name and uid in (:named)")


def delete(transaction: Transaction, user: bytes, uids: Iterable[int]) -> None:
    """
    Remove messages.

    @raise NoSuchUser: if the user has no mailbox.
    """
    lock(transaction, user)
    for named in _named(uids):
        transaction.execute(_DELETE, name=user, **named)


def deleteMarked(transaction: Transaction, user: bytes, uids: Iterable[int]) -> list[int]:
    """
    Remove those of some messages that are marked as deleted, and return their UIDs.

    @raise NoSuchUser: if the user has no mailbox.
    """
    lock(transaction, user)
    flags = flagsIn(transaction, user)
    marked = [uid for uid in uids if "\\Deleted" in flags.get(uid, ())]
    delete(transaction, user, marked)
    return marked


_FLAG = _naming(
    "update mail_messages set flags = :flags where name = :name and uid in (:named)"
)


def changeFlags(
    transaction: Transaction,
    user: bytes,
    uids: Iterable[int],
    change: Callable[[set[str]], set[str]],
) -> dict[int, set[str]]:
    """
    Change the flags of messages.

    @param change: what returns the new flags for the present ones.

    @return: the new flags of each message that exists.

    @raise NoSuchUser: if the user has no mailbox.
    """
    lock(transaction, user)
    before = flagsIn(transaction, user)
    after = {uid: change(before[uid]) for uid in uids if uid in before}
    changed: dict[str, list[int]] = {}
    for uid, flags in after.items():
        if flags != before[uid]:
            changed.setdefault(_joined(flags), []).append(uid)
    for joined, those in changed.items():
        for named in _named(those):
            transaction.execute(_FLAG, name=user, flags=joined, **named)
    return after


def flagsIn(transaction: Transaction, user: bytes) -> dict[int, set[str]]:
    """
    Return the flags of a user's messages, by their UIDs.
    """
    statement = "select uid, flags from mail_messages where name = :name"
    rows = transaction.execute(statement, name=user).rows
    return {uid: set(flags.split()) for uid, flags in rows}


def contentOf(transaction: Transaction, user: bytes, uid: int, most: int) -> bytes | None:
    """
    Return the content of a message; L{None} if it is gone.

    @param most: the length at which to cut it off, in octets.
    """
    statement = (
        "select substr(content, 1, :most) from mail_messages"
        " where name = :name and uid = :uid"
    )
    rows = transaction.execute(statement, name=user, uid=uid, most=most).rows
    return bytes(rows[0][0]) if rows else None


_NEXT = _naming("select name, uidnext from mail_users where name in (:named)")


def nextUIDs(transaction: Transaction, users: Iterable[bytes]) -> dict[bytes, int]:
    """
    Return the UID of the next message in each of some mailboxes.
    """
    found: dict[bytes, int] = {}
    for named in _named(users):
        found.update(
            (bytes(name), uidNext)
            for name, uidNext in transaction.execute(_NEXT, **named).rows
        )
    return found


def _named(values: Iterable[object]) -> Iterator[Mapping[str, object]]:
    """
    Yield values as the statements name them, so many at a time.
    """
    left = list(values)
    while left:
        some, left = left[:_MOST_NAMED], left[_MOST_NAMED:]
        some += some[-1:] * (_MOST_NAMED - len(some))
        yield {f"n{number}": value for number, value in enumerate(some)}


def _joined(flags: Iterable[str]) -> str:
    """
    Return flags as they are kept.
    """
    return " ".join(sorted(flags))


def wireSize(content: bytes) -> int:
    """
    Return the size of a message on the wire, where lines end in CR LF.
    """
    return len(content) + content.count(b"\n")


__all__ = [
    "LARGEST",
    "MOST_MESSAGES",
    "MOST_OCTETS",
    "Mailbox",
    "MailboxFull",
    "Message",
    "NoSuchUser",
    "Unavailable",
    "changeFlags",
    "contentOf",
    "copy",
    "delete",
    "deleteMarked",
    "flagsIn",
    "insert",
    "insistOnRoom",
    "load",
    "lock",
    "make",
    "nextUIDs",
    "wireSize",
]
