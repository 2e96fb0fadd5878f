"""
The mailbox as IMAP4 shows it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message as Part
from email.utils import formatdate, mktime_tz, parsedate_tz
from io import BytesIO
from typing import Any
from weakref import WeakSet

from zope.interface import implementer

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.protocol import Factory
from twisted.mail.imap4 import (
    IAccount,
    ICloseableMailbox,
    IMailbox,
    IMailboxListener,
    IMAP4Server,
    IMessage,
    IMessageFile,
    LOGINCredentials,
    MailboxException,
    MessageSet,
    PLAINCredentials,
    ReadOnlyMailbox,
)

from .._contracts import IUsernameHashedPassword, IUsernamePassword
from ..credentials import CramMD5Credentials
from ..portal import Portal
from ._limits import LOGIN_TIMEOUT
from ._offered import isOffered
from ._sessions import MOST_REFUSED, SessionFactory
from ._store import Mailbox, Message, StoreService

_FLAGS = ["\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen"]


@implementer(IAccount)
class Account:
    """
    What a user has: one folder, INBOX.
    """

    def __init__(self, store: StoreService, mailbox: Mailbox, mind: object) -> None:
        self._store = store
        self._user = mailbox.user
        # An open folder is held by the connection, until another one is opened.
        self._open: WeakSet[Folder] = WeakSet()

    def logout(self) -> None:
        """
        Leave.
        """
        for folder in list(self._open):
            folder.close()

    def select(self, name: str, rw: bool = True) -> Deferred[Folder | None]:
        """
        Open a folder.

        @param name: its name.
        @param rw: whether changes are allowed.
        """
        if not _isInbox(name):
            return succeed(None)

        def cbMailbox(mailbox: Mailbox) -> Folder:
            folder = Folder(self._store, mailbox, bool(rw))
            self._open.add(folder)
            return folder

        return self._store.mailbox(self._user).addCallback(cbMailbox)

    def listMailboxes(self, ref: str, wildcard: str) -> list[tuple[str, Folder]]:
        """
        List the folders that fit a pattern.
        """
        pattern = ref + wildcard
        if not _isInbox(pattern) and pattern not in ("*", "%"):
            return []
        return [("INBOX", Folder(self._store, Mailbox(self._user, 0, 0, []), True))]

    def isSubscribed(self, name: str) -> bool:
        """
        Tell whether a folder is subscribed to.
        """
        return _isInbox(name)

    def subscribe(self, name: str) -> None:
        """
        Subscribe to a folder.
        """
        if not _isInbox(name):
            raise MailboxException("there is only INBOX")

    def unsubscribe(self, name: str) -> None:
        """
        Refuse to unsubscribe.
        """
        raise MailboxException("INBOX stays subscribed")

    def addMailbox(self, name: str, mbox: object = None) -> None:
        """
        Refuse another folder.
        """
        raise MailboxException("there is only INBOX")

    def create(self, pathspec: str) -> None:
        """
        Refuse another folder.
        """
        self.addMailbox(pathspec)

    def delete(self, name: str) -> None:
        """
        Refuse to remove a folder.
        """
        raise MailboxException("INBOX stays")

    def rename(self, oldname: str, newname: str) -> None:
        """
        Refuse to rename a folder.
        """
        raise MailboxException("INBOX stays INBOX")


@implementer(IMailbox, ICloseableMailbox)
class Folder:
    """
    An open folder: numbered as it was when it was opened, as RFC 3501 (section
    7.4.1) wants it, until messages come or the client expunges some.
    """

    def __init__(self, store: StoreService, mailbox: Mailbox, writeable: bool) -> None:
        self._store = store
        self._mailbox = mailbox
        self._messages = mailbox.messages
        self._writeable = writeable
        self._listeners: list[IMailboxListener] = []
        self._unwatch: Callable[[], None] | None = None

    def getFlags(self) -> list[str]:
        """
        List the flags that messages may have.
        """
        return list(_FLAGS)

    def getHierarchicalDelimiter(self) -> str:
        """
        Tell what separates the parts of a name.
        """
        return "/"

    def getUIDValidity(self) -> int:
        """
        Tell the number of the mailbox.
        """
        return self._mailbox.uidValidity

    def getUIDNext(self) -> int:
        """
        Tell a UID that no message has.
        """
        return self._mailbox.uidNext

    def getUID(self, message: int) -> int:
        """
        Tell the UID of a message, by its number from 1.
        """
        return self._messages[message - 1].uid

    def getMessageCount(self) -> int:
        """
        Count the messages.
        """
        return len(self._messages)

    def getRecentCount(self) -> int:
        """
        Count the messages that nobody was told of before; not kept.
        """
        return 0

    def getUnseenCount(self) -> int:
        """
        Count the messages that are not read.
        """
        return sum("\\Seen" not in message.flags for message in self._messages)

    def isWriteable(self) -> bool:
        """
        Tell whether changes are allowed.
        """
        return self._writeable

    def destroy(self) -> None:
        """
        Refuse to go.
        """
        raise MailboxException("INBOX stays")

    def requestStatus(self, names: list[str]) -> dict[str, int]:
        """
        Tell the figures of the folder.
        """
        figures = {
            "MESSAGES": self.getMessageCount,
            "RECENT": self.getRecentCount,
            "UIDNEXT": self.getUIDNext,
            "UIDVALIDITY": self.getUIDValidity,
            "UNSEEN": self.getUnseenCount,
        }
        return {name: figures[name]() for name in names if name in figures}

    def addListener(self, listener: IMailboxListener) -> None:
        """
        Have a client told of new messages.
        """
        self._listeners.append(listener)
        if self._unwatch is None:
            self._unwatch = self._store.watch(self._mailbox.user, self._arrived)

    def removeListener(self, listener: IMailboxListener) -> None:
        """
        Have a client told no more.
        """
        if listener in self._listeners:
            self._listeners.remove(listener)
        if not self._listeners:
            self.close()

    def close(self) -> None:
        """
        Watch the mailbox no more.
        """
        self._listeners.clear()
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None

    def addMessage(
        self, message: Any, flags: tuple[str, ...] = (), date: str | None = None
    ) -> Deferred[int]:
        """
        Put a message in.

        @param message: a file.
        @param flags: its flags.
        @param date: when it came in, as RFC 3501 writes it.
        """
        content = message.read()
        delivered = self._store.deliver(
            self._mailbox.user, content, _parseDate(date), _known(flags)
        )

        def cbDelivered(new: Message) -> int:
            if new.uid not in [known.uid for known in self._messages]:
                self._messages.append(new)
            return new.uid

        return delivered.addCallback(cbDelivered)

    def expunge(self) -> Deferred[list[int]]:
        """
        Remove the messages that are marked.

        @return: a L{Deferred} that fires with their numbers, the highest first,
            so that none changes before it is told.
        """
        self._insistOnWriting()
        numbers = [n for n, m in self._numbered() if "\\Deleted" in m.flags][::-1]
        uids = [self.getUID(number) for number in numbers]

        def cbRemoved(_: object) -> list[int]:
            for number in numbers:
                del self._messages[number - 1]
            return numbers

        removing = self._store.delete(self._mailbox.user, uids)
        return removing.addCallback(cbRemoved)

    def fetch(
        self, messages: MessageSet, uid: bool
    ) -> Deferred[list[tuple[int, FolderMessage]]]:
        """
        Fetch messages.  Those that another session has removed are left out.
        """
        wanted = list(self._select(messages, uid))
        loading = [
            self._store.content(self._mailbox.user, message.uid) for _, message in wanted
        ]

        def cbLoaded(contents: list[bytes | None]) -> list[tuple[int, FolderMessage]]:
            return [
                (number, FolderMessage(message, content))
                for (number, message), content in zip(wanted, contents)
                if content is not None
            ]

        return gatherResults(loading).addCallback(cbLoaded)

    def store(
        self, messages: MessageSet, flags: list[str], mode: int, uid: bool
    ) -> Deferred[dict[int, list[str]]]:
        """
        Change flags.

        @param mode: 1 to add them, -1 to take them away, 0 to replace them.

        @return: a L{Deferred} that fires with the flags that each message has
            now, by its number.
        """
        self._insistOnWriting()
        given = set(_known(flags))
        changed: dict[int, list[str]] = {}
        storing = []
        for number, message in self._select(messages, uid):
            kept = message.flags if mode else set()
            message.flags = kept - given if mode < 0 else kept | given
            changed[number] = sorted(message.flags)
            storing.append(
                self._store.setFlags(self._mailbox.user, message.uid, message.flags)
            )
        return gatherResults(storing).addCallback(lambda _: changed)

    def _numbered(self) -> Iterator[tuple[int, Message]]:
        """
        Number the messages, from 1.
        """
        return enumerate(self._messages, 1)

    def _select(self, chosen: MessageSet, uid: bool) -> Iterator[tuple[int, Message]]:
        """
        Find the messages in a set of numbers, or of UIDs.
        """
        if not self._messages:
            return
        chosen.last = self._messages[-1].uid if uid else len(self._messages)
        for number, message in self._numbered():
            if (message.uid if uid else number) in chosen:
                yield number, message

    def _arrived(self, message: Message) -> None:
        """
        Tell clients of a new message.
        """
        self._messages.append(message)
        for listener in self._listeners:
            listener.newMessages(len(self._messages), None)

    def _insistOnWriting(self) -> None:
        """
        @raise ReadOnlyMailbox: if changes are not allowed.
        """
        if not self._writeable:
            raise ReadOnlyMailbox("this folder was opened for reading")


@implementer(IMessage, IMessageFile)
class FolderMessage:
    """
    A message with its content.
    """

    def __init__(
        self, message: Message, content: bytes, part: Part | None = None
    ) -> None:
        self._message = message
        self._content = content.replace(b"\n", b"\r\n") if part is None else content
        self._part = message_from_bytes(self._content) if part is None else part

    def open(self) -> BytesIO:
        """
        Read the whole of it.
        """
        return BytesIO(self._content)

    def getUID(self) -> int:
        """
        Tell the UID.
        """
        return self._message.uid

    def getFlags(self) -> list[str]:
        """
        Tell the flags.
        """
        return sorted(self._message.flags)

    def getInternalDate(self) -> str:
        """
        Tell when it came in.
        """
        return formatdate(self._message.date)

    def getSize(self) -> int:
        """
        Tell the size in octets.
        """
        return len(self._content)

    def getHeaders(self, negate: bool, *names: str) -> dict[str, str]:
        """
        Tell headers: those of these names, or all others.
        """
        wanted = {_native(name).lower() for name in names}
        return {
            name.lower(): str(value)
            for name, value in self._part.items()
            if (name.lower() in wanted) != bool(negate)
        }

    def getBodyFile(self) -> BytesIO:
        """
        Read what follows the headers.
        """
        return BytesIO(self._content.partition(b"\r\n\r\n")[2])

    def isMultipart(self) -> bool:
        """
        Tell whether it has parts.
        """
        return self._part.is_multipart()

    def getSubPart(self, part: int) -> FolderMessage:
        """
        Tell a part, by its number from 0.

        @raise IndexError: if there is none.
        """
        payload: Any = self._part.get_payload()
        if not self.isMultipart():
            raise IndexError(part)
        content = payload[part].as_bytes().replace(b"\r\n", b"\n")
        content = content.replace(b"\n", b"\r\n")
        return FolderMessage(self._message, content, payload[part])


def _isInbox(name: str) -> bool:
    """
    Tell whether this is the name of the folder that there is.
    """
    return re.fullmatch("inbox", _native(name), re.ASCII | re.IGNORECASE) is not None


def _native(name: str | bytes) -> str:
    """
    Decode a name that the protocol didn't.
    """
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


def _known(flags: list[str] | tuple[str, ...]) -> list[str]:
    """
    Spell flags as RFC 3501 does, and leave out those that are not kept.
    """
    spelled = {flag.lower(): flag for flag in _FLAGS}
    return [spelled[flag.lower()] for flag in flags if flag.lower() in spelled]


def _parseDate(date: str | None) -> float:
    """
    Read the date of an APPEND; now, if there is none that makes sense.
    """
    parsed = parsedate_tz(_native(date).replace("-", " ", 2)) if date else None
    return mktime_tz(parsed) if parsed else time.time()


class _Server(IMAP4Server):
    """
    IMAP4 that tells wrong credentials and trouble apart, as RFC 5530 has it.
    """

    def sendNegativeResponse(self, tag: bytes | None = None, message: Any = b"") -> None:
        """
        Send a response, with the code for a login that has failed.
        """
        portal: Any = self.portal
        told = portal.told(message, b"[AUTHENTICATIONFAILED]", b"[UNAVAILABLE]")
        super().sendNegativeResponse(tag, told)


class IMAP4Factory(Factory):
    """
    Build IMAP4 connections.
    """

    noisy = False

    def __init__(self, portal: Portal) -> None:
        served = portal.listCredentialsInterfaces()
        self._challengers: dict[bytes, Any] = {}
        if isOffered(portal, IUsernameHashedPassword):
            self._challengers[b"CRAM-MD5"] = CramMD5Credentials
        if IUsernamePassword in served:
            self._challengers[b"LOGIN"] = LOGINCredentials
            self._challengers[b"PLAIN"] = PLAINCredentials

    def buildProtocol(self, addr: object) -> Any:
        """
        Build a connection.
        """
        protocol: Any = _Server(dict(self._challengers))
        protocol.factory = self
        return protocol


def makeFactory(
    portal: Portal,
    loginTimeout: float = LOGIN_TIMEOUT,
    reactor: Any = None,
    mostRefused: int = MOST_REFUSED,
) -> IProtocolFactory:
    """
    Serve a portal over IMAP4.

    @param loginTimeout: how long a client may take until somebody is logged in, in
        seconds.
    @param reactor: what counts the time; the reactor that is installed if L{None}.
    @param mostRefused: how many wrong passwords end a connection.
    """
    factory = IMAP4Factory(portal)
    return SessionFactory(factory, portal, "imap", mostRefused, loginTimeout, reactor)


__all__ = ["Account", "makeFactory"]
