"""
What is asked of the tables of the store.
"""

from __future__ import annotations

from collections.abc import Iterable

from .._sql import Transaction
from ._manynames import batches, naming
from ._tables import Mailbox, Message

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
    # To SQLite, the beginning of nothing isn't there.
    return bytes(rows[0][0] or b"") if rows else None


_NEXT = naming("select name, uidnext from mail_users where name in (:named)")


def nextUIDs(transaction: Transaction, users: Iterable[bytes]) -> dict[bytes, int]:
    """
    Return the UID of the next message in each of some mailboxes.
    """
    found: dict[bytes, int] = {}
    for some in batches(users):
        found.update(
            (bytes(name), uidNext)
            for name, uidNext in transaction.execute(_NEXT, **some).rows
        )
    return found


__all__ = ["contentOf", "flagsIn", "load", "nextUIDs"]
