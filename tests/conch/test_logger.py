"""
Tests for what the log gets to see of what clients send: L{mycred.conch._logger} and
L{mycred.conch._service}.
"""

from __future__ import annotations

import struct

from twisted.conch.ssh.common import NS

from ..kit.keys import blobOf
from ..kit.sshclient import Channel, Client
from ..kit.sshpair import (
    ALICE,
    DEBUG,
    REQUEST,
    SERVICE,
    VERSION,
    HostileTestCase,
    Pair,
    login,
    packet,
)

#: Something long, and something secret.
LONG, SECRET = b"L" * 1000, b"sesame-open"


class LogTests(HostileTestCase):
    """
    Tests for what the log gets to see.
    """

    def test_before(self) -> None:
        """
        Before a login, nothing long is in it.
        """
        for number, data in (
            (SERVICE, NS(LONG)),
            (1, b"\0\0\0\1" + NS(LONG) + NS(b"")),
            (DEBUG, b"\1" + NS(LONG) + NS(b"")),
            (REQUEST, login(b"none", user=LONG)),
            (REQUEST, login(b"password", b"\0" + NS(b""), user=LONG)),
            (REQUEST, login(LONG)),
            (REQUEST, NS(b"alice") + NS(LONG) + NS(b"none")),
            (REQUEST, login(b"publickey", b"\0" + NS(LONG) + NS(blobOf(ALICE)))),
            (REQUEST, login(b"publickey", b"\0" + NS(LONG) + NS(NS(LONG)))),
            (61, LONG),
            (33, LONG),
            (250, LONG),
        ):
            pair = Pair()
            pair.connect().sendPacket(number, data)
            pair.pump.flush()
            self.assertQuiet(LONG[:65])
        pair = Pair()
        pair.connectNobody()
        pair.server.dataReceived(b"SSH-" + LONG + b"\r\n")
        self.assertTrue(pair.isEnded)
        self.assertQuiet(LONG[:65])

    def test_after(self) -> None:
        """
        After it, no long name is.
        """
        for make in (
            lambda c: (80, NS(LONG) + b"\0"),
            lambda c: (90, NS(LONG) + b"\0\0\1\0" * 3),
            lambda c: (98, struct.pack(">L", c) + NS(LONG) + b"\1"),
            lambda c: (98, struct.pack(">L", c) + NS(b"subsystem") + b"\1" + NS(LONG)),
            lambda c: (
                90,
                NS(b"direct-tcpip")
                + b"\0\0\1\0" * 3
                + NS(LONG)
                + b"\0\0\0\1"
                + NS(b"")
                + b"\0" * 4,
            ),
            lambda c: (250, LONG),
        ):
            pair = Pair()
            client = pair.login()
            channel = Channel()
            client.service.openChannel(channel)
            pair.pump.flush()
            pair.feed(*make(channel.conn.channelsToRemoteChannel[channel]))
            self.assertQuiet(LONG[:65])
            self.assertFalse(pair.isEnded)

    def test_secret(self) -> None:
        """
        A password isn't in it, whenever it comes.
        """
        asking = login(b"password", b"\0" + NS(SECRET))
        pair = Pair()
        client = pair.connect()
        for _ in range(2):
            client.sendPacket(REQUEST, login(b"password", b"\0" + NS(b"secret")))
        client.sendPacket(REQUEST, asking)
        pair.pump.flush()
        client.sendPacket(REQUEST, asking)
        pair.pump.flush()
        self.assertQuiet(SECRET)
        pair = Pair()
        pair.connectNobody()
        pair.server.dataReceived(VERSION + packet(bytes([REQUEST]) + asking))
        self.assertQuiet(SECRET)

    def test_hasty(self) -> None:
        """
        A password isn't in it either that comes before its service, or by a number that
        nothing has.
        """

        class Hasty(Client):
            """
            Who doesn't wait.
            """

            def connectionSecure(self) -> None:
                for number in (REQUEST, 6, 22, 61, 250):
                    self.sendPacket(number, login(b"password", b"\0" + NS(SECRET)))
                super().connectionSecure()

        pair = Pair()
        pair.connect(Hasty())
        self.assertFalse(pair.isEnded)
        self.assertQuiet(SECRET)

    def test_echoed(self) -> None:
        """
        Nor is anything long sent back.
        """
        pair = Pair()
        pair.connect()
        pair.server.service = None
        pair.pump.serverIO.stream = []
        pair.feed(SERVICE, NS(LONG))
        self.assertTrue(pair.isEnded)
        self.assertLess(sum(map(len, pair.pump.serverIO.stream)), 300)
