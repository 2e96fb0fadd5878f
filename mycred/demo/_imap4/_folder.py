"""
An open folder of IMAP4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from twisted.internet.defer import Deferred

from .._mailstore import FLAGS, Mailbox, Message, StoreService
from ._syntax import SequenceSet

_spelled = {flag.lower(): flag for flag in FLAGS}


class Folder:
    """
    An open folder: numbered as it was when it was opened, as RFC 3501 (section
    7.4.1) wants it, until messages come, or the client is told that some are gone.

    @ivar isWriteable: whether changes are allowed.
    @ivar uidValidity: the number of the mailbox.
    @ivar uidNext: a UID that no message had when it was opened.
    @ivar messages: the messages; the first has the number 1.
    """

    def __init__(self, store: StoreService, mailbox: Mailbox, isWriteable: bool) -> None:
        self.isWriteable = isWriteable
        self.uidValidity = mailbox.uidValidity
        self.uidNext = mailbox.uidNext
        self.messages = mailbox.messages
        self._store = store
        self._user = mailbox.user
        self._tell: Callable[[], object] | None = None
        self._unwatch: Callable[[], None] | None = None

    @property
    def unseen(self) -> list[int]:
        """
        The numbers of the unread messages.
        """
        return [n for n, m in enumerate(self.messages, 1) if "\\Seen" not in m.flags]

    def figures(self) -> dict[bytes, int]:
        """
        Return the figures of the folder, as STATUS names them.
        """
        return {
            b"MESSAGES": len(self.messages),
            # Which messages nobody was told of before isn't kept.
            b"RECENT": 0,
            b"UIDNEXT": self.uidNext,
            b"UIDVALIDITY": self.uidValidity,
            b"UNSEEN": len(self.unseen),
        }

    def watch(self, tell: Callable[[], object]) -> None:
        """
        Have a callable called when there are new messages.
        """
        self._tell = tell
        self._unwatch = self._store.watch(self._user, self.uidNext, self._arrived)

    def close(self) -> None:
        """
        Stop watching the mailbox.
        """
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None

    def chosen(self, numbers: SequenceSet, isUID: bool) -> list[tuple[int, Message]]:
        """
        Return the messages in a set of numbers, or of UIDs.
        """
        if not self.messages:
            return []
        last = self.messages[-1].uid if isUID else len(self.messages)
        return [
            (number, message)
            for number, message in enumerate(self.messages, 1)
            if numbers.holds(message.uid if isUID else number, last)
        ]

    def content(self, message: Message) -> Deferred[bytes | None]:
        """
        Return the content of a message, as it goes over the wire.

        @return: a L{Deferred} that fires with L{None} if another session has removed
            it.
        """

        def cbContent(content: bytes | None) -> bytes | None:
            return None if content is None else content.replace(b"\n", b"\r\n")

        return self._store.content(self._user, message.uid).addCallback(cbContent)

    def append(
        self, content: bytes, flags: Iterable[str], date: float | None
    ) -> Deferred[Message]:
        """
        Add a message.

        @param content: the message.
        @param flags: its flags.
        @param date: when it came in, in seconds since the epoch; now, if L{None}.
        """
        return self._store.deliver(self._user, content, date, kept(flags))

    def copy(self, uids: list[int]) -> Deferred[list[tuple[int, Message]]]:
        """
        Copy messages, or none of them if they don't all fit in.

        @return: a L{Deferred} that fires with the UID of each that was still there, and
            its copy.
        """
        return self._store.copy(self._user, uids)

    def changeFlags(
        self, messages: list[Message], change: Callable[[set[str]], set[str]]
    ) -> Deferred[None]:
        """
        Change the flags of messages.

        @param change: what makes the new flags of those that there are by then.
        """

        def cbFlags(flags: dict[int, set[str]]) -> None:
            for message in messages:
                message.flags = flags.get(message.uid, message.flags)

        uids = [message.uid for message in messages]
        return self._store.changeFlags(self._user, uids, change).addCallback(cbFlags)

    def expunge(self, uids: SequenceSet | None = None) -> Deferred[list[int]]:
        """
        Remove the messages that are marked.

        @param uids: which of them; all if L{None}.

        @return: a L{Deferred} that fires with their numbers, the highest first,
            so that none changes before it is told.
        """
        known = [
            message.uid
            for message in self.messages
            if uids is None or uids.holds(message.uid, self.messages[-1].uid)
        ]
        removing = self._store.deleteMarked(self._user, known)
        return removing.addCallback(self._forget)

    def refresh(self) -> Deferred[tuple[list[int], list[int]]]:
        """
        Update the folder to what other sessions have changed, and to what is new.

        @return: a L{Deferred} that fires with the numbers of the messages that are
            gone, the highest first, and then the numbers of those whose flags differ.
        """

        # Of those that come meanwhile the client doesn't know yet; and they aren't gone
        # because the answer is older.
        known = list(self.messages)

        def cbLooked(_: object) -> Deferred[dict[int, set[str]]]:
            return self._store.flags(self._user)

        def cbFlags(flags: dict[int, set[str]]) -> tuple[list[int], list[int]]:
            gone = self._forget([m.uid for m in known if m.uid not in flags])
            changed = []
            for number, message in enumerate(self.messages, 1):
                if message.flags != flags.get(message.uid, message.flags):
                    message.flags = flags[message.uid]
                    changed.append(number)
            left = len(known) - len(gone)
            return gone, [number for number in changed if number <= left]

        looking = self._store.look(self._user)
        return looking.addCallback(cbLooked).addCallback(cbFlags)

    def _forget(self, uids: list[int]) -> list[int]:
        """
        Renumber the messages, without some.

        @return: the numbers that these had, the highest first.
        """
        left = set(uids)
        gone = [n for n, m in enumerate(self.messages, 1) if m.uid in left][::-1]
        for number in gone:
            del self.messages[number - 1]
        return gone

    def _arrived(self, message: Message) -> None:
        """
        Add a new message, and tell the client.
        """
        # Each session keeps its own copy of the flags.
        self.messages.append(replace(message, flags=set(message.flags)))
        self.uidNext = message.uid + 1
        if self._tell is not None:
            self._tell()


def kept(flags: Iterable[str]) -> set[str]:
    """
    Return the flags that are kept, spelled as in RFC 3501.
    """
    return {_spelled[flag.lower()] for flag in flags if flag.lower() in _spelled}


__all__ = ["Folder", "kept"]
