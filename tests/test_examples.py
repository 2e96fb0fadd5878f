"""
Tests for the examples in the documentation.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from twisted.enterprise.adbapi import ConnectionPool
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.testing import StringTransport
from twisted.python import usage
from twisted.spread import pb
from twisted.trial.unittest import SynchronousTestCase, TestCase

import mycred
from mycred.checkers import AllowAnonymousAccess, InMemoryUsernamePasswordDatabaseDontUse
from mycred.credentials import Anonymous, UsernamePassword
from mycred.error import AccountDenied, TemporaryFailure, UnauthorizedLogin
from mycred.portal import Portal

ROOT = Path(mycred.__file__).parents[1]
EXAMPLES = ROOT / "doc" / "examples"


class WithExamples(SynchronousTestCase):
    """
    Base of the tests that import an example.
    """

    def example(self, name: str) -> Any:
        """
        Import an example.
        """
        self.patch(sys, "path", [str(EXAMPLES), *sys.path])
        return import_module(name)


class POP3Tests(WithExamples):
    """
    Tests for C{first_login_pop3.py}.
    """

    def setUp(self) -> None:
        self.transport = StringTransport()
        factory = self.example("first_login_pop3").makeFactory()
        self.protocol = factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)

    def talk(self, *lines: bytes) -> list[bytes]:
        """
        Send lines, and return the first word of each answer.
        """
        self.transport.clear()
        for line in lines:
            self.protocol.dataReceived(line + b"\r\n")
        return [answer.split()[0] for answer in self.transport.value().splitlines()]

    def test_login(self) -> None:
        """
        Who logs in may delete a message, once.
        """
        self.assertEqual(self.talk(b"DELE 1"), [b"-ERR"])
        self.assertEqual(self.talk(b"USER alice", b"PASS sesame"), [b"+OK", b"+OK"])
        self.assertEqual(self.talk(b"DELE 1", b"DELE 1"), [b"+OK", b"-ERR"])

    def test_refused(self) -> None:
        """
        A wrong password, an unknown user and PASS before USER are refused.
        """
        self.assertEqual(self.talk(b"PASS sesame"), [b"-ERR"])
        for name in (b"alice", b"eve"):
            answers = self.talk(b"USER " + name, b"PASS x", b"DELE 1", b"WHAT")
            self.assertEqual(answers, [b"+OK", b"-ERR", b"-ERR", b"-ERR"])


class PBTests(TestCase):
    """
    Tests for C{first_login_pb.py}.
    """

    @inlineCallbacks
    def test_echo(self) -> Any:
        """
        A perspective echoes; a wrong password gets none.
        """
        from twisted.internet import reactor

        self.patch(sys, "path", [str(EXAMPLES), *sys.path])
        factory = import_module("first_login_pb").makeFactory()
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")  # type: ignore[attr-defined]
        self.addCleanup(port.stopListening)
        client = pb.PBClientFactory()
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        connection = yield endpoint.connect(client)
        lost: Deferred[None] = Deferred()
        connection.notifyOnDisconnect(lambda: lost.callback(None))
        self.addCleanup(lambda: lost)
        self.addCleanup(client.disconnect)
        avatar = yield client.login(UsernamePassword(b"guest", b"password"))
        echoed = yield avatar.callRemote("echo", "hello")
        self.assertEqual(echoed, "hello")
        wrong = client.login(UsernamePassword(b"guest", b"x"))
        yield self.assertFailure(wrong, UnauthorizedLogin)
        # PB logs what it sends to a client as an error.
        self.flushLoggedErrors(UnauthorizedLogin)


class RealmTests(WithExamples):
    """
    Tests for C{realm.py}.
    """

    def test_views(self) -> None:
        """
        Users write, visitors read, and minds are told until they leave.
        """
        realm = self.example("realm")
        users = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
        portal = Portal(realm.BoardRealm(), [users, AllowAnonymousAccess()])
        told: list[str] = []
        alice = UsernamePassword(b"alice", b"sesame")
        login = portal.login(alice, told.append, realm.IWriter)
        _, board, logout = self.successResultOf(login)
        board.write("hello")
        self.assertEqual(told, ["alice wrote"])
        logout()
        board.write("again")
        self.assertEqual(len(told), 1)
        visitor = portal.login(Anonymous(), None, realm.IWriter, realm.IReader)
        interface, seen, _ = self.successResultOf(visitor)
        self.assertIs(interface, realm.IReader)
        self.assertEqual(seen.lines, ["hello", "again"])
        refused = portal.login(Anonymous(), None, realm.IWriter)
        self.failureResultOf(refused, UnauthorizedLogin)


class CheckerTests(TestCase):
    """
    Tests for C{checker.py}.
    """

    @inlineCallbacks
    def test_threeKindsOfNo(self) -> Any:
        """
        Right, wrong, denied, and unable to tell.
        """
        self.patch(sys, "path", [str(EXAMPLES), *sys.path])
        DatabaseChecker = import_module("checker").DatabaseChecker
        from twisted.internet import reactor

        pool = ConnectionPool(
            "sqlite3", self.mktemp(), check_same_thread=False, cp_reactor=reactor
        )
        self.addCleanup(pool.close)
        checker = DatabaseChecker(pool)

        def ask(name: bytes, password: bytes) -> Any:
            return checker.requestAvatarId(UsernamePassword(name, password))

        yield self.assertFailure(ask(b"alice", b"sesame"), TemporaryFailure)
        yield pool.runOperation("create table accounts (name, secret, locked)")
        for row in ((b"alice", b"sesame", False), (b"bob", b"two", True)):
            yield pool.runOperation("insert into accounts values (?, ?, ?)", row)
        name = yield ask(b"alice", b"sesame")
        self.assertEqual(name, b"alice")
        for wrong in ((b"alice", b"x"), (b"bob", b"x"), (b"eve", b"\0")):
            error = yield self.assertFailure(ask(*wrong), UnauthorizedLogin)
            self.assertIs(type(error), UnauthorizedLogin)
        yield self.assertFailure(ask(b"bob", b"two"), AccountDenied)


class PluginTests(WithExamples):
    """
    Tests for C{special_plugin.py} and C{twistd_plugin.py}.
    """

    def test_special(self) -> None:
        """
        The plugin reads its argument string, and tells what is wrong with it.
        """
        factory = self.example("special_plugin").theSpecialCheckerFactory
        path = Path(self.mktemp())
        path.write_bytes(b"alice:sesame\n")
        checker = factory.generateChecker(f"{path}:case=no")
        login = checker.requestAvatarId(UsernamePassword(b"ALICE", b"sesame"))
        self.assertEqual(self.successResultOf(login), b"alice")
        for wrong in ("", "x:case=maybe", "x:cases=no", "x:y"):
            self.assertRaises(Exception, factory.generateChecker, wrong)

    def test_selected(self) -> None:
        """
        Put into either folder of another distribution, it can be selected.
        """
        source = (EXAMPLES / "special_plugin.py").read_text()
        program = (
            "import sys; sys.path[:0] = {paths!r}\n"
            "from mycred.strcred import makeChecker\n"
            "print(makeChecker('special:users').filename)"
        )
        for folder in ("mycred", "twisted"):
            distribution = Path(self.mktemp()).resolve()
            plugins = distribution / folder / "plugins"
            plugins.mkdir(parents=True)
            (plugins / "special_plugin.py").write_text(source)
            printed = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    program.format(paths=[str(ROOT), str(distribution)]),
                ],
                check=True,
                capture_output=True,
                text=True,
            )
            self.assertEqual(printed.stdout, "users\n")

    def test_twistd(self) -> None:
        """
        The program insists on C{--auth}, and asks the checkers that it gets.
        """
        plugin = self.example("twistd_plugin")
        options = plugin.Options()
        self.assertRaises(usage.UsageError, options.parseOptions, [])
        options.parseOptions(["--auth=memory:alice:sesame", "--port=tcp:0"])
        service = plugin.makeService(options)
        protocol = service.factory.buildProtocol(None)
        transport = StringTransport()
        protocol.makeConnection(transport)
        protocol.dataReceived(b"USER alice\r\nPASS sesame\r\n")
        self.assertIn(b"+OK welcome", transport.value())


class DocumentationTests(SynchronousTestCase):
    """
    Tests for the pages.
    """

    def test_everyExampleIsShown(self) -> None:
        """
        Each example stands in a page, and each page shows files that exist.
        """
        pages = "".join(page.read_text() for page in (ROOT / "doc").glob("*.rst"))
        for example in EXAMPLES.glob("*.py"):
            self.assertIn(f"examples/{example.name}", pages)
