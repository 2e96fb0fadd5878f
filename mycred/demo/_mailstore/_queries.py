"""
What is asked of the tables of the store.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..._sql.client import Transaction
from ._mailbox import Mailbox
from ._manynames import batches, naming
from ._rows import contentIn, isUID, knownFlags, messageOf, nextUID

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
    # A mailbox without messages is a row, too.
    found = [messageOf(*row) for _, _, *row in rows]
    messages = [message for message in found if message is not None]
    uidValidity, uidNext, *_ = rows[0]
    highest = messages[-1].uid if messages else None
    validity = uidValidity if isUID(uidValidity) else 1
    return Mailbox(user, validity, nextUID(uidNext, highest), messages)


def flagsIn(transaction: Transaction, user: bytes) -> dict[int, set[str]]:
    """
    Return the flags of a user's messages, by their UIDs.
    """
    statement = "select uid, flags from mail_messages where name = :name"
    rows = transaction.execute(statement, name=user).rows
    return {uid: knownFlags(flags) for uid, flags in rows if isUID(uid)}


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
    return contentIn(rows[0][0]) if rows else None


_CONTENTS = naming(
    "select uid, substr(content, 1, :most) from mail_messages"
    " where name = :name and uid in (:named)"
)


def contentsOf(
    transaction: Transaction, user: bytes, uids: Iterable[int], most: int
) -> dict[int, bytes]:
    """
    Return the contents of those of some messages that are there, by their UIDs.

    @param most: the length at which to cut each of them off, in octets.
    """
    found: dict[int, bytes] = {}
    for some in batches(uids):
        rows = transaction.execute(_CONTENTS, name=user, most=most, **some).rows
        found.update((uid, contentIn(content)) for uid, content in rows)
    return found


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
            if isinstance(uidNext, int)
        )
    return found


__all__ = ["contentOf", "contentsOf", "flagsIn", "load", "nextUIDs"]
