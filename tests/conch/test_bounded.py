"""
Tests for what may come to a server, when, and how much of it.
"""

from __future__ import annotations

import gc
import struct
import tracemalloc

from twisted.conch.ssh import _kex
from twisted.conch.ssh.common import MP, NS

from mycred.checkers.sshkeys import SSHPublicKeyChecker

from ..kit.keycheckers import Files, accepted
from ..kit.keys import blobOf, certificate, ed25519
from ..kit.sshpair import (
    ALICE,
    ECDH,
    EXTENSIONS,
    IGNORE,
    KEXINIT,
    NEWKEYS,
    REQUEST,
    SERVICE,
    UNIMPLEMENTED,
    VERSION,
    HostileTestCase,
    Pair,
    Slow,
    kexinit,
    login,
    packet,
)

CA = ed25519()

#: What a connection may hold before somebody is logged in, in bytes.
MOST = 2**18


class MemoryTests(HostileTestCase):
    """
    Tests for what a connection holds before somebody is logged in.
    """

    def test_version(self) -> None:
        """
        A version that doesn't end isn't waited for.
        """
        for start in (b"", VERSION[:-2], b"x\r\n"):
            pair = Pair()
            pair.connectNobody()
            sent = 0
            self.server = pair.server
            while not pair.isEnded:
                pair.server.dataReceived(start or b"x" * 1000)
                start = b""
                sent += 1000
                self.assertLess(sent, 2**14)
        self.assertQuiet()

    def test_large(self) -> None:
        """
        A packet that is larger than any has to be isn't taken, nor waited for.
        """
        for size in (40000, 2**18, 2**20 - 4, 2**31):
            pair = Pair()
            pair.connectNobody()
            pair.server.dataReceived(VERSION + struct.pack(">LB", size, 4) + b"\2\0\0")
            for _ in range(40):
                pair.server.dataReceived(b"\0" * 1000)
                self.assertLess(len(pair.server.buf), 37000)
            self.assertTrue(pair.isEnded, size)
            client = Pair()
            if size < 2**20:
                client.connect().sendPacket(IGNORE, b"\0" * size)
                client.pump.flush()
                self.assertTrue(client.isEnded, size)
        self.assertQuiet()

    def test_largest(self) -> None:
        """
        One that has to be taken (RFC 4253, section 6.1) is, before a login and after;
        after, larger ones are, too.
        """
        pair = Pair()
        pair.connect().sendPacket(IGNORE, NS(b"\0" * 32763))
        pair.pump.flush()
        self.assertFalse(pair.isEnded)
        pair = Pair()
        pair.login().sendPacket(IGNORE, NS(b"\0" * 2**19))
        pair.pump.flush()
        self.assertFalse(pair.isEnded)
        self.assertAlert(pair)

    def test_waiting(self) -> None:
        """
        Requests that wait are few, and small together.
        """
        for size, most in ((32000, 3), (5000, 6), (10, 18)):
            pair = Pair(SSHPublicKeyChecker(Slow()))
            client = pair.connect()
            client.offer(blobOf(ALICE))
            for _ in range(most):
                client.sendPacket(REQUEST, login(b"none", b"x" * size))
                pair.pump.flush()
            self.assertTrue(pair.isEnded, size)
        self.assertQuiet()

    def test_unread(self) -> None:
        """
        Somebody who makes the server write, and may read nothing, is hung up on.
        """
        for number, data in (
            (REQUEST, login(b"none")),
            (250, b""),
            (REQUEST, login(b"publickey", b"\0" + NS(b"ssh-ed25519") + NS(b""))),
            (
                REQUEST,
                login(b"publickey", b"\0" + NS(b"ssh-ed25519") + NS(blobOf(ALICE))),
            ),
        ):
            pair = Pair()
            pair.connect()
            for _ in range(3000):
                pair.feed(number, data)
            self.assertTrue(pair.isEnded, number)
            self.assertLess(sum(map(len, pair.pump.serverIO.stream)), 70000)
        self.assertQuiet()

    def test_manyMessages(self) -> None:
        """
        Messages that ask for nothing are few before a login, since there is a line in
        the log for each; after it, there may be more.
        """
        pair = Pair()
        pair.connect()
        for _ in range(990):
            pair.feed(UNIMPLEMENTED, b"\0" * 4)
        self.assertFalse(pair.isEnded)
        for _ in range(10):
            pair.feed(UNIMPLEMENTED, b"\0" * 4)
        self.assertTrue(pair.isEnded)
        self.assertQuiet()
        pair = Pair()
        pair.login()
        for _ in range(1010):
            pair.feed(UNIMPLEMENTED, b"\0" * 4)
        self.assertFalse(pair.isEnded)

    def test_whileExchanging(self) -> None:
        """
        Nothing is asked for while keys are exchanged, whose answers would wait.
        """
        for number, data in (
            (REQUEST, login(b"none")),
            (SERVICE, NS(b"ssh-userauth")),
            (EXTENSIONS, b"\0" * 4),
            (250, b""),
        ):
            first = Pair()
            first.connectNobody()
            first.server.dataReceived(VERSION + packet(bytes([number]) + data))
            self.assertTrue(first.isEnded, number)
            again = Pair()
            client = again.connect()
            client.sendKexInit()
            # What no client of conch's would do.
            client._keyExchangeState = client._KEY_EXCHANGE_NONE
            again.feed(number, data)
            self.assertTrue(again.isEnded, number)
        self.assertQuiet()

    def test_exchanged(self) -> None:
        """
        Of what was said to exchange keys nothing is kept.
        """
        pair = Pair()
        pair.connect()
        self.assertEqual(pair.server.otherKexInitPayload, b"")

    def test_extensions(self) -> None:
        """
        Of extensions few are kept.
        """
        pair = Pair()
        many = b"".join(NS(b"%d" % number) + NS(b"") for number in range(1000))
        pair.connect().sendPacket(EXTENSIONS, struct.pack(">L", 1000) + many)
        pair.pump.flush()
        self.assertTrue(pair.isEnded)
        pair = Pair()
        pair.connect().sendPacket(EXTENSIONS, struct.pack(">L", 1) + NS(b"a") + NS(b"b"))
        pair.pump.flush()
        self.assertFalse(pair.isEnded)
        self.assertEqual(pair.server.peerExtensions, {b"a": b"b"})
        self.assertQuiet()

    def test_sum(self) -> None:
        """
        All that a client can have kept for it together stays within the limit.
        """
        pair = Pair(SSHPublicKeyChecker(Slow()))
        client = pair.connect()
        offer = b"\0" + NS(b"ssh-ed25519")
        gc.collect()
        tracemalloc.start()
        try:
            for data in (
                *[login(b"none")] * 300,
                login(b"publickey", offer + NS(b"x" * 32000)),
                login(b"publickey", offer + NS(certificate(CA, ALICE, id=b"x" * 32000))),
                *[login(b"none", b"x" * 1500)] * 10,
            ):
                pair.feed(REQUEST, data)
            pair.feed(EXTENSIONS, struct.pack(">L", 1) + NS(b"a") + NS(b"b" * 900))
            client.sendPacket(IGNORE, b"x" * 32000)
            pair.server.dataReceived(b"".join(pair.pump.clientIO.stream)[:-1])
            pair.pump.clientIO.stream = []
            del data, self.events[:]
            gc.collect()
            held = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        self.assertFalse(pair.isEnded)
        self.assertLess(held, MOST)
        self.assertQuiet()


