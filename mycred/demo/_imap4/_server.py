"""
The messages of a folder over IMAP4 (RFC 3501, section 6.4).
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.protocols.basic import FileSender

from .._store import Message
from ._connection import No
from ._fetch import FLAGS, UID, Item, flagsOf
from ._folder import Folder, kept
from ._folders import Folders
from ._part import Part
from ._search import Candidate, Key
from ._syntax import SequenceSet, listed

# Larger answers wait until the client has read what was written before.
_LARGE = 64 * 1024


class IMAP4Connection(Folders):
    """
    The messages of the folder that is selected.
    """

    mbox: Folder | None

    @property
    def _folder(self) -> Folder:
        """
        The folder that is selected.
        """
        selected: Any = self.mbox
        folder: Folder = selected
        return folder

    def _insistOnWriting(self) -> None:
        """
        @raise No: if changes are not allowed.
        """
        if not self._folder.isWriteable:
            raise No("[READ-ONLY] This folder was selected for reading")

    async def on_NOOP(self) -> bytes:
        """
        Tell what other sessions have changed.
        """
        if self.mbox is not None:
            gone, changed = await self.mbox.refresh()
            self._tellGone(gone)
            for number in changed:
                self._tellFlags(number, self.mbox.messages[number - 1])
        return b"Done"

    async def on_CHECK(self) -> bytes:
        """
        Do the same.
        """
        return await self.on_NOOP()

    async def on_EXPUNGE(
        self, uids: SequenceSet | None = None, isUID: bool = False
    ) -> bytes:
        """
        Remove what is marked.

        @param uids: which of that (RFC 4315); all if L{None}.
        """
        self._insistOnWriting()
        self._tellGone(await self._folder.expunge(uids))
        return b"EXPUNGE completed"

    def _tellGone(self, numbers: list[int]) -> None:
        """
        Tell which messages are gone.
        """
        for number in numbers:
            self.sendUntaggedResponse(b"%d EXPUNGE" % number)

    def _tellFlags(self, number: int, message: Message, isUID: bool = False) -> None:
        """
        Tell the flags of a message.
        """
        uid = b" UID %d" % message.uid if isUID else b""
        flags = flagsOf(message)
        self.sendUntaggedResponse(b"%d FETCH (FLAGS %b%b)" % (number, flags, uid))

    async def on_STORE(
        self,
        numbers: SequenceSet,
        how: tuple[int, bool],
        flags: list[str],
        isUID: bool = False,
    ) -> bytes:
        """
        Change flags.
        """
        self._insistOnWriting()
        mode, isSilent = how
        given = kept(flags)
        for number, message in self._folder.chosen(numbers, isUID):
            before = message.flags if mode else set()
            after = before - given if mode < 0 else before | given
            await self._folder.setFlags(message, after)
            if not isSilent:
                self._tellFlags(number, message, isUID)
        return b"STORE completed"

    async def on_COPY(
        self, numbers: SequenceSet, name: str, isUID: bool = False
    ) -> bytes:
        """
        Copy messages into a folder.
        """
        target = await self.openFolder(name, True, "TRYCREATE")
        copied = []
        for _, message in self._folder.chosen(numbers, isUID):
            content = await self._folder.content(message)
            if content is not None:
                copy = await target.append(content, message.flags, message.date)
                copied.append((message.uid, copy.uid))
        if not copied:
            return b"COPY completed"
        theirs, ours = (b",".join(b"%d" % u for u in side) for side in zip(*copied))
        code = b"[COPYUID %d %b %b]" % (target.uidValidity, theirs, ours)
        return code + b" COPY completed"

    async def on_SEARCH(self, key: Key, isUID: bool = False) -> bytes:
        """
        Search for messages.
        """
        folder = self._folder
        found = []
        messages = list(folder.messages)
        for number, message in enumerate(messages, 1):
            content = await folder.content(message) if key.needsContent else b""
            last = len(messages), messages[-1].uid
            if content is not None and key.fits(
                Candidate(number, last[0], message, last[1], content)
            ):
                found.append(b" %d" % (message.uid if isUID else number))
        self.sendUntaggedResponse(b"SEARCH" + b"".join(found))
        return b"SEARCH completed"

    async def on_FETCH(
        self, numbers: SequenceSet, items: list[Item], isUID: bool = False
    ) -> bytes:
        """
        Fetch messages, or what is known of them.  Those that another session has removed
        are left out.
        """
        folder = self._folder
        if isUID and UID not in items:
            items = [UID, *items]
        needsContent = any(item.needsContent for item in items)
        isReading = folder.isWriteable and any(item.isReading for item in items)
        for number, message in folder.chosen(numbers, isUID):
            content = await folder.content(message) if needsContent else b""
            if content is None:
                continue
            fetched = list(items)
            if isReading and "\\Seen" not in message.flags:
                await folder.setFlags(message, message.flags | {"\\Seen"})
                if FLAGS not in fetched:
                    fetched.append(FLAGS)
            part = Part(content)
            answers = [item.answer(message, part) for item in fetched]
            await self._write(b"* %d FETCH %b\r\n" % (number, listed(answers)))
        return b"FETCH completed"

    async def _write(self, answer: bytes) -> None:
        """
        Write an answer, as fast as the client reads it.
        """
        if len(answer) < _LARGE:
            self.transport.write(answer)
        else:
            try:
                await FileSender().beginFileTransfer(BytesIO(answer), self.transport)
            except Exception:
                # All that it fails of is that the client has gone.
                raise CancelledError from None
        self.resetTimeout()


__all__ = ["IMAP4Connection"]
