"""
Tests for mailboxes into whose tables another program has written.

They cover L{mycred.demo._mailstore._queries} and L{mycred.demo._mailstore._changes}, too.
"""

from __future__ import annotations

import poplib
import smtplib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import ClassVar

from twisted.trial.unittest import SynchronousTestCase

from ..kit.databases import DatabaseServer, MariaDB, PostgreSQL, serverOf
from ..kit.imapview import No, View
from ..kit.mailledger import letter
from ..kit.mailplaces import Place, PlaceTests, storeOptions, submit
from ..kit.processes import shared
from ..kit.sharedmail import MailServer

# What is set in the row of the second message, or of the mailbox, in each database.
_MESSAGE = [
    "flags = 'Seen) (X * 9 EXISTS'",
    "flags = 'é'",
    "uid = -5",
    "uid = 0",
    "uid = 4294967296",
    "received = 1e300",
    "received = -99999999999",
    "size = -5",
    "octets = -99999999",
]
_MAILBOX = ["uidnext = 1", "uidnext = -3", "uidnext = 9223372036854775807"]

# In a file a column holds whatever is written.
_ANY_MESSAGE = [
    "uid = 'x'",
    "uid = 1.5",
    "flags = x'ff00'",
    "received = 'x'",
    "received = 9e999",
    "size = 'x'",
    "octets = 'x'",
    "content = 'Subject: x'",
    "content = 5",
]
_ANY_MAILBOX = ["uidnext = 'x'", "uidvalidity = 'x'", "uidvalidity = -1"]

_COMMANDS = [
    b"NOOP",
    b"FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)",
    b"FETCH 1:* (UID BODY.PEEK[])",
    b"FETCH 1:* (ENVELOPE BODYSTRUCTURE)",
    b"SEARCH SINCE 1-Jan-2000",
    b"UID STORE 1:* +FLAGS (\\Seen)",
    b"UID COPY 1:* INBOX",
    b"NOOP",
    b"STATUS INBOX (MESSAGES UNSEEN UIDNEXT)",
    b"EXPUNGE",
]


class FileTests(PlaceTests, SynchronousTestCase):
    """
    Tests for mailboxes in a file.

    @cvar kind: the class of the database server.
    @cvar name: how the name of a user is written.
    @cvar messages: what is set in the row of a message.
    @cvar mailboxes: what is set in the row of a mailbox.
    """

    kind: ClassVar[type[DatabaseServer] | None] = None
    name = "cast('{}' as blob)"
    messages = _MESSAGE + _ANY_MESSAGE
    mailboxes = _MAILBOX + _ANY_MAILBOX

    def setUp(self) -> None:
        super().setUp()
        [server] = shared.get(type(self), self.makeServers)
        self.addCleanup(shared.restore)
        self.server: MailServer = server
        self.place = Place(server)

    def makeServers(self) -> list[MailServer]:
        """
        Start a server.
        """
        store = storeOptions(self.kind and serverOf(self.kind), self.folder)
        return [self.serve(store)]

    def write(self, statement: str, user: str) -> None:
        """
        Write into the tables.
        """
        written = statement.replace(":name", self.name.format(user))
        if self.kind is not None:
            serverOf(self.kind).query(written, self.server.store.rpartition("/")[2])
            return
        with closing(sqlite3.connect(self.server.store)) as connection, connection:
            connection.execute(written)

    def view(self, user: str) -> View:
        """
        Open an inbox.
        """
        view = self.place.view(user)
        self.addCleanup(view.close)
        return view

    def assertAnswers(self, statement: str, where: str = "") -> None:
        """
        Assert that clients of all protocols get answers, if not what they want, after
        something was written: those that were there, and new ones.

        @param where: in which row.
        """
        user = self.newUser()
        before = self.view(user)
        before.append(letter(b"one"))
        self.write(f"update {statement} where name = :name{where}", user)
        acts: list[Callable[[], object]] = [
            lambda: self._ask(before),
            lambda: self._ask(self.view(user)),
            lambda: self.view(user).append(letter(b"two")),
            lambda: self._readPOP3(user),
            lambda: submit(self.place.smtp(user), [user], letter(b"three")),
        ]
        for act in acts:
            try:
                act()
            except (No, poplib.error_proto, smtplib.SMTPException):
                pass
            except Exception as error:
                raise AssertionError(f"{statement}: {error}") from error

    def _ask(self, view: View) -> None:
        """
        Give commands, some of which may be refused.
        """
        for command in _COMMANDS:
            try:
                view.do(command)
            except No as error:
                self.assertRegex(str(error), r"^NO \[(UNAVAILABLE|OVERQUOTA)\]")

    def _readPOP3(self, user: str) -> None:
        """
        Read and remove messages over POP3.
        """
        with closing(self.place.pop3(user)) as client:
            client.uidl()
            numbers = [int(line.split()[0]) for line in client.list()[1]]
            for number in numbers:
                client.retr(number)
                client.dele(number)
            client.quit()

    def test_messages(self) -> None:
        """
        An odd row of a message harms nobody else, and no answer breaks off.
        """
        for what in self.messages:
            self.assertAnswers(f"mail_messages set {what}", " and uid = 2")

    def test_mailboxes(self) -> None:
        """
        Nor does an odd row of a mailbox.
        """
        for what in self.mailboxes:
            self.assertAnswers(f"mail_users set {what}")

    def test_uidBehind(self) -> None:
        """
        Where the next UID is that of a message which is there, as after a backup that
        doesn't fit together, no UID is used twice, and each message is told once.
        """
        user = self.newUser()
        first = self.view(user).append(letter(b"one"))
        self.write("update mail_users set uidnext = 1 where name = :name", user)
        view = self.view(user)
        self.assertEqual(len(view.uids), 2)
        self.assertGreater(view.append(letter(b"two")), first)
        view.do(b"NOOP")
        view.learn()
        self.assertEqual(len(view.uids), 3)


class PostgreSQLTests(FileTests):
    """
    Tests for mailboxes in PostgreSQL.
    """

    kind = PostgreSQL
    name = "'{}'::bytea"
    messages = [*_MESSAGE, "received = 'NaN'", "received = 'Infinity'"]
    mailboxes = _MAILBOX


class MariaDBTests(FileTests):
    """
    Tests for mailboxes in MariaDB.
    """

    kind = MariaDB
    name = "'{}'"
    messages = [each for each in _MESSAGE if "é" not in each]
    mailboxes = _MAILBOX
