"""
Tests for writing to each other on the example server.

They cover L{mycred.demo._compose} and L{mycred.demo._pb}, too.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.python.failure import Failure
from twisted.spread import pb
from twisted.trial.unittest import TestCase

from mycred.credentials import UsernamePassword
from mycred.demo._mailstore import MOST_OCTETS

from ..kit.server import PBClients, ServerTests


class CorrespondenceTests(ServerTests, PBClients, TestCase):
    """
    Tests for sending mail over Perspective Broker.
    """

    timeout = 60

    def setUp(self) -> None:
        super().setUp()
        self.server = self.start(self.passwords(alice="sesame", bob="tulip"))

    @inlineCallbacks
    def test_mind(self) -> Any:
        """
        A user who is logged in with a mind is told of a message as soon as
        another one sends it, and reads it.
        """
        told: Deferred[int] = Deferred()

        class Mind(pb.Referenceable):
            def remote_newMessage(self, uid: int) -> None:
                told.callback(uid)

        bob = yield self.logIn(self.server, "bob", "tulip", Mind())
        alice = yield self.logIn(self.server, "alice", "sesame")
        yield alice.callRemote("send", b"bob", b"Tea at five?")
        uid = yield told
        content = yield bob.callRemote("read", uid)
        self.assertIn(b"Tea at five?", content)
        self.assertIn(b"From: <alice@localhost>", content)
        self.assertEqual((yield bob.callRemote("list")), [1, uid])
        self.assertEqual((yield alice.callRemote("list")), [1])

    @inlineCallbacks
    def test_noMind(self) -> Any:
        """
        A mind that is none harms nobody: the message is sent once, and the user's
        other mind is told.
        """
        told: Deferred[int] = Deferred()

        class Mind(pb.Referenceable):
            def remote_newMessage(self, uid: int) -> None:
                told.callback(uid)

        yield self.logIn(self.server, "bob", "tulip", 7)
        bob = yield self.logIn(self.server, "bob", "tulip", Mind())
        alice = yield self.logIn(self.server, "alice", "sesame")
        yield alice.callRemote("send", b"bob", b"Tea at five?")
        uid = yield told
        self.assertEqual((yield bob.callRemote("list")), [1, uid])

    @inlineCallbacks
    def test_everyMind(self) -> Any:
        """
        A user who is logged in twice is told twice, and one who has logged out
        is told no more; those who can't be told stop nobody.
        """
        told: list[str] = []

        class Mind(pb.Referenceable):
            def __init__(self, name: str) -> None:
                self.name = name

            def remote_newMessage(self, uid: int) -> None:
                told.append(self.name)

        class DeafMind(pb.Referenceable):
            pass

        leaving = self.connect(self.server)
        bob = UsernamePassword(b"bob", b"tulip")
        yield leaving.login(bob, Mind("gone"))
        leaving.disconnect()
        yield self.logIn(self.server, "bob", "tulip", DeafMind())
        first = yield self.logIn(self.server, "bob", "tulip", Mind("first"))
        second = yield self.logIn(self.server, "bob", "tulip", Mind("second"))
        alice = yield self.logIn(self.server, "alice", "sesame")
        yield alice.callRemote("send", b"bob", b"Tea at five?")
        # What is told goes out before what is answered next.
        yield first.callRemote("list")
        yield second.callRemote("list")
        self.assertEqual(sorted(told), ["first", "second"])

    @inlineCallbacks
    def test_unknownRecipient(self) -> Any:
        """
        Mail to a user who doesn't exist is an error for the sender.
        """
        alice = yield self.logIn(self.server, "alice", "sesame")
        yield self.assertRemote(
            alice.callRemote("send", b"mallory", b"Hi"),
            "mycred.demo._pb.UnknownRecipient",
        )
        self.assertEqual((yield alice.callRemote("list")), [1])

    @inlineCallbacks
    def test_noRoom(self) -> Any:
        """
        Mail that doesn't fit into the mailbox is an error for the sender.
        """
        alice = yield self.logIn(self.server, "alice", "sesame")
        text = (b"x" * 63 + b"\n") * 9600
        failures: list[Failure] = []
        for _ in range(MOST_OCTETS // len(text) + 1):
            sending = alice.callRemote("send", b"alice", text)
            yield sending.addErrback(failures.append)
        self.assertEqual(len(failures), 1)
        self.assertTrue(failures[0].check("mycred.demo._pb.NoRoom"))
        yield alice.callRemote("send", b"alice", b"Short")

    @inlineCallbacks
    def test_everywhere(self) -> Any:
        """
        A message that was sent over Perspective Broker is there over POP3,
        IMAP4 and HTTP, and an IMAP4 client that is waiting is told.
        """
        inbox = self.server.inbox()
        alice = yield self.logIn(self.server, "alice", "sesame")
        yield alice.callRemote("send", b"alice", b"Note to <me>")
        inbox.noop()
        self.assertEqual(inbox.response("EXISTS")[1][-1], b"2")
        inbox.logout()
        pop3 = self.server.pop3("alice", "sesame")
        self.assertIn(b"Note to <me>", pop3.retr(2)[1])
        pop3.quit()
        self.assertIn("Note to &lt;me&gt;", self.server.http("alice", "sesame"))
