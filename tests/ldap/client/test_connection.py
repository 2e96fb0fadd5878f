"""
Tests for L{mycred._ldap.client._connection}, L{mycred._ldap.client._address},
L{mycred._ldap.client._resolver} and L{mycred._ldap.client._errors}, against servers that
misbehave.
"""

from __future__ import annotations

import socket
import time
from ipaddress import IPv6Address
from threading import Event
from typing import Any

from twisted.trial.unittest import SkipTest

from mycred._ldap.client import _opener
from mycred._ldap.client._address import Address, isLoopback
from mycred._ldap.client._connection import Connection
from mycred._ldap.client._errors import Fault, Slow
from mycred._ldap.client._messages import PASSWORD_POLICY, element, integer
from mycred._ldap.client._resolver import Resolver
from mycred._verdict import Kind
from mycred.error import DenialReason

from ...kit.fakeldap import (
    ALICE,
    ANSWERED,
    BIND,
    BOUND,
    DONE,
    EXTENDED,
    LONG,
    SEARCH,
    SHORT,
    Conversation,
    Fake,
    FakeTestCase,
    entry,
    result,
    until,
    upTo,
    well,
)


def soon(seconds: float = LONG) -> float:
    """
    Return the time after some seconds.
    """
    return time.monotonic() + seconds


class HangingTests(FakeTestCase):
    """
    Tests for servers that don't answer.
    """

    def test_stages(self) -> None:
        """
        A login ends in time wherever a server stops to answer: when it has accepted,
        after the service account's bind, after the search, after the user's bind.
        """
        hang = [upTo(n, lambda conversation, _: conversation.hang()) for n in range(4)]
        for talk in hang[:3]:
            self.assertUnsure(
                self.look(self.directory(self.serve(talk)), SHORT), "in time"
            )
        directory = self.directory(self.serve(hang[3]))
        self.assertIs(self.look(directory).kind, Kind.ACCEPTED)
        for tls in ("starttls", "ldaps"):
            directory = self.directory(self.serve(hang[0]), tls=tls)
            self.assertUnsure(self.look(directory, SHORT))

    def test_direct(self) -> None:
        """
        So it does where the user binds without a search, and the server is asked who
        they are.
        """
        for count in range(2):
            talk = upTo(count, lambda conversation, _: conversation.hang())
            directory = self.directory(self.serve(talk), dn="uid={username},dc=org")
            self.assertUnsure(self.look(directory, SHORT), "in time")

    def test_dripping(self) -> None:
        """
        A byte now and then doesn't keep a login waiting.
        """
        answer = entry(1, ALICE, b"alice" * 100)

        def drip(conversation: Conversation, _: int) -> None:
            conversation.drip(answer)

        for count in range(2):
            directory = self.directory(self.serve(upTo(count, drip)))
            self.assertUnsure(self.look(directory, SHORT), "in time")

    def test_drippingTLS(self) -> None:
        """
        Nor does it in a TLS handshake, or in the answer to the request for it.
        """
        hello = b"\x16\x03\x03\x40\x00" + bytes(200)

        def ldaps(conversation: Conversation) -> None:
            conversation.drip(hello)

        def startTLS(conversation: Conversation, identity: int) -> None:
            conversation.answer(identity, ANSWERED)
            conversation.drip(hello)

        for talk, tls in (
            (ldaps, "ldaps"),
            (ldaps, "starttls"),
            (upTo(0, startTLS), "starttls"),
        ):
            directory = self.directory(self.serve(talk), tls=tls)
            self.assertUnsure(self.look(directory, SHORT))

    def test_late(self) -> None:
        """
        A login that comes too late asks nothing.
        """
        server = self.serve(well)
        directory = self.directory(server)
        self.assertUnsure(self.look(directory, -1), "no time left")
        [each] = directory.failover.servers
        self.assertFalse(each.health.isProbed)
        self.assertEqual(server.asked, [])


