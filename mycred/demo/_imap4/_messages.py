"""
The messages of a folder over IMAP4 (RFC 3501, section 6.4).
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError

from .._dialogue import Refused
from .._mailstore import Message
from ._fetch import FLAGS, UID, Item, flagsOf
from ._folder import Folder, kept
from ._folders import Folders
from ._part import Part
from ._search import Candidate, Key
from ._syntax import SequenceSet


class IMAP4Connection(Folders):
    """
    The commands about the messages of the folder that is selected.
    """

    def _writeable(self) -> Folder:
        """
        Return the folder that is selected.

        @raise Refused: if changes are not allowed.
        """
        if not self.selected.isWriteable:
            raise Refused("[READ-ONLY] This folder was selected for reading")
        return self.selected

    async def on_NOOP(self) -> bytes:
        """
        Tell the client what other sessions have changed.
        """
        if self.folder is not None:
            gone, changed = await self.folder.refresh()
            self._tellGone(gone)
            for number in changed:
                self._tellFlags(number, self.folder.messages[number - 1])
        return b"Done"

    on_CHECK = on_NOOP

    async def on_EXPUNGE(
        self, uids: SequenceSet | None = None, isUID: bool = False
    ) -> bytes:
        """
        Remove the marked messages.

        @param uids: which of that (RFC 4315); all if L{None}.
        """
        self._tellGone(await self._writeable().expunge(uids))
        return b"EXPUNGE completed"

    def _tellGone(self, numbers: list[int]) -> None:
        """
        Tell the client which messages are gone.
        """
        for number in numbers:
            self.tell(b"%d EXPUNGE" % number)

    def _tellFlags(self, number: int, message: Message, isUID: bool = False) -> None:
        """
        Send the flags of a message.
        """
        uid = b" UID %d" % message.uid if isUID else b""
        self.tell(b"%d FETCH (FLAGS %b%b)" % (number, flagsOf(message), uid))

    async def on_STORE(
        self,
        numbers: SequenceSet,
        how: tuple[Callable[[set[str], set[str]], set[str]], bool],
        flags: list[str],
        isUID: bool = False,
    ) -> bytes:
        """
        Change flags.
        """
        change, isTold = how
        given = kept(flags)
        folder = self._writeable()
        chosen = folder.chosen(numbers, isUID)
        messages = [message for _, message in chosen]
        await folder.changeFlags(messages, lambda before: change(before, given))
        if isTold:
            for number, message in chosen:
                self._tellFlags(number, message, isUID)
        return b"STORE completed"

    async def on_COPY(
        self, numbers: SequenceSet, name: str, isUID: bool = False
    ) -> bytes:
        """
        Copy messages into a folder.
        """
        # Not those that come while the target is opened: the client doesn't know them.
        chosen = self.selected.chosen(numbers, isUID)
        target = await self.openFolder(name, True, "TRYCREATE")
        copied = await target.copy([message.uid for _, message in chosen])
        if not copied:
            return b"COPY completed"
        theirs = b",".join(b"%d" % uid for uid, _ in copied)
        ours = b",".join(b"%d" % copy.uid for _, copy in copied)
        return b"[COPYUID %d %b %b] Copied" % (target.uidValidity, theirs, ours)

    async def on_SEARCH(self, key: Key, isUID: bool = False) -> bytes:
        """
        Search for messages.
        """
        folder = self.selected
        found = []
        messages = list(folder.messages)
        for number, message in enumerate(messages, 1):
            await self.room()
            candidate = Candidate(number, len(messages), message, messages[-1].uid)
            if key.needsContent:
                content = await folder.content(message)
                if content is None:
                    continue
                candidate.content = content
            if key.fits(candidate):
                found.append(b" %d" % (message.uid if isUID else number))
        self.tell(b"SEARCH" + b"".join(found))
        return b"SEARCH completed"

    async def on_FETCH(
        self, numbers: SequenceSet, items: list[Item], isUID: bool = False
    ) -> bytes:
        """
        Fetch messages, or what is known of them.  Those that another session has removed
        are left out.
        """
        folder = self.selected
        if isUID and UID not in items:
            items = [UID, *items]
        needsContent = any(item.needsContent for item in items)
        isReading = folder.isWriteable and any(item.isReading for item in items)
        for number, message in folder.chosen(numbers, isUID):
            content = await folder.content(message) if needsContent else b""
            if content is None:
                continue
            fetched = items
            if isReading and "\\Seen" not in message.flags:
                await folder.changeFlags([message], lambda flags: flags | {"\\Seen"})
                fetched = items if FLAGS in items else [*items, FLAGS]
            await self._write(number, message, Part(content), fetched)
        return b"FETCH completed"

    async def _write(
        self, number: int, message: Message, part: Part, items: list[Item]
    ) -> None:
        """
        Write what is fetched of a message, one after the other, as fast as the client
        reads it.  If that fails in the middle the connection ends: the client would take
        what comes next for the rest.
        """
        start = b"* %d FETCH (" % number
        for item in items:
            try:
                answer = item.answer(message, part)
            except Exception:
                if item is items[0]:
                    raise
                self._log.failure("A message can't be shown")
                self.hangUp()
                raise CancelledError from None
            self.transport.write(start + answer)
            start = b" "
            await self.room()
        self.transport.write(b")\r\n")


__all__ = ["IMAP4Connection"]
