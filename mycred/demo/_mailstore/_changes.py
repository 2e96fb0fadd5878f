"""
What is done to the tables of the store, each in one transaction.

Who changes a mailbox locks its row first: so UIDs become visible in their order, and what
is found out about the mailbox is true until the change is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from ..._sql.client import Transaction
from ._mailbox import (
    LARGEST,
    MOST_MESSAGES,
    MOST_OCTETS,
    MailboxFull,
    Message,
    NoSuchUser,
    wireSize,
)
from ._manynames import batches, naming
from ._notices import NOTIFY, noticeOf
from ._queries import flagsIn
from ._rows import HIGHEST_UID, knownFlags, nextUID

_MAKE = {
    "sqlite": "insert or ignore into mail_users values (:name, :uidvalidity, 1)",
    "mysql": "insert ignore into mail_users values (:name, :uidvalidity, 1)",
    "postgresql": (
        "insert into mail_users values (:name, :uidvalidity, 1) on conflict do nothing"
    ),
}

_LOCK = {
    # SQLite has locked the whole file.
    "sqlite": "select uidnext from mail_users where name = :name",
    "mysql": "select uidnext from mail_users where name = :name for update",
    "postgresql": "select uidnext from mail_users where name = :name for update",
}


def make(transaction: Transaction, user: bytes, uidValidity: int) -> bool:
    """
    Make a mailbox, and return whether there was none.
    """
    statement = _MAKE[transaction.dialect]
    return transaction.execute(statement, name=user, uidvalidity=uidValidity).count == 1


def lock(transaction: Transaction, user: bytes) -> int | None:
    """
    Keep other transactions from changing a mailbox.

    @return: its next UID, as its row has it; L{None} if the user has no mailbox.
    """
    rows = transaction.execute(_LOCK[transaction.dialect], name=user).rows
    return rows[0][0] if rows else None


_INSERT = """
insert into mail_messages (name, uid, flags, received, octets, size, content)
values (:name, :uid, :flags, :received, :octets, :size, :content)
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
    size, kept = wireSize(content), set(flags)
    # In the same order everywhere: two transactions mustn't wait for each other.  And all
    # of them before anything is read: from then on MariaDB shows what there was.
    locked = {user: lock(transaction, user) for user in sorted(users)}
    messages: dict[bytes, Message] = {}
    for user, uidNext in locked.items():
        if uidNext is None:
            raise NoSuchUser(user)
        uid = nextUID(uidNext, insistOnRoom(transaction, user, [len(content)]))
        _advance(transaction, user, uid + 1)
        if messages:
            # The content goes to the database once.
            first = next(iter(messages))
            _duplicate(transaction, first, messages[first].uid, user, uid)
        else:
            transaction.execute(
                _INSERT,
                name=user,
                uid=uid,
                flags=_joined(kept),
                received=date,
                octets=len(content),
                size=size,
                content=content,
            )
        messages[user] = Message(uid, size, date, kept)
    return messages


_DUPLICATE = """
insert into mail_messages (name, uid, flags, received, octets, size, content)
select :name, :uid, flags, received, octets, size, content
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
    Set the UID of the next message in a mailbox, and tell other processes.

    @raise MailboxFull: if there is no such UID.
    """
    if uidNext > HIGHEST_UID:
        raise MailboxFull("no UID is left")
    statement = "update mail_users set uidnext = :uidnext where name = :name"
    transaction.execute(statement, name=user, uidnext=uidNext)
    if transaction.dialect == "postgresql":
        transaction.execute(NOTIFY, notice=noticeOf(user, uidNext))


def copy(
    transaction: Transaction, user: bytes, uids: Iterable[int]
) -> list[tuple[int, Message]]:
    """
    Copy messages within a mailbox.

    @return: the UID of each message that exists, and its copy.

    @raise MailboxFull: if they don't all fit in.
    """
    stored = lock(transaction, user)
    statement = (
        "select uid, octets, size, received, flags from mail_messages where name = :name"
    )
    rows = transaction.execute(statement, name=user).rows
    known = {uid: more for uid, *more in rows}
    originals = [uid for uid in uids if uid in known]
    sizes = [known[uid][0] for uid in originals]
    uidNext = nextUID(stored, insistOnRoom(transaction, user, sizes))
    copied = []
    for uid, old in enumerate(originals, uidNext):
        _duplicate(transaction, user, old, user, uid)
        _, size, received, flags = known[old]
        copied.append((old, Message(uid, size, received, knownFlags(flags))))
    if copied:
        _advance(transaction, user, uidNext + len(copied))
    return copied


def insistOnRoom(transaction: Transaction, user: bytes, sizes: list[int]) -> int | None:
    """
    Insist that messages fit into a mailbox.

    @param sizes: their sizes, in octets as they are kept.

    @return: the highest UID in the mailbox; L{None} if it is empty.

    @raise MailboxFull: if they don't.
    """
    if max(sizes, default=0) > LARGEST:
        raise MailboxFull(f"a message may have {LARGEST} octets")
    statement = (
        "select count(*), sum(octets), max(uid) from mail_messages where name = :name"
    )
    [(count, octets, highest)] = transaction.execute(statement, name=user).rows
    isMuch = (octets or 0) + sum(sizes) > MOST_OCTETS
    if sizes and (count + len(sizes) > MOST_MESSAGES or isMuch):
        raise MailboxFull("the mailbox is full")
    return cast("int | None", highest)


_DELETE = naming("delete from mail_messages where name = :name and uid in (:named)")


def delete(transaction: Transaction, user: bytes, uids: Iterable[int]) -> None:
    """
    Remove messages.
    """
    lock(transaction, user)
    for some in batches(uids):
        transaction.execute(_DELETE, name=user, **some)


def deleteMarked(transaction: Transaction, user: bytes, uids: Iterable[int]) -> list[int]:
    """
    Remove those of some messages that are marked as deleted, and return their UIDs.
    """
    lock(transaction, user)
    flags = flagsIn(transaction, user)
    marked = [uid for uid in uids if "\\Deleted" in flags.get(uid, ())]
    delete(transaction, user, marked)
    return marked


_FLAG = naming(
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
    """
    lock(transaction, user)
    before = flagsIn(transaction, user)
    after = {uid: change(before[uid]) for uid in uids if uid in before}
    changed: dict[str, list[int]] = {}
    for uid, flags in after.items():
        if flags != before[uid]:
            changed.setdefault(_joined(flags), []).append(uid)
    for joined, those in changed.items():
        for some in batches(those):
            transaction.execute(_FLAG, name=user, flags=joined, **some)
    return after


def _joined(flags: Iterable[str]) -> str:
    """
    Return flags as they are kept.
    """
    return " ".join(sorted(flags))


__all__ = [
    "changeFlags",
    "copy",
    "delete",
    "deleteMarked",
    "insert",
    "insistOnRoom",
    "lock",
    "make",
]