class TalkingTests(FakeTestCase):
    """
    Tests for servers that say something else than they should.
    """

    def test_garbage(self) -> None:
        """
        What can't be understood is a temporary failure, at each stage.
        """
        for garbage in (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"\x00" * 20,
            b"\x30\x80\x02\x01\x01",
            b"\x30\x84\xff\xff\xff\xff",
            b"\x30\x05\x02\x01\x01\x42\x00",
            b"\x30\x00",
            b"\x1f\xff\xff\xff",
            element(0x30, integer(1), element(BOUND, integer(2**4000, 0x0A)[:1])),
        ):
            for count in range(3):

                def talk(talk: Conversation, _: int, data: bytes = garbage) -> None:
                    talk.say(data)
                    talk.hang()

                directory = self.directory(self.serve(upTo(count, talk)))
                self.assertUnsure(self.look(directory, SHORT))

    def test_otherService(self) -> None:
        """
        What another service says is known for what it is as soon as it begins.
        """
        for greeting in (b"SSH-2.0-OpenSSH_9.2p1\r\n", b"+OK ready\r\n", b"* OK\r\n"):

            def talk(conversation: Conversation, data: bytes = greeting) -> None:
                conversation.say(data)
                conversation.hang()

            for tls in ("none", "starttls"):
                directory = self.directory(self.serve(talk), tls=tls)
                self.assertUnsure(self.look(directory), "doesn't speak LDAP")

    def test_endless(self) -> None:
        """
        An answer without an end is given up.
        """

        def entries(conversation: Conversation, identity: int) -> None:
            # None of them an answer to what was asked, nor an entry.
            while True:
                reference = element(0x73, element(4, b"ldap://example.org"))
                conversation.say(element(0x30, integer(identity), reference) * 100)

        def bytesOnly(conversation: Conversation, identity: int) -> None:
            conversation.say(b"\x30\x84\x00\x1f\xff\xff")
            while True:
                conversation.say(bytes(65536))

        for talk in (entries, bytesOnly):
            self.assertUnsure(self.look(self.directory(self.serve(upTo(1, talk)))))

    def test_tooLong(self) -> None:
        """
        The entry of one user, however long, is no fault of the server's.
        """

        def talk(conversation: Conversation, identity: int) -> None:
            conversation.say(b"\x30\x84\x7f\xff\xff\xff")
            conversation.hang()

        directory = self.directory(self.serve(upTo(1, talk)))
        self.assertUnsure(self.look(directory), "too long")
        self.assertEqual(list(directory.takeNotes())[1:], [])

    def test_tooMany(self) -> None:
        """
        Of a server that knows no limit no more is read than is wanted.
        """

        def talk(conversation: Conversation) -> None:
            for identity, kind, body in conversation.requests():
                while kind == SEARCH:
                    conversation.say(entry(identity, ALICE, b"alice") * 3)
                else:
                    conversation.behave(identity, kind, body)

        directory = self.directory(self.serve(talk))
        for _ in range(2):
            seen = self.look(directory)
            self.assertIs(seen.kind, Kind.REFUSED)
            self.assertIn("more than one", seen.why)

    def test_tooManyAtFirst(self) -> None:
        """
        A connection on which more may come isn't used again.
        """

        def talk(conversation: Conversation) -> None:
            for identity, kind, body in conversation.requests():
                if kind == SEARCH:
                    conversation.say(entry(identity, ALICE, b"alice") * 3)
                else:
                    conversation.behave(identity, kind, body)

        server = self.serve(talk)
        directory = self.directory(server)
        for _ in range(2):
            self.assertIs(self.look(directory).kind, Kind.REFUSED)
        # One to bind, and two to search.
        self.assertEqual(server.accepted, 3)

    def test_tooMuch(self) -> None:
        """
        All that is wanted has an end, too.
        """
        self.patch(Connection, "longestAnswer", 100)
        talk = upTo(1, lambda talk, n: talk.say(entry(n, ALICE, b"alice" * 30)))
        self.assertUnsure(self.look(self.directory(self.serve(talk))), "too much")

    def test_otherAnswers(self) -> None:
        """
        A response to another request accepts no user.
        """
        for number, kind, offset in (
            (0, BOUND, 1),
            (0, DONE, 0),
            (1, BOUND, 0),
            (1, DONE, 1),
            (2, DONE, 0),
            (2, ANSWERED, 0),
        ):

            def talk(talk: Conversation, n: int, k: int = kind, o: int = offset) -> None:
                talk.answer(n + o, k)
                talk.hang()

            directory = self.directory(self.serve(upTo(number, talk)))
            self.assertUnsure(self.look(directory), "wasn't asked")

    def test_surplus(self) -> None:
        """
        What is said too much isn't taken for the answer to the next question.
        """

        def talk(conversation: Conversation) -> None:
            for identity, kind, body in conversation.requests():
                if kind == BIND and body.endswith(b"sesame"):
                    conversation.say(
                        result(identity, BOUND, 49), result(identity + 1, BOUND, 0)
                    )
                else:
                    conversation.behave(identity, kind, body)

        directory = self.directory(self.serve(talk))
        for _ in range(3):
            self.assertIs(self.look(directory).kind, Kind.REFUSED)

    def test_beforeTLS(self) -> None:
        """
        What is said before TLS begins isn't taken for what is said in it.
        """

        def talk(conversation: Conversation, identity: int) -> None:
            conversation.say(result(identity, ANSWERED), result(identity + 1, BOUND))
            conversation.hang()

        directory = self.directory(self.serve(upTo(0, talk)), tls="starttls")
        self.assertUnsure(self.look(directory), "before TLS begins")

    def test_noTLS(self) -> None:
        """
        A server that refuses StartTLS gets nothing else.
        """
        server = self.serve(
            upTo(0, lambda talk, number: talk.answer(number, ANSWERED, 2))
        )
        self.assertUnsure(self.look(self.directory(server, tls="starttls")), "TLS")
        self.assertEqual(set(server.asked), {EXTENDED})

    def test_busy(self) -> None:
        """
        A server that is busy, or can't answer, hasn't refused the user.
        """
        for code in (1, 3, 11, 51, 52, 80):
            for number, kind in enumerate((BOUND, DONE, BOUND)):

                def answer(
                    talk: Conversation, n: int, k: int = kind, c: int = code
                ) -> None:
                    talk.answer(n, k, c)
                    talk.hang()

                directory = self.directory(self.serve(upTo(number, answer)))
                # What is answered to the bind of the one who searches doesn't count: the
                # search, which isn't answered, does.
                if number or code in (51, 52):
                    self.assertUnsure(self.look(directory, LONG if number else SHORT))

    def test_noName(self) -> None:
        """
        There is no bind with an entry without a DN, which would be anonymous.
        """
        talk = upTo(1, lambda talk, n: talk.say(entry(n, b"", b"alice"), result(n, DONE)))
        server = self.serve(talk)
        self.assertUnsure(self.look(self.directory(server)), "no name")
        self.assertEqual(server.asked.count(BIND), 1)

    def test_denied(self) -> None:
        """
        The server isn't asked for the identity of a user who must change their password.
        """
        value = element(4, bytes.fromhex("3003810102"))
        policy = element(0x30, element(4, PASSWORD_POLICY), value)

        def talk(conversation: Conversation, n: int) -> None:
            bound = element(BOUND, b"\x0a\x01\x00\x04\x00\x04\x00")
            controls = element(0xA0, policy)
            conversation.say(element(0x30, integer(n), bound, controls))

        server = self.serve(upTo(0, talk))
        seen = self.look(self.directory(server, dn="uid={username},dc=org"))
        self.assertIs(seen.denial, DenialReason.PASSWORD_EXPIRED)
        self.assertNotIn(EXTENDED, server.asked)

    def test_nobodyCanBind(self) -> None:
        """
        While no user can bind, users who have an entry aren't refused; those without are.
        """
        for isKnown in (True, False):

            def talk(conversation: Conversation, k: bool = isKnown) -> None:
                for identity, kind, body in conversation.requests():
                    if kind == SEARCH:
                        found = entry(identity, ALICE, b"alice") if k else b""
                        conversation.say(found, result(identity, DONE))
                    else:
                        isNobody = body.endswith(b"\x04\x00\x80\x00")
                        conversation.answer(identity, BOUND, 0 if isNobody else 13)

            seen = self.look(self.directory(self.serve(talk)))
            if isKnown:
                self.assertUnsure(seen, "confidentialityRequired")
            else:
                self.assertIs(seen.kind, Kind.REFUSED)

    def test_noAnonymousBind(self) -> None:
        """
        A server that wants no anonymous bind may all the same have anonymous searches.
        """

        def talk(conversation: Conversation) -> None:
            for identity, kind, body in conversation.requests():
                if kind == BIND and not body.endswith(b"sesame"):
                    conversation.answer(identity, BOUND, 48)
                else:
                    conversation.behave(identity, kind, body)

        directory = self.directory(self.serve(talk))
        self.assertIs(self.look(directory).kind, Kind.ACCEPTED)