class OrderTests(HostileTestCase):
    """
    Tests for messages that come when they shouldn't.
    """

    def send(self, *messages: bytes) -> Pair:
        """
        Send messages before keys are exchanged.
        """
        pair = Pair()
        pair.connectNobody()
        pair.server.dataReceived(VERSION + b"".join(map(packet, messages)))
        return pair

    def test_exchange(self) -> None:
        """
        Keys are exchanged in the right order, or the connection ends.
        """
        ecdh = bytes([30]) + NS(b"\x09" + b"\0" * 31)
        group = kexinit(exchange=b"diffie-hellman-group14-sha1")
        for messages in (
            (bytes([NEWKEYS]),),
            (ecdh,),
            (bytes([32]) + MP(2),),
            (bytes([34]) + b"\0\0\1\0" * 3,),
            (kexinit(), kexinit()),
            (kexinit(), bytes([NEWKEYS])),
            (kexinit(), ecdh, ecdh),
            (kexinit(), ecdh, kexinit()),
            (kexinit(), bytes([32]) + MP(2)),
            (kexinit(), bytes([30])),
            (kexinit(), bytes([30]) + NS(b"")),
            (kexinit(), bytes([30]) + NS(b"\0" * 32)),
            (group, bytes([30]) + MP(0)),
            (group, bytes([30]) + MP(1)),
            (group, bytes([30]) + MP(2**2100)),
            (bytes([KEXINIT]),),
            (bytes([KEXINIT]) + b"\xff" * 1000,),
            (kexinit(exchange=b"ext-info-c"),),
        ):
            self.assertTrue(self.send(*messages).isEnded, messages)
            self.assertQuiet()

    def test_guessed(self) -> None:
        """
        A wrong guess may come before.
        """
        guessing = kexinit(exchange=b"guess," + ECDH)
        guessing = guessing[:-5] + b"\1" + guessing[-4:]
        ecdh = bytes([30]) + NS(b"\x09" + b"\0" * 31)
        pair = self.send(guessing, bytes([30]) + NS(b"guess"), ecdh)
        self.assertFalse(pair.isEnded)
        self.assertIsNotNone(pair.server.sessionID)
        self.assertQuiet()

    def test_again(self) -> None:
        """
        Keys may be exchanged again, before a login and after.
        """
        for pair in (Pair(), Pair()):
            client = pair.connect()
            client.sendKexInit()
            pair.pump.flush()
            client.prove(ALICE)
            pair.pump.flush()
            client.sendKexInit()
            pair.pump.flush()
            self.assertAlert(pair)
            self.assertFalse(pair.isEnded)

    def test_empty(self) -> None:
        """
        A packet with nothing in it ends the connection: what follows it would wait.
        """
        pair = self.send(b"", kexinit())
        self.assertTrue(pair.isEnded)
        pair = Pair()
        client = pair.connect()
        client.transport.write(
            client.currentEncryptions.encrypt(b"\0\0\0\x0c\x0b" + b"\0" * 11)
            + client.currentEncryptions.makeMAC(
                client.outgoingPacketSequence, b"\0\0\0\x0c\x0b" + b"\0" * 11
            )
        )
        pair.pump.flush()
        self.assertTrue(pair.isEnded)
        self.assertQuiet()

    def test_afterTheEnd(self) -> None:
        """
        What comes in one piece with what has ended the connection isn't read.
        """
        for number, data in (
            (REQUEST, b""),
            (SERVICE, NS(b"ssh-userauth")),
            (IGNORE, b"x" * 36000),
            (KEXINIT, b""),
        ):
            files = Files(accepted())
            pair = Pair(SSHPublicKeyChecker(files))
            client = pair.connect()
            client.sendPacket(number, data)
            client.prove(ALICE)
            pair.pump.flush()
            self.assertTrue(pair.isEnded)
            self.assertEqual(files.asked, [])
            self.assertQuiet()

    def test_nothingMore(self) -> None:
        """
        Nothing is written after the end, whatever becomes known.
        """
        pair = Pair()
        pair.connect()
        pair.feed(REQUEST, login(b"password", b"\0" + NS(b"wrong")))
        pair.feed(SERVICE, NS(b"ssh-userauth"))
        written = pair.server.outgoingPacketSequence
        pair.clock.advance(1)
        self.assertEqual(pair.server.outgoingPacketSequence, written)

    def test_groups(self) -> None:
        """
        Groups in which to exchange keys are few, since each costs a key.
        """
        exchange = b"diffie-hellman-group-exchange-sha256"
        asking = packet(bytes([34]) + struct.pack(">3L", 1024, 2048, 8192))
        for most, isEnded in ((3, False), (4, True)):
            pair = Pair()
            group = _kex.getDHGeneratorAndPrime(b"diffie-hellman-group14-sha1")
            pair.factory.primes = {2048: [group]}
            pair.server = pair.factory.buildProtocol(None)
            pair.connectNobody()
            pair.server.dataReceived(VERSION + packet(kexinit(exchange)))
            pair.server.dataReceived(asking * most)
            self.assertEqual(pair.isEnded, isEnded)
        self.assertQuiet()
