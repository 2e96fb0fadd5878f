"""
Tests for C{twistd mycred-session}, L{mycred._sessionservice}: checkers of Twisted's own
servers know where clients are.
"""

from __future__ import annotations

import contextlib
import socket
from contextlib import closing
from ftplib import FTP, error_perm
from pathlib import Path
from typing import Any

import bcrypt

from twisted.application.internet import (
    SSLServer,
    StreamServerEndpointService,
    TCPServer,
    UNIXServer,
)
from twisted.application.service import MultiService, Service
from twisted.internet.protocol import Factory
from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from mycred._sessionservice import MOST_REFUSED, Options, makeService
from mycred.sessions import SessionFactory

from .kit.forked import run
from .kit.haproxy import HAProxy
from .kit.running import Running
from .kit.server import PATIENCE


class ServiceTests(SynchronousTestCase):
    """
    Tests for L{makeService}.
    """

    def serviceOf(self, service: Any) -> Any:
        """
        Return what is made of the service of a plugin.
        """
        options: Any = Options()
        options.subCommand, options.subOptions = "other", {}
        options.plugins = {"other": self}
        self.makeService = lambda _: service
        return makeService(options)

    def test_servers(self) -> None:
        """
        All servers of a plugin get sessions, wherever they are among its services.
        """
        factory, endpoint, context = Factory(), object(), object()
        inner, whole = MultiService(), MultiService()
        ports = [
            TCPServer(21, factory, interface="::1"),
            UNIXServer("/run/x", factory),
            SSLServer(990, factory, context),
        ]
        listening = StreamServerEndpointService(endpoint, factory)
        for service in (Service(), *ports, listening):
            service.setServiceParent(inner)
        inner.setServiceParent(whole)
        self.assertIs(self.serviceOf(whole), whole)
        given = [port.args[1] for port in ports] + [listening.factory]
        for each in given:
            self.assertIsInstance(each, SessionFactory)
            self.assertIs(each.wrappedFactory, factory)
        self.assertEqual(ports[0].args[::2], (21,))
        self.assertEqual(ports[0].kwargs, {"interface": "::1"})
        self.assertEqual(ports[2].args[::2], (990, context))

    def test_none(self) -> None:
        """
        A plugin without such servers isn't run, rather than run without sessions.
        """
        self.assertIn(
            "other", str(self.assertRaises(SystemExit, self.serviceOf, Service()))
        )


class OptionsTests(SynchronousTestCase):
    """
    Tests for L{Options}.
    """

    def test_plugins(self) -> None:
        """
        Each plugin of twistd can be run, but not this one within itself.
        """
        names = [name for name, *_ in Options().subCommands]
        self.assertLessEqual({"ftp", "words", "conch", "mail"}, set(names))
        self.assertNotIn("mycred-session", names)

    def test_itsOptions(self) -> None:
        """
        A plugin gets its own options, C{--auth} among them.
        """
        options: Any = Options()
        options.parseOptions(["ftp", "--port=0", "--auth=memory:alice:sesame"])
        self.assertEqual(options.subOptions["port"], "0")
        self.assertEqual(len(options.subOptions["credCheckers"]), 2)

    def test_noPlugin(self) -> None:
        """
        Without a plugin there is nothing to do.
        """
        self.assertRaises(usage.UsageError, Options().parseOptions, [])


