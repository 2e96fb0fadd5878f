"""
What many clients of one mail server know together: which messages must be there, and
which must not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import count
from threading import Lock

_LINE = b"%b of %d\r\n"


def letter(token: bytes, lines: int = 20) -> bytes:
    """
    Return a message that shows whether all of it is there.

    @param token: what no other message has.
    """
    return b"Subject: %b\r\n\r\n" % token + _LINE % (token, lines) * lines


def tokenOf(content: bytes) -> bytes | None:
    """
    Return the token of a message, after insisting that it is whole; L{None} if it is none
    of L{letter}'s.
    """
    body = content.partition(b"\r\n\r\n")[2]
    token, mark, rest = body.partition(b" of ")
    number = rest.partition(b"\r\n")[0]
    if not mark or not number.isdigit():
        return None
    if body != _LINE % (token, int(number)) * int(number):
        raise AssertionError(f"not whole: {content[:200]!r}, {len(content)} octets")
    return token


class Ledger:
    """
    What clients have done to some mailboxes, and what they have been told.  Clients in
    several threads share it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers = count(1)
        self._seen: dict[str, dict[int, bytes | None]] = defaultdict(dict)
        self._begun: Counter[tuple[str, bytes]] = Counter()
        self._done: Counter[tuple[str, bytes]] = Counter()
        self._marked: dict[str, set[int]] = defaultdict(set)
        self._gone: dict[str, set[int]] = defaultdict(set)

    def newToken(self) -> bytes:
        """
        Return a token.
        """
        with self._lock:
            return b"token%d" % next(self._numbers)

    def begin(self, user: str, token: bytes) -> None:
        """
        Take note that a client is about to send a message, or to copy one.
        """
        with self._lock:
            self._begun[user, token] += 1

    def cancel(self, user: str, token: bytes) -> None:
        """
        Take note that it was told that there is nothing to copy.
        """
        with self._lock:
            self._begun[user, token] -= 1

    def finish(self, user: str, token: bytes, uid: int | None = None) -> None:
        """
        Take note that the server has said that it is delivered.

        @param uid: its UID, where that was said.
        """
        with self._lock:
            self._done[user, token] += 1
        if uid is not None:
            self.see(user, {uid: token})

    def copy(self, user: str, uid: int, copied: int) -> None:
        """
        Take note that the server has said that a message is copied, with its flags: a
        copy of one that is marked may be removed like that.
        """
        token = self._seen[user][uid] or b""
        self.finish(user, token, copied)
        with self._lock:
            if uid in self._marked[user]:
                self._marked[user].add(copied)

    def see(self, user: str, messages: dict[int, bytes | None]) -> None:
        """
        Take note of the tokens that messages have, by UID.  No UID ever has another.
        """
        with self._lock:
            seen = self._seen[user]
            for uid, token in messages.items():
                if seen.setdefault(uid, token) != token:
                    raise AssertionError(f"{uid} is {seen[uid]!r} and {token!r}")

    def tokenOf(self, user: str, uid: int) -> bytes | None:
        """
        Return the token of a message that some client has seen.
        """
        with self._lock:
            return self._seen[user].get(uid)

    def mark(self, user: str, uid: int) -> None:
        """
        Take note that a client is about to remove a message.
        """
        with self._lock:
            self._marked[user].add(uid)

    def remove(self, user: str, *uids: int | None) -> None:
        """
        Take note that the server has said that messages are gone.
        """
        with self._lock:
            self._gone[user].update(uid for uid in uids if uid is not None)

    def check(self, user: str, messages: dict[int, bytes | None]) -> None:
        """
        Insist that a mailbox holds what it must hold.

        @param messages: the tokens of the messages that are there now, by UID.
        """
        self.see(user, messages)
        there, seen = set(messages), self._seen[user]
        _insist("came back", there & self._gone[user])
        _insist("lost", set(seen) - there - self._marked[user])
        times = Counter(seen.values())
        for owner, token in self._begun:
            if owner == user:
                least, most = self._done[user, token], self._begun[user, token]
                if not least <= times[token] <= most:
                    raise AssertionError(
                        f"{token!r} for {user} is there {times[token]} times, not "
                        f"{least} to {most}"
                    )
        known = {token for owner, token in self._begun if owner == user} | {None}
        _insist("from nowhere", set(times) - known)

    def checkTogether(self, users: list[str]) -> None:
        """
        Insist that a message to several users has come to all of them, or to none, where
        nothing was removed.
        """
        for token in {token for _, token in self._begun}:
            to = [user for user in users if (user, token) in self._begun]
            if len({token in self._seen[user].values() for user in to}) != 1:
                raise AssertionError(f"{token!r} isn't there for all of {to}")


def _insist(what: str, wrong: set[int] | set[bytes | None]) -> None:
    """
    Insist that nothing is wrong.
    """
    if wrong:
        raise AssertionError(f"{what}: {sorted(map(str, wrong))}")


__all__ = ["Ledger", "letter", "tokenOf"]
