"""
Folders over IMAP4 (RFC 3501, section 6.3).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.mail.imap4 import MailboxException

from .._dialogue import Refused
from .._mailstore import FLAGS
from ._basics import Basics
from ._folder import Folder
from ._syntax import listed


def _changing(name: str) -> Callable[..., Awaitable[bytes]]:
    """
    Return the coroutine function of a command that changes an account's folders.
    """

    async def change(self: Any, *names: str) -> bytes:
        try:
            getattr(self.avatar, name)(*names)
        except MailboxException as error:
            raise Refused(f"[CANNOT] {error}") from None
        return b"Done"

    return change


class Folders(Basics):
    """
    The commands about folders, of which there is only one.
    """

    async def openFolder(
        self, name: str, isWriteable: bool, code: str = "NONEXISTENT"
    ) -> Folder:
        """
        Return an open folder.

        @param code: the response code if there is none (RFC 5530).

        @raise Refused: if there is none.
        """
        opening = maybeDeferred(self.avatar.select, name, isWriteable)
        folder: Folder | None = await opening
        if folder is None:
            raise Refused(f"[{code}] There is no such folder")
        return folder

    @property
    def selected(self) -> Folder:
        """
        The folder that is selected.
        """
        selected: Any = self.folder
        folder: Folder = selected
        return folder

    async def on_SELECT(self, name: str, isWriteable: bool = True) -> bytes:
        """
        Select a folder.
        """
        self.closeFolder()
        folder = await self.openFolder(name, isWriteable)
        flags = listed([flag.encode("ascii") for flag in FLAGS])
        self.tell(b"FLAGS " + flags)
        self.tell(b"%d EXISTS" % len(folder.messages))
        self.tell(b"0 RECENT")
        if folder.unseen:
            self.tell(b"OK [UNSEEN %d]" % folder.unseen[0])
        self.tell(b"OK [UIDVALIDITY %d]" % folder.uidValidity)
        self.tell(b"OK [UIDNEXT %d]" % folder.uidNext)
        permanent = flags if isWriteable else b"()"
        self.tell(b"OK [PERMANENTFLAGS %b]" % permanent)
        folder.watch(self.newMessages)
        self.folder = folder
        return b"[READ-WRITE] SELECT completed" if isWriteable else b"[READ-ONLY] Done"

    async def on_EXAMINE(self, name: str) -> bytes:
        """
        Select a folder for reading.
        """
        return await self.on_SELECT(name, False)

    async def on_CLOSE(self) -> bytes:
        """
        Remove the marked messages, and close the folder.
        """
        if self.selected.isWriteable:
            await self.selected.expunge()
        self.closeFolder()
        return b"CLOSE completed"

    async def on_STATUS(self, name: str, figures: list[bytes]) -> bytes:
        """
        Send the figures of a folder.
        """
        known = (await self.openFolder(name, False)).figures()
        told = listed([b"%b %d" % (figure, known[figure]) for figure in figures])
        self.tell(b"STATUS INBOX " + told)
        return b"STATUS completed"

    async def on_LIST(self, reference: str, pattern: str, name: bytes = b"LIST") -> bytes:
        """
        Send the folders that match a pattern.
        """
        if not pattern:
            self.tell(name + b' (\\Noselect) "/" ""')
        for folder, _ in self.avatar.listMailboxes(reference, pattern):
            self.tell(b'%b () "/" "%b"' % (name, folder.encode("ascii")))
        return name + b" completed"

    async def on_LSUB(self, reference: str, pattern: str) -> bytes:
        """
        Send the folders that are subscribed to: all are.
        """
        return await self.on_LIST(reference, pattern, b"LSUB")

    async def on_NAMESPACE(self) -> bytes:
        """
        Send the namespaces of folders (RFC 2342).
        """
        self.tell(b'NAMESPACE (("" "/")) NIL NIL')
        return b"NAMESPACE completed"

    on_CREATE = _changing("create")
    on_DELETE = _changing("delete")
    on_RENAME = _changing("rename")
    on_SUBSCRIBE = _changing("subscribe")
    on_UNSUBSCRIBE = _changing("unsubscribe")

    async def on_APPEND(
        self, name: str, flags: list[str], date: float | None, content: bytes
    ) -> bytes:
        """
        Put a message into a folder.
        """
        folder = await self.openFolder(name, True, "TRYCREATE")
        if not content:
            # Over POP3 it would be taken for one that is deleted.
            raise Refused("[CANNOT] There is nothing in this message")
        message = await folder.append(content, flags, date)
        return b"[APPENDUID %d %d] APPEND completed" % (folder.uidValidity, message.uid)


__all__ = ["Folders"]