class TwistdTests(SynchronousTestCase):
    """
    Tests with C{twistd}.
    """

    def setUp(self) -> None:
        self.folder = folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        users = folder / "users"
        hashed = bcrypt.hashpw(b"sesame", bcrypt.gensalt(4)).decode("ascii")
        users.write_text(f"alice:{hashed}\n")
        self.auth = f"--auth=htpasswd:{users}"
        self.root = f"--root={folder}"

    def start(self, factory: str, *arguments: str) -> Running:
        """
        Start it, for as long as the test runs.
        """
        running = Running(factory, *arguments)
        self.addCleanup(running.stop)
        return running

    def test_ftp(self) -> None:
        """
        C{twistd ftp} knows its clients' addresses, also those of clients that send a
        whole login at once, and ends the connections of those who guess on.
        """
        server = self.start(
            "FTPFactory", "mycred-session", "ftp", self.root, "--port=0", self.auth
        )
        with FTP(source_address=("127.0.0.3", 0), timeout=PATIENCE) as client:
            client.connect("127.0.0.1", server.port)
            client.login("alice", "sesame")
            client.quit()
        with FTP(source_address=("127.0.0.2", 0), timeout=PATIENCE) as client:
            client.connect("127.0.0.1", server.port)
            self.assertRaises(error_perm, client.login, "alice", "guess")
            client.quit()
        place = "127.0.0.1", server.port
        guesses = b"USER alice\r\nPASS guess\r\n" * (MOST_REFUSED + 50)
        at = ("127.0.0.4", 0)
        with closing(socket.create_connection(place, PATIENCE, at)) as wire:
            wire.sendall(guesses)
            said = wire.makefile("rb").read()
        # What was under way at the end is answered, too, though not looked at.
        self.assertIn(said.count(b"530 "), range(MOST_REFUSED, MOST_REFUSED + 10))
        ends = [(verdict, end.split()[-1]) for verdict, end in server.stop()]
        expected = [("accepted", "peer=127.0.0.3"), ("refused", "peer=127.0.0.2")]
        self.assertEqual(ends[:2], expected)
        self.assertEqual(set(ends[2:]), {("refused", "peer=127.0.0.4")})

    def test_plain(self) -> None:
        """
        A stack knows the addresses of the clients of C{twistd ftp} alone, too, as long as
        they wait for the answer to a command before they send the next.
        """
        file = self.folder / "login.ini"
        checker = self.auth.partition("=")[2]
        file.write_text(f"[stack]\ncheckers = {checker}\n")
        auth = f"--auth=stack:{file}"
        server = self.start("FTPFactory", "ftp", self.root, "--port=0", auth)
        for host, password in (("127.0.0.3", "sesame"), ("127.0.0.2", "guess")):
            with FTP(source_address=(host, 0), timeout=PATIENCE) as client:
                client.connect("127.0.0.1", server.port)
                with contextlib.suppress(error_perm):
                    client.login("alice", password)
        ends = [(verdict, *end.split()[0::2]) for verdict, end in server.stop()]
        self.assertEqual(
            ends,
            [
                ("accepted", "service=ftp", "peer=127.0.0.3"),
                ("refused", "service=ftp", "peer=127.0.0.2"),
            ],
        )

    def test_words(self) -> None:
        """
        C{twistd words} behind HAProxy knows the addresses of the proxy's clients, and
        not those that they claim themselves.
        """
        port = "--irc-port=haproxy:tcp:0:interface=127.0.0.1"
        server = self.start("IRCFactory", "mycred-session", "words", port, self.auth)
        proxy = HAProxy(server.port, "send-proxy-v2")
        self.addCleanup(proxy.stop)
        forged = b"PROXY TCP4 192.0.2.66 192.0.2.1 1 2\r\n"
        for host, lines in (("127.0.0.2", b""), ("127.0.0.3", forged)):
            place = "127.0.0.1", proxy.port
            with closing(socket.create_connection(place, PATIENCE, (host, 0))) as wire:
                wire.sendall(lines + b"PASS guess\r\nNICK alice\r\n")
                self.assertIn(b"Login failed", wire.makefile("rb").read())
        told = [end.split()[0::2] for _, end in server.stop()]
        self.assertEqual(
            told,
            [["service=irc", f"peer={host}"] for host in ("127.0.0.2", "127.0.0.3")],
        )

    def test_refusal(self) -> None:
        """
        Without the name of a plugin the command line says what is missing.
        """
        done = run(["-n", "mycred-session"], PATIENCE)
        self.assertIn("Say which plugin", done.stdout + done.stderr)