class ZoneTests(FakeTestCase):
    """
    Tests for IPv6 addresses with a zone.
    """

    def test_connected(self) -> None:
        """
        The server is reached there.
        """
        try:
            with open("/proc/net/if_inet6") as file:
                lines = [line.split() for line in file]
        except OSError:
            lines = []
        # Link-local, as its scope says.
        local = [(line[0], line[5]) for line in lines if line[3] == "20"]
        if not local:
            raise SkipTest("a link-local IPv6 address on some interface is missing")
        number, interface = local[0]
        groups = ":".join(number[at : at + 4] for at in range(0, 32, 4))
        host = f"{IPv6Address(groups)}%{interface}"
        server = Fake(well, host)
        self.addCleanup(server.stop)
        directory = self.directory(server, host=f"[{host}]:{server.port}")
        self.assertIs(self.look(directory).kind, Kind.ACCEPTED)


class ClosingTests(FakeTestCase):
    """
    Tests for connections that end.
    """

    def test_stages(self) -> None:
        """
        A server that hangs up is a temporary failure, at each stage.
        """
        for count in range(3):
            talk = upTo(count, lambda conversation, _: conversation.close())
            self.assertUnsure(self.look(self.directory(self.serve(talk))))

    def test_middle(self) -> None:
        """
        So is one that does so in the middle of an answer.
        """

        def talk(conversation: Conversation, identity: int) -> None:
            conversation.say(entry(identity, ALICE, b"alice")[:-3])
            conversation.close()

        self.assertUnsure(self.look(self.directory(self.serve(upTo(1, talk)))), "closed")

    def test_notice(self) -> None:
        """
        So is one that says it will (Notice of Disconnection).
        """
        for more in ([element(0x8A, b"1.3.6.1.4.1.1466.20036")], []):

            def talk(
                conversation: Conversation, identity: int, m: list[bytes] = more
            ) -> None:
                conversation.answer(0, ANSWERED, 52, *m)
                conversation.hang()

            directory = self.directory(self.serve(upTo(1, talk)))
            self.assertUnsure(self.look(directory), "about to close")

    def test_otherNotice(self) -> None:
        """
        What a server says unasked besides, whenever that is, doesn't count.
        """

        def talk(conversation: Conversation) -> None:
            for request in conversation.requests():
                conversation.answer(0, ANSWERED, 52, element(0x8A, b"1.2.3"))
                conversation.behave(*request)
                conversation.answer(0, ANSWERED, 0, element(0x8A, b"1.2.4"))

        server = self.serve(talk)
        directory = self.directory(server)
        for _ in range(3):
            self.assertIs(self.look(directory).kind, Kind.ACCEPTED)

    def test_refused(self) -> None:
        """
        So is one that isn't there.
        """
        server = self.serve(well)
        directory = self.directory(server)
        server.stop()
        self.assertUnsure(self.look(directory), "can't be reached", "refused")
        missing = self.directory(server, host="/nonexistent/ldapi")
        self.assertUnsure(self.look(missing), "can't be reached")

    def test_closed(self) -> None:
        """
        Whatever has failed, no connection is left.
        """
        hang = upTo(1, lambda conversation, _: conversation.hang())
        for talk in (hang, upTo(1, lambda conversation, _: conversation.say(b"\0" * 9))):
            server = self.serve(talk)
            self.look(self.directory(server), SHORT)
            # Also what was opened aside, to find out whether it is down.
            until(lambda server=server: server.open() == 0)
        server = self.serve(well)
        directory = self.directory(server)
        self.assertIs(self.look(directory).kind, Kind.ACCEPTED)
        directory.close()
        self.assertEqual(server.open(), 0)


