"""
Tests for L{mycred.demo._imap4._folder} while other sessions change the same mailbox, and
for a command of L{mycred.demo._imap4._messages} that is under way then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from mycred.demo._imap4 import Account
from mycred.demo._imap4._folder import Folder
from mycred.demo._imap4._messages import IMAP4Connection
from mycred.demo._mailstore import Mailbox, Message


class Store:
    """
    A store in which a test decides what happens between two looks at it.

    @ivar flagged: the flags of the messages, by UID, once they are asked for.
    """

    def __init__(self) -> None:
        self.flagged: Deferred[dict[int, set[str]]] = Deferred()
        self.new: list[Message] = []

    def watch(
        self, user: bytes, uidNext: int, watcher: Callable[[Message], object]
    ) -> Callable[[], None]:
        """
        Remember who is told of new messages.
        """
        self._watcher = watcher
        return lambda: None

    def look(self, user: bytes) -> Deferred[None]:
        """
        Tell of the new messages.
        """
        for message in self.new:
            self._watcher(message)
        return succeed(None)

    def flags(self, user: bytes) -> Deferred[dict[int, set[str]]]:
        """
        Return the flags.
        """
        return self.flagged


class RefreshTests(SynchronousTestCase):
    """
    Tests for what a client is told that asks what is new: it knows messages 1 and 2.
    """

    def setUp(self) -> None:
        store: Any = Store()
        self.store = store
        messages = [Message(uid, 1, 0.0) for uid in (1, 2)]
        self.folder = Folder(store, Mailbox(b"alice", 1, 3, messages), True)
        self.folder.watch(lambda: None)

    def refresh(
        self, new: list[int], flags: dict[int, set[str]]
    ) -> tuple[list[int], list[int]]:
        """
        Return the numbers of the messages that are gone, and that have other flags.

        @param new: the UIDs of the new messages.
        @param flags: the flags by UID as they are after these were seen.
        """
        self.store.new = [Message(uid, 1, 0.0) for uid in new]
        refreshing = self.folder.refresh()
        self.store.flagged.callback(flags)
        return self.successResultOf(refreshing)

    def test_known(self) -> None:
        """
        A message that is gone, and one that has another flag, have the numbers that the
        client knows after it was told of the first.
        """
        self.assertEqual(self.refresh([], {2: {"\\Seen"}}), ([1], [1]))
        self.assertEqual([message.uid for message in self.folder.messages], [2])

    def test_newAndGone(self) -> None:
        """
        The client isn't told that a message is gone of which it doesn't know yet: that is
        told the next time.
        """
        self.assertEqual(self.refresh([3], {1: set(), 2: set()}), ([], []))
        self.store.flagged = Deferred()
        self.assertEqual(self.refresh([], {1: set(), 2: set()}), ([3], []))

    def test_newAndFlagged(self) -> None:
        """
        Nor is it told of the flags of a new message, which are right when it asks.
        """
        flags: dict[int, set[str]] = {1: set(), 2: {"\\Draft"}, 3: {"\\Seen"}}
        self.assertEqual(self.refresh([3], flags), ([], [2]))
        self.assertEqual(self.folder.messages[-1].flags, {"\\Seen"})

    def test_newer(self) -> None:
        """
        A message that comes after its flags would have been read isn't gone.
        """
        self.store.new = []
        refreshing = self.folder.refresh()
        self.store.new = [Message(3, 1, 0.0)]
        self.store.look(b"alice")
        self.store.flagged.callback({1: set(), 2: set()})
        self.assertEqual(self.successResultOf(refreshing), ([], []))
        self.assertEqual(len(self.folder.messages), 3)


class CopyTests(SynchronousTestCase):
    """
    Tests for a client that copies what it knows.
    """

    def test_newer(self) -> None:
        """
        A message that comes while the command is carried out isn't copied: the client
        doesn't know it yet.
        """
        store: Any = Store()
        copied: list[list[int]] = []
        store.copy = lambda user, uids: copied.append(uids) or succeed([])
        account: Any = Account(store, Mailbox(b"alice", 1, 3, []), None)
        connection = IMAP4Connection(account)
        connection.folder = self.folder(store)
        connection.folder.watch(connection.newMessages)
        target: Deferred[Folder] = Deferred()
        account.select = lambda name, rw: target
        transport = StringTransport()
        connection.makeConnection(transport)
        connection.dataReceived(b"1 COPY 1:* INBOX\r\n")
        store.new = [Message(3, 1, 0.0)]
        store.look(b"alice")
        target.callback(self.folder(store))
        connection.setTimeout(None)
        self.assertEqual(copied, [[1, 2]])
        self.assertEqual(transport.value(), b"* 3 EXISTS\r\n1 OK COPY completed\r\n")

    def folder(self, store: Any) -> Folder:
        """
        Return an open folder with two messages.
        """
        messages = [Message(uid, 1, 0.0) for uid in (1, 2)]
        return Folder(store, Mailbox(b"alice", 1, 3, messages), True)
