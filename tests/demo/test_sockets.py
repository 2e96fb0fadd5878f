"""
Tests for sockets that several processes serve.

They cover L{mycred.demo._processes._sockets} and L{mycred.demo._processes._sharedport}.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IReactorTCP
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from mycred.demo._processes import AdoptingReactor, HoldingReactor
from mycred.demo._processes._sharedport import SharedPort
from mycred.demo._strports import adoptable


class Accepting(Clock):
    """
    A reactor that takes note of connections.

    @ivar reading: what is read from.
    @ivar families: the address families of the connections.
    @ivar adopt: what is called with each.
    """

    adopt: Callable[[int], object] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.reading: list[object] = []
        self.families: list[int] = []

    def addReader(self, reader: object) -> None:
        self.reading.append(reader)

    def removeReader(self, reader: object) -> None:
        if reader in self.reading:
            self.reading.remove(reader)

    def removeWriter(self, writer: object) -> None:
        pass

    def adoptStreamConnection(
        self, descriptor: int, family: int, factory: object
    ) -> None:
        if self.adopt is not None:
            self.adopt(descriptor)
        assert not os.get_blocking(descriptor)
        self.families.append(family)


class Exhausted:
    """
    A listening socket that accepts nothing.
    """

    family = socket.AF_INET

    def __init__(self, *errors: int) -> None:
        self.errors = list(errors)

    def dup(self) -> socket.socket:
        return socket.socket()

    def accept(self) -> object:
        raise OSError(self.errors.pop(0), "no")

    def close(self) -> None:
        pass


class SharedPortTests(SynchronousTestCase):
    """
    Tests for a port whose socket belongs to others, too.
    """

    def setUp(self) -> None:
        self.reactor = Accepting()
        self.factory = Factory.forProtocol(Protocol)
        self.factory.noisy = False

    def port(self, listener: socket.socket) -> SharedPort:
        """
        Have a port serve a socket.
        """
        self.addCleanup(listener.close)
        port = SharedPort(os.dup(listener.fileno()), self.factory, self.reactor)
        port.startListening()
        return port

    def clients(self, listener: socket.socket, count: int) -> list[socket.socket]:
        """
        Have clients connect.
        """
        clients = [
            socket.create_connection(listener.getsockname()[:2]) for _ in range(count)
        ]
        for client in clients:
            self.addCleanup(client.close)
        return clients

    def test_one(self) -> None:
        """
        It accepts one connection at a time, so that other processes get the next one.
        """
        listener = socket.create_server(("127.0.0.1", 0))
        port = self.port(listener)
        self.assertEqual(self.reactor.reading, [port])
        self.clients(listener, 2)
        port.doRead()
        self.assertEqual(self.reactor.families, [socket.AF_INET])
        port.doRead()
        self.assertEqual(len(self.reactor.families), 2)
        # Another process was faster.
        port.doRead()
        self.assertEqual(len(self.reactor.families), 2)
        port.stopListening()

    def test_stop(self) -> None:
        """
        When it stops, other processes go on: the socket still listens.
        """
        listener = socket.create_server(("127.0.0.1", 0))
        port = self.port(listener)
        port.stopListening()
        self.assertEqual(self.reactor.reading, [])
        [client] = self.clients(listener, 1)
        listener.accept()[0].close()
        self.assertEqual(client.recv(1), b"")

    def test_inherited(self) -> None:
        """
        Programs that the process starts don't get the socket.
        """
        port = self.port(socket.create_server(("127.0.0.1", 0)))
        self.assertFalse(os.get_inheritable(port.fileno()))
        port.stopListening()

    def test_host(self) -> None:
        """
        Its address is that of the socket, of whatever family.
        """
        path = Path(self.mktemp()).name
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        self.addCleanup(os.unlink, path)
        listener.listen()
        hosts = []
        six = socket.create_server(("::1", 0), family=socket.AF_INET6)
        for one in (socket.create_server(("127.0.0.1", 0)), six, listener):
            port = self.port(one)
            hosts.append(port.getHost())
            port.stopListening()
        four, other, local = hosts
        self.assertIsInstance(four, IPv4Address)
        self.assertEqual(other.host, "::1")  # type: ignore[attr-defined]
        self.assertIsInstance(other, IPv6Address)
        self.assertEqual(local, UNIXAddress(path.encode()))

    def test_gone(self) -> None:
        """
        A client that has left already isn't served.
        """
        listener = socket.create_server(("127.0.0.1", 0))
        port = self.port(listener)
        [client] = self.clients(listener, 1)
        # The connection is reset, and not only ended.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0" + bytes(4))
        client.close()
        port.doRead()
        self.assertEqual(self.reactor.families, [])
        port.stopListening()

    def test_defect(self) -> None:
        """
        A connection that can't be served is closed and logged; others are served.
        """
        listener = socket.create_server(("127.0.0.1", 0))
        port = self.port(listener)
        first, _ = self.clients(listener, 2)

        def adopt(descriptor: int) -> None:
            self.reactor.adopt = None
            raise ValueError("no luck")

        self.reactor.adopt = adopt
        port.doRead()
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(first.recv(1), b"")
        port.doRead()
        self.assertEqual(len(self.reactor.families), 1)
        port.stopListening()

    def test_lastDescriptor(self) -> None:
        """
        With a single descriptor left, which isn't enough for the reactor, a connection is
        left to other processes: it isn't accepted, and so isn't lost.
        """
        port = self.port(listener := socket.create_server(("127.0.0.1", 0)))
        self.reactor.adopt = lambda descriptor: os.close(os.dup(descriptor))
        [client] = self.clients(listener, 1)
        client.setblocking(False)
        with contextlib.ExitStack() as full:
            limits = resource.getrlimit(resource.RLIMIT_NOFILE)
            full.callback(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
            resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 10, limits[1]))
            taken: list[int] = []
            full.callback(lambda: [os.close(one) for one in taken])
            with contextlib.suppress(OSError):
                while True:
                    taken.append(os.dup(0))
            os.close(taken.pop())
            port.doRead()
            self.assertEqual(self.reactor.families, [])
            os.close(taken.pop())
            self.reactor.advance(SharedPort.pause)
            port.doRead()
            self.assertEqual(self.reactor.families, [socket.AF_INET])
        self.assertEqual(self.flushLoggedErrors(), [])
        port.stopListening()

    def test_exhausted(self) -> None:
        """
        Without descriptors or memory it leaves connections to other processes for a
        while, and takes no processor time meanwhile.
        """
        port = self.port(socket.create_server(("127.0.0.1", 0)))
        real: Any = port._listener
        for number in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
            port._listener = Exhausted(number)  # type: ignore[assignment]
            port.doRead()
            self.assertEqual(self.reactor.reading, [])
            self.reactor.advance(SharedPort.pause)
            self.assertEqual(self.reactor.reading, [port])
        for number in (errno.EAGAIN, errno.ECONNABORTED, errno.EPERM):
            port._listener = Exhausted(number)  # type: ignore[assignment]
            port.doRead()
            self.assertEqual(self.reactor.reading, [port])
        port._listener = Exhausted(errno.EMFILE)  # type: ignore[assignment]
        port.doRead()
        port.stopListening()
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        real.close()


class ReactorTests(SynchronousTestCase):
    """
    Tests for the reactors that endpoints are given.
    """

    def test_hold(self) -> None:
        """
        Ports are open and nothing is read from them, in the order in which they were
        opened.
        """
        from twisted.internet import reactor

        holding = HoldingReactor(reactor)
        self.assertTrue(IReactorTCP.providedBy(holding))
        factory = Factory()
        factory.noisy = False
        path = Path(self.mktemp()).name
        for where in ("tcp:0:interface=127.0.0.1", f"unix:{path}", "tcp6:0"):
            endpoint = serverFromString(holding, where)
            self.successResultOf(endpoint.listen(factory))
        ports, readers = holding.ports, reactor.getReaders()  # type: ignore[attr-defined]
        self.assertEqual([port for port in ports if port in readers], [])
        self.assertEqual(ports[1].getHost().name, path.encode())
        for port in ports:
            port.connectionLost(None)

    def test_adopt(self) -> None:
        """
        Whatever an endpoint asks for, it gets the next of the sockets.
        """
        listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        numbers = [listener.getsockname()[1] for listener in listeners]
        adopting = AdoptingReactor(
            Accepting(), tuple(listener.detach() for listener in listeners)
        )
        factory = Factory()
        factory.noisy = False
        found = []
        for where in ("tcp:1", "unix:/no/such/path", "tcp6:1"):
            port = self.successResultOf(serverFromString(adopting, where).listen(factory))
            found.append(port.getHost().port)
            port.stopListening()
        self.assertEqual(found, numbers)

    def test_other(self) -> None:
        """
        They do everything else as the reactor does.
        """
        clock = MemoryReactorClock()
        for one in (HoldingReactor(clock), AdoptingReactor(clock, ())):
            self.assertEqual(one.seconds, clock.seconds)


class AdoptableTests(SynchronousTestCase):
    """
    Tests for descriptions whose sockets are adopted.
    """

    def test_systemd(self) -> None:
        """
        Sockets of systemd, which the process hasn't got itself, aren't looked for.
        """
        for where, becomes in (
            ("systemd:domain=INET:index=0", "tcp:0"),
            ("SYSTEMD:domain=INET:name=x", "tcp:0"),
            ("haproxy:systemd:domain=INET:index=0", "haproxy:tcp:0"),
            ("HAProxy:haproxy:systemd:x", "haproxy:haproxy:tcp:0"),
        ):
            self.assertEqual(adoptable(where), becomes)

    def test_others(self) -> None:
        """
        All else stays as it is.
        """
        for where in (
            "tcp:1",
            "unix:/Run/systemd:x",
            "unix:systemd\\:x",
            "mtls:1:privateKey=/systemd:certKey=/X",
            "haproxy:unix:/run/systemd:mode=600",
        ):
            self.assertEqual(adoptable(where), where)