class AddressTests(FakeTestCase):
    """
    Tests for host names and IP addresses.
    """

    def test_all(self) -> None:
        """
        All addresses of a name are tried.
        """
        server = self.serve(well)
        places: list[Any] = [
            (2, 1, 6, "", ("127.0.0.9", server.port)),
            (2, 1, 6, "", ("127.0.0.1", server.port)),
        ]
        self.patch(socket, "getaddrinfo", lambda *_, **__: places)
        directory = self.directory(server, host=f"ldap.example.org:{server.port}")
        self.assertIs(self.look(directory).kind, Kind.ACCEPTED)

    def test_hangingAddress(self) -> None:
        """
        One that accepts and hangs is passed over, too, and not tried first again.
        """
        hanging = self.serve(lambda conversation: conversation.hang())
        server = self.serve(well)
        usual = _opener.openConnection

        def openConnection(address: Address, place: str, *more: Any) -> Any:
            port = hanging.port if place == "10.0.0.1" else server.port
            return usual(Address("x", port), "127.0.0.1", *more)

        self.patch(_opener, "openConnection", openConnection)
        directory = self.directory(server, host="ldap.example.org")
        [each] = directory.failover.servers
        each._opener._resolver._known = ["10.0.0.1", "10.0.0.2"]
        each._opener._resolver._goodUntil = soon()
        self.assertIs(self.look(directory, 2).kind, Kind.ACCEPTED)
        for _ in range(3):
            directory.close()
            self.assertIs(self.look(directory, 2).kind, Kind.ACCEPTED)
        self.assertEqual(hanging.accepted, 1)

    def test_none(self) -> None:
        """
        A name that isn't known is a temporary failure.
        """
        directory = self.directory(self.serve(well), host="ldap.invalid")
        self.assertUnsure(self.look(directory), "ldap.invalid", "can't be found")

    def test_remembered(self) -> None:
        """
        Addresses that were found are good for as long as no others are.
        """
        places = [(2, 1, 6, "", (host, 389)) for host in ("10.0.0.1", "10.0.0.2")]
        answers: list[Any] = [places, socket.gaierror("no")]

        def answer(*_: object, **__: object) -> Any:
            if isinstance(answers[0], Exception):
                raise answers[0]
            return answers[0]

        self.patch(socket, "getaddrinfo", answer)
        self.patch(Resolver, "goodFor", 0.0)
        resolver = Resolver(Address("ldap.example.org", 389))
        self.assertEqual(resolver.resolve(soon()), ["10.0.0.1", "10.0.0.2"])
        # The one that works is tried first.
        resolver.prefer("10.0.0.2")
        answers.pop(0)
        self.assertEqual(resolver.resolve(soon()), ["10.0.0.2", "10.0.0.1"])
        self.assertRaises(Fault, Resolver(Address("b", 389)).resolve, soon())
        answers[0] = places[:1]
        self.assertEqual(resolver.resolve(soon()), ["10.0.0.1"])

    def test_moved(self) -> None:
        """
        When none of them works they are found anew, by one thread for all.
        """
        places = [(2, 1, 6, "", ("10.0.0.1", 389))]
        self.patch(socket, "getaddrinfo", lambda *_, **__: places)
        resolver = Resolver(Address("ldap.example.org", 389))
        self.assertEqual(resolver.resolve(soon()), ["10.0.0.1"])
        places[0] = (2, 1, 6, "", ("10.0.0.2", 389))
        self.assertEqual(resolver.resolve(soon()), ["10.0.0.1"])
        resolver.expire()
        self.assertEqual(resolver.resolve(soon()), ["10.0.0.2"])
        number = Resolver(Address("10.0.0.1", 389))
        number.expire()
        self.assertEqual(number.resolve(soon()), ["10.0.0.1"])
        isOver = Event()
        self.addCleanup(isOver.set)
        calls: list[object] = []

        def hang(*_: object, **__: object) -> list[object]:
            calls.append(_)
            isOver.wait()
            return []

        self.patch(socket, "getaddrinfo", hang)
        self.patch(Resolver, "moment", 0.01)
        for _ in range(5):
            resolver.expire()
            self.assertEqual(resolver.resolve(soon()), ["10.0.0.2"])
        self.assertEqual(len(calls), 1)

    def test_slow(self) -> None:
        """
        A login doesn't wait longer for addresses than it has time.
        """
        isOver = Event()
        self.addCleanup(isOver.set)

        def hang(*_: object, **__: object) -> list[object]:
            isOver.wait()
            return [(2, 1, 6, "", ("10.0.0.9", 389))]

        resolver = Resolver(Address("a", 389))
        known = Resolver(Address("b", 389))
        known._known = ["10.0.0.1"]
        self.patch(socket, "getaddrinfo", hang)
        self.assertRaises(Slow, resolver.resolve, soon(0.05))
        self.patch(Resolver, "moment", 0.05)
        for _ in range(100):
            self.assertEqual(known.resolve(soon()), ["10.0.0.1"])
        # Addresses that come when no login waits any more are used, too.
        isOver.set()
        until(lambda: known.resolve(soon()) == ["10.0.0.9"])
        # An IP address isn't looked up, nor is a socket.
        for host, port in (("10.0.0.1", 389), ("::1", 389), ("/run/ldapi", 0)):
            [place] = Resolver(Address(host, port)).resolve(soon(0.05))
            self.assertIn(host.strip("/").partition("/")[0], place)

    def test_loopback(self) -> None:
        """
        Loopback addresses are recognized in all their forms.
        """
        for host in ("127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"):
            self.assertTrue(isLoopback(host), host)
            self.assertTrue(Address(host, 1).isOnThisMachine)
        for host in ("10.0.0.1", "::2", "::ffff:10.0.0.1", "localhost.example.org", ""):
            self.assertFalse(Address(host, 1).isOnThisMachine, host)
        self.assertTrue(Address("localhost", 1).isOnThisMachine)

    def test_emptyPassword(self) -> None:
        """
        An empty password is never sent with a name: a server would take it for an
        anonymous bind, and accept it.
        """
        near, far = socket.socketpair()
        for end in (near, far):
            self.addCleanup(end.close)
        far.setblocking(False)
        connection = Connection(Address("127.0.0.1", 389), near, lambda: False)
        self.assertRaises(ValueError, connection.bind, "cn=x", b"", soon())
        self.assertRaises(BlockingIOError, far.recv, 1)
